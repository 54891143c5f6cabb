"""Rule R01: do the columns of a file fit what the source and the plan say of them?"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nirls.sdtm.domains import LINEAGE, domain_of
from nirls.sdtm.files import near

if TYPE_CHECKING:
    from nirls.plan.study import Source, Study


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnProblem:
    """One column that is not as declared; `stops` when the file cannot be used."""

    column: str
    message: str
    stops: bool


def needed(study: Study, domain: str) -> dict[str, str]:
    """Variables of a domain the plan relies on → why."""
    found: dict[str, str] = {}
    reference, _, variable = study.reference_date.partition(".")
    if reference == domain:
        found[variable] = "the reference date of the study days"
    if domain == "DM":
        found |= {stratum.variable: f"the randomization stratum {name!r}" for name, stratum in study.strata.items()}
    if not domain_of(domain).findings:
        for name, item in study.covariates.items():
            source, dot, column = item.source.partition(".")
            if dot and source == domain:
                found[column] = f"the baseline characteristic {name!r}"
    return found


def renamed(source: Source, columns: Iterable[str]) -> list[str]:
    """Names of the columns after `rename`."""
    return [source.rename.get(column, column) for column in columns]


def check_columns(source: Source, columns: list[str], study: Study, *, supplied: Iterable[str] = ()) -> list[ColumnProblem]:
    """Compare the columns of one file with its source and its domain.

    Parameters
    ----------
    source : Source
    columns : list of str
        Header of the file.
    study : Study
    supplied : iterable of str
        Variables that supplemental qualifiers will add.
    """
    problems: list[ColumnProblem] = []

    def stop(column: str, message: str) -> None:
        problems.append(ColumnProblem(column=column, message=message, stops=True))

    domain = domain_of(source.domain)
    for column in source.rename:
        if column not in columns:
            stop(
                column,
                f"the source renames a column {column!r} that the file does not have{near(column, columns)} Correct `rename:` or the file.",
            )
    after = renamed(source, columns)
    for name in sorted({name for name in after if after.count(name) > 1}):
        stop(name, f"two columns become {name!r} after renaming. Correct `rename:` of the source.")
    for name in (*source.constants, *LINEAGE):
        if name in after:
            stop(name, f"the file has a column {name!r} and it is also set by the source. Remove or rename one.")
    have = set(after) | set(source.constants) | set(supplied) | set(source.rename.values())
    made: set[str] = set()
    if source.unpivot:
        made = {source.unpivot.testcd, source.unpivot.value}
        for column in source.unpivot.tests:
            if column not in after:
                free = [name for name in after if name not in source.unpivot.tests]
                stop(column, f"the column {column!r} (to become a test) is missing{near(column, free)} Correct `unpivot:` or the file.")
        for name in sorted(made & have):
            stop(name, f"the file already has a column {name!r}, which `unpivot:` would make. Rename one.")
    plan = needed(study, source.domain)
    for name in source.recode:
        if name not in have | made:
            stop(name, f"`recode:` names {name!r}, which is not a column after renaming{near(name, after)} Correct the source.")
    for name in dict.fromkeys((*domain.required, *plan)):
        if name not in have | made:
            why = f"needed as {plan[name]}" if name in plan else f"required in {domain.code} ({domain.label})"
            unknown = [column for column in after if not domain.is_known(column)]
            message = (
                f"the column {name!r} is missing; it is {why}{near(name, unknown or after)} Add it, or declare `rename:` in the source."
            )
            stop(name, message)
    tests = set(source.unpivot.tests) if source.unpivot else set()
    for name in after:
        if name not in tests and not domain.is_known(name) and name not in plan and name not in source.rename.values():
            message = f"the column {name!r} is not a variable of {domain.code}; it is kept as text and not checked."
            problems.append(ColumnProblem(column=name, message=message, stops=False))
    return problems
