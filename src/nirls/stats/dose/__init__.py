"""Dose finding by generalised MCP-Mod.

Contrast tests for a dose–response signal, model fits by generalised least squares, and target doses, from estimates of the mean at each
dose and their covariance, whatever model these come from.

References
----------
Bretz F, Pinheiro JC, Branson M. Combining multiple comparisons and modeling techniques in dose-response studies. Biometrics
2005;61:738–748. Pinheiro J, Bornkamp B, Glimm E, Bretz F. Model-based dose finding under model uncertainty using general
parametric models. Stat Med 2014;33:1646–1661. Schorning K, Bornkamp B, Bretz F, Dette H. Model selection versus model averaging in
dose finding studies. Stat Med 2016;35:4021–4040.
"""

from nirls.stats.dose.average import Averaged, average, quantile, redraw
from nirls.stats.dose.contrasts import ContrastTest, contrast_test, optimal_contrasts
from nirls.stats.dose.fit import Fits, fit_model
from nirls.stats.dose.models import SHAPES, Shape, refusal
from nirls.stats.dose.multivariate_t import MaximumT
from nirls.stats.dose.target import Window, window

__all__ = [
    "SHAPES",
    "Averaged",
    "ContrastTest",
    "Fits",
    "MaximumT",
    "Shape",
    "Window",
    "average",
    "contrast_test",
    "fit_model",
    "optimal_contrasts",
    "quantile",
    "redraw",
    "refusal",
    "window",
]
