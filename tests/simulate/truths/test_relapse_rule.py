"""The rule of relapse on arrays is the rule of ADTTE."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from nirls.adam.adice import derive_adice
from nirls.adam.adqs import derive_adqs
from nirls.adam.adsl import derive_adsl
from nirls.adam.adtte import derive_adtte
from nirls.adam.spec import core_columns
from nirls.plan.load import load_plan
from nirls.sdtm.ingest import ingest
from nirls.simulate.config import Trial
from nirls.simulate.course import run
from nirls.simulate.population import roster
from nirls.simulate.schedule import TREATMENT_WEEKS
from nirls.simulate.truth import chunk
from nirls.simulate.truths.durability import follow_up, last_treatment
from nirls.simulate.truths.relapse_rule import FollowUp, times
from nirls.simulate.world import happen

ROOT = Path(__file__).parents[3]
TRIAL = Trial()
ITEMS = [f"IRLS{k:02d}" for k in range(1, 11)]
WEEKS = range(13, 22)


@pytest.fixture(scope="module")
def plan():
    return load_plan("nir-rls", root=ROOT)


def test_rules_are_those_of_the_plan(plan):
    """And the landmarks, the horizon and the strata are those of its analyses."""
    planned = plan.study.times_to_event
    assert [rule.code for rule in TRIAL.relapse.rules] == list(planned)
    for rule in TRIAL.relapse.rules:
        own = planned[rule.code]
        assert (own.rise, own.loss_percent, own.at_least, own.confirm_days) == (
            rule.rise,
            rule.loss_percent,
            rule.at_least,
            rule.confirm_days,
        )
        assert (own.worse == "CGIS") == rule.worse and own.param == "IRLSTOT" and own.reference_week == TREATMENT_WEEKS
        assert own.start == "TRTEDT" and own.at_risk == "FASFL == 'Y' and EOTSTT == 'COMPLETED'"
    for name in ("relapse_time", "loss_time"):
        options = plan.analyses[name].options
        assert tuple(options["landmarks"]) == TRIAL.relapse.landmarks and options["tau"] in TRIAL.relapse.horizons
        assert options["strata"] == ["STRSEV"] and options.get("ties", "efron") == "efron"


def by_adtte(plan, data: FollowUp) -> pd.DataFrame:
    """ADTTE of the subjects of `data`, derived from records."""
    n, origin = len(data.start), pd.Timestamp("2025-01-01")
    ids = np.array([f"S{k:05d}" for k in range(n)])

    def dates(day):
        return (origin + pd.to_timedelta(day, unit="D")).strftime("%Y-%m-%d")

    adsl = pd.DataFrame({"USUBJID": ids, "FASFL": "Y", "EOTSTT": "COMPLETED", "DCSREAS": "x", "TRTEDT": dates(data.start)})
    adsl["EOSDT"] = dates(data.start + 100)
    for column in core_columns(plan):
        if column not in adsl.columns:
            adsl[column] = np.nan if column.endswith(("BL", "AGE", "DUR")) else pd.Series(["x"] * n, dtype="str")
    parts = []
    days = np.column_stack([data.start + 2, data.day])
    for param, values in (
        ("IRLSTOT", np.column_stack([data.reference, data.total])),
        ("CGIS", np.column_stack([data.severity_reference, data.severity])),
    ):
        for k, week in enumerate((TREATMENT_WEEKS, *WEEKS)):
            record = {"USUBJID": ids, "PARAMCD": param, "AVISITN": float(week), "ADT": dates(days[:, k]), "AVAL": values[:, k]}
            parts.append(pd.DataFrame(record | {"BASE": data.base, "ANL01FL": "Y", "DTYPE": pd.NA}))
    treated = np.isfinite(data.competing)
    adice = pd.DataFrame({"USUBJID": ids[treated], "ICECD": "RESCUE", "ICE": "Rescue medication", "ADT": dates(data.competing[treated])})
    return derive_adtte(adsl, pd.concat(parts, ignore_index=True), adice, plan)[0]


def test_simulated_subjects_through_adtte(plan):
    """Missed visits, missing severity and new medication included: the same time, censoring and event of every subject."""
    subjects = chunk(TRIAL, 0).take(np.arange(1500))
    rng = np.random.default_rng(7)
    total_events = 0
    for arm in (0, 3, 8):
        course = run(TRIAL, subjects, np.full(1500, arm))
        done = course.stop_week == TREATMENT_WEEKS
        data = follow_up(TRIAL, 0, course, arm, done, medication=True)
        missed = rng.random(data.total.shape) < 0.12
        unrated = rng.random(data.severity.shape) < 0.03
        data = dataclasses.replace(
            data,
            total=np.where(missed, np.nan, data.total),
            severity=np.where(unrated, np.nan, data.severity),
            reference=np.where(rng.random(len(data.start)) < 0.02, np.nan, data.reference),
        )
        derived = by_adtte(plan, data)
        for rule in TRIAL.relapse.rules:
            own = derived[derived["PARAMCD"] == rule.code]
            days, why = times(rule, data)
            assert own["USUBJID"].is_monotonic_increasing and len(own) == len(days)
            assert np.array_equal((own["AVAL"] * 7).round().astype(int), days)
            assert np.array_equal(own["CNSR"].astype(int), why)
            total_events += (why == 0).sum()
            assert set(why) == {0, 1, 2}
    assert total_events > 3000


def test_the_trial_itself(plan, raw):
    """Raw files and the rule on arrays, against ADTTE as the package derives it: subjects with every visit and without a fault."""
    domains = ingest(plan, ROOT).domains
    adsl = derive_adsl(domains, plan)
    adqs = derive_adqs(domains, adsl, plan)[0]
    adtte = derive_adtte(adsl, adqs, derive_adice(domains, adsl, adqs, plan)[0], plan)[0]

    key = raw["answer-key"]
    files = ["qs_irls", "qs_cgi", "ex", "dx", "cm", "sv", "ds", "dm"]
    faulty = set(key.loc[key["file"].str.removesuffix(".csv.gz").isin(files), "usubjid"])

    def wide(name, value):
        frame = raw[name].assign(value=value, week=raw[name]["VISIT"].str.extract(r"Week (\d+)")[0])
        frame.loc[frame["VISIT"] == "Baseline", "week"] = "0"
        frame = frame[frame["week"].notna() & ~frame["USUBJID"].isin(faulty)]
        date = "IRLSDTC" if name == "qs_irls" else "QSDTC"
        days = (pd.to_datetime(frame[date]) - pd.Timestamp("2024-01-01")).dt.days
        frame = frame.assign(day=days, week=frame["week"].astype(int)).set_index(["USUBJID", "week"])
        return frame["value"].unstack(), frame["day"].unstack()

    total, day = wide("qs_irls", raw["qs_irls"][ITEMS].apply(pd.to_numeric).sum(axis=1, skipna=False))
    severity = wide("qs_cgi", pd.to_numeric(raw["qs_cgi"]["CGIS"]))[0]
    needed = [0, TREATMENT_WEEKS, *WEEKS]
    complete = total.index[total[needed].notna().all(axis=1)].intersection(severity.index[severity[needed].notna().all(axis=1)])
    who = complete.intersection(adtte["USUBJID"])
    start = (pd.to_datetime(raw["ex"].groupby("USUBJID")["EXENDTC"].max()) - pd.Timestamp("2024-01-01")).dt.days.reindex(who)
    cm = raw["cm"][(raw["cm"]["CMRESCFL"] == "Y")].drop_duplicates("USUBJID").set_index("USUBJID")["CMSTDTC"]
    rescue = (pd.to_datetime(cm) - pd.Timestamp("2024-01-01")).dt.days.reindex(who).astype(float).fillna(np.inf)
    t, d, s = total.loc[who], day.loc[who], severity.loc[who]
    data = FollowUp(
        start=start.to_numpy(float),
        base=t[0].to_numpy(float),
        reference=t[TREATMENT_WEEKS].to_numpy(float),
        severity_reference=s[TREATMENT_WEEKS].to_numpy(float),
        day=d[list(WEEKS)].to_numpy(float),
        total=t[list(WEEKS)].to_numpy(float),
        severity=s[list(WEEKS)].to_numpy(float),
        competing=rescue.to_numpy(float),
    )
    assert len(who) > 150
    for rule in TRIAL.relapse.rules:
        own = adtte[adtte["PARAMCD"] == rule.code].set_index("USUBJID").loc[who]
        days, why = times(rule, data)
        assert np.array_equal((own["AVAL"] * 7).round().astype(int), days), rule.code
        assert np.array_equal(own["CNSR"].astype(int), why), rule.code
        assert (why == 0).sum() > 60


def test_last_treatment_is_that_of_the_trial():
    """The calendar of the truth is the calendar of the trial: last session, or last dose of the drug."""
    world = happen(TRIAL, roster(TRIAL))
    done = world.course.stop_week == TREATMENT_WEEKS
    sessions = world.session_day - world.day1[:, None, None]
    for k in range(len(TRIAL.arms)):
        own = done & (world.r["actual"] == k).to_numpy() & (world.r["arm"] == k).to_numpy()
        assert own.sum() > 20
        course = dataclasses.replace(world.course, delivered=world.course.delivered[own])
        last = last_treatment(TRIAL, course, k, sessions[own])
        assert np.array_equal(last, (world.treatment_last - world.day1)[own])
