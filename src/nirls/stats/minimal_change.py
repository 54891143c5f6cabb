"""Minimal important change from an anchor: ROC, predictive modelling, and bootstrap intervals of both.

Gains are oriented so that larger is better; `improved` says for each subject whether the anchor calls it improved.

References
----------
.. [1] Youden WJ. Index for rating diagnostic tests. Cancer 1950;3:32–35.
.. [2] DeLong ER, DeLong DM, Clarke-Pearson DL. Comparing the areas under two or more correlated ROC curves. Biometrics 1988;44:837–845.
.. [3] Terluin B, Eekhout I, Terwee CB, de Vet HCW. MIC based on a predictive modeling approach. J Clin Epidemiol 2015;68:1388–1396.
.. [4] Terluin B, Eekhout I, Terwee CB. The anchor-based MIC, based on ROC analysis or predictive modeling, may need to be adjusted for the
   proportion of improved patients. J Clin Epidemiol 2017;83:90–100.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special
from scipy.stats import rankdata

from nirls.errors import NotEstimableError

Array = np.ndarray


@dataclass(frozen=True, slots=True, kw_only=True)
class ROC:
    """A gain as a test of improvement.

    Attributes
    ----------
    threshold : float
        Smallest gain counted as improvement, midway between observed gains, at the largest sensitivity + specificity − 1; the
        smallest such gain where several are equally good.
    sensitivity, specificity : float
    auc, auc_se : float
        Area under the curve and its standard error by DeLong.
    """

    threshold: float
    sensitivity: float
    specificity: float
    auc: float
    auc_se: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Predicted:
    """Predictive modelling.

    Attributes
    ----------
    mic : float
        The gain that changes nothing about the odds of improvement.
    adjusted : float
        The same adjusted for the proportion improved.
    intercept, slope : float
        Of the logistic regression of improvement on the gain.
    proportion : float
        Share of improved subjects.
    correlation : float
        Point-biserial correlation of gain and improvement.
    """

    mic: float
    adjusted: float
    intercept: float
    slope: float
    proportion: float
    correlation: float


def _check(gain: Array, improved: Array) -> tuple[Array, Array]:
    x, y = np.asarray(gain, dtype=float), np.asarray(improved)
    if x.ndim != 1 or x.shape != y.shape or not np.isfinite(x).all() or not np.isin(y, (0, 1)).all():
        raise ValueError("gain must be complete numbers and improved True or False, one of each for every subject")
    y = y.astype(float)
    if y.sum() < 2 or (1 - y).sum() < 2:
        raise NotEstimableError(f"{int(y.sum())} improved and {int((1 - y).sum())} not improved subjects; at least two of each are needed")
    if x.std() == 0:
        raise NotEstimableError("the change is the same in all subjects")
    return x, y


def roc(gain: Array, improved: Array) -> ROC:
    """Youden's cut-off [1]_ and the area under the curve with DeLong's standard error [2]_.

    Parameters
    ----------
    gain : (n,) array
    improved : (n,) array of bool

    Raises
    ------
    ValueError, NotEstimableError
        If the values are not complete; if there are fewer than two subjects of either kind, or the gain does not vary.
    """
    x, y = _check(gain, improved)
    values = np.unique(x)
    yes, no = x[y == 1], x[y == 0]
    counted = [(part[:, None] == values).sum(axis=0, keepdims=True) for part in (yes, no)]
    cut = float(_youden(counted[0], counted[1], values)[0])
    ranks = rankdata(np.concatenate([yes, no]))
    m, n = len(yes), len(no)
    placed_yes = (ranks[:m] - rankdata(yes)) / n
    placed_no = 1 - (ranks[m:] - rankdata(no)) / m
    auc = float(placed_yes.mean())
    se = float(np.sqrt(placed_yes.var(ddof=1) / m + placed_no.var(ddof=1) / n))
    return ROC(threshold=cut, sensitivity=float((yes >= cut).mean()), specificity=float((no < cut).mean()), auc=auc, auc_se=se)


def _youden(yes: Array, no: Array, values: Array) -> Array:
    """Cut-off of each sample: `yes` and `no` are (b, m) counts at the m ordered values of the gain."""
    seen = (yes + no) > 0
    missed = np.cumsum(yes, axis=1) / yes.sum(axis=1, keepdims=True)
    spared = np.cumsum(no, axis=1) / no.sum(axis=1, keepdims=True)
    j = np.where(seen, spared - missed, -np.inf)  # a cut just above a value that is observed
    best = np.argmax(j >= j.max(axis=1, keepdims=True) - 1e-12, axis=1)
    after = seen & (np.arange(len(values)) > best[:, None])
    following = np.where(after.any(axis=1), np.argmax(after, axis=1), best)
    return (values[best] + values[following]) / 2


def predicted(gain: Array, improved: Array) -> Predicted:
    """The minimal important change by predictive modelling [3]_, and adjusted for the proportion improved [4]_.

    With logit P(improved) = C + B·gain, and L the logit of the proportion improved, the change is (L − C)/B; adjusted, it is less
    by (0.090 + 0.103·r)·SD·L, with r the point-biserial correlation and SD the standard deviation of the gain.

    Parameters
    ----------
    gain : (n,) array
    improved : (n,) array of bool

    Raises
    ------
    ValueError, NotEstimableError
        As :func:`roc`; also if the gain separates the two groups, or has no positive slope.
    """
    x, y = _check(gain, improved)
    if x[y == 1].min() >= x[y == 0].max():
        raise NotEstimableError("the change separates the improved from the others, so that the logistic regression has no estimate")
    coefficients = _logistic(x[None, :], y[None, :])[0]
    if not np.isfinite(coefficients).all() or coefficients[1] <= 0:
        raise NotEstimableError("improvement is not more frequent with a larger improvement of the score")
    mic, adjusted = (float(v[0]) for v in _mic(x[None, :], y[None, :], coefficients[None, :]))
    return Predicted(
        mic=mic,
        adjusted=adjusted,
        intercept=float(coefficients[0]),
        slope=float(coefficients[1]),
        proportion=float(y.mean()),
        correlation=float(np.corrcoef(x, y)[0, 1]),
    )


def _logistic(x: Array, y: Array) -> Array:
    """Coefficients (b, 2) of b logistic regressions on one variable, by Newton's method; NaN where it does not converge."""
    centre = x.mean(axis=1, keepdims=True)
    z = x - centre
    beta = np.stack([special.logit(y.mean(axis=1)), np.zeros(len(x))], axis=1)
    step = np.full_like(beta, np.inf)
    for _ in range(50):
        p = special.expit(beta[:, :1] + beta[:, 1:] * z)
        w, r = p * (1 - p), y - p
        a, b, c = w.sum(axis=1), (w * z).sum(axis=1), (w * z * z).sum(axis=1)
        u, v = r.sum(axis=1), (r * z).sum(axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            step = np.stack([c * u - b * v, a * v - b * u], axis=1) / (a * c - b * b)[:, None]
        beta = beta + step
        if not (np.abs(step) > 1e-11).any():
            break
    beta[~(np.abs(step) <= 1e-8).all(axis=1)] = np.nan
    return np.stack([beta[:, 0] - beta[:, 1] * centre[:, 0], beta[:, 1]], axis=1)


def _mic(x: Array, y: Array, coefficients: Array) -> tuple[Array, Array]:
    log_odds = special.logit(y.mean(axis=1))
    mic = (log_odds - coefficients[:, 0]) / coefficients[:, 1]
    dx, dy = x - x.mean(axis=1, keepdims=True), y - y.mean(axis=1, keepdims=True)
    r = (dx * dy).sum(axis=1) / np.sqrt((dx**2).sum(axis=1) * (dy**2).sum(axis=1))
    return mic, mic - (0.090 + 0.103 * r) * x.std(axis=1, ddof=1) * log_odds


def bootstrap(gain: Array, improved: Array, *, replicates: int, seed: int, level: float = 0.95) -> dict[str, tuple[float, float]]:
    """Percentile intervals of the ROC cut-off and of both predictive estimates, subjects resampled.

    Parameters
    ----------
    gain, improved : (n,) arrays
    replicates : int
    seed : int
    level : float

    Returns
    -------
    dict of str to (low, high)
        `threshold`, `mic` and `adjusted`; NaN where more than 5 % of the samples have no estimate.
    """
    x, y = _check(gain, improved)
    rng = np.random.default_rng(seed)
    values, place = np.unique(x, return_inverse=True)
    parts: list[Array] = []
    block = max(1, min(replicates, 2_000_000 // len(x)))  # bounds the memory
    for start in range(0, replicates, block):
        chosen = rng.integers(0, len(x), (min(block, replicates - start), len(x)))
        parts.append(_resampled(x[chosen], y[chosen], place[chosen], values))
    found = np.concatenate(parts, axis=1)
    out = {}
    for name, row in zip(("threshold", "mic", "adjusted"), found, strict=True):
        good = row[np.isfinite(row)]
        if len(good) < 0.95 * replicates:
            out[name] = (float("nan"), float("nan"))
        else:
            low, high = np.quantile(good, [(1 - level) / 2, (1 + level) / 2])
            out[name] = (float(low), float(high))
    return out


def _resampled(x: Array, y: Array, place: Array, values: Array) -> Array:
    """(3, b) estimates of b samples."""
    b, m = len(x), len(values)
    cell = np.arange(b)[:, None] * m + place
    total = np.bincount(cell.ravel(), minlength=b * m).reshape(b, m)
    yes = np.bincount(cell.ravel(), weights=y.ravel(), minlength=b * m).reshape(b, m)
    with np.errstate(divide="ignore", invalid="ignore"):
        both = (y.sum(axis=1) > 0) & (y.sum(axis=1) < x.shape[1])
        threshold = np.where(both, _youden(yes, total - yes, values), np.nan)
        mic, adjusted = _mic(x, y, _logistic(x, y))
    return np.stack([threshold, np.where(both, mic, np.nan), np.where(both, adjusted, np.nan)])
