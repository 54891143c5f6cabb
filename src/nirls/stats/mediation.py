"""Effects of a treatment that go through mediators and past them, in linear models.

With a treatment T (0 or 1), mediators M measured before the outcome Y, and covariates X of the time before treatment,

    M_k = μ_k + a_k T + X α_k + ε_k
    Y   = ν + c T + Σ b_k M_k + Σ d_k T M_k + X β + ε

the average causal mediation effect and the average direct effect are, exactly and without simulation,

    ACME(t) = Σ a_k (b_k + d_k t)        ADE(t) = c + Σ d_k E[M_k(t)]        total = ACME(1) + ADE(0) = ACME(0) + ADE(1)

with E[M_k(t)] averaged over the covariates of the sample ([1]_, [2]_). Both models have the same covariates, the baseline of outcome and
mediators among them: without interaction the total effect is then the coefficient of T in the model of Y without mediators, and it makes
no difference whether a mediator is a value or its change from baseline.

Sensitivity to confounding of mediator and outcome, for one mediator without interaction ([3]_): the errors ε_M and ε may correlate by ρ.
Of the errors of both variables given T and X alone, the standard deviations σ_M, σ_Y and the correlation ρ̃ are observed. From
ε_Y = b ε_M + ε follow cov(ε_Y, ε_M) = b σ_M² + ρ σ_M σ and σ² (1 − ρ²) = σ_Y² (1 − ρ̃²), so that

    b(ρ) = (σ_Y / σ_M) {ρ̃ − ρ √[(1 − ρ̃²) / (1 − ρ²)]}        ACME(ρ) = a b(ρ)

which is 0 at ρ = ρ̃.

References
----------
.. [1] VanderWeele TJ, Vansteelandt S. Conceptual issues concerning mediation, interventions and composition. Stat Interface 2009;2:457–468.
.. [2] Imai K, Keele L, Tingley D. A general approach to causal mediation analysis. Psychol Methods 2010;15:309–334.
.. [3] Imai K, Keele L, Yamamoto T. Identification, inference and sensitivity analysis for causal mediation effects. Stat Sci
   2010;25:51–71, sensitivity analysis in the linear structural equation model.
.. [4] VanderWeele TJ, Vansteelandt S. Mediation analysis with multiple mediators. Epidemiol Methods 2014;2:95–115.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import stdtr, stdtrit

from nirls.errors import NotEstimableError
from nirls.stats.bootstrap import bca

Array = np.ndarray
EFFECTS = ("ACME(0)", "ACME(1)", "ACME", "ADE(0)", "ADE(1)", "ADE", "total", "a × b", "rho")
NONE = np.empty(0)
_CHUNK = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Path:
    """A coefficient of one of the two models: estimate, standard error, residual df and limits by t; of a weighted model standard error and
    limits by the bootstrap, and NaN for the rest."""

    estimate: float
    std_error: float
    df: float
    statistic: float
    p_value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """An effect with its bootstrap standard error and BCa limits; the limits are NaN where there are none."""

    estimate: float
    std_error: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Mediation:
    """Paths and effects of one or several mediators taken together.

    Attributes
    ----------
    n : int
        Subjects.
    a : tuple of Path
        Treatment → mediator, one for each mediator.
    b, direct : tuple of Path, Path
        Mediator → outcome and treatment → outcome in the model without interaction.
    interaction : tuple of Path
        Coefficient of T × M in the model with interaction; empty without.
    effects : dict of str to Effect
        :data:`EFFECTS`: of the model with interaction where there is one. "a × b" is the indirect effect without interaction; "rho" the
        correlation of the errors at which it is 0, one mediator only.
    proportion : Effect or None
        ACME / total; none where the interval of the total effect holds 0.
    rho : (g,) array
        Correlations of the errors at which the indirect effect is given; empty with several mediators.
    curve, curve_low, curve_high : (g,) arrays
        Indirect effect there, with its limits.
    r_squared_product : float
        At ρ̃, the product of the shares of the variances of mediator and outcome that an unmeasured confounder must explain:
        ρ̃² (1 − R²_M) (1 − R²_Y). NaN with several mediators.
    draws, lost : int
        Bootstrap samples, and those among them from which an effect could not be estimated.
    """

    n: int
    a: tuple[Path, ...]
    b: tuple[Path, ...]
    direct: Path
    interaction: tuple[Path, ...]
    effects: dict[str, Effect]
    proportion: Effect | None
    rho: Array
    curve: Array
    curve_low: Array
    curve_high: Array
    r_squared_product: float
    draws: int
    lost: int


def _checked(y: Array, m: Array, t: Array, x: Array) -> tuple[Array, Array, Array, Array]:
    y, m, t, x = (np.asarray(v, dtype=float) for v in (y, m, t, x))
    m, x = m.reshape(len(m), -1), x.reshape(len(y), -1)
    if not (y.ndim == t.ndim == 1 and len(y) == len(m) == len(t) == len(x)) or not all(np.isfinite(v).all() for v in (y, m, t, x)):
        raise ValueError("outcome, mediators, treatment and covariates must be complete, a row for each subject")
    if not np.isin(t, (0, 1)).all():
        raise ValueError("the treatment must be 0 or 1")
    if t.min() == t.max():
        raise NotEstimableError("all subjects have the same treatment")
    if len(y) < 2 * m.shape[1] + x.shape[1] + 4:
        raise NotEstimableError(f"{len(y)} subjects are too few for the model of the outcome")
    if (np.ptp(m, axis=0) == 0).any() or np.ptp(y) == 0:
        raise NotEstimableError("the outcome or a mediator is the same in all subjects")
    return y, m, t, x


def _least_squares(design: Array, response: Array, wanted: list[int], level: float) -> list[Path]:
    """The wanted coefficients of an ordinary regression."""
    q, r = np.linalg.qr(design)
    if np.abs(np.diagonal(r)).min() < 1e-10 * np.abs(np.diagonal(r)).max():
        raise NotEstimableError("treatment, mediators and covariates are linearly dependent")
    beta = np.linalg.solve(r, q.T @ response)
    df = len(response) - design.shape[1]
    scale = ((response - design @ beta) ** 2).sum() / df
    half = float(stdtrit(df, (1 + level) / 2))
    inverse = np.linalg.inv(r)
    found = []
    for k in wanted:
        se = float(np.sqrt(scale * (inverse[k] ** 2).sum()))
        b, stat = float(beta[k]), float(beta[k]) / se
        p = 2 * float(stdtr(df, -abs(stat)))
        found.append(Path(estimate=b, std_error=se, df=df, statistic=stat, p_value=p, low=b - half * se, high=b + half * se))
    return found


def effects(y: Array, m: Array, t: Array, x: Array, weights: Array | None = None, *, interaction: bool = True, rho: Array = NONE) -> Array:
    """The effects by weighted least squares, for every set of weights at once.

    Parameters
    ----------
    y, t : (n,) arrays
    m : (n, K) array
    x : (n, p) array
        Covariates without the constant; p may be 0.
    weights : (B, n) array, optional
        Weights of the subjects, such as how often each is in a bootstrap sample; one row of ones by default. A row with NaN has no
        effects.
    interaction : bool
        Whether treatment and mediators interact in the model of the outcome.
    rho : (g,) array
        Correlations of the errors at which the indirect effect is wanted (K = 1).

    Returns
    -------
    (B, len(EFFECTS) + g + paths) array
        The effects, the indirect effect at each ρ, and the paths a, b, c′ and d in this order. NaN where the weights
        leave an effect inestimable, as without a subject of one arm.
    """
    y, m, t, x = _checked(y, m, t, x)
    n, k, p = len(y), m.shape[1], x.shape[1]
    weights = np.ones((1, n)) if weights is None else np.asarray(weights, dtype=float)
    lost = np.asarray(np.isnan(weights).any(axis=1))
    weights = np.where(lost[:, None], 1.0, weights)
    spread = x.std(axis=0)
    x = (x - x.mean(axis=0)) / np.where(spread > 0, spread, 1)
    m, y = m - m.mean(axis=0), y - y.mean()  # the effects are the same; the sums of squares lose no digits
    z = np.column_stack([np.ones(n), t, x, m, t[:, None] * m, y])
    rows, columns = np.triu_indices(z.shape[1])
    products = z[:, rows] * z[:, columns]
    found = []
    for start in range(0, len(weights), _CHUNK):
        some = weights[start : start + _CHUNK]
        gram = np.empty((len(some), z.shape[1], z.shape[1]))
        gram[:, rows, columns] = gram[:, columns, rows] = some @ products
        found.append(_of_moments(gram, k, p, interaction, np.asarray(rho, dtype=float)))
    out = np.concatenate(found)
    out[lost] = np.nan
    return out


def _regression(gram: Array, of: list[int], on: list[int], covariates: list[int]) -> Array:
    """Coefficients (B, on, of) of least squares from cross-products; NaN where one of them, covariates aside, is not estimable.

    A bootstrap sample may lack a level of a factor; the coefficients of treatment and mediators are estimable all the same.
    """
    inverse = np.linalg.pinv(gram[:, on][:, :, on], rcond=1e-11, hermitian=True)
    beta = inverse @ gram[:, on][:, :, of]
    wanted = [i for i, column in enumerate(on) if column and column not in covariates]
    within = (inverse @ gram[:, on][:, :, on] - np.eye(len(on)))[:, :, wanted]
    return np.where((np.abs(within).max(axis=(1, 2)) < 1e-6)[:, None, None], beta, np.nan)


def _of_moments(gram: Array, k: int, p: int, interaction: bool, rho: Array) -> Array:
    base, covariates, last = list(range(2 + p)), list(range(2, 2 + p)), 2 + p + 2 * k
    mediators, crossed = list(range(2 + p, 2 + p + k)), list(range(2 + p + k, last))
    of_m = _regression(gram, [*mediators, last], base, covariates)
    a, total = of_m[:, 1, :k], of_m[:, 1, k]
    means = gram[:, 0, base] / gram[:, 0, :1]
    at_zero = np.einsum("bp,bpk->bk", means, of_m[:, :, :k]) - means[:, 1:2] * a  # E[M(0)]
    plain = _regression(gram, [last], base + mediators, covariates)[:, :, 0]
    product, crossing = (a * plain[:, 2 + p :]).sum(axis=1), np.empty((len(gram), 0))
    if interaction:
        full = _regression(gram, [last], base + mediators + crossed, covariates)[:, :, 0]
        b, d, c = full[:, 2 + p : 2 + p + k], full[:, 2 + p + k :], full[:, 1]
        acme, crossing = [(a * b).sum(axis=1), (a * (b + d)).sum(axis=1)], d
        ade = [c + (d * at_zero).sum(axis=1), c + (d * (at_zero + a)).sum(axis=1)]
        total = acme[1] + ade[0]
    else:
        acme, ade = [product, product], [plain[:, 1], plain[:, 1]]
    reduced = np.full(len(gram), np.nan)
    curve = np.full((len(gram), rho.size), np.nan)
    if k == 1:
        pair = [mediators[0], last]
        errors = gram[:, pair][:, :, pair] - np.einsum("bpi,bpj->bij", of_m, gram[:, base][:, :, pair])
        sd_m, sd_y = np.sqrt(errors[:, 0, 0]), np.sqrt(errors[:, 1, 1])
        reduced = errors[:, 0, 1] / (sd_m * sd_y)
        turned = reduced[:, None] - rho * np.sqrt((1 - reduced[:, None] ** 2) / (1 - rho**2))
        curve = (a[:, 0] * sd_y / sd_m)[:, None] * turned
    values = [*acme, sum(acme) / 2, *ade, sum(ade) / 2, total, product, reduced]
    return np.column_stack([*values, curve, a, plain[:, 2 + p :], plain[:, 1], crossing])


def mediation(
    y: Array,
    m: Array,
    t: Array,
    x: Array,
    weights: Array,
    *,
    base: Array | None = None,
    without_one: Array | None = None,
    interaction: bool = True,
    rho: Array = NONE,
    level: float = 0.95,
) -> Mediation:
    """Paths, effects with BCa limits, and sensitivity to confounding of mediator and outcome.

    Parameters
    ----------
    y, m, t, x
        As :func:`effects`, complete.
    weights : (B, n) array
        How often each subject is in each bootstrap sample, or its weight there; subjects are drawn, with all their values.
    base : (n,) array, optional
        Weights of the subjects themselves, such as :func:`nirls.stats.inverse_probability.inverse_probability` gives them. Paths then have
        bootstrap limits like the effects.
    without_one : (N, n) array, optional
        Weights with one of N subjects left out, for the acceleration; needed with `base`.
    interaction : bool
    rho : (g,) array
        Correlations between −1 and 1 for the curve; used with one mediator.
    level : float

    Raises
    ------
    ValueError
        If values are not complete, or the treatment is not 0 or 1.
    NotEstimableError
        If a model cannot be estimated.
    """
    y, m, t, x = _checked(y, m, t, x)
    n, k = m.shape
    grid = np.asarray(rho if k == 1 else [], dtype=float)
    if grid.size and np.abs(grid).max() >= 1:
        raise ValueError("the correlation of the errors lies between −1 and 1")
    first = np.column_stack([np.ones(n), t, x])
    where_m = list(range(first.shape[1], first.shape[1] + k))
    a = tuple(_least_squares(first, m[:, j], [1], level)[0] for j in range(k))
    direct, *b = _least_squares(np.column_stack([first, m]), y, [1, *where_m], level)
    crossed: list[Path] = []
    if interaction:
        crossed = _least_squares(np.column_stack([first, m, t[:, None] * m]), y, [j + k for j in where_m], level)

    def of(some: Array | None) -> Array:
        return effects(y, m, t, x, some, interaction=interaction, rho=grid)

    at = {name: i for i, name in enumerate(EFFECTS)}
    estimate, draws = of(None if base is None else base[None])[0], of(weights)
    left = of(1 - np.eye(n) if without_one is None else without_one)

    def ratio(values: Array) -> Array:
        return values[..., at["ACME"]] / values[..., at["total"]]

    stacked = [np.column_stack([v, ratio(v)]) for v in (estimate[None], draws, left)]
    low, high = bca(stacked[0][0], stacked[1], stacked[2], level)
    spread = np.array([np.std(own, ddof=1) if (own := v[~np.isnan(v)]).size > 1 else np.nan for v in stacked[1].T])

    def effect(i: int) -> Effect:
        return Effect(estimate=float(stacked[0][0, i]), std_error=float(spread[i]), low=float(low[i]), high=float(high[i]))

    i = at["total"]
    sure = low[i] > 0 or high[i] < 0
    size, product = len(EFFECTS), float("nan")
    ends = size + grid.size
    if base is not None:
        paths = [_resampled(effect(j)) for j in range(ends, len(estimate))]
        a, b, direct, crossed = tuple(paths[:k]), paths[k : 2 * k], paths[2 * k], paths[2 * k + 1 :]
    if k == 1:
        unexplained = [_unexplained(first, m[:, 0], base), _unexplained(np.column_stack([first, m]), y, base)]
        product = float(estimate[at["rho"]] ** 2) * unexplained[0] * unexplained[1]
    return Mediation(
        n=n, a=a, b=tuple(b), direct=direct, interaction=tuple(crossed),
        effects={name: effect(j) for name, j in at.items() if k == 1 or name != "rho"},
        proportion=effect(len(estimate)) if sure else None,
        rho=grid, curve=estimate[size:ends], curve_low=low[size:ends], curve_high=high[size:ends],
        r_squared_product=product, draws=len(weights), lost=int(np.isnan(draws[:, i]).sum()),
    )  # fmt: skip


def _resampled(effect: Effect) -> Path:
    """A path with its bootstrap standard error and limits."""
    none = float("nan")
    return Path(
        estimate=effect.estimate, std_error=effect.std_error, df=none, statistic=none, p_value=none, low=effect.low, high=effect.high
    )


def _unexplained(design: Array, response: Array, weights: Array | None) -> float:
    """1 − R² of a regression."""
    w = np.ones(len(response)) if weights is None else weights
    root = np.sqrt(w)
    residual = root * response - (root[:, None] * design) @ np.linalg.lstsq(root[:, None] * design, root * response, rcond=None)[0]
    return float((residual**2).sum() / (w * (response - np.average(response, weights=w)) ** 2).sum())
