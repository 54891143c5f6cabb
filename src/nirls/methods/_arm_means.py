"""LS means of arms at one visit of a mixed model, as a vector with its covariance."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nirls.methods._linear import LSMEAN, estimates

if TYPE_CHECKING:
    import numpy as np

    from nirls.methods._mixed import Mixed
    from nirls.methods.mmrm import MMRMOptions
    from nirls.plan.load import Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmMeans:
    """LS means of K arms at a visit.

    Attributes
    ----------
    arms : tuple of str
    rows : (K, p) array
        Their rows over the coefficients of the model.
    estimate : (K,) array
    cov : (K, K) array
    """

    arms: tuple[str, ...]
    rows: np.ndarray
    estimate: np.ndarray
    cov: np.ndarray


def arm_means(mixed: Mixed, options: MMRMOptions, visit: str, arms: Iterable[str]) -> ArmMeans:
    """The LS means of `arms` at `visit`.

    Raises
    ------
    MethodError
        If the model was not fitted, or an LS mean is not estimable.
    """
    from nirls.errors import MethodError
    from nirls.models.reference_grid import marginal_rows

    fit, wanted = mixed.fit, tuple(arms)
    if fit is None:
        raise MethodError(mixed.failure)
    keys, rows = marginal_rows(fit.design, [options.visit, mixed.group], options.margins)
    place = {(str(v), str(a)): i for i, (v, a) in enumerate(zip(keys[options.visit], keys[mixed.group], strict=True))}
    absent = [a for a in wanted if (visit, a) not in place]
    if absent:
        raise MethodError(f"no observation of {', '.join(absent)} in the model at {visit}")
    rows = rows[[place[visit, a] for a in wanted]]
    lost = [a for a, possible in zip(wanted, fit.design.estimable(rows), strict=True) if not possible]
    if lost:
        raise MethodError(f"the LS means of {', '.join(lost)} at {visit} are not estimable")
    rows = rows[:, fit.design.kept]
    return ArmMeans(arms=wanted, rows=rows, estimate=rows @ fit.fit.beta, cov=rows @ fit.cov_params().to_numpy() @ rows.T)


def mean_rows(
    mixed: Mixed, options: MMRMOptions, visit: str, arms: Iterable[str], means: ArmMeans | None, failure: str
) -> list[dict[str, Any]]:
    """ARD rows of the LS means at the visit, with the number of subjects observed."""
    from nirls.ard.build import row

    seen = mixed.frame[mixed.entered & (mixed.frame[options.visit].astype("str") == visit)]
    sizes = seen.groupby(mixed.group, observed=False)[options.subject].nunique()
    found = []
    for i, arm in enumerate(arms):
        key = {"variable": options.response, "group1": mixed.group, "group1_level": arm, "visit": visit}
        values: dict[str, float] | None = None
        if means is not None and mixed.fit is not None:
            one = mixed.fit.t_tests(means.rows[[i]])
            low, high = one.ci(options.level)
            values = {"lsmean": one.estimate[0], "std_error": one.std_error[0], "df": one.df[0], "conf_low": low[0], "conf_high": high[0]}
        found.append(row("n", int(sizes.get(arm, 0)), **key))
        found += estimates(LSMEAN, values, failure, **key)
    return found


def visit_problems(visit: str, arms: Iterable[str], allowed: Iterable[str], plan: Plan) -> Iterator[str]:
    """What is wrong with the visit and the arms an analysis names."""
    from nirls.plan.check import unknown

    visits = [v.name for v in plan.study.visits]
    if visit not in visits:
        yield f"at_visit: {unknown('visit', visit, visits)}"
    known = list(allowed)
    for arm in dict.fromkeys(arms):
        if arm not in known:
            yield unknown("arm", arm, known)
