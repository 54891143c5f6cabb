"""Run one analysis of the plan: ADaM in, ARD out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nirls.methods.registry import AnalysisData, MethodResult, all_methods

if TYPE_CHECKING:
    import pandas as pd

    from nirls.plan.analysis import Analysis
    from nirls.plan.load import Plan
    from nirls.strategies import Bound

NONE_IS_AN_ANSWER = ("ADDV", "ADICE", "ADAE", "ADDE")
"""Data sets of what may not have happened to anybody: that no record fulfils a condition is a result; elsewhere it is a slip."""


def run_analysis(
    plan: Plan,
    analysis_id: str,
    frame: pd.DataFrame,
    adsl: pd.DataFrame,
    used: dict[str, pd.DataFrame] | None = None,
    ice: pd.DataFrame | None = None,
    beside: dict[str, pd.DataFrame] | None = None,
) -> tuple[pd.DataFrame, MethodResult]:
    """Select the records an analysis means, run its method, and return the ARD.

    Parameters
    ----------
    plan : Plan
    analysis_id : str
        Key of `analyses.yaml`.
    frame, adsl : DataFrame
        The data set of the analysis and ADSL, as derived.
    used : dict of str to DataFrame
        ARDs of the analyses it builds on.
    ice : DataFrame, optional
        ADICE; needed by an analysis with an estimand.
    beside : dict of str to DataFrame, optional
        The data sets that the method reads beside its own.

    Returns
    -------
    ard : DataFrame
    result : MethodResult
        With the records, if the method keeps any.
    """
    from nirls.ard.frame import to_frame
    from nirls.plan.base import validate

    data, bound = _bound(plan, select(plan, analysis_id, frame, adsl, used or {}, ice), frame)
    entry = all_methods()[data.spec.method]
    data = _with_others(data, entry.beside, beside or {})
    result = entry.function(data, validate(entry.options, data.spec.options))
    params = data.frame["PARAMCD"].dropna().unique() if "PARAMCD" in data.frame.columns else []
    shared: dict[str, Any] = {
        "analysis_id": analysis_id, "estimand_id": data.spec.estimand or "", "method": data.spec.method,
        "dataset": data.spec.dataset, "analysis_set": data.spec.set or "", "subset": _subset(data.spec),
    }  # fmt: skip
    param = str(params[0]) if len(params) == 1 else ""
    said = [*_comparison_only(data.spec), *(bound.footnotes if bound else ()), *result.footnotes]
    notes = [
        {"stat_name": "text", "stat_label": "Note", "variable": "footnote", "variable_level": str(i), "stat_text": t}
        for i, t in enumerate(said, 1)
    ]
    if data.spec.subjects is not None:
        notes.append({"stat_name": "text", "stat_label": "Note", "variable": "subjects", "stat_text": data.spec.subjects.label})
    handled = bound.rows if bound else []
    rows = [{"param": param, **r} if not r.get("param") else r for r in [*result.rows, *handled, *notes]]
    return to_frame(rows, **shared), result


def _with_others(data: AnalysisData, wanted: tuple[str, ...], given: dict[str, pd.DataFrame]) -> AnalysisData:
    """With the data sets that the method asks for, of the subjects analysed."""
    from dataclasses import replace

    from nirls.errors import DataError

    absent = [name for name in wanted if name not in given]
    if absent:
        raise DataError(
            f"analyses.yaml: {data.analysis_id}: the method {data.spec.method!r} needs {', '.join(absent)}, which this study "
            "does not have; give the log of device sessions (domain DX) under `sources` of study.yaml"
        )
    own = {name: given[name][given[name]["USUBJID"].isin(data.adsl["USUBJID"])].reset_index(drop=True) for name in wanted}
    return replace(data, beside=own)


def _comparison_only(spec: Analysis) -> list[str]:
    if spec.comparison_only is None:
        return []
    return [f"For comparison only, it answers no estimand: {spec.comparison_only.rstrip('.')}."]


def _subset(spec: Analysis) -> str:
    """Conditions on subjects and records, as one text."""
    parts = [spec.subjects.where if spec.subjects is not None else None, spec.where]
    return " and ".join(f"({part})" if len([p for p in parts if p]) > 1 else part for part in parts if part)


def select(
    plan: Plan, analysis_id: str, frame: pd.DataFrame, adsl: pd.DataFrame, used: dict[str, pd.DataFrame], ice: pd.DataFrame | None = None
) -> AnalysisData:
    """Apply set, arms, `subjects` and `where`; the treatment variable becomes an ordered Categorical in display order."""
    from nirls.errors import DataError
    from nirls.plan.where import where_mask

    spec = plan.analyses[analysis_id]
    subjects, records, left = _of_subjects(plan, analysis_id, frame, adsl)
    if spec.where is not None:
        records = records[where_mask(spec.where, records)]
        left.append(f"{len(records)} of these fulfil the condition {spec.where!r}")
    if records.empty and frame.shape[0] and spec.dataset not in NONE_IS_AN_ANSWER:
        raise DataError(
            f"analyses.yaml: {analysis_id}: no record of {spec.dataset} is left to analyse: {', '.join(left)}. "
            "Correct the entry, or see in sdtm/_ledger/findings.csv why the data have none"
        )
    return AnalysisData(
        frame=records.reset_index(drop=True), adsl=subjects.reset_index(drop=True), spec=spec, analysis_id=analysis_id, plan=plan,
        used=used, ice=None if ice is None else ice[ice["USUBJID"].isin(subjects["USUBJID"])].reset_index(drop=True),
    )  # fmt: skip


def _of_subjects(plan: Plan, analysis_id: str, frame: pd.DataFrame, adsl: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame, list[str]]:
    """The subjects of an analysis, all their records, and what was left at each step, in words."""
    import pandas as pd

    from nirls.plan.where import where_mask

    spec = plan.analyses[analysis_id]
    arms = [a for a in (spec.arms or plan.study.arms) if not plan.study.arms[a].not_an_arm]

    def keep(data: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
        left = [f"of {len(data)} records of {data['USUBJID'].nunique()} subjects"]
        if spec.set is not None:
            data = data[data[f"{spec.set}FL"] == "Y"]
            left.append(f"{len(data)} are in the set {spec.set}")
        if spec.group is not None:
            if spec.set is not None or spec.arms is not None:
                data = data[data[spec.group].isin(arms)]
                left.append(f"{len(data)} of these have one of the arms {', '.join(arms)} ({spec.group})")
            data = data.assign(**{spec.group: pd.Categorical(data[spec.group], categories=arms, ordered=True)})
        return data, left

    if "DTYPE" in frame.columns and not spec.carried_forward:
        frame = frame[frame["DTYPE"].ne("LOCF").fillna(True)]
    (subjects, _), (records, left) = keep(adsl), keep(frame)
    if spec.subjects is not None:
        subjects = subjects[where_mask(spec.subjects.where, subjects)]
        records = records[records["USUBJID"].isin(subjects["USUBJID"])]
        left.append(f"{len(records)} of these are of the {len(subjects)} subjects who fulfil the condition {spec.subjects.where!r}")
    return subjects, records, left


def _bound(plan: Plan, data: AnalysisData, frame: pd.DataFrame) -> tuple[AnalysisData, Bound | None]:
    """The records as the strategies of the estimand want them; none where there is no estimand, or no event can act on its records."""
    from dataclasses import replace

    from nirls.errors import DataError
    from nirls.plan.where import where_mask
    from nirls.strategies import bind

    spec = data.spec
    if spec.estimand is None or spec.dataset != "ADQS" or not plan.study.intercurrent_events:
        return data, None
    if data.ice is None:
        raise DataError(f"{data.analysis_id}: estimand {spec.estimand} needs the intercurrent events (adice.parquet), which were not given")
    _, records, _ = _of_subjects(plan, data.analysis_id, frame, data.adsl)

    def chosen(some: pd.DataFrame) -> pd.DataFrame:
        return some if spec.where is None else some[where_mask(spec.where, some)]

    outcome = all_methods()[spec.method].outcome
    bound = bind(records, chosen, data.ice, plan.estimands[spec.estimand], plan.study, group=spec.group, outcome=outcome)
    return replace(data, frame=bound.frame.reset_index(drop=True)), bound


def analyse_files(plan: Plan, analysis_id: str, inputs: Any, outputs: Any, provenance: dict[str, Any]) -> None:
    """Run one analysis from files to files; `inputs` and `outputs` are those of the rule `analyse`."""
    from pathlib import Path

    import pandas as pd

    from nirls.ard.io import read_ard, write_ard, write_table
    from nirls.provenance import file_hash, versions

    frame, adsl = pd.read_parquet(inputs.data), pd.read_parquet(inputs.adsl)
    used = {Path(path).stem: read_ard(path) for path in inputs.get("used", [])}
    ice = pd.read_parquet(inputs.ice) if inputs.get("ice") else None
    beside = {Path(path).stem.upper(): pd.read_parquet(path) for path in inputs.get("beside", [])}
    ard, result = run_analysis(plan, analysis_id, frame, adsl, used, ice, beside)
    data = select(plan, analysis_id, frame, adsl, used, ice)
    provenance = provenance | {
        "analysis": plan.analyses[analysis_id].model_dump(mode="json"),
        "inputs": {Path(p).name: file_hash(p) for p in _files(inputs)},
        "versions": versions(),
        "n_records": len(data.frame),
        "n_subjects": int(data.frame["USUBJID"].nunique()),
    }
    write_ard(ard, outputs.ard, provenance)
    if result.records is not None:
        write_table(result.records, outputs.records, provenance)
    print(f"{len(ard)} statistics from {len(data.frame)} records of {data.frame['USUBJID'].nunique()} subjects")


def _files(inputs: Any) -> list[str]:
    alone = [inputs.get(name) for name in ("ice", "literature", "cases") if inputs.get(name)]
    more = [*alone, *inputs.get("beside", []), *inputs.get("used", [])]
    return list(dict.fromkeys([inputs.data, inputs.adsl, *more]))
