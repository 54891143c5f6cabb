"""Columns of a table: the arms, and the total."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

    from nirls.methods.registry import AnalysisData

TOTAL = "Total"


def columns(frame: pd.DataFrame, group: str | None, total: bool) -> Iterator[tuple[dict[str, str], pd.DataFrame]]:
    """(ARD group columns, records) for each arm in display order, then for the total.

    The total holds every record, also those of subjects without an arm (screen failures).
    """
    if group is not None:
        for level in frame[group].cat.categories:
            yield {"group1": group, "group1_level": str(level)}, frame[frame[group] == level]
    if total or group is None:
        yield {"group1": group or "", "group1_level": TOTAL}, frame


def denominators(data: AnalysisData, total: bool) -> list[dict]:
    """One row of N per column: subjects of the analysis set."""
    from nirls.ard.build import row

    return [row("N", part["USUBJID"].nunique(), **group) for group, part in columns(data.adsl, data.spec.group, total)]


def account(arm_of: pd.Series, without: list[str], arms: list[str], group: str) -> list[dict[str, Any]]:
    """Rows of the subjects analysed and of those without a value, by arm and in total.

    Parameters
    ----------
    arm_of : Series
        Subject → arm, for every subject of the set.
    without : list of str
        Subjects who are not analysed.
    """
    from nirls.ard.build import row

    gone = arm_of[without]
    found = []
    if len(gone):
        key = {"variable": "exclusion", "variable_level": "No value", "group1": group}
        found += [row("n", int((gone == arm).sum()), group1_level=arm, **key) for arm in arms]
        found.append(row("n", len(gone), group1_level=TOTAL, **key))
    found += [row("n_excluded", len(gone), variable="model"), row("n_subjects", len(arm_of) - len(gone), variable="model")]
    for arm in arms:
        analysed = int((arm_of == arm).sum() - (gone == arm).sum())
        found.append(row("n_subjects", analysed, variable="model", group1=group, group1_level=arm))
    return found
