"""From a raw file to records of its domain: rename, constants, recode, select, supplement, type, unpivot.

Nothing is coerced in silence: a number that is not one and a date that is not ISO 8601 become findings.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from nirls.sdtm.columns import renamed
from nirls.sdtm.dates import UNUSABLE, bounds, describe
from nirls.sdtm.domains import Domain, domain_of
from nirls.sdtm.offence import Effect, offences

if TYPE_CHECKING:
    from nirls.plan.study import Source
    from nirls.sdtm.telemetry import Telemetry

NUMBER = {".": r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?", ",": r"[+-]?([0-9]+,?[0-9]*|,[0-9]+)([eE][+-]?[0-9]+)?"}
IDS = ("USUBJID", "SUBJID", "SITEID", "SPDEVID")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tests:
    """What the plan says of test codes: `items` of instruments (rule R05 checks them) and all that must be `numeric`."""

    items: frozenset[str] = frozenset()
    numeric: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Mapped:
    """Records of one file.

    Attributes
    ----------
    frame : DataFrame
        One record per row, variables of the domain.
    offences : list of (rule, DataFrame)
        What is wrong with rows of this file (see :func:`nirls.sdtm.offence.offences`).
    read, selected, cells, blank : int
        Source rows read; rows selected by `keep`; records these could make; those that were empty and made none.
    empty_rows : int
        Selected rows of which no cell made a record.
    samples : Telemetry, optional
        Of a session log made from samples of telemetry: which samples make which session.
    """

    frame: pd.DataFrame
    offences: list[tuple[str, pd.DataFrame]]
    read: int
    selected: int
    cells: int
    blank: int
    empty_rows: int
    samples: Telemetry | None = None


def map_source(raw: pd.DataFrame, source: Source, tests: Tests, supp: pd.DataFrame | None = None) -> Mapped:
    """Map one raw file to its domain.

    Parameters
    ----------
    raw : DataFrame
        As read by :func:`nirls.sdtm.read.read_table`; its columns have passed R01.
    source : Source
    tests : Tests
        What the plan says of test codes.
    supp : DataFrame, optional
        Supplemental qualifiers as columns, aligned with `raw` (see :func:`nirls.sdtm.supp.spread`).
    """
    domain = domain_of(source.domain)
    frame = raw.set_axis(renamed(source, raw.columns), axis=1)
    if supp is not None:
        frame = pd.concat([frame, supp], axis=1)
    frame, identifiers = _trim(frame)
    frame = frame.assign(**{name: pd.Series(value, index=frame.index, dtype="str") for name, value in source.constants.items()})
    frame = frame.assign(**{name: recode(frame[name], source.recode[name]) for name in source.recode if name in frame.columns})
    if source.keep is not None:
        from nirls.plan.where import where_mask

        numbers = {name: to_number(frame[name], source.decimal)[0] for name in frame.columns if domain.is_number(name)}
        frame = frame[where_mask(source.keep, frame.assign(**numbers))]
    found = list(_blanks(frame, identifiers))
    frame, wrong = _type(frame, source, domain)
    found += wrong
    selected = cells = len(frame)
    blank = empty = 0
    if source.unpivot:
        frame, cells, blank, empty = _unpivot(frame, source)
        made = (source.unpivot.testcd, source.unpivot.value)
        frame = frame.assign(**{name: recode(frame[name], source.recode[name]) for name in source.recode if name in made})
    if domain.findings:
        frame, bad = _results(frame, source, domain, tests)
        found.append(("R01", bad))
    found = [(rule, part) for rule, part in found if len(part)]
    return Mapped(frame=frame, offences=found, read=len(raw), selected=selected, cells=cells, blank=blank, empty_rows=empty)


def recode(column: pd.Series, values: dict[str, str]) -> pd.Series:
    """Replace values; one that is not among the keys passes through, an empty replacement is missing."""
    codes, uniques = pd.factorize(column)
    new = np.array([values.get(u, u) or None for u in uniques] + [None], dtype=object)
    return pd.Series(new[codes], index=column.index, dtype="str", name=column.name)


def to_number(text: pd.Series, decimal: str = ".") -> tuple[pd.Series, pd.Series]:
    """Numbers of a text column, and which texts are none.

    Returns
    -------
    values : Series of float64
        NaN where missing or not a number.
    wrong : Series of bool
        True where there is a text that is not a number in this decimal notation.
    """
    codes, uniques = pd.factorize(text)
    unique = pd.Series(uniques, dtype="str").str.strip()
    good = unique.str.fullmatch(NUMBER[decimal]).to_numpy(dtype=bool)
    plain = unique.str.replace(",", ".", regex=False) if decimal == "," else unique
    number = np.full(len(unique) + 1, np.nan)
    number[:-1][good] = plain[good].astype("float64")
    bad = np.append(~good, False)
    return pd.Series(number[codes], index=text.index), pd.Series(bad[codes], index=text.index)


def not_a_number(value: str, decimal: str) -> str:
    """What is wrong with a text where a number is expected."""
    other = "," if decimal == "." else "."
    if pd.Series([value.strip()], dtype="str").str.fullmatch(NUMBER[other]).iloc[0]:
        mark = "comma" if other == "," else "point"
        return f'has a decimal {mark}, but the source declares `decimal: "{decimal}"`. Export with one decimal mark, or declare `decimal:`.'
    return "is not a number. Correct it, leave the cell empty if nothing was measured, or declare `recode:`."


def _trim(frame: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, pd.Series]]:
    """Strip trailing blanks everywhere and blanks around identifiers; the second result is where identifiers changed."""
    changed: dict[str, pd.Series] = {}
    identifiers: dict[str, pd.Series] = {}
    for name in frame.columns.drop("SRC_ROW"):
        column = frame[name]
        clean = column.str.strip() if name in IDS else column.str.rstrip()
        differs = (column != clean) & column.notna()
        if differs.any():
            changed[name] = clean.mask(clean == "")
            if name in IDS:
                identifiers[name] = column[differs]
    return frame.assign(**changed) if changed else frame, identifiers


def _blanks(frame: pd.DataFrame, identifiers: dict[str, pd.Series]) -> Iterator[tuple[str, pd.DataFrame]]:
    message = "the identifier has blanks around it; they were removed. Correct it at the source."
    for name, before in identifiers.items():
        yield "R64", offences(frame, frame.index.isin(before.index), column=name, value=before, severity="W", message=message)


def _type(frame: pd.DataFrame, source: Source, domain: Domain) -> tuple[pd.DataFrame, list[tuple[str, pd.DataFrame]]]:
    """Numbers as float64, dates checked; what is neither is R01."""
    found = []
    numbers = {}
    tests = frozenset(source.unpivot.tests if source.unpivot else ()) | {f"{domain.code}STRESN"}
    for name in [n for n in frame.columns if domain.is_number(n) and n not in tests]:
        numbers[name], wrong = to_number(frame[name], source.decimal)
        if wrong.any():
            message = [not_a_number(value, source.decimal) for value in frame.loc[wrong, name]]
            effect: Effect = "quarantine" if name in domain.key and not domain.kept else "missing"
            found.append(("R01", offences(frame, wrong, column=name, severity="Q", effect=effect, message=message)))
    for name in [n for n in frame.columns if domain.is_date(n) and n not in tests]:
        wrong = bounds(frame[name])["kind"] == UNUSABLE
        if wrong.any():
            # a subject cannot be set aside for a date, and the study days hang on those of DM
            severity = "E" if domain.code == "DM" else "Q"
            message = [describe(value) for value in frame.loc[wrong, name]]
            unusable: Effect | None = "missing" if domain.kept else None
            found.append(("R01", offences(frame, wrong, column=name, severity=severity, effect=unusable, message=message)))
            if domain.kept:
                numbers[name] = frame[name].mask(wrong)
    for name in [n for n in domain.required if n in domain.key and n in frame.columns and n not in tests]:
        if name == "USUBJID" and domain.code != "DM":
            continue  # rule R04 speaks of it
        wrong = frame[name].isna()
        severity = "E" if domain.code == "DM" else "Q"
        message = "the record does not say which it is: this value may not be empty. Fill it in, or remove the record."
        found.append(("R01", offences(frame, wrong, column=name, severity=severity, message=message)))
    return frame.assign(**numbers), found


def _unpivot(frame: pd.DataFrame, source: Source) -> tuple[pd.DataFrame, int, int, int]:
    """Wide to long, in the order of rows and, within a row, of the declared tests."""
    spec = source.unpivot
    assert spec is not None
    columns = list(spec.tests)
    n, k = len(frame), len(columns)
    order = np.arange(n * k).reshape(k, n).T.ravel()
    value = pd.concat([frame[c] for c in columns], ignore_index=True).astype("str").take(order).reset_index(drop=True)
    long = frame.drop(columns=columns).take(np.repeat(np.arange(n), k)).reset_index(drop=True)
    codes = pd.Series(list(spec.tests.values()), dtype="str").take(np.tile(np.arange(k), n)).reset_index(drop=True)
    long = long.assign(**{spec.testcd: codes, spec.value: value})
    if not source.drop_blank:
        return long, n * k, 0, 0
    kept = long[value.notna()].reset_index(drop=True)
    return kept, n * k, n * k - len(kept), n - kept["SRC_ROW"].nunique()


def _results(frame: pd.DataFrame, source: Source, domain: Domain, tests: Tests) -> tuple[pd.DataFrame, pd.DataFrame]:
    """*STRESC and *STRESN of a findings domain: from the file where it has them, otherwise from *ORRES.

    A test none of whose results is a number holds text (a guess, a reason) unless the plan uses it as a number.
    """
    orres, stresc, stresn = (domain.code + stem for stem in ("ORRES", "STRESC", "STRESN"))
    if stresc not in frame.columns:
        frame = frame.assign(**{stresc: frame[orres]})
    given = stresn if stresn in frame.columns else stresc
    number, wrong = to_number(frame[given], source.decimal)
    code = frame[domain.testcd]
    if given == stresc:
        text = set(code[wrong].unique()) - set(code[number.notna()].unique()) - tests.numeric
        text |= set(source.unpivot.text if source.unpivot else ())
        wrong &= ~code.isin(text)
    wrong &= ~code.isin(tests.items)  # rule R05 speaks of these
    values = frame.loc[wrong, given]
    message = [f"the result {not_a_number(value, source.decimal)}" for value in values]
    found = offences(frame, wrong, column=code[wrong], value=values, severity="Q", effect="missing", message=message)
    if source.unpivot and source.unpivot.units:
        unit = recode(code, dict.fromkeys(source.unpivot.tests.values(), "") | source.unpivot.units)
        frame = frame.assign(**{f"{domain.code}ORRESU": unit, f"{domain.code}STRESU": unit})
    return frame.assign(**{stresn: number}), found
