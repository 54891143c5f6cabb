"""Scores of a rating scale from its items.

The derived score always comes from the items; the total a site recorded is kept beside it and is
never used in its place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from nirls.errors import ConfigError, DataError

if TYPE_CHECKING:
    from nirls.plan.instrument import Instrument, Score


def item_range(instrument: Instrument, item: str) -> tuple[float, float]:
    """Lowest and highest value of one item."""
    found = instrument.item_ranges.get(item, instrument.item_range)
    if found is None:
        raise ConfigError(
            f"instrument {instrument.abbreviation}: the item {item!r} has no range; add it to `item_ranges` or give `item_range`"
        )
    return found


def check_items(items: pd.DataFrame, instrument: Instrument) -> None:
    """Refuse item values that the scale cannot take.

    Raises
    ------
    DataError
        Naming each item with a value out of range, or not a whole number where items are.
    """
    problems = []
    for item in items.columns:
        low, high = item_range(instrument, item)
        value = items[item]
        wrong = value.notna() & ~value.between(low, high)
        if instrument.integer:
            wrong |= value.notna() & (value % 1 != 0)
        if wrong.any():
            kind = "whole numbers " if instrument.integer else ""
            shown = ", ".join(f"{v:g}" for v in pd.unique(value[wrong])[:5])
            problems.append(f"{item}: {int(wrong.sum())} value(s) outside {kind}{low:g}–{high:g}: {shown}")
    if problems:
        raise DataError(f"{instrument.abbreviation} items cannot be scored; correct or quarantine them:\n  " + "\n  ".join(problems))


def score_items(items: pd.DataFrame, score: Score, instrument: Instrument) -> tuple[pd.Series, pd.Series]:
    """One score of every record.

    Parameters
    ----------
    items : DataFrame, shape (n_records, n_items)
        One row per assessment, one column per item code, NaN for a missing item. A column that is
        absent counts as missing in every record.
    score : Score
        Composition and rule for missing items.
    instrument : Instrument
        The scale, for the ranges of the items.

    Returns
    -------
    value : Series of float64
        The score; NaN where the rule makes it missing.
    prorated : Series of bool
        True where missing items were made up for by proration.
    """
    values = items.reindex(columns=score.items).to_numpy(dtype="float64")
    present = ~np.isnan(values)
    n_present, n_items = present.sum(axis=1), len(score.items)
    total = np.nansum(values, axis=1)
    complete = n_present == n_items
    if score.missing == "strict":
        return pd.Series(np.where(complete, total, np.nan), index=items.index), pd.Series(False, index=items.index)
    equal = score.missing == "prorate"
    weight = np.array([1.0 if equal else item_range(instrument, item)[1] for item in score.items])
    # every share is compared as a count of items, so that 0.3 of 10 items is exactly 3
    allowed = (n_items - n_present) <= score.max_missing * n_items + 1e-9
    usable = allowed & (n_present > 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        prorated = total * weight.sum() / (present * weight).sum(axis=1)
    value = np.where(complete, total, np.where(usable, prorated, np.nan))
    return pd.Series(value, index=items.index), pd.Series(usable & ~complete, index=items.index)
