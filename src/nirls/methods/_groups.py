"""Columns of a table: the arms, and the total."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

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
