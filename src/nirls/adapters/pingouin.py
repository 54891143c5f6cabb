"""Reliability by pingouin, behind result types of our own.

pingouin rounds its intervals (alpha to three decimals, intraclass correlations to two) and has one confidence level for the latter, so
that intervals are computed here, from the same mean squares, without rounding.

References
----------
.. [1] Feldt LS, Woodruff DJ, Salih FA. Statistical inference for coefficient alpha. Appl Psychol Meas 1987;11:93–103, equation 1.
.. [2] McGraw KO, Wong SP. Forming inferences about some intraclass correlation coefficients. Psychol Methods 1996;1:30–46, Table 7.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nirls.errors import NotEstimableError

Array = np.ndarray
SINGLE = ("ICC(1,1)", "ICC(A,1)", "ICC(C,1)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Coefficient:
    """A coefficient of reliability with its interval.

    Attributes
    ----------
    estimate, low, high : float
    n : int
        Subjects.
    k : int
        Items, or assessments of a subject.
    """

    estimate: float
    low: float
    high: float
    n: int
    k: int


def _matrix(values: Array, what: str) -> Array:
    x = np.asarray(values, dtype=float)
    if x.ndim != 2 or x.shape[1] < 2:
        raise ValueError(f"{what} must be a table of subjects by at least two columns, not of shape {x.shape}")
    if not np.isfinite(x).all():
        raise ValueError(f"{what} must be complete; leave out subjects with a missing value and count them")
    if x.shape[0] < 3:
        raise NotEstimableError(f"{x.shape[0]} subjects; at least three are needed")
    return x


def cronbach_alpha(items: Array, level: float = 0.95) -> Coefficient:
    """Cronbach's alpha of the sum of k items with Feldt's interval [1]_.

    Parameters
    ----------
    items : (n, k) array
        Complete answers.
    level : float

    Raises
    ------
    ValueError
        If the table is not complete or has fewer than two items.
    NotEstimableError
        If there are fewer than three subjects or the sum does not vary.
    """
    import pandas as pd
    import pingouin
    from scipy.stats import f

    x = _matrix(items, "items")
    n, k = x.shape
    if x.sum(axis=1).var() == 0:
        raise NotEstimableError("the sum of the items is the same in all subjects")
    alpha, _ = pingouin.cronbach_alpha(pd.DataFrame(x))
    df = (n - 1, (n - 1) * (k - 1))
    low, high = (1 - (1 - alpha) * f.isf(tail, *df) for tail in ((1 - level) / 2, (1 + level) / 2))
    return Coefficient(estimate=float(alpha), low=float(low), high=float(high), n=n, k=k)


def intraclass(scores: Array, level: float = 0.95) -> dict[str, Coefficient]:
    """The six intraclass correlations of McGraw and Wong with their intervals [2]_.

    Parameters
    ----------
    scores : (n, k) array
        k assessments of each subject, complete.
    level : float

    Returns
    -------
    dict of str to Coefficient
        ICC(1,1), ICC(A,1), ICC(C,1), ICC(1,k), ICC(A,k), ICC(C,k).

    Raises
    ------
    ValueError, NotEstimableError
        As :func:`cronbach_alpha`; also if the assessments agree perfectly or subjects do not differ.
    """
    import pandas as pd
    import pingouin
    from scipy.stats import f

    x = _matrix(scores, "scores")
    n, k = x.shape
    msb, msj, mse, msw = mean_squares(x)
    if mse <= 1e-12 * msb or msb == 0:
        raise NotEstimableError("the assessments agree perfectly" if msb else "the subjects do not differ")
    long = pd.DataFrame({"subject": np.repeat(np.arange(n), k), "time": np.tile(np.arange(k), n), "score": x.ravel()})
    table = pingouin.intraclass_corr(long, targets="subject", raters="time", ratings="score").set_index("Type")["ICC"]
    tail = (1 + level) / 2
    one = [msb / msw / f.ppf(tail, n - 1, n * (k - 1)), msb / msw * f.ppf(tail, n * (k - 1), n - 1)]
    con = [msb / mse / f.ppf(tail, n - 1, (n - 1) * (k - 1)), msb / mse * f.ppf(tail, (n - 1) * (k - 1), n - 1)]
    icc, ratio = float(table["ICC(A,1)"]), msj / mse
    inner = n * (1 + (k - 1) * icc) - k * icc
    df = (n - 1) * (k - 1) * (k * icc * ratio + inner) ** 2 / ((n - 1) * k**2 * icc**2 * ratio**2 + inner**2)
    lower, upper = f.ppf(tail, n - 1, df), f.ppf(tail, df, n - 1)
    rest = k * n - k - n
    agree = [
        n * (msb - lower * mse) / (lower * (k * msj + rest * mse) + n * msb),
        n * (upper * msb - mse) / (k * msj + rest * mse + n * upper * msb),
    ]
    single = {"ICC(1,1)": [(v - 1) / (v + k - 1) for v in one], "ICC(A,1)": agree, "ICC(C,1)": [(v - 1) / (v + k - 1) for v in con]}
    limits = single | {name.replace("1)", "k)"): [k * v / (1 + (k - 1) * v) for v in single[name]] for name in SINGLE}
    return {
        name: Coefficient(estimate=float(table[name]), low=float(low), high=float(high), n=n, k=k) for name, (low, high) in limits.items()
    }


def mean_squares(x: Array) -> tuple[float, float, float, float]:
    """Mean squares of (n, k) scores: between subjects, between assessments, residual, within subjects."""
    n, k = x.shape
    rows, columns, grand = x.mean(axis=1), x.mean(axis=0), x.mean()
    residual = x - rows[:, None] - columns + grand
    return (
        float(k * ((rows - grand) ** 2).sum() / (n - 1)),
        float(n * ((columns - grand) ** 2).sum() / (k - 1)),
        float((residual**2).sum() / ((n - 1) * (k - 1))),
        float(((x - rows[:, None]) ** 2).sum() / (n * (k - 1))),
    )


def clock_times(hours: Array) -> tuple[float, float]:
    """Circular mean of clock times (n,), in hours from 0 to 24, and their mean resultant length (1: all alike, 0: spread evenly)."""
    import pingouin

    angles = np.asarray(hours, dtype=float) * (2 * np.pi / 24)
    mean = float(pingouin.circ_mean(angles)) * 24 / (2 * np.pi) % 24
    return mean, float(pingouin.circ_r(angles))


@dataclass(frozen=True, slots=True, kw_only=True)
class SimpleMediation:
    """Coefficients of a mediation with one mediator and no interaction.

    Attributes
    ----------
    a : float
        Treatment → mediator.
    b : float
        Mediator → outcome, treatment held: indirect / a, for the path "Y ~ M" that pingouin prints is without the treatment.
    total, direct, indirect : float
    n : int
    """

    a: float
    b: float
    total: float
    direct: float
    indirect: float
    n: int


def simple_mediation(y: Array, m: Array, t: Array, x: Array) -> SimpleMediation:
    """Mediation by pingouin, point estimates only, as a check of :mod:`nirls.stats.mediation`.

    pingouin leaves out incomplete rows without a word, takes a mediator with two values for a logistic regression, knows no interaction of
    treatment and mediator and no BCa interval, and draws its bootstrap samples one by one. So rows must be complete here and its
    intervals are not used.

    Parameters
    ----------
    y, m, t : (n,) arrays
        Outcome, mediator and treatment.
    x : (n, p) array
        Covariates.

    Raises
    ------
    ValueError
        If a value is missing, or the mediator has only two values.
    """
    import pandas as pd
    import pingouin

    columns = np.column_stack([t, m, y, x]).astype(float)
    if not np.isfinite(columns).all():
        raise ValueError("values are missing; leave out subjects with a missing value and count them")
    if len(np.unique(m)) == 2:
        raise ValueError("a mediator with two values would be taken for a logistic regression")
    covariates = [f"x{i}" for i in range(columns.shape[1] - 3)]
    frame = pd.DataFrame(columns, columns=["t", "m", "y", *covariates])
    table = pingouin.mediation_analysis(frame, x="t", m="m", y="y", covar=covariates or None, n_boot=2, seed=0)
    coef = {str(path): float(value) for path, value in zip(table["path"], table["coef"], strict=True)}
    a, indirect = coef["m ~ X"], coef["Indirect"]
    return SimpleMediation(a=a, b=indirect / a, total=coef["Total"], direct=coef["Direct"], indirect=indirect, n=len(frame))
