"""Counts of recurrent events: Poisson regression with errors by subject, and negative binomial regression.

References
----------
.. [1] Liang K-Y, Zeger SL. Longitudinal data analysis using generalized linear models. Biometrika 1986;73:13-22: with independence as the
   working correlation the estimate is that of Poisson regression, and the errors are right whatever the correlation within subjects is.
.. [2] Lawless JF. Negative binomial and mixed Poisson regression. Can J Stat 1987;15:209-225.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from nirls.errors import MethodError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

FEWEST = 5
"""Events per coefficient below which no regression is given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RateModel:
    """A fitted log-linear model of rates.

    Attributes
    ----------
    coefficients : (p,) array
        Log rate ratios; the first is the intercept.
    std_errors : (p,) array
        Of the sandwich by subject, or model-based (negative binomial).
    dispersion : float
        Variance of the subjects' multipliers of the rate (negative binomial: variance μ + dispersion·μ²); NaN of Poisson regression.
    """

    coefficients: NDArray[np.float64]
    std_errors: NDArray[np.float64]
    dispersion: float

    def ratio(self, place: int, level: float = 0.95) -> tuple[float, float, float]:
        """Rate ratio of one coefficient with Wald limits on the log scale."""
        from scipy.special import ndtri

        half = float(ndtri(0.5 + level / 2)) * self.std_errors[place]
        centre = self.coefficients[place]
        return float(np.exp(centre)), float(np.exp(centre - half)), float(np.exp(centre + half))


def _checked(count: ArrayLike, design: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    y, x = np.asarray(count, dtype=float), np.asarray(design, dtype=float)
    if y.sum() < FEWEST * x.shape[1]:
        raise MethodError(f"{y.sum():.0f} events are too few for {x.shape[1]} coefficients ({FEWEST} each)")
    if np.linalg.matrix_rank(x) < x.shape[1]:
        raise MethodError("the effects cannot be told apart: one is a combination of the others")
    for column in x.T[1:]:
        values = np.unique(column)
        if len(values) == 2 and any(y[column == v].sum() == 0 for v in values):
            raise MethodError("no event on one side of a comparison: its rate ratio is 0 or infinite")
    return y, x


def poisson_by_subject(count: ArrayLike, design: ArrayLike, subject: ArrayLike) -> RateModel:
    """Poisson regression by generalized estimating equations with independence as working correlation; errors by subject [1]_.

    Parameters
    ----------
    count : (n,) array_like
        Events of a session.
    design : (n, p) array_like
        First column 1.
    subject : (n,) array_like

    Raises
    ------
    MethodError
        For too few events, effects that cannot be told apart, or no convergence.
    """
    from statsmodels.genmod.cov_struct import Independence
    from statsmodels.genmod.families import Poisson
    from statsmodels.genmod.generalized_estimating_equations import GEE

    y, x = _checked(count, design)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            fit = GEE(y, x, groups=np.asarray(subject), family=Poisson(), cov_struct=Independence()).fit(maxiter=200, ctol=1e-10)
        except Exception as error:
            raise MethodError(f"the regression did not converge ({error})") from error
    return RateModel(coefficients=np.asarray(fit.params), std_errors=np.asarray(fit.bse), dispersion=float("nan"))


def negative_binomial(count: ArrayLike, design: ArrayLike, exposure: ArrayLike) -> RateModel:
    """Negative binomial regression by maximum likelihood with an offset [2]_; without overdispersion Poisson regression is its limit.

    Parameters
    ----------
    count : (n,) array_like
        Events of a subject.
    design : (n, p) array_like
        First column 1.
    exposure : (n,) array_like
        Time or sessions at risk, above 0.

    Raises
    ------
    MethodError
        For too few events, effects that cannot be told apart, or no convergence.
    """
    import statsmodels.api as sm

    y, x = _checked(count, design)
    offset = np.log(np.asarray(exposure, dtype=float))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        poisson = sm.GLM(y, x, family=sm.families.Poisson(), offset=offset).fit(tol_criterion="params", tol=1e-12, maxiter=200)
        # the score of the dispersion at 0: no overdispersion, so that the maximum is on the edge (Lawless, section 3)
        mean = poisson.mu
        if float(((y - mean) ** 2 - y).sum()) <= 0:
            return RateModel(coefficients=np.asarray(poisson.params), std_errors=np.asarray(poisson.bse), dispersion=0.0)
        model = sm.NegativeBinomial(y, x, offset=offset)
        start = np.append(poisson.params, 0.5)
        fit = model.fit(start_params=start, method="bfgs", maxiter=2000, gtol=1e-9, disp=0)
        fit = model.fit(start_params=fit.params, method="newton", maxiter=100, disp=0)
    if not fit.mle_retvals["converged"] or not np.isfinite(fit.bse).all():
        raise MethodError("the negative binomial regression did not converge")
    return RateModel(coefficients=np.asarray(fit.params[:-1]), std_errors=np.asarray(fit.bse[:-1]), dispersion=float(fit.params[-1]))
