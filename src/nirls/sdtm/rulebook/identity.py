"""Who and what a record is: subject identifiers, duplicates, randomization numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from nirls.sdtm.domains import domain_of
from nirls.sdtm.offence import none, offences
from nirls.sdtm.rules import CONFLICT, IDENTITY, SUBJECT, rule

if TYPE_CHECKING:
    from nirls.sdtm.context import Context


def canonical(ids: pd.Series) -> pd.Series:
    """One form for all spellings of an identifier: lower case, no blanks, no leading zeros ("NIR-01-001" and "nir-1-1" agree)."""
    codes, uniques = pd.factorize(ids)
    form = pd.Series(uniques, dtype="str").str.lower().str.replace(r"\s+", "", regex=True).str.replace(r"(?<!\d)0+(?=\d)", "", regex=True)
    return pd.Series(np.append(form.to_numpy(dtype=object), None)[codes], index=ids.index, dtype="str")


@rule("R64", "identifiers are spelt alike in all files", severity="E/W", domains="*", phase=IDENTITY)
def spelling(frame: pd.DataFrame, context: Context) -> pd.DataFrame:
    """USUBJID against DM and SPDEVID against DI: 001 or 1, upper or lower case; two spellings of one subject or centre within DM."""
    parts = []
    for variable, home in (("USUBJID", "DM"), ("SPDEVID", "DI")):
        register = context.domains.get(home)
        if variable not in frame.columns or register is None:
            continue
        known = register[variable].dropna()
        forms = dict(zip(canonical(known), known, strict=True))
        ids = frame[variable]
        if frame is register:
            form = canonical(ids)
            wrong = form.duplicated(keep=False) & ids.notna() & (ids.groupby(form).transform("nunique") > 1)
            message = [
                f"is the same as {', '.join(sorted(set(known[canonical(known) == f]) - {i}))} in another spelling. Keep one."
                for i, f in zip(ids[wrong], form[wrong], strict=True)
            ]
        else:
            strange = ids.notna() & ~ids.isin(known)
            wrong = strange & canonical(ids.where(strange)).isin(set(forms))
            message = [f"is {forms[f]!r} in {home}, spelt differently. Spell it alike in all files." for f in canonical(ids[wrong])]
        if wrong.any():
            parts.append(offences(frame, wrong, column=variable, severity="E", message=message))
    if context.current == "DM":
        parts.append(_sites(frame))
    return pd.concat(parts) if parts else none()


def _sites(frame: pd.DataFrame) -> pd.DataFrame:
    """Centres in two spellings would be two centres: the rarer spelling is noted."""
    site = frame["SITEID"]
    counts = site.value_counts().rename_axis("site").reset_index(name="n").sort_values(["n", "site"], ascending=[False, True])
    counts["form"] = canonical(counts["site"])
    main = counts.drop_duplicates("form").set_index("form")["site"]
    usual = site.map(counts.set_index("site")["form"].map(main))
    differs = site.notna() & (site != usual)
    message = [f"is elsewhere spelt {u!r}; as it stands the two are different centres. Spell it alike." for u in usual[differs]]
    return offences(frame, differs, column="SITEID", severity="W", message=message)


def record_key(frame: pd.DataFrame, code: str) -> pd.DataFrame:
    """The key of each record; at a scheduled visit of a findings domain the calendar date counts, not the time."""
    domain = domain_of(code)
    key = frame[[name for name in domain.key if name in frame.columns]]
    date = f"{code}DTC"
    if domain.findings and {"VISITNUM", date} <= set(key.columns):
        key = key.assign(**{date: key[date].where(key["VISITNUM"].isna(), key[date].str.slice(0, 10))})
    return key


def repeated(frame: pd.DataFrame, code: str) -> pd.DataFrame:
    """Records whose key occurs more than once, with `group` (the key), `row` (the source row) and `content`.

    `content` is everything the source row holds, so that rows of a wide file are compared as a whole.
    """
    key = record_key(frame, code)
    if key.shape[1] < min(2, len(domain_of(code).key)):
        return frame.iloc[:0].assign(group=0, row="", content="")
    twice = frame[key.duplicated(keep=False)]
    if not len(twice):
        return twice.assign(group=0, row="", content="")
    row = twice["SRC_FILE"] + "\x1f" + twice["SRC_ROW"].astype("str")
    # a sequence number is not content: two entries of one result differ by it only
    skip = {"SRC_ROW", "SRC_FILE"} | ({f"{code}SEQ"} if domain_of(code).findings else set())
    text = twice[[c for c in twice.columns if c not in skip]].astype("str").fillna("\x00").agg("\x1f".join, axis=1)
    content = row.map(text.groupby(row, sort=False).agg("\x1e".join))
    group = key.loc[twice.index].groupby(list(key.columns), dropna=False, sort=False).ngroup()
    return twice.assign(group=group, row=row, content=content)


@rule("R02", "no record is given twice", severity="W", domains="*", except_for=("DX",), phase=IDENTITY)
def identical(frame: pd.DataFrame, context: Context) -> pd.DataFrame:
    """Same key, same content: one is kept."""
    code = context.current
    twice = repeated(frame, code)
    if not len(twice):
        return none()
    first = twice.groupby(["group", "content"], sort=False)["SRC_ROW"].transform("first")
    extra = twice.duplicated(["group", "content"])
    message = [f"the record is identical to row {n}; one is kept." for n in first[extra]]
    value = _key_text(twice.loc[extra], code)
    return offences(twice, extra, column=domain_of(code).key[0], value=value, severity="W", effect="duplicate", message=message)


@rule("R03", "one key has one record", severity="E/Q/W", domains="*", except_for=("DX",), phase=CONFLICT)
def conflicting(frame: pd.DataFrame, context: Context) -> pd.DataFrame:
    """Same key, different content: which one is right cannot be known. Adverse events and deficiencies are both kept."""
    code = context.current
    severity = "E" if code == "DM" else "W" if domain_of(code).kept else "Q"
    twice = repeated(frame, code)
    if not len(twice):
        return none()
    rows = twice.groupby("group")["SRC_ROW"].agg(lambda n: sorted(set(n)))
    advice = {"E": "", "W": "Both stay, since none may be lost; "}.get(severity, "None is used; ") + "keep the right one."
    advice = advice[0].upper() + advice[1:]
    message = [
        f"the same key ({key}) has different contents in row {', '.join(str(n) for n in rows[group] if n != own) or own}. {advice}"
        for key, group, own in zip(_key_text(twice, code), twice["group"], twice["SRC_ROW"], strict=True)
    ]
    everything = np.ones(len(twice), dtype=bool)
    return offences(twice, everything, column=domain_of(code).key[0], severity=severity, message=message)


def _key_text(frame: pd.DataFrame, code: str) -> pd.Series:
    """The key of a source row in words; the test code is left out, for it names a column of a wide file."""
    names = [n for n in domain_of(code).key if n in frame.columns and n != domain_of(code).testcd]
    shown = frame[names].copy()
    if "VISITNUM" in names:
        shown["VISITNUM"] = shown["VISITNUM"].map("visit {:g}".format, na_action="ignore")
    return pd.Series(
        [" ".join(str(v) for v in values if v == v) for values in shown.to_numpy(dtype=object)], index=frame.index, dtype="str"
    )


@rule("R04", "every subject is in DM", severity="Q", domains="subjects", except_for=("DM",), phase=SUBJECT)
def unknown_subject(frame: pd.DataFrame, context: Context) -> pd.DataFrame:
    """USUBJID must be in DM; it may be empty only where a record need not belong to a subject."""
    if "USUBJID" not in frame.columns:
        return none()
    ids = frame["USUBJID"]
    unknown = ~ids.isin(context.domains["DM"]["USUBJID"])
    if domain_of(context.current).subject == "optional":
        unknown &= ids.notna()
    message = [
        "the record names no subject; it is left out. Fill in USUBJID."
        if blank
        else "the subject is not in DM; the record is left out. Correct the identifier, or add the subject to DM."
        for blank in ids[unknown].isna()
    ]
    return offences(frame, unknown, column="USUBJID", severity="Q", message=message)


@rule("R26", "a randomization number is used once", severity="E", domains=("DM",), phase=SUBJECT)
def randomization_number(frame: pd.DataFrame, context: Context) -> pd.DataFrame:
    """RANDNO identifies one allocation."""
    if "RANDNO" not in frame.columns:
        return none()
    number = frame["RANDNO"]
    twice = number.notna() & number.duplicated(keep=False)
    others = frame[twice].groupby("RANDNO")["USUBJID"].agg(list)
    message = [
        f"the randomization number is also that of {', '.join(u for u in others[n] if u != s)}. Correct it."
        for n, s in zip(number[twice], frame.loc[twice, "USUBJID"], strict=True)
    ]
    return offences(frame, twice, column="RANDNO", severity="E", message=message)
