"""The ledger: what was found, what was set aside, and where every row went.

Every source row and every record ends in exactly one place: accepted, quarantined, dropped as a
duplicate, not selected (another domain's business) or blank (an empty cell that makes no record).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from nirls.errors import DataError
from nirls.sdtm.files import place

FINDING_COLUMNS = ("domain", "file", "row", "column", "value", "rule", "severity", "action", "usubjid", "visitnum", "message")
ACCOUNT_COLUMNS = ("level", "domain", "file", "read", "accepted", "quarantined", "duplicate", "not_selected", "blank")
RULE_COLUMNS = (
    *("rule", "says", "severity", "status", "reason", "findings"),
    *("records_quarantined", "records_dropped", "values_removed", "values_repaired"),
)
REPAIR_COLUMNS = ("domain", "file", "row", "usubjid", "rule", "variable", "recorded", "used")
PLACES = ("accepted", "quarantined", "duplicate", "not_selected", "blank")
ACCEPTED, QUARANTINED, DUPLICATE = np.int8(0), np.int8(1), np.int8(2)
ACTIONS = {
    "stop": "run stopped",
    "quarantine": "record quarantined",
    "duplicate": "duplicate dropped",
    "missing": "value set to missing",
    "repair": "value repaired",
    "none": "kept",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """What the ingest found and where every row went.

    Attributes
    ----------
    findings : DataFrame
        Columns :data:`FINDING_COLUMNS`, ordered by severity (E, Q, W), rule, file and row.
    accounts : DataFrame
        Columns :data:`ACCOUNT_COLUMNS`: one row per file for source rows (`level` = rows) and for
        records (`level` = records), and one per domain (file empty). `read` is the sum of the rest.
    rules : DataFrame
        Columns :data:`RULE_COLUMNS`: every rule, whether applied, waived (with the reason) or not
        applicable, and what it did.
    quarantine : dict of str to DataFrame
        Quarantined records by domain, with the column RULES in front.
    repairs : DataFrame
        Columns :data:`REPAIR_COLUMNS`: every value that was replaced, as recorded and as used.
    alerts : DataFrame
        Columns :data:`FINDING_COLUMNS`: findings of the rules by which a treatment can be known, in full, for the unblinded role only.
    """

    findings: pd.DataFrame
    accounts: pd.DataFrame
    rules: pd.DataFrame
    quarantine: dict[str, pd.DataFrame]
    repairs: pd.DataFrame
    alerts: pd.DataFrame

    @property
    def errors(self) -> pd.DataFrame:
        """Findings that stop the run."""
        return self.findings[self.findings["severity"] == "E"]

    def summary(self) -> str:
        """A few lines of text: rows, findings by severity, rules that found something, waivers."""
        rows = self.accounts[(self.accounts["level"] == "rows") & (self.accounts["file"] != "")]
        counts = ", ".join(f"{int(rows[place].sum())} {place.replace('_', ' ')}" for place in PLACES)
        lines = [f"{int(rows['read'].sum())} rows of {len(rows)} files: {counts}"]
        by = self.findings.groupby("severity").size()
        names = {"E": "stop", "Q": "quarantine", "W": "warn"}
        lines.append("findings: " + (", ".join(f"{by[s]} {names[s]}" for s in names if s in by.index) or "none"))
        for entry in self.rules[(self.rules["findings"] > 0) | (self.rules["status"] == "waived")].to_dict("records"):
            reason = f" (waived: {entry['reason']})" if entry["status"] == "waived" else ""
            lines.append(f"  {entry['rule']} {entry['says']}: {entry['findings']}{reason}")
        return "\n".join(lines)


def balance(accounts: Iterable[dict[str, object]]) -> pd.DataFrame:
    """Accounts as a frame, with the domain totals added; refuses accounts that do not add up.

    Raises
    ------
    DataError
        If some `read` is not the sum of its places: a row would have vanished or been counted twice.
    """
    frame = pd.DataFrame(list(accounts), columns=list(ACCOUNT_COLUMNS))
    totals = frame.groupby(["level", "domain"], sort=False, as_index=False)[["read", *PLACES]].sum()
    totals["file"] = ""
    frame = pd.concat([frame, totals[list(ACCOUNT_COLUMNS)]], ignore_index=True)
    wrong = frame[frame["read"] != frame[list(PLACES)].sum(axis=1)]
    if len(wrong):
        lines = wrong.astype(str).agg(" ".join, axis=1).tolist()
        raise DataError("The row accounts do not add up (a defect of the program; do not use these data): " + "; ".join(lines))
    return frame


def row_places(rows: np.ndarray, fate: np.ndarray) -> dict[str, int]:
    """Where the source rows of one file went, from the fates of their records.

    A row is accepted when any of its records is, otherwise quarantined when any of them is,
    otherwise it was dropped as a duplicate.
    """
    if not len(rows):
        return {"accepted": 0, "quarantined": 0, "duplicate": 0}
    _, code = np.unique(rows, return_inverse=True)
    best = np.full(code.max() + 1, DUPLICATE)
    best[code[fate == QUARANTINED]] = QUARANTINED
    best[code[fate == ACCEPTED]] = ACCEPTED
    return {
        name: int((best == place).sum()) for name, place in (("accepted", ACCEPTED), ("quarantined", QUARANTINED), ("duplicate", DUPLICATE))
    }


def order_findings(parts: list[pd.DataFrame]) -> pd.DataFrame:
    """All findings, each once, in a fixed order."""
    parts = [part for part in parts if len(part)]
    if not parts:
        return pd.DataFrame(
            {name: pd.Series(dtype="Int64" if name == "row" else "float64" if name == "visitnum" else "str") for name in FINDING_COLUMNS}
        )
    frame = pd.concat([part[list(FINDING_COLUMNS)].astype({"row": "Int64", "visitnum": "float64"}) for part in parts], ignore_index=True)
    # one row of a wide file makes many records: what is wrong with the row is one finding, not one per record
    frame = frame.drop_duplicates(["domain", "file", "row", "column", "value", "rule", "message"])
    order = ["severity", "rule", "domain", "file", "row", "column"]
    return frame.sort_values(order, kind="stable", na_position="first").reset_index(drop=True)


def order_repairs(parts: list[pd.DataFrame]) -> pd.DataFrame:
    """All repairs, in the order of files, rows and rules."""
    if not parts:
        return pd.DataFrame({name: pd.Series(dtype="Int64" if name == "row" else "str") for name in REPAIR_COLUMNS})
    return pd.concat(parts, ignore_index=True).sort_values(["domain", "file", "row", "rule"], kind="stable").reset_index(drop=True)


def report(findings: pd.DataFrame, *, per_rule: int = 20) -> str:
    """The text of the error that stops a run: every finding of severity E, grouped by rule, at most `per_rule` of each listed."""
    errors = findings[findings["severity"] == "E"]
    lines = [f"The data cannot be analysed as they are: {len(errors)} finding{'s' if len(errors) != 1 else ''} of severity E."]
    for rule, group in errors.groupby("rule", sort=True):
        for entry in group.head(per_rule).to_dict("records"):
            text = {key: value if isinstance(value, str) else "" for key, value in entry.items()}
            row = None if pd.isna(entry["row"]) else int(entry["row"])
            where = place(text["file"] or text["domain"], row, text["column"], text["value"])
            who = f" ({text['usubjid']})" if text["usubjid"] and text["usubjid"] not in where else ""
            lines.append(f"  [{rule}] {where}{who}: {text['message']}")
        if len(group) > per_rule:
            lines.append(f"  [{rule}] … and {len(group) - per_rule} more; all are in findings.csv")
    return "\n".join(lines)
