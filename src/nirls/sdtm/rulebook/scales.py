"""Rating scales: items in range, recorded totals against items, missing items."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from nirls.sdtm.offence import none, offences
from nirls.sdtm.rules import SCALES, VALUES, rule

if TYPE_CHECKING:
    from nirls.plan.instrument import Instrument
    from nirls.sdtm.context import Context


def _join(parts: list[pd.DataFrame]) -> pd.DataFrame:
    return pd.concat(parts) if parts else none()


def item_range(instrument: Instrument, item: str) -> tuple[float, float]:
    """Lowest and highest value of an item; unbounded where the instrument says nothing."""
    return instrument.item_ranges.get(item) or instrument.item_range or (-np.inf, np.inf)


@rule("R05", "an item is a whole number in its range", severity="Q", domains=("QS",), phase=VALUES)
def item_values(frame: pd.DataFrame, context: Context) -> pd.DataFrame:
    """The value is removed, the assessment stays."""
    parts = []
    for instrument in context.instruments.values():
        own = frame[frame["QSTESTCD"].isin(list(instrument.items))]
        low = own["QSTESTCD"].map({item: item_range(instrument, item)[0] for item in instrument.items})
        high = own["QSTESTCD"].map({item: item_range(instrument, item)[1] for item in instrument.items})
        value = own["QSSTRESN"]
        wrong = own["QSORRES"].notna() & ~value.between(low, high)
        if instrument.integer:
            wrong |= value.notna() & (value % 1 != 0)
        whole = "a whole number " if instrument.integer else ""
        message = [
            f"an item of the {instrument.abbreviation} is {whole}from {a:g} to {b:g}; the item is set to missing."
            for a, b in zip(low[wrong], high[wrong], strict=True)
        ]
        parts.append(
            offences(own, wrong, column=own.loc[wrong, "QSTESTCD"], value=own["QSORRES"], severity="Q", effect="missing", message=message)
        )
    return _join(parts)


@rule("R06", "a recorded total is the sum of its items", severity="Q", domains=("QS",), phase=SCALES)
def total_is_sum(frame: pd.DataFrame, context: Context) -> pd.DataFrame:
    """Checked where all items are there; the items stay, and analyses use their sum."""
    parts = []
    for key, instrument in context.instruments.items():
        table, score = context.scale(key), instrument.scores[instrument.total]
        total, recorded = table[score.items].sum(axis=1, skipna=False), table["recorded"]
        differs = total.notna() & recorded.notna() & ~np.isclose(total, recorded)
        pairs = zip(recorded[differs], total[differs], strict=True)
        message = [f"the recorded total is {r:g}, its items sum to {t:g}; the recorded total is left out." for r, t in pairs]
        parts.append(_recorded(frame, table[differs], instrument, "Q", message))
    return _join(parts)


@rule("R07", "a recorded total is in its range", severity="Q", domains=("QS",), phase=SCALES)
def total_in_range(frame: pd.DataFrame, context: Context) -> pd.DataFrame:
    """The range is that of the instrument's total score."""
    parts = []
    for key, instrument in context.instruments.items():
        low, high = instrument.scores[instrument.total].range
        table = context.scale(key)
        wrong = table["recorded"].notna() & ~table["recorded"].between(low, high)
        message = f"the total of the {instrument.abbreviation} is from {low:g} to {high:g}; the recorded total is left out."
        parts.append(_recorded(frame, table[wrong], instrument, "Q", message))
    return _join(parts)


@rule("R08", "a recorded total has its items", severity="W", domains=("QS",), phase=SCALES)
def total_without_items(frame: pd.DataFrame, context: Context) -> pd.DataFrame:
    """A total with items missing cannot be checked; one finding per missing item."""
    parts = []
    for key, instrument in context.instruments.items():
        table, items = context.scale(key), instrument.scores[instrument.total].items
        lacking = table[table["recorded"].notna()]
        message = f"missing although the total of the {instrument.abbreviation} was recorded; that total cannot be checked and is not used."
        parts.append(_lacking(frame, lacking, items, message))
    return _join(parts)


@rule("R09", "an assessment has all its items", severity="W", domains=("QS",), phase=SCALES)
def missing_items(frame: pd.DataFrame, context: Context) -> pd.DataFrame:
    """Items as collected, one finding each; an item removed by R05 is not reported again."""
    parts = []
    for key, instrument in context.instruments.items():
        message = f"this item of the {instrument.abbreviation} is missing; scores follow their rule for missing items."
        parts.append(_lacking(frame, context.scale(key), list(instrument.items), message))
    return _join(parts)


def _lacking(frame: pd.DataFrame, table: pd.DataFrame, items: list[str], message: str) -> pd.DataFrame:
    """One offence for each of these items that was not collected; its row is that of the assessment."""
    absent = ~table[[f"{item} there" for item in items]].to_numpy(dtype=bool)
    assessment, item = absent.nonzero()
    rows = frame.loc[table["label"].to_numpy()[assessment]]
    everything, nothing = np.ones(len(rows), dtype=bool), pd.Series(np.nan, index=rows.index, dtype="str")
    names = [items[i] for i in item]
    return offences(rows, everything, column=names, value=nothing, severity="W", message=[f"{name}: {message}" for name in names])


def _recorded(frame: pd.DataFrame, table: pd.DataFrame, instrument: Instrument, severity: str, message: str | list[str]) -> pd.DataFrame:
    rows = frame.loc[table["total_label"].astype("int64")]
    everything, column = np.ones(len(rows), dtype=bool), str(instrument.recorded_total)
    return offences(rows, everything, column=column, value=rows["QSORRES"], severity=severity, message=message)
