"""Building ARD rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nirls.ard.schema import COLUMNS, STATS


def row(stat_name: str, stat: float | None = None, **columns: Any) -> dict[str, Any]:
    """One statistic.

    Parameters
    ----------
    stat_name : str
        A name of :data:`nirls.ard.schema.STATS`.
    stat : float, optional
        The value; none or NaN needs an `error` or a `stat_text`.
    **columns
        Any other ARD column; those left out are empty.

    Raises
    ------
    ValueError
        If `stat_name` or a column is not in the schema.
    """
    if stat_name not in STATS:
        raise ValueError(f"stat_name {stat_name!r} is not in the vocabulary of nirls.ard.schema.STATS")
    unknown = set(columns) - set(COLUMNS)
    if unknown:
        raise ValueError(f"not ARD columns: {sorted(unknown)}")
    return {"stat_name": stat_name, "stat_label": STATS[stat_name].label, "stat": None if stat is None else float(stat), **columns}


def rows(stats: Mapping[str, float | None], **columns: Any) -> list[dict[str, Any]]:
    """Several statistics of one cell: `stats` maps stat_name to value, `columns` are shared."""
    return [row(name, value, **columns) for name, value in stats.items()]
