"""Adverse events over the cumulative dose of light: rates by band of dose, and regressions with errors by subject."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from pydantic import Field

from nirls.methods._linear import facts
from nirls.methods._safety import (
    ComparedColumns,
    Part,
    all_treated,
    counted_by,
    kinds_of,
    parts,
    ratio_by_subject,
    reference_part,
    sizes,
    sponsor_words,
)
from nirls.methods.describe import require
from nirls.methods.registry import AnalysisData, MethodResult, method

if TYPE_CHECKING:
    import pandas as pd

    from nirls.plan.analysis import Analysis
    from nirls.plan.load import Plan

BAND, DOSE, NUMBER, LIGHT, OVERALL, UNKNOWN = "band", "cumulative dose", "session number", "light", "all sessions", "not known"


class EventsByDoseOptions(ComparedColumns):
    """Options of `events_by_dose`."""

    categories: dict[str, str | None] = Field(description="Kind of event → condition over ADAE; none for all records.", min_length=1)
    bands: list[float] = Field(
        description="Upper ends of the bands of cumulative fluence before the session, J/cm²; the last is open.", min_length=1
    )
    per_dose: float = Field(500.0, description="The rate ratio is for so many J/cm² more.", gt=0)
    per_sessions: float = Field(12.0, description="The rate ratio of the session number is for so many sessions more.", gt=0)

    def cross_check(self, spec: Analysis, plan: Plan) -> Iterator[str]:
        """Besides the columns: the data set is ADAE, the bands ascend."""
        yield from super().cross_check(spec, plan)
        if spec.dataset != "ADAE":
            yield f"the data set must be ADAE, not {spec.dataset}"
        if self.bands != sorted(set(self.bands)) or self.bands[0] <= 0:
            yield f"bands: {self.bands} must ascend from above 0"


@method("events_by_dose", options=EventsByDoseOptions, beside=("ADEX", "ADRISK"), reads=("adverse_events",))
def events_by_dose(data: AnalysisData, options: EventsByDoseOptions) -> MethodResult:
    """Events per session over cumulative fluence: bands with exact limits, Poisson regression by subject, negative binomial by subject."""
    import pandas as pd

    from nirls.ard.build import row

    require(data.frame, ["ASTDT", "ONSESS"], data.analysis_id)
    group, columns = parts(data, options)
    reference = reference_part(data, options, group)
    panel = _sessions(data.beside["ADEX"], data.adsl, group)
    found = sizes(data, group, columns)
    edges = [-1.0, 0.0, *options.bands]
    labels = ["0", *(f"{a:g}–{b:g}" for a, b in zip([0.0, *options.bands[:-1]], options.bands, strict=True)), f"over {options.bands[-1]:g}"]
    bands = pd.cut(panel["BEFORE"], [*edges, float("inf")], labels=labels).astype("str").fillna(UNKNOWN)
    unknown = int((bands == UNKNOWN).sum())
    found.append(row("n_missing", unknown, variable="sessions"))
    labels += [UNKNOWN] if unknown else []
    for label, events in kinds_of(data.frame, options.categories).items():
        # of the session that came last before the onset, that day's included
        at = events[events["ONSESS"] > 0].groupby(["USUBJID", "ONSESS"]).size()
        key = pd.MultiIndex.from_arrays([panel["USUBJID"], panel["NUMBER"]])
        own = panel.assign(COUNT=at.reindex(key).fillna(0).to_numpy(), BAND=bands)
        lost = int(len(events) - own["COUNT"].sum())
        found.append(row("n_excluded", lost, variable="model", variable_level=label))
        found += _rates(own, label, labels, group, columns, options.level)
        found += _regressions(own, label, group, columns, reference, options)
    found += all_treated(data, group)
    found.append(row("conf_level", options.level, variable="model"))
    texts = {
        "interval": "bands: exact (Poisson); regressions: Wald on the log scale",
        "sessions": "Poisson regression of the events of a session (from its day to the day before the next) on any light in the sessions "
        "of the subject, cumulative fluence before the session and its number, by estimating equations with independence as working "
        "correlation; errors by subject (sandwich)",
        "subjects": "negative binomial regression of the subject's events on the column, offset log of the sessions delivered",
        "per_dose": f"{options.per_dose:g} J/cm²",
        "per_sessions": f"{options.per_sessions:g} sessions",
        "confounding": "How much dose a subject has had depends on how long it could bear it: the dose within an arm is not randomized, "
        "and who stopped for an event has no later sessions.",
        **counted_by(data, group),
        **sponsor_words(data, options.categories.values()),
    }
    return MethodResult(rows=found + facts(texts))


def _sessions(adex: pd.DataFrame, adsl: pd.DataFrame, group: str) -> pd.DataFrame:
    """One row per session that took place: its number, the fluence delivered before it, and whether any of the subject's delivered light.

    After a session whose fluence is not known the fluence delivered is not known either; it is of no session while a study is blinded.
    """
    took = adex[(adex["ANL01FL"] == "Y") & adex["ADT"].notna()].sort_values(["USUBJID", "ADT", "ASEQ"], kind="stable")
    of = took["USUBJID"]
    dose, absent = took["AFLU"].fillna(0.0), took["AFLU"].isna().astype(int)
    lacking = absent.groupby(of).cumsum() - absent > 0
    before = (dose.groupby(of).cumsum() - dose).mask(lacking)
    # by what was delivered, the session itself included: who stops after one session of light has had light
    light = (dose > 0).groupby(of).transform("any")
    out = took[["USUBJID", "ADT"]].assign(
        NUMBER=took.groupby("USUBJID").cumcount() + 1.0, BEFORE=before,
        LIGHT=light.astype(float).mask(~light & absent.groupby(of).transform("any").astype(bool)),
    )  # fmt: skip
    return out.merge(adsl[["USUBJID", group]], on="USUBJID").reset_index(drop=True)


def _rates(own: pd.DataFrame, label: str, labels: list[str], group: str, columns: list[Part], level: float) -> list[dict[str, Any]]:
    from nirls.ard.build import row
    from nirls.stats.rates import poisson_interval

    found = []
    for band in [*labels, OVERALL]:
        some = own if band == OVERALL else own[own["BAND"] == band]
        for part in columns:
            inside = part.of(some, group)
            if inside.empty:
                continue
            key = {
                "variable": BAND,
                "variable_level": band,
                "group1": group,
                "group1_level": part.name,
                "group2": "category",
                "group2_level": label,
            }
            x, t = float(inside["COUNT"].sum()), float(len(inside))
            low, high = poisson_interval(x, t, level)
            found += [row("n_events", x, **key), row("exposure", t, **key)]
            found += [row(n, 100 * v, **key) for n, v in {"estimate": x / t, "conf_low": low, "conf_high": high}.items()]
    return found


def _regressions(
    own: pd.DataFrame, label: str, group: str, columns: list[Part], reference: Part, options: EventsByDoseOptions
) -> list[dict[str, Any]]:
    import numpy as np

    from nirls.ard.build import row
    from nirls.errors import MethodError
    from nirls.models.recurrent import poisson_by_subject

    of = {"group2": "category", "group2_level": label}
    known = own.dropna(subset=["BEFORE", "LIGHT"])
    design = np.column_stack(
        [np.ones(len(known)), known["LIGHT"], known["BEFORE"] / options.per_dose, (known["NUMBER"] - 1) / options.per_sessions]
    )
    found = []
    try:
        if known.empty:
            raise MethodError("the fluence delivered is not known")
        fit = poisson_by_subject(known["COUNT"], design, known["USUBJID"])
        for place, name in enumerate((LIGHT, DOSE, NUMBER), start=1):
            values = dict(zip(("estimate", "conf_low", "conf_high"), fit.ratio(place, options.level), strict=True))
            found += [row(n, v, variable=name, **of) for n, v in values.items()]
    except MethodError as error:
        found += [row("estimate", None, error=str(error), variable=name, **of) for name in (LIGHT, DOSE, NUMBER)]
    people = own.groupby("USUBJID").agg(NSESS=("COUNT", "size"), COUNT=("COUNT", "sum"), **{group: (group, "first")})
    for part in columns:
        if part.name in options.compare:
            found += ratio_by_subject(people, part, reference, group, of, options.level)
    return found
