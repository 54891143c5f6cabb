"""Whether a variable may divide subjects (known at baseline), and whether its levels are large enough."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nirls.plan.load import Plan


def baseline_problems(variable: str, plan: Plan, what: str) -> Iterator[str]:
    """What is wrong with a variable that shall divide subjects: it must be a covariate or a stratum of study.yaml."""
    from nirls.plan.check import unknown

    study = plan.study
    if variable in study.after_baseline:
        yield (
            f"{variable} ({study.after_baseline[variable].label}) is measured after baseline and may be caused by the treatment: {what} "
            "of it is no comparison of randomized groups; use a variable of `covariates` or `strata`, or `subjects` for a described group"
        )
        return
    known = [*study.covariates, *study.strata, *(f"{name}D" for name, s in study.strata.items() if s.derived is not None)]
    if variable not in known:
        yield (
            f"{variable} is not among `covariates` and `strata` of study.yaml, so it is not known to be from baseline: "
            f"{unknown('baseline variable', variable, known)}"
        )


def too_small(sizes: Mapping[str, int], arms: Sequence[str], least: int) -> str:
    """Why a level is not estimated: the arms that have fewer than `least` subjects in it; empty if none.

    Each arm of a pool is looked at: their mean has equal weights, so five subjects of one arm count as much as fifty of another.
    """
    few = [arm for arm in arms if sizes.get(arm, 0) < least]
    return f"not estimated (n<{least} in {', '.join(few)})" if few else ""
