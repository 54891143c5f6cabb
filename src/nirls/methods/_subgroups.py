"""Whether a variable is known at baseline, so that groups of it are no result of the treatment."""

from __future__ import annotations

from collections.abc import Iterator
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
