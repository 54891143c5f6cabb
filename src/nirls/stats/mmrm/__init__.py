"""Mixed model for repeated measures: arrays in, frozen results out."""

from nirls.stats.mmrm.covariance import LADDER
from nirls.stats.mmrm.degrees import DDF, Inference, inference
from nirls.stats.mmrm.fit import MMRMConvergenceError, MMRMFit, fit_mmrm

__all__ = ["DDF", "LADDER", "Inference", "MMRMConvergenceError", "MMRMFit", "fit_mmrm", "inference"]
