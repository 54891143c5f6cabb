"""One row per subject with outcome and mediators, and why a subject is not analysed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nirls.methods._groups import TOTAL

if TYPE_CHECKING:
    import pandas as pd

    from nirls.methods.mediation import MediationOptions
    from nirls.methods.registry import AnalysisData

OUTCOME = "OUTCOME_"
BASELINE = "_BASE"
DATE = "_DATE"


def column(place: int) -> str:
    """The column of the mediator at this place of the options."""
    return f"MEDIATOR{place}_"


def wide(data: AnalysisData, options: MediationOptions) -> pd.DataFrame:
    """A row for every subject of the set: outcome, mediators, their baselines and dates, covariates, treatment.

    Raises
    ------
    DataError
        If a parameter has no record at its visit, or a subject two.
    """
    import pandas as pd

    from nirls.errors import DataError

    frame, group = data.frame, data.spec.group
    out = data.adsl.sort_values("USUBJID").set_index("USUBJID")[[group]]  # bootstrap samples do not depend on the order of rows
    for place, at in enumerate([options.outcome, *options.mediators]):
        name = column(place) if place else OUTCOME
        own = frame[(frame["PARAMCD"] == at.param) & (frame["AVISIT"] == at.visit)]
        if own.empty:
            have = sorted(set(frame["PARAMCD"]))
            raise DataError(
                f"analyses.yaml: {data.analysis_id}: options: no record of {at.param} at {at.visit} among those selected (parameters "
                f"{', '.join(have)}); widen `where`, or name another visit"
            )
        twice = own[own.duplicated("USUBJID")]
        if len(twice):
            raise DataError(
                f"{data.analysis_id}: {twice['USUBJID'].iloc[0]} has more than one record of {at.param} at {at.visit}; narrow `where`, for "
                "example to ANL01FL == 'Y'"
            )
        own = own.set_index("USUBJID")
        out = out.join(own[[at.value, "ADT"]].set_axis([name, f"{name}{DATE}"], axis=1))
        # of any record: who has none at the visit has a baseline all the same, if `where` lets records of the baseline visit in
        out[f"{name}{BASELINE}"] = frame[frame["PARAMCD"] == at.param].groupby("USUBJID")["BASE"].first().reindex(out.index)
    wanted = list(dict.fromkeys([*options.covariates, *options.weighted_by]))
    known = frame.drop_duplicates("USUBJID").set_index("USUBJID")[wanted]
    if left := [c for c in wanted if c in data.adsl.columns]:
        known = known.drop(columns=left).join(data.adsl.set_index("USUBJID")[left], how="outer")
    return out.join(known).reset_index().astype({group: pd.CategoricalDtype(list(data.adsl[group].cat.categories), ordered=True)})


def reasons(table: pd.DataFrame, data: AnalysisData, options: MediationOptions) -> pd.Series:
    """Why each subject is not analysed, the first reason that holds; missing for those who are.

    Raises
    ------
    DataError
        With `late: error`, if a mediator was measured on the day of the outcome or after it.
    """
    import pandas as pd

    from nirls.errors import DataError

    words = _words(data)
    found = pd.Series(pd.NA, index=table.index, dtype="str")

    def because(mask: Any, text: str) -> None:
        found[found.isna() & mask] = text

    places = [(OUTCOME, options.outcome), *((column(i), m) for i, m in enumerate(options.mediators, 1))]
    for name, at in places:
        because(table[name].isna(), f"No value of {words(at.param)} at {at.visit}")
    for name, at in places:
        because(table[f"{name}{BASELINE}"].isna(), f"No baseline value of {words(at.param)}")
    for name, at in places[1:]:
        undated = table[f"{name}{DATE}"].isna() | table[f"{OUTCOME}{DATE}"].isna()
        because(undated, f"Order of {words(at.param)} and {words(options.outcome.param)} not known, no date")
        late = found.isna() & (table[f"{name}{DATE}"] >= table[f"{OUTCOME}{DATE}"])
        if options.late == "error" and late.any():
            first = table[late].iloc[0]
            raise DataError(
                f"{data.analysis_id}: a mediator must be measured before the outcome: {first['USUBJID']} has {at.param} at {at.visit} on "
                f"{first[f'{name}{DATE}']} and {options.outcome.param} at {options.outcome.visit} on {first[f'{OUTCOME}{DATE}']} "
                f"({int(late.sum())} subjects in all); correct the dates, or set `late: exclude`"
            )
        because(late, f"{words(at.param, capital=True)} at {at.visit} not measured before {words(options.outcome.param)}")
    for covariate in [*options.covariates, *(options.weighted_by if options.missing == "weighted" else [])]:
        because(table[covariate].isna(), f"Missing covariate {covariate}")
    return found


def _words(data: AnalysisData) -> Any:
    names = data.frame.drop_duplicates("PARAMCD").set_index("PARAMCD")["PARAM"].to_dict() if "PARAM" in data.frame.columns else {}

    def words(code: str, capital: bool = False) -> str:
        text = str(names.get(code, code))
        return text if capital or text[1:2].isupper() else text[:1].lower() + text[1:]

    return words


def account(reason: pd.Series, arm: pd.Series, group: str) -> list[dict[str, Any]]:
    """Rows that count every subject of the set who is not analysed by reason and arm, and those who are."""
    from nirls.ard.build import row

    arms, out = [str(a) for a in arm.cat.categories], []
    for text in reason.dropna().unique():
        own = arm[reason == text]
        key = {"variable": "exclusion", "variable_level": str(text), "group1": group}
        out += [row("n", int((own == a).sum()), group1_level=a, **key) for a in arms]
        out.append(row("n", len(own), group1_level=TOTAL, **key))
    kept = arm[reason.isna()]
    out += [row("n_excluded", int(reason.notna().sum()), variable="model"), row("n_subjects", len(kept), variable="model")]
    out += [row("n_subjects", int((kept == a).sum()), variable="model", group1=group, group1_level=a) for a in arms]
    return out
