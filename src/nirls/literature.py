"""Published results (`data/literature/*.csv`): one row per comparison, each with its citation."""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nirls.errors import DataError

if TYPE_CHECKING:
    from nirls.stats.reported import Spread

TEXTS = ("id", "kind", "citation", "read", "comparator", "control", "outcome", "derived", "patients_of", "notes")
NUMBERS = ("week", "n", "n_comparator", "n_control", "estimate", "std_error", "ci_low", "ci_high", "baseline_irls", "baseline_irls_sd")
SPREADS = ("baseline_sd_comparator", "baseline_sd_control", "final_sd_comparator", "final_sd_control")
"""Columns that may be absent: standard deviations of the outcome in each arm."""
SHARED = ("", "control")
VAGUE = "no measure of precision"
READ = ("abstract", "full text", "registry", "review")
Z = 1.959963984540054


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """One published comparison, comparator − control.

    Attributes
    ----------
    texts : dict of str to str
        The columns of `TEXTS`; `derived` says how a figure was derived, `patients_of` names the rows whose patients it shares.
    estimate, std_error, low, high : float
        The limits are those of a 95 % interval; a standard error comes from them, or they from it. NaN where neither is known, and all four
        where the source gives no estimate.
    n, week : float
        Patients of the comparison, and week of the outcome; NaN where not given.
    baseline : dict of str to float
        Baseline mean by variable (`IRLSBL`).
    spread : tuple of Spread, optional
        Numbers and standard deviations of comparator and control; for sensitivity to an imputed correlation and to a split control.
    shares_control : bool
        It shares only its control patients with the rows of `patients_of` (column `shared`, which may be absent).
    """

    texts: dict[str, str]
    estimate: float
    std_error: float
    low: float
    high: float
    n: float
    week: float
    baseline: dict[str, float]
    spread: tuple[Spread, Spread] | None = None
    shares_control: bool = False

    @property
    def id(self) -> str:
        return self.texts["id"]

    @property
    def patients_of(self) -> tuple[str, ...]:
        """Rows whose patients it shares."""
        return tuple(t.strip() for t in self.texts["patients_of"].split(";") if t.strip())


def read_literature(path: Path | str, name: str = "") -> dict[str, Published]:
    """Row id → published comparison.

    Raises
    ------
    DataError
        With file, row, column and value: no such file, a column that is missing, a row without citation, what is no number, an id twice.
    """
    name, found, problems = name or str(path), {}, []
    try:
        with open(path, encoding="utf-8", newline="") as stream:
            lines = csv.DictReader(stream)
            absent = [c for c in (*TEXTS, *NUMBERS) if c not in (lines.fieldnames or [])]
            if absent:
                raise DataError(f"{name}: row 1: there is no column {', '.join(absent)}; add it, cells may be empty")
            for at, line in enumerate(lines, 2):
                row, wrong = _row(line)
                problems += [f"{name}: row {at}: {text}" for text in wrong]
                if row is not None:
                    if row.id in found:
                        problems.append(f"{name}: row {at}: column id: {row.id!r} stands in an earlier row; give each row its own")
                    found[row.id] = row
    except FileNotFoundError:
        raise DataError(f"{name}: there is no such file; correct `literature` of the analysis") from None
    problems += [
        f"{name}: {r.id}: column patients_of: {other!r} is no id of the file; name the row that shares the patients"
        for r in found.values()
        for other in r.patients_of
        if other not in found
    ]
    if problems:
        raise DataError("\n".join(problems))
    return found


def _row(line: dict) -> tuple[Published | None, list[str]]:
    texts = {c: (line[c] or "").strip() for c in TEXTS}
    wrong, numbers = [], {}
    for column in ("id", "citation", "comparator", "control", "outcome"):
        if not texts[column]:
            what = "give the DOI, PubMed number or address where the figures stand" if column == "citation" else "fill it in"
            wrong.append(f"column {column}: {line[column]!r} is empty ({texts['id'] or 'no id'}); {what}")
    if texts["read"] not in READ:
        wrong.append(f"column read: {texts['read']!r} is not one of {', '.join(READ)}; say what was read")
    for column in (*NUMBERS, *SPREADS):
        text = (line.get(column) or "").strip()
        try:
            numbers[column] = float(text) if text else math.nan
            if text and not math.isfinite(numbers[column]):
                raise ValueError
        except ValueError:
            wrong.append(f"column {column}: {text!r} is not a number; use a point as decimal mark, or leave the cell empty")
    shared = (line.get("shared") or "").strip()
    if shared not in SHARED:
        wrong.append(f"column shared: {shared!r} is neither empty (all patients of patients_of) nor control; correct it")
    elif shared and not texts["patients_of"]:
        wrong.append("column patients_of: '' is empty beside shared control; name the rows with the same control patients")
    if wrong:
        return None, wrong
    spread, wrong = _spread(line, numbers)
    if wrong:
        return None, wrong
    if None in line:
        return None, [f"the cells {line[None]} stand beyond the last column; put a cell that holds commas in quotes"]
    est, se, low, high = (numbers[c] for c in ("estimate", "std_error", "ci_low", "ci_high"))
    if math.isnan(est) and not all(math.isnan(v) for v in (se, low, high)):
        return None, [f"column estimate: {line['estimate']!r} is empty beside a measure of precision; give the difference, or empty both"]
    if math.isnan(low) != math.isnan(high):
        alone, other = ("ci_high", "ci_low") if math.isnan(low) else ("ci_low", "ci_high")
        return None, [f"column {other}: {line[other]!r} is empty beside {alone} {line[alone]}; give both limits or none"]
    if not math.isnan(low) and not low <= est <= high:
        return None, [f"column ci_low: the interval {low:g} to {high:g} does not hold the estimate {est:g}; correct the signs"]
    if se <= 0:
        return None, [f"column std_error: {se:g} is not positive; leave it empty where it is not known"]
    if not math.isnan(se) and not math.isnan(low) and abs(se - (high - low) / (2 * Z)) > 0.1 * se:
        return None, [
            f"column std_error: {se:g} does not go with the interval {low:g} to {high:g}, whose error is {(high - low) / (2 * Z):.3g}"
        ]
    if math.isnan(se):
        se = (high - low) / (2 * Z)
    if math.isnan(low):
        low, high = est - Z * se, est + Z * se
    base = {} if math.isnan(numbers["baseline_irls"]) else {"IRLSBL": numbers["baseline_irls"]}
    row = Published(
        texts=texts, estimate=est, std_error=se, low=low, high=high, n=numbers["n"], week=numbers["week"], baseline=base, spread=spread,
        shares_control=shared == "control",
    )  # fmt: skip
    return row, []


def _spread(line: dict, numbers: dict[str, float]) -> tuple[tuple[Spread, Spread] | None, list[str]]:
    """Standard deviations of both arms, or none; what is wrong with them."""
    from nirls.stats.reported import Spread

    given = {c: numbers[c] for c in SPREADS if not math.isnan(numbers[c])}
    if not given:
        return None, []
    wrong = [f"column {c}: {v:g} is not positive; leave it empty where it is not known" for c, v in given.items() if v <= 0]
    needed = ["n_comparator", "n_control", "final_sd_comparator", "final_sd_control"]
    if any(c.startswith("baseline") for c in given):
        needed += ["baseline_sd_comparator", "baseline_sd_control"]
    lacking = [c for c in needed if not numbers[c] > 0 and c not in given]
    wrong += [f"column {c}: {line.get(c)!r} beside {', '.join(given)}; give the number and the deviations of both arms" for c in lacking]
    if wrong:
        return None, wrong
    arms = [
        Spread(n=numbers[f"n_{a}"], final_sd=numbers[f"final_sd_{a}"], baseline_sd=numbers[f"baseline_sd_{a}"])
        for a in ("comparator", "control")
    ]
    return (arms[0], arms[1]), []


@dataclass(frozen=True, slots=True, kw_only=True)
class Sorted:
    """Rows that can be pooled, those that cannot with the reason, and which of these have but their control patients counted elsewhere."""

    used: tuple[Published, ...]
    left_out: tuple[tuple[Published, str], ...]
    share_control: tuple[Published, ...] = ()

    def split(self) -> dict[str, float]:
        """Row id → standard error of final values, where rows with one control arm are all pooled and each counts its part of that arm.

        Rows left out for nothing but that their control patients are counted elsewhere come in, with the rows that count them; each needs
        standard deviations.
        """
        from nirls.stats.reported import error_of_final, split

        pooled = {r.id: r for r in self.used}
        groups: dict[str, list[Published]] = {}
        for row in self.share_control:
            partners = [o for o in row.patients_of if o in pooled]
            if len(partners) == 1 and row.spread and pooled[partners[0]].spread:
                groups.setdefault(partners[0], [pooled[partners[0]]]).append(row)
        found = {}
        for members in groups.values():
            for member in members:
                assert member.spread is not None
                found[member.id] = error_of_final(member.spread[0], split(member.spread[1], len(members)))
        return found


def sort_out(rows: dict[str, Published], kinds: list[str], listed: list[str], outcomes: list[str], name: str) -> Sorted:
    """The rows of `kinds` that can be pooled; the others of `kinds`, and those of `listed`, with why not.

    The first reason that holds counts: another comparison, patients counted already, another outcome, no estimate, no measure of precision.

    Raises
    ------
    DataError
        A kind that no row has; two rows that both leave their patients to the other.
    """
    have = list(dict.fromkeys(r.texts["kind"] for r in rows.values()))
    strange = [k for k in (*kinds, *listed) if k not in have]
    if strange:
        raise DataError(f"{name}: no row is of kind {', '.join(strange)}; the kinds are {', '.join(have)}")

    def fault(row: Published) -> str:
        if row.texts["outcome"] not in outcomes:
            return f"other outcome ({row.texts['outcome']})"
        if math.isnan(row.estimate):
            return "no usable estimate"
        return VAGUE if math.isnan(row.std_error) else ""

    own = [r for r in rows.values() if r.texts["kind"] in kinds]
    faults = {r.id: fault(r) for r in own}
    sharing = {r.id: [o for o in r.patients_of if faults.get(o) == ""] for r in own}
    mutual = [f"{key} and {other}" for key, others in sharing.items() for other in others if key in sharing[other] and key <= other]
    if mutual:
        raise DataError(
            f"{name}: column patients_of: {'; '.join(mutual)} name each other, so that neither would be pooled; name the one that counts "
            "in the row of the other, and leave its own cell empty"
        )
    twice = {
        key: f"same {'control ' if rows[key].shares_control else ''}patients as {' and '.join(rows[key].patients_of)}: counted there"
        for key, others in sharing.items()
        if others
    }
    reasons = {r.id: twice.get(r.id) or faults[r.id] for r in own}
    reasons |= {
        r.id: f"other comparison ({r.texts['comparator']} against {r.texts['control']})"
        if r.texts["control"] != "none"
        else "no comparison"
        for r in rows.values()
        if r.texts["kind"] in listed and r.texts["kind"] not in kinds
    }
    own_control = [r for r in own if sharing[r.id] and r.shares_control and faults[r.id] in ("", VAGUE)]
    return Sorted(
        used=tuple(r for r in own if not reasons[r.id]),
        left_out=tuple((rows[i], why) for i, why in reasons.items() if why),
        share_control=tuple(own_control),
    )


def chosen(rows: dict[str, Published], ids: list[str], name: str) -> list[Published]:
    """The rows of `ids`, each with a standard error, no patients counted twice.

    Raises
    ------
    DataError
    """
    strange = [i for i in ids if i not in rows]
    if strange:
        raise DataError(f"{name}: there is no row {', '.join(strange)}; its ids are {', '.join(rows)}")
    found = [rows[i] for i in ids]
    vague = [r.id for r in found if math.isnan(r.std_error)]
    if vague:
        raise DataError(
            f"{name}: {', '.join(vague)}: columns std_error, ci_low, ci_high are empty; derive one of them or choose another row"
        )
    twice = [r.id for r in found if any(other in ids for other in r.patients_of)]
    if twice:
        raise DataError(f"{name}: {', '.join(twice)} shares patients with another row chosen (patients_of); choose one of them")
    return found
