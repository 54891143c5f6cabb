"""Mixed model for repeated measures: arrays in, frozen results out."""

from nirls.stats.mmrm.covariance import LADDER
from nirls.stats.mmrm.degrees import DDF, Inference, inference
from nirls.stats.mmrm.fit import MMRMConvergenceError, MMRMFit, fit_mmrm
from nirls.stats.mmrm.many import fit_many, leave_one_out, reweighted
from nirls.stats.mmrm.pieces import MMRMFits

__all__ = [
    "DDF",
    "LADDER",
    "Inference",
    "MMRMConvergenceError",
    "MMRMFit",
    "MMRMFits",
    "fit_many",
    "fit_mmrm",
    "inference",
    "leave_one_out",
    "reweighted",
]
