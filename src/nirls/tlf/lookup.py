"""Finding numbers in results data by key."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from nirls.ard.schema import COLUMNS, KEY
from nirls.tlf.context import TOTAL
from nirls.tlf.document import Ref
from nirls.tlf.errors import DisplayError

if TYPE_CHECKING:
    import pandas as pd

_FILE = ("analysis_id", "estimand_id", "method", "dataset", "analysis_set", "subset", "stat_name")
_CELL = tuple(c for c in KEY if c not in _FILE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One statistic: value (NaN when it could not be computed), text, messages and its key."""

    stat_name: str
    value: float
    text: str
    warning: str
    error: str
    key: dict[str, str]

    @property
    def ref(self) -> Ref:
        """The reference of this row alone."""
        return Ref(key=self.key, stats=(self.stat_name,))


class Ard:
    """The results of one analysis, looked up by key.

    Parameters
    ----------
    frame : DataFrame
        Rows with the columns of :mod:`nirls.ard.schema`.
    role : str
        Role of the analysis in the layout, for messages.
    display_id : str
        For messages.

    Raises
    ------
    DisplayError
        If the frame is empty, lacks a column, mixes analyses or repeats a key.
    """

    cell_columns = _CELL
    """The key columns that tell rows of one analysis apart, without ``stat_name``."""

    def __init__(self, frame: pd.DataFrame, role: str, display_id: str) -> None:
        lacking = [
            c for c in COLUMNS if c not in frame.columns and c not in ("unit", "warning", "error", "stat_label", "stat_text", "order")
        ]
        where = f"{display_id}: the results of role {role!r}"
        if lacking:
            raise DisplayError(f"{where} lack the columns {', '.join(lacking)}; write them with nirls.ard")
        if frame.empty:
            raise DisplayError(f"{where} hold no rows, so there is nothing to display; run the analysis again and read its log")
        ids = sorted(frame["analysis_id"].unique())
        if len(ids) != 1:
            raise DisplayError(f"{where} mix the analyses {', '.join(map(str, ids))}; a role takes one analysis")
        self.role, self.display_id, self.analysis_id = role, display_id, str(ids[0])
        table = frame.reindex(columns=list(COLUMNS))
        text = [c for c in COLUMNS if c not in ("stat", "order")]
        table[text] = table[text].astype("str").where(table[text].notna(), "").astype("str")
        self.analysis_set = str(table["analysis_set"].iloc[0])
        self.estimand = str(table["estimand_id"].iloc[0])
        groups = [g for g in table["group1"].unique() if g]
        self.group = groups[0] if len(groups) == 1 else ""
        self._rows: dict[tuple[str, ...], dict] = {}
        self._levels: dict[tuple[str, str], dict[str, float]] = {}
        records = table.to_dict("records")
        self.params = list(dict.fromkeys(r["param"] for r in records if r["param"]))
        self.visits = list(dict.fromkeys(r["visit"] for r in records if r["visit"]))
        self.groups = list(dict.fromkeys(r["group1_level"] for r in records if r["group1_level"]))
        self.comparisons = list(dict.fromkeys(r["comparison"] for r in records if r["comparison"]))
        self.variables = list(dict.fromkeys(r["variable"] for r in records if r["variable"]))
        self.facts: dict[str, str] = {}
        self.footnotes: list[str] = []
        self.subjects = ""
        for row in records:
            key = (*(row[c] for c in _CELL), row["stat_name"])
            if key in self._rows:
                named = {c: v for c, v in zip((*_CELL, "stat_name"), key, strict=True) if v}
                raise DisplayError(f"{where} hold two rows with the key {named}")
            self._rows[key] = row
            if row["variable"] and row["variable_level"]:
                levels = self._levels.setdefault((row["variable"], row["param"]), {})
                order = row["order"] if row["order"] == row["order"] else float(len(levels))
                levels[row["variable_level"]] = min(order, levels.get(row["variable_level"], order))
            if row["variable"] == "model" and row["stat_name"] == "text":
                self.facts[row["variable_level"]] = row["stat_text"]
            if row["variable"] == "footnote":
                self.footnotes.append(row["stat_text"])
            if row["variable"] == "subjects":
                self.subjects = row["stat_text"]

    def find(self, stat_name: str, **key: str) -> Found | None:
        """The statistic with this key, or None.

        Key columns not given are empty, except `group1`, which is the treatment variable of the results, and `param`, which is the
        one parameter of the results where they have one; a row without parameter stands in for one with it.
        """
        unknown = set(key) - set(_CELL)
        if unknown:
            raise TypeError(f"not key columns: {sorted(unknown)}")
        if self.group and key.get("group1_level") and "group1" not in key:
            key["group1"] = self.group
        if not key.get("param") and len(self.params) == 1:
            key["param"] = self.params[0]
        row = None
        for param in dict.fromkeys((key.get("param", ""), "")):
            wanted = (*((key | {"param": param}).get(c, "") for c in _CELL), stat_name)
            row = row or self._rows.get(wanted)
        if row is None:
            return None
        return Found(
            stat_name=stat_name,
            value=float(row["stat"]) if row["stat"] is not None else float("nan"),
            text=row["stat_text"],
            warning=row["warning"],
            error=row["error"],
            key={c: row[c] for c in KEY if row[c] and c != "stat_name"},
        )

    def get(self, stat_name: str, **key: str) -> Found:
        """The statistic with this key; an error that names the key when the results do not hold it."""
        found = self.find(stat_name, **key)
        if found is None:
            named = {k: v for k, v in key.items() if v}
            raise DisplayError(
                f"{self.display_id}: analysis {self.analysis_id!r} (role {self.role!r}) holds no row {stat_name!r} for {named}; "
                f"add it to the analysis or take it out of the display's options"
            )
        return found

    def values(self, column: str, **key: str) -> list[str]:
        """The values a key column takes in the rows with this key, in the order of the results; columns not given may be anything."""
        rows = (r for r in self._rows.values() if r[column] and all(r[c] == v for c, v in key.items()))
        return list(dict.fromkeys(r[column] for r in rows))

    def levels(self, variable: str, param: str = "") -> list[str]:
        """Levels of a variable in the order the results give."""
        levels = self._known(variable, param)
        if not levels:
            have = ", ".join(self.variables) or "none"
            raise DisplayError(
                f"{self.display_id}: analysis {self.analysis_id!r} (role {self.role!r}) holds no levels of {variable!r}; its "
                f"variables are {have}"
            )
        return sorted(levels, key=levels.__getitem__)

    def _known(self, variable: str, param: str) -> dict[str, float]:
        if not param and len(self.params) == 1:
            param = self.params[0]
        return self._levels.get((variable, param)) or self._levels.get((variable, "")) or {}

    def has_level(self, variable: str, level: str, param: str = "") -> bool:
        """True when the results count this level of `variable`."""
        return level in self._known(variable, param)

    def has(self, variable: str) -> bool:
        """True when the results speak of `variable`."""
        return variable in self.variables

    def size(self, group: str, param: str = "") -> Found:
        """Number of subjects in a column."""
        return self.get("N", group1_level=group, param=param)

    def exclusions(self, group: str = "", param: str = "") -> list[tuple[str, Found]]:
        """Reasons and numbers of subjects of the set that are not in the analysis, for one arm or all."""
        levels = self._known("exclusion", param)
        out = []
        for reason in sorted(levels, key=levels.__getitem__):
            found = self.find("n", variable="exclusion", variable_level=reason, group1_level=group, param=param)
            if found is None and not group:
                found = self.find("n", variable="exclusion", variable_level=reason, group1_level=TOTAL, param=param)
            if found is not None:
                out.append((reason, found))
        return out
