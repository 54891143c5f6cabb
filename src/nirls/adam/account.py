"""Counts of records a derivation left out or added, so that nothing disappears unexplained."""

from __future__ import annotations

import pandas as pd


def accounts(dataset: str, domain: str, counts: dict[str, int]) -> pd.DataFrame:
    """A table with columns dataset, domain, reason, n; reasons with no record are left out."""
    kept = {reason: n for reason, n in counts.items() if n}
    return pd.DataFrame(
        {
            "dataset": pd.Series([dataset] * len(kept), dtype="str"), "domain": pd.Series([domain] * len(kept), dtype="str"),
            "reason": pd.Series(list(kept), dtype="str"), "n": pd.Series(list(kept.values()), dtype="int64"),
        }
    )  # fmt: skip
