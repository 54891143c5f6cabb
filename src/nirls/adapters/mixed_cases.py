"""Several single cases in one mixed model, y ~ phase × time + (phase | case), by statsmodels' MixedLM.

The time is that since the beginning of each phase, so that the phase effect is the step at the start of treatment and the interaction
the change of slope. Tests are normal: MixedLM has no small-sample degrees of freedom.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np

from nirls.errors import MethodError

Array = np.ndarray
TERMS = ("level", "step", "slope before", "change of slope")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cases:
    """Coefficients (4,) in the order of `TERMS`, their standard errors, and the restricted log likelihood."""

    coefficients: Array
    std_errors: Array
    loglik: float
    n_cases: int


def mixed_cases(case: Array, phase: Array, time: Array, y: Array, least_cases: int = 3, least_points: int = 3) -> Cases:
    """Fit by restricted maximum likelihood.

    Parameters
    ----------
    case, phase, time, y : (n,) arrays
        Case, 0 before and 1 under treatment, time since the beginning of the phase, value.

    Raises
    ------
    MethodError
        Fewer than `least_cases` cases with `least_points` values in either phase, or no convergence.
    """
    from statsmodels.regression.mixed_linear_model import MixedLM

    case, phase, time, y = np.asarray(case), np.asarray(phase, float), np.asarray(time, float), np.asarray(y, float)
    names = sorted({str(c) for c in case})
    labels = np.array([str(c) for c in case])
    enough = [c for c in names if all(((labels == c) & (phase == p)).sum() >= least_points for p in (0, 1))]
    if len(enough) < least_cases:
        raise MethodError(
            f"a mixed model needs {least_cases} cases with {least_points} values before and {least_points} under treatment; "
            f"there {'is' if len(enough) == 1 else 'are'} {len(enough) or 'none'}"
        )
    keep = np.isin(labels, enough)
    phase, time, y, labels = phase[keep], time[keep], y[keep], labels[keep]
    design = np.column_stack([np.ones(len(y)), phase, time, phase * time])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            model = MixedLM(y, design, groups=labels, exog_re=design[:, :2])
            fit = model.fit(reml=True, method=["bfgs", "powell", "bfgs"], gtol=1e-8)
        except np.linalg.LinAlgError as error:
            raise MethodError("the mixed model of the cases is singular") from error
    if not (fit.converged and np.isfinite(fit.bse_fe).all()):
        raise MethodError("the mixed model of the cases did not converge")
    return Cases(coefficients=fit.fe_params, std_errors=fit.bse_fe, loglik=float(fit.llf), n_cases=len(enough))
