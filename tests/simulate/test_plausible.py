"""The committed trial is what the protocol says, and clinically plausible. Ranges have their sources beside them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

ITEMS = [f"IRLS{k:02d}" for k in range(1, 11)]
SIZES = {
    "SHAM": 90,
    "NIR850-18": 50,
    "NIR850-36": 50,
    "NIR850-54": 90,
    "NIR850-90": 50,
    "NIR850-54H": 50,
    "NIR660-18": 50,
    "NIR660-54": 50,
    "ACTIVE": 90,
}


@pytest.fixture(scope="module")
def totals(raw):
    """Totals from the items, subjects × visits, of the randomized."""
    frame = raw["qs_irls"].drop_duplicates(["USUBJID", "VISITNUM"])
    values = frame[ITEMS].apply(pd.to_numeric, errors="coerce")
    frame = frame.assign(total=values.where(values.isin(range(5))).sum(axis=1, skipna=False))
    dm = raw["dm"]
    wide = frame.pivot(index="USUBJID", columns="VISITNUM", values="total")
    return wide.reindex(dm.loc[dm["ARMCD"] != "SCRNFAIL", "USUBJID"])


@pytest.fixture(scope="module")
def arm(raw):
    return raw["dm"].set_index("USUBJID")["ARMCD"]


def test_size_of_the_folder(folder):
    assert sum(path.stat().st_size for path in folder.iterdir()) <= 10_000_000


def test_readme_and_truth_say_that_the_data_are_synthetic(folder):
    for name in ("README.md", "truth.json"):
        assert "SYNTHETIC DATA — not evidence" in (folder / name).read_text(encoding="utf-8")


def test_arm_sizes_and_screen_failures(raw):
    counts = raw["dm"]["ARMCD"].value_counts()
    assert {code: int(counts[code]) for code in SIZES} == SIZES
    assert 70 <= counts["SCRNFAIL"] <= 110


def test_blocks_are_balanced_within_strata(raw):
    dm = raw["dm"][raw["dm"]["RANDDTC"] != ""]
    assert dm["RANDNO"].is_unique
    dm = dm.assign(list=dm["RANDNO"].str.slice(1, 3), place=dm["RANDNO"].str.slice(3).astype(int))
    assert dm["list"].nunique() == 12
    for _, rows in dm.sort_values("place").groupby("list"):
        assert rows["place"].tolist() == list(range(1, len(rows) + 1))
        assert rows["RANDDTC"].is_monotonic_increasing
        assert rows["SITEID"].nunique() == rows["STRSEV"].nunique() == 1
        for start in range(0, len(rows) - 18, 19):
            block = rows["ARMCD"].iloc[start : start + 19].value_counts()
            assert all(abs(block.get(code, 0) - 19 * n / 570) < 1 for code, n in SIZES.items())


def test_baseline_severity(totals):
    # RLS trials: mean 23–24.7, SD 4.6–5.3 (gabapentin enacarbil XP053; an open cohort 24.7 ± 5.2)
    assert 23 < totals["2"].mean() < 26
    assert 4.5 < totals["2"].std() < 5.6


def test_internal_consistency_at_baseline(raw):
    # Abetz et al. 2006, n = 550: alpha .81 total, .80 symptoms, .76 impact; development study .93 (2003)
    rows = raw["qs_irls"].query("VISITNUM == '2'")[ITEMS].apply(pd.to_numeric)

    def alpha(items):
        part = rows[items]
        return len(items) / (len(items) - 1) * (1 - part.var().sum() / part.sum(axis=1).var())

    assert 0.80 < alpha(ITEMS) < 0.92
    assert 0.75 < alpha([ITEMS[k] for k in (0, 1, 3, 5, 6, 7)]) < 0.90
    assert 0.62 < alpha([ITEMS[k] for k in (4, 8, 9)]) < 0.85


def test_change_from_baseline(totals, arm):
    change = totals.sub(totals["2"], axis=0)
    by_arm = change.groupby(arm)
    # placebo response −6.58 (Silva et al. 2017), sham devices −3.4 to −3.8 over 2–4 weeks; SD of change 5.9–9.5
    assert -7.5 < by_arm["6"].mean()["SHAM"] < -4.5
    assert (by_arm["6"].std().between(4.5, 8)).all()
    assert -6.0 < by_arm["6"].mean()["NIR850-54"] - by_arm["6"].mean()["SHAM"] < -2.0
    # most of the benefit is gone nine weeks after treatment
    assert by_arm["19"].mean()["NIR850-54"] > by_arm["10"].mean()["NIR850-54"] + 4


def test_eligibility(raw, totals):
    key = raw["answer-key"]
    deviating = set(key.loc[key["rule"] == "R21", "usubjid"])
    assert (totals["1"].dropna() >= 15).all()
    assert set(totals.index[totals["2"] < 15]) == deviating


def test_stopping_and_retrieved_dropouts(raw):
    hidden = raw["truth-subjects"]
    stop, exit_week = hidden["STOP_WEEK"].astype(int), hidden["EXIT_WEEK"].astype(int)
    stopped = stop.between(0, 11)
    assert 0.08 < stopped.mean() < 0.25
    assert 0.30 < hidden.loc[stopped, "RETRIEVED"].astype(int).mean() < 0.50
    assert 0.08 < (exit_week < 21).mean() < 0.30
    # a retrieved dropout has IRLS records after the end of treatment
    ds = raw["ds"].query("DSSCAT == 'STUDY TREATMENT' and DSDECOD != 'COMPLETED'").set_index("USUBJID")["DSSTDTC"]
    irls = raw["qs_irls"].groupby("USUBJID")["IRLSDTC"].max()
    retrieved = hidden.loc[hidden["RETRIEVED"] == "1", "USUBJID"]
    assert (irls.reindex(retrieved) > ds.reindex(retrieved)).mean() > 0.9


def test_history_prevalences(raw):
    share = raw["mh"].groupby("MHDECOD")["USUBJID"].nunique() / 570
    expected = {
        "MICROVASCULAR DISEASE": 0.35,
        "REFRACTORY RLS": 0.40,
        "SECONDARY RLS": 0.30,
        "CHRONIC KIDNEY DISEASE": 0.12,
        "PRIOR DOPAMINE AGONIST": 0.45,
    }
    for term, p in expected.items():
        assert abs(share[term] - p) < 4 * np.sqrt(p * (1 - p) / 570), term
    assert raw["mh"].query("MHDECOD in ['PRIMARY RLS', 'SECONDARY RLS']").groupby("USUBJID")["MHDECOD"].nunique().eq(1).all()


def test_blinding_leaks_at_660_nm_only(raw, arm):
    blind = raw["qs_blind"]
    group = blind["USUBJID"].map(arm)
    assert not (group == "ACTIVE").any()
    early = blind[(blind["RESP"] == "PARTICIPANT") & (blind["VISITNUM"] == "3")]
    light = (early["GUESS"] == "NIR").groupby(early["USUBJID"].map(arm).str.slice(0, 6)).mean()
    assert light["NIR660"] > light["NIR850"] + 0.15
    assert abs(light["NIR850"] - light["SHAM"]) < 0.15


def test_adverse_events(raw, arm):
    ae = raw["ae"]
    actual = raw["dm"].set_index("USUBJID")["ACTARMCD"]
    share = ae.groupby(ae["USUBJID"].map(actual))["USUBJID"].nunique() / actual.value_counts()
    assert 0.25 < share["SHAM"] < 0.55  # nocebo 45 % (40–50), Silva et al. 2017
    assert share["ACTIVE"] > share["SHAM"]
    assert (ae["AEDECOD"] != "").all()
    withdrawn = set(raw["ds"].query("DSSCAT == 'STUDY TREATMENT' and DSDECOD == 'ADVERSE EVENT'")["USUBJID"])
    assert withdrawn <= set(ae["USUBJID"])


def test_sessions(raw):
    log = raw["dx"]
    hour = pd.to_datetime(log["START_UTC"]).dt.hour
    assert hour.nunique() > 12  # six zones; evenings everywhere
    assert 13_000 < len(log) < 16_000
    hidden = raw["truth-subjects"].set_index("USUBJID")
    seen = log[~log.duplicated()].groupby("USUBJID").size().reindex(hidden.index).fillna(0)
    assert (np.abs(seen - hidden["SESSIONS"].astype(int)) <= 4).all()
    assert (hidden.loc[hidden["ARMCD"] == "ACTIVE", "SESSIONS"] == "0").all()


def test_diary_has_five_prompts_on_nine_days(raw):
    diary = raw["qs_diary"]
    per_day = diary.groupby(["USUBJID", diary["DIARYDTM"].str.slice(0, 10)]).size()
    assert per_day.max() >= 5
    hours = diary["DIARYDTM"].str.slice(11, 13).astype(int)
    mean = diary["NRS"].astype(int).groupby(hours).mean()
    assert mean[8] < mean[16] < mean[22]
