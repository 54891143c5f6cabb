"""Rates of adverse events per 100 patient-years and per 100 sessions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from pydantic import Field

from nirls.methods._linear import facts
from nirls.methods._safety import SafetyOptions, all_treated, applicable, counted_by, kinds_of, parts, reference_part, sizes, sponsor_words
from nirls.methods.describe import require
from nirls.methods.registry import AnalysisData, MethodResult, method

if TYPE_CHECKING:
    import pandas as pd

    from nirls.plan.analysis import Analysis
    from nirls.plan.load import Plan

INCIDENCE, EVENTS, SESSIONS = "subjects per 100 patient-years", "events per 100 patient-years", "events per 100 sessions"
PER = 100.0


class EventRatesOptions(SafetyOptions):
    """Options of `event_rates`."""

    categories: dict[str, str | None] = Field(description="Kind of event → condition over ADAE; none for all records.", min_length=1)
    terms_from: float | None = Field(
        None, description="Also every preferred term of the first kind that this percentage of the subjects of some column have.", ge=0
    )

    def cross_check(self, spec: Analysis, plan: Plan) -> Iterator[str]:
        """Besides the columns: the data set is ADAE."""
        yield from super().cross_check(spec, plan)
        if spec.dataset != "ADAE":
            yield f"the data set must be ADAE, not {spec.dataset}"


@method("event_rates", options=EventRatesOptions, beside=("ADRISK",), reads=("adverse_events",))
def event_rates(data: AnalysisData, options: EventRatesOptions) -> MethodResult:
    """Exposure-adjusted incidence (time to the first event), event rates per time and per session, exact limits, and rate ratios."""
    from nirls.ard.build import row
    from nirls.errors import DataError

    require(data.frame, ["ASTDT", "AEDECOD"], data.analysis_id)
    group, columns = parts(data, options)
    reference = reference_part(data, options, group)
    risk = data.beside["ADRISK"].set_index("USUBJID")
    absent = data.adsl.loc[~data.adsl["USUBJID"].isin(risk.index), "USUBJID"]
    if len(absent):
        raise DataError(
            f"{data.analysis_id}: {len(absent)} subject(s) of the set have no time at risk in ADRISK, the first {absent.iloc[0]}; "
            "the set must be of treated subjects"
        )
    kinds = kinds_of(data.frame, options.categories)
    if options.terms_from is not None:
        first = next(iter(kinds.values()))
        shares = [
            part.of(first, group).groupby("AEDECOD")["USUBJID"].nunique() * PER / max(len(part.of(data.adsl, group)), 1)
            for part in columns
        ]  # fmt: skip
        often = sorted({term for share in shares for term in share.index[share >= options.terms_from]})
        total = first.groupby("AEDECOD")["USUBJID"].nunique()
        kinds |= {term: first[first["AEDECOD"] == term] for term in sorted(often, key=lambda t: (-total[t], t)) if term not in kinds}
    found = sizes(data, group, columns)
    people = data.adsl[["USUBJID", group]].merge(risk[["EXSTDT", "RISKENDT", "RISKYRS", "NSESS"]], left_on="USUBJID", right_index=True)
    for label, events in kinds.items():
        timed = people.assign(**_first(events, people))
        against, mine = _sums(reference.of(timed, group)), []
        for part in columns:
            own = _sums(part.of(timed, group))
            for kind, (x, t) in own.items():
                key = {"variable": kind, "variable_level": label, "group1": group, "group1_level": part.name}
                mine += _rate(x, t, kind, key, options.level)
                if part.name in options.compare:
                    key |= {"comparison": f"{part.name} / {reference.name}"}
                    mine += _ratio((x, t), against[kind], kind, key, options)
        found += applicable(mine, label, columns, reference, options)
    found += all_treated(data, group)
    found.append(row("conf_level", options.level, variable="model"))
    late = _late(kinds.values(), people)
    without = f"; {late} event(s) that began after it, of subjects who had left, count without time of their own" if late else ""
    texts = {
        "interval": "exact (Poisson), for events as if all were independent; ratios exact given the sum of the events",
        "exposure": "subjects: time from the first session or dose to the first event, else to the end of the time at risk; events: all of "
        f"the time at risk, or all sessions delivered{without}",
        **counted_by(data, group),
        **sponsor_words(data, options.categories.values()),
    }
    return MethodResult(rows=found + facts(texts))


def _late(kinds: Iterable[pd.DataFrame], people: pd.DataFrame) -> int:
    """Events of any kind whose onset is after the subject's time at risk."""
    import pandas as pd

    events = pd.concat(kinds)
    events = events[~events.index.duplicated()]
    until = events["USUBJID"].map(people.set_index("USUBJID")["RISKENDT"])
    return int((pd.to_datetime(events["ASTDT"]) > pd.to_datetime(until)).sum())


def _first(events: pd.DataFrame, people: pd.DataFrame) -> dict[str, Any]:
    """Of each subject: event or not, number of events, and years to the first event."""
    import numpy as np
    import pandas as pd

    onset = people["USUBJID"].map(events.groupby("USUBJID")["ASTDT"].min())
    until = pd.to_datetime(onset).fillna(pd.to_datetime(people["RISKENDT"]))
    until = pd.concat([until, pd.to_datetime(people["RISKENDT"])], axis=1).min(axis=1)
    years = ((until - pd.to_datetime(people["EXSTDT"])).dt.days + 1) / 365.25
    count = people["USUBJID"].map(events["USUBJID"].value_counts()).fillna(0)
    return {"HAD": onset.notna().astype(float), "COUNT": count, "FIRSTYRS": np.maximum(years, 1 / 365.25)}


def _sums(part: pd.DataFrame) -> dict[str, tuple[float, float]]:
    """(events, exposure) of the three rates; sessions are missing for a column without a device."""
    worn = part[part["NSESS"] > 0]
    return {
        INCIDENCE: (float(part["HAD"].sum()), float(part["FIRSTYRS"].sum())),
        EVENTS: (float(part["COUNT"].sum()), float(part["RISKYRS"].sum())),
        SESSIONS: (float(worn["COUNT"].sum()), float(worn["NSESS"].sum())),
    }


def _rate(x: float, t: float, kind: str, key: dict[str, str], level: float) -> list[dict[str, Any]]:
    from nirls.ard.build import row
    from nirls.stats.rates import poisson_interval

    found = [row("n" if kind == INCIDENCE else "n_events", x, **key)]
    if not t > 0:
        reason = "no session was delivered in this column" if kind == SESSIONS else "no time at risk in this column"
        return [*found, row("estimate", None, error=reason, **key)]
    low, high = poisson_interval(x, t, level)
    found.append(row("exposure", t, **key))
    return found + [row(n, PER * v, **key) for n, v in {"estimate": x / t, "conf_low": low, "conf_high": high}.items()]


def _ratio(own: tuple[float, float], against: tuple[float, float], kind: str, key: dict[str, str], options: SafetyOptions) -> list[dict]:
    import math

    from nirls.ard.build import row
    from nirls.stats.rates import RateRatio

    if not own[1] > 0 or not against[1] > 0:
        return [row("estimate", None, error="no exposure in one of the columns", **key)]
    ratio = RateRatio(x1=own[0], t1=own[1], x2=against[0], t2=against[1])
    low, high = ratio.ci(options.level)
    found = []
    why = {
        "estimate": "no event in the reference" if own[0] else "no event in either",
        "conf_high": "no upper limit: no event in the reference",
    }
    for name, value in {"estimate": ratio.estimate, "conf_low": low, "conf_high": high}.items():
        known = math.isfinite(value)
        found.append(row(name, value if known else None, error="" if known else why.get(name, ""), **key))
    if options.p_values:
        found.append(row("p_value", ratio.p_value, **key))
    return found
