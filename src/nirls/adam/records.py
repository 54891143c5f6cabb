"""The records of ADQS, ADLB and ADVS before visits are assigned: items, scores and other parameters, one row per value."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from nirls.adam.dates import date_part
from nirls.adam.score import check_items, score_items
from nirls.errors import ConfigError, DataError
from nirls.plan.where import where_mask

if TYPE_CHECKING:
    from nirls.plan.instrument import Instrument
    from nirls.plan.load import Plan
    from nirls.plan.study import AdqsParam

RECORD = ["USUBJID", "VISITNUM", "QSDT"]
"""What makes one assessment: subject, visit as collected and calendar date."""
COLUMNS = [
    "USUBJID",
    "VISITNUM",
    "VISIT",
    "ADT",
    "PARAMCD",
    "PARAM",
    "PARCAT1",
    "KIND",
    "CHANGE",
    "AVAL",
    "AVALC",
    "AVALREC",
    "DTYPE",
    "SRC_FILE",
    "SRC_ROW",
]


RANGE = ["ANRLO", "ANRHI"]
"""Limits of the reference range that a record brings itself."""


def parameter_codes(plan: Plan, dataset: str = "ADQS") -> dict[str, str]:
    """PARAMCD → PARAM of every parameter of a data set, in order; a code in use twice is an error."""
    if dataset != "ADQS":
        return {code: item.label for code, item in plan.study.parameters.items() if item.dataset == dataset}
    found: dict[str, str] = {}
    pairs = [(c, t) for i in plan.instruments.values() for c, t in [*i.items.items(), *((k, s.label) for k, s in i.scores.items())]]
    for code, label in [*pairs, *((k, p.label) for k, p in plan.study.parameters.items() if p.dataset == "ADQS")]:
        if code in found:
            raise ConfigError(f"the parameter {code!r} is defined twice among instruments and `parameters`; give one of them another code")
        found[code] = label
    return found


def collect_records(domains: dict[str, pd.DataFrame], plan: Plan) -> tuple[pd.DataFrame, pd.Series]:
    """Items, derived scores and parameters of the plan, from QS and the domains that parameters name.

    Parameters
    ----------
    domains : dict of str to DataFrame
        SDTM domains by code, each findings domain with one row per test.
    plan : Plan
        Instruments and parameters of the study.

    Returns
    -------
    records : DataFrame
        Columns :data:`COLUMNS`; a score has one row for every assessment in which an item or the
        recorded total exists, with AVAL missing where the rule for missing items says so.
    not_used : Series of int
        Number of QS records by QSTESTCD that the plan does not carry into ADQS.

    Raises
    ------
    DataError
        If a subject has two records of one test at one visit on one date, or items out of range.
    """
    qs, names = domains["QS"], parameter_codes(plan)
    of_qs = {code: item for code, item in plan.study.parameters.items() if item.domain == "QS"}
    totals = {i.recorded_total for i in plan.instruments.values() if i.recorded_total}
    qs = qs.assign(QSDT=date_part(qs["QSDTC"]))
    of_scales = qs["QSTESTCD"].isin((set(names) - set(plan.study.parameters)) | totals)
    chosen = {code: _chosen(qs, code, item) for code, item in of_qs.items()}
    wanted = np.logical_or.reduce([of_scales, *chosen.values()])
    not_used = qs.loc[~wanted, "QSTESTCD"].value_counts().sort_index()
    for mask in (of_scales, *chosen.values()):
        _refuse_repeats(qs[mask])
    parts = []
    for instrument in plan.instruments.values():
        own = qs[qs["QSTESTCD"].isin([*instrument.items, instrument.recorded_total])]
        parts += [_items(own, instrument), *_scores(own, instrument)]
    parts += [_parameter(qs[mask], code, of_qs[code]) for code, mask in chosen.items()]
    elsewhere = {code: item for code, item in plan.study.parameters.items() if item.domain != "QS" and item.dataset == "ADQS"}
    parts += [_elsewhere(domains, code, item) for code, item in elsewhere.items()]
    return _together(parts)[COLUMNS], not_used


def collect_findings(domains: dict[str, pd.DataFrame], plan: Plan, dataset: str) -> tuple[pd.DataFrame, pd.Series]:
    """The records of ADLB or ADVS, and the number of records of the domain by test that the plan does not carry into it.

    As :func:`collect_records`, with the columns :data:`RANGE`, which are missing where the domain has no STNRLO or STNRHI.
    """
    items = {code: item for code, item in plan.study.parameters.items() if item.dataset == dataset}
    if not items:
        raise DataError(f"{dataset}: no parameter of study.yaml comes from the domain {dataset[2:]}")
    records = _together([_elsewhere(domains, code, item) for code, item in items.items()])
    frame = domains[dataset[2:]]
    unused = frame[~frame[f"{dataset[2:]}TESTCD"].isin([item.test or code for code, item in items.items()])]
    return records[[*COLUMNS, *RANGE]], unused[f"{dataset[2:]}TESTCD"].value_counts().sort_index()


def _together(parts: list[pd.DataFrame]) -> pd.DataFrame:
    return pd.concat([p for p in parts if len(p)], ignore_index=True) if any(len(p) for p in parts) else parts[-1]


def _refuse_repeats(qs: pd.DataFrame, domain: str = "QS") -> None:
    repeated = qs.duplicated([*RECORD, "QSTESTCD"], keep=False)
    if repeated.any():
        first = qs[repeated].sort_values([*RECORD, "QSTESTCD"]).head(4)
        shown = "; ".join(
            f"{r.USUBJID} {r.QSTESTCD} visit {r.VISITNUM:g} on {r.QSDTC} ({r.SRC_FILE} row {r.SRC_ROW})" for r in first.itertuples()
        )
        raise DataError(
            f"{domain}: {int(repeated.sum())} records repeat a test of the same subject, visit and date: {shown}; keep one of them"
        )


def _values(qs: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "USUBJID": qs["USUBJID"], "VISITNUM": qs["VISITNUM"], "VISIT": qs["VISIT"], "ADT": qs["QSDT"], "PARAMCD": qs["QSTESTCD"],
            "AVAL": qs["QSSTRESN"].astype("float64"), "AVALREC": np.nan, "DTYPE": pd.Series(np.nan, index=qs.index, dtype="str"),
            "AVALC": pd.Series(np.nan, index=qs.index, dtype="str"),
            "SRC_FILE": qs["SRC_FILE"], "SRC_ROW": qs["SRC_ROW"],
        }
    )  # fmt: skip


def _items(own: pd.DataFrame, instrument: Instrument) -> pd.DataFrame:
    items = own[own["QSTESTCD"].isin(list(instrument.items))]
    return _values(items).assign(PARAM=items["QSTESTCD"].map(instrument.items), PARCAT1=instrument.abbreviation, KIND="item", CHANGE=True)


def _scores(own: pd.DataFrame, instrument: Instrument) -> list[pd.DataFrame]:
    if own.empty:
        return []
    own = own.assign(_ID=own.groupby(RECORD, dropna=False).ngroup())
    # one row per assessment; the first source row stands for the assessment
    heads = own.sort_values(["_ID", "SRC_FILE", "SRC_ROW"], kind="stable").drop_duplicates("_ID").set_index("_ID")
    wide = own.pivot(index="_ID", columns="QSTESTCD", values="QSSTRESN").reindex(heads.index).astype("float64")
    items = wide.reindex(columns=list(instrument.items))
    check_items(items, instrument)
    parts = []
    for code, score in instrument.scores.items():
        value, prorated = score_items(items, score, instrument)
        part = _values(heads).assign(
            PARAMCD=code, PARAM=score.label, PARCAT1=instrument.abbreviation, KIND="score", CHANGE=True, AVAL=value
        )
        part["DTYPE"] = pd.Series("PRORATED", index=heads.index).where(prorated)
        if code == instrument.total and instrument.recorded_total in wide.columns:
            part["AVALREC"] = wide[instrument.recorded_total]
        parts.append(part)
    return parts


def _chosen(qs: pd.DataFrame, code: str, item: AdqsParam) -> pd.Series:
    """The records of a parameter."""
    mask = qs["QSTESTCD"] == (item.test or code)
    return mask if item.where is None else mask & where_mask(item.where, qs)


def _elsewhere(domains: dict[str, pd.DataFrame], code: str, item: AdqsParam) -> pd.DataFrame:
    """The records of a parameter of another domain than QS."""
    place, prefix = f"study.yaml: parameters.{code}.domain", item.domain
    if prefix not in domains:
        raise ConfigError(f"{place}: the study has no domain {prefix!r} (it has {', '.join(sorted(domains))})")
    frame = domains[prefix]
    needed = [f"{prefix}TESTCD", f"{prefix}DTC", f"{prefix}STRESN", f"{prefix}STRESC", "VISITNUM", "VISIT"]
    absent = [c for c in needed if c not in frame.columns]
    if absent:
        raise ConfigError(f"{place}: {prefix} is no findings domain by visit, it lacks {', '.join(absent)}")
    own = frame[frame[f"{prefix}TESTCD"] == (item.test or code)]
    if item.where is not None:
        own = own[where_mask(item.where, own)]
    own = own.rename(columns={f"{prefix}{part}": f"QS{part}" for part in ("TESTCD", "DTC", "STRESN", "STRESC", "CAT")})
    own = own.assign(QSDT=date_part(own["QSDTC"]), QSCAT=own["QSCAT"] if "QSCAT" in own.columns else prefix)
    _refuse_repeats(own, prefix)
    given = {name: f"{prefix}STNR{name[3:]}" for name in RANGE}
    limits = {name: pd.to_numeric(own[column]) if column in own.columns else np.nan for name, column in given.items()}
    return _parameter(own, code, item).assign(**limits)


def _parameter(own: pd.DataFrame, code: str, item: AdqsParam) -> pd.DataFrame:
    out = _values(own).assign(PARAMCD=pd.Series(code, index=own.index, dtype="str"))
    if item.values is not None:
        text = own["QSSTRESC"]
        wrong = own[text.notna() & ~text.isin(list(item.values))]
        if len(wrong):
            first = wrong.iloc[0]
            raise DataError(
                f"{item.domain}: {len(wrong)} result(s) of {first['QSTESTCD']} are not among the `values` of the parameter {code!r} "
                f"({', '.join(item.values)}), the first {first['QSSTRESC']!r} of {first['USUBJID']} ({first['SRC_FILE']} row "
                f"{first['SRC_ROW']}); correct the data, or add the value to `parameters` of study.yaml"
            )
        out = out.assign(AVAL=text.map(item.values).astype("float64"), AVALC=text)
    category = own["QSCAT"] if "QSCAT" in own.columns else pd.Series(np.nan, index=own.index, dtype="str")
    return out.assign(PARAM=item.label, PARCAT1=category, KIND="parameter", CHANGE=item.change)
