"""The methods of safety: every number against a count by hand, pandas, or a formula of its own."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from nirls.errors import ConfigError, DataError
from nirls.methods.adverse_events import AdverseEventsOptions, adverse_events
from nirls.methods.device_deficiencies import DeviceDeficienciesOptions, device_deficiencies
from nirls.methods.event_rates import EVENTS, INCIDENCE, SESSIONS, EventRatesOptions, event_rates
from nirls.methods.events_by_dose import DOSE, LIGHT, NUMBER, EventsByDoseOptions, events_by_dose
from nirls.stats.proportions import ScoreDifference, tables
from tests.methods.safety_trial import data, trial
from tests.methods.test_linear_methods import ard, stat

ARMS = ("SHAM", "NIR", "DRUG")
POOLS = {"All": ["NIR", "DRUG"]}


@pytest.fixture(scope="module")
def made():
    return trial(ARMS)


def counted(made, **options):
    given = {"pools": POOLS, "compare": ["NIR", "All"], "terms": True} | options
    return ard(adverse_events(data(made, "ADAE", "adverse_events", ARMS), AdverseEventsOptions(**given)))


def test_counts_are_those_of_pandas(made):
    found, ae = counted(made), made["ADAE"]
    groups = {"SHAM": ["SHAM"], "NIR": ["NIR"], "All": ["NIR", "DRUG"]}
    for name, arms in groups.items():
        own, size = ae[ae["TRT01A"].isin(arms)], made["ADSL"]["TRT01A"].isin(arms).sum()
        key = {"group1_level": name, "comparison": ""}
        any_event = {"variable": "category", "variable_level": "Any event"} | key
        assert stat(found, "n", **any_event) == own["USUBJID"].nunique() and stat(found, "n_events", **any_event) == len(own)
        assert stat(found, "p", **any_event) == pytest.approx(100 * own["USUBJID"].nunique() / size, rel=1e-14)
        exact = stats.binomtest(own["USUBJID"].nunique(), int(size)).proportion_ci(0.95, "exact")
        assert stat(found, "conf_low", **any_event) == pytest.approx(100 * exact.low, rel=1e-9)
        assert stat(found, "conf_high", **any_event) == pytest.approx(100 * exact.high, rel=1e-9)
        for (soc, term), part in own.groupby(["AEBODSYS", "AEDECOD"]):
            key_of_term = {"variable": "AEDECOD", "variable_level": term, "group2_level": soc} | key
            assert stat(found, "n", **key_of_term) == part["USUBJID"].nunique()
        for soc, part in own.groupby("AEBODSYS"):
            n = stat(found, "n", variable="AEBODSYS", variable_level=soc, **key)
            assert n == part["USUBJID"].nunique()
            inside = found[(found["variable"] == "AEDECOD") & (found["group2_level"] == soc) & (found["stat_name"] == "n")]
            assert n <= inside.loc[inside["group1_level"] == name, "stat"].sum()


def test_differences_are_miettinen_and_nurminen(made):
    found = counted(made)
    key = {"variable": "AEDECOD", "variable_level": "Erythema", "group2_level": "Skin"}
    n = {g: int(stat(found, "n", group1_level=g, comparison="", **key)) for g in ("SHAM", "All")}
    score = ScoreDifference(tables=tables(n["All"], 40, n["SHAM"], 20))
    of = key | {"group1_level": "All", "comparison": "All - SHAM"}
    assert stat(found, "estimate", **of) == pytest.approx(100 * score.estimate, rel=1e-12)
    assert [stat(found, s, **of) for s in ("conf_low", "conf_high")] == pytest.approx([100 * v for v in score.ci()], rel=1e-12)
    assert not (found["stat_name"] == "p_value").any(), "no p-values unless they are asked for"
    assert (counted(made, p_values=True)["stat_name"] == "p_value").any()


def test_terms_are_sorted_by_the_column_asked_for(made):
    ae = made["ADAE"]
    for sort_by, arms in (("NIR", ["NIR"]), ("All", ["NIR", "DRUG"]), (None, list(ARMS))):
        found = counted(made, sort_by=sort_by)
        socs = found.loc[found["variable"] == "AEBODSYS", "variable_level"].drop_duplicates().tolist()
        n = ae[ae["TRT01A"].isin(arms)].groupby("AEBODSYS")["USUBJID"].nunique()
        assert socs == sorted(n.index, key=lambda s: (-n[s], s)), sort_by


def test_each_subject_counts_once_at_the_worst_severity(made):
    found, ae = counted(made, by="ASEV"), made["ADAE"]
    worst = ae.groupby("USUBJID").agg(TOP=("ASEVN", "max"), ARM=("TRT01A", "first"))
    for number, text in ((1, "Mild"), (2, "Moderate"), (3, "Severe")):
        key = {"variable": "category", "variable_level": "Any event", "group3_level": text, "group1_level": "NIR"}
        assert stat(found, "n", **key) == ((worst["TOP"] == number) & (worst["ARM"] == "NIR")).sum()
    levels = found[(found["variable"] == "category") & (found["group3"] == "ASEV") & (found["group1_level"] == "NIR")]
    total = levels.loc[levels["stat_name"] == "n", "stat"].sum()
    assert total == stat(found, "n", variable="category", group1_level="NIR", group3="", comparison="")


def test_strata_add_up_and_an_empty_one_is_there(made):
    found = counted(made, terms=False, strata=["NEUROPFL", "CANCERFL"])
    whole = stat(found, "n", variable="category", group1_level="SHAM", group2="", comparison="")
    parts = [stat(found, "n", variable="category", group1_level="SHAM", group2_level=v, group2="NEUROPFL", comparison="") for v in "YN"]
    assert sum(parts) == whole
    assert stat(found, "N", group1_level="SHAM", group2="CANCERFL", group2_level="Y") == 0
    empty = found[(found["group2"] == "CANCERFL") & (found["group2_level"] == "Y") & (found["stat_name"] == "p")]
    assert empty["stat"].isna().all() and (empty["error"] == "no subjects in the column").all()


def test_what_does_not_apply_to_an_arm_is_no_zero(made):
    kinds = {"Any event": "TRTEMFL == 'Y'", "Related": "RELFL == 'Y'"}
    found = counted(made, categories=kinds, not_applicable={"Related": ["DRUG"]}, terms=False)
    for name, blank in (("SHAM", False), ("NIR", False), ("DRUG", True), ("All", True)):
        rows = found[(found["variable_level"] == "Related") & (found["group1_level"] == name)]
        assert rows["stat"].isna().all() == blank and (rows["error"] == "does not apply to this arm").all() == blank, name
    assert found.loc[found["variable_level"] == "Any event", "stat"].notna().all()
    # of a kind that the reference does not record nothing can be compared, and its classes, terms and levels are no zeros either
    drug = {"not_applicable": {"Related": ["DRUG"]}, "reference": "DRUG", "compare": ["NIR"], "pools": {}}
    against = counted(made, categories={"Related": "RELFL == 'Y'"}, by="AREL", **drug)
    compared = against[against["comparison"] != ""]
    assert len(compared) and compared["stat"].isna().all()
    drug = against[(against["group1_level"] == "DRUG") & (against["stat_name"] != "N")]
    assert {"category", "AEBODSYS", "AEDECOD"} <= set(drug["variable"]) and drug["stat"].isna().all()
    assert against.loc[(against["group1_level"] == "NIR") & (against["comparison"] == ""), "stat"].notna().all()
    options = EventRatesOptions(categories=kinds, pools=POOLS, not_applicable={"Related": ["DRUG"]})
    rows = ard(event_rates(data(made, "ADAE", "event_rates", ARMS), options))
    of = rows[(rows["variable_level"] == "Related") & (rows["group1_level"] == "DRUG")]
    assert len(of) and of["stat"].isna().all()


def test_without_any_event_nothing_is_lost(made):
    none = made | {"ADAE": made["ADAE"].iloc[:0]}
    found = counted(none)
    key = {"variable": "category", "group1_level": "SHAM", "comparison": ""}
    assert stat(found, "n", **key) == 0 and stat(found, "conf_high", **key) == pytest.approx(100 * (1 - 0.025 ** (1 / 20)), rel=1e-12)


def test_a_subject_without_treatment_is_named(made):
    lost = made | {"ADSL": made["ADSL"].assign(TRT01A=made["ADSL"]["TRT01A"].where(made["ADSL"].index != 3))}
    with pytest.raises(DataError, match=r"1 subject\(s\) of the set have no TRT01A, the first S003"):
        counted(lost)


def test_reference_and_group_are_needed(made):
    with pytest.raises(ConfigError, match="the reference 'X' is not among SHAM"):
        counted(made, reference="X")
    with pytest.raises(ConfigError, match="`group` is needed"):
        adverse_events(data(made, "ADAE", "adverse_events", ARMS, group=None), AdverseEventsOptions())


# --- rates --------------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def rates(made):
    options = EventRatesOptions(pools=POOLS, compare=["NIR"], categories={"Any": "TRTEMFL == 'Y'", "Never": "ASER == 'Y'"}, p_values=True)
    return ard(event_rates(data(made, "ADAE", "event_rates", ARMS), options))


def test_rates_by_hand(made, rates):
    ae = made["ADAE"]
    for arm in ("SHAM", "NIR"):
        own = ae[ae["TRT01A"] == arm]
        key = {"variable_level": "Any", "group1_level": arm, "comparison": ""}
        first = own.groupby("USUBJID")["DAY"].min()
        years = ((first + 1).sum() + 90 * (20 - len(first))) / 365.25
        assert stat(rates, "exposure", variable=INCIDENCE, **key) == pytest.approx(years, rel=1e-12)
        assert stat(rates, "estimate", variable=INCIDENCE, **key) == pytest.approx(100 * len(first) / years, rel=1e-12)
        assert stat(rates, "estimate", variable=EVENTS, **key) == pytest.approx(100 * len(own) / (20 * 90 / 365.25), rel=1e-12)
        low = stats.chi2.ppf(0.025, 2 * len(own)) / 2 / (20 * 28) * 100
        high = stats.chi2.ppf(0.975, 2 * len(own) + 2) / 2 / (20 * 28) * 100
        assert stat(rates, "conf_low", variable=SESSIONS, **key) == pytest.approx(low, rel=1e-10)
        assert stat(rates, "conf_high", variable=SESSIONS, **key) == pytest.approx(high, rel=1e-10)
    ratio = {"variable": SESSIONS, "variable_level": "Any", "group1_level": "NIR", "comparison": "NIR / SHAM"}
    x = {arm: int((ae["TRT01A"] == arm).sum()) for arm in ("SHAM", "NIR")}
    assert stat(rates, "estimate", **ratio) == pytest.approx(x["NIR"] / x["SHAM"], rel=1e-12)
    assert stat(rates, "p_value", **ratio) == pytest.approx(stats.binomtest(x["NIR"], sum(x.values()), 0.5).pvalue, rel=1e-10)


def test_no_event_has_an_upper_limit_and_no_ratio(rates):
    key = {"variable": EVENTS, "variable_level": "Never", "group1_level": "NIR", "comparison": ""}
    assert stat(rates, "estimate", **key) == 0 and stat(rates, "conf_low", **key) == 0
    assert stat(rates, "conf_high", **key) == pytest.approx(100 * -np.log(0.025) / (20 * 90 / 365.25), rel=1e-12)
    row = rates[(rates["comparison"] == "NIR / SHAM") & (rates["variable_level"] == "Never") & (rates["stat_name"] == "estimate")]
    assert row["stat"].isna().all() and (row["error"] == "no event in either").all()


def test_a_column_without_sessions_says_so(made):
    nothing = made | {"ADRISK": made["ADRISK"].assign(NSESS=np.where(made["ADRISK"]["TRT01A"] == "DRUG", np.nan, 28.0))}
    found = ard(event_rates(data(nothing, "ADAE", "event_rates", ARMS), EventRatesOptions(categories={"Any": "TRTEMFL == 'Y'"})))
    row = found[(found["variable"] == SESSIONS) & (found["group1_level"] == "DRUG") & (found["stat_name"] == "estimate")]
    assert row["error"].item() == "no session was delivered in this column"


def test_time_at_risk_must_be_known(made):
    short = made | {"ADRISK": made["ADRISK"].iloc[1:]}
    with pytest.raises(DataError, match=r"1 subject\(s\) of the set have no time at risk in ADRISK, the first S000"):
        event_rates(data(short, "ADAE", "event_rates", ARMS), EventRatesOptions(categories={"Any": "TRTEMFL == 'Y'"}))


def test_an_event_after_the_time_at_risk_is_told(made):
    """It counts, its time ends with the time at risk."""
    person = made["ADAE"]["USUBJID"].iloc[0]
    left = made["ADRISK"].copy()
    left.loc[left["USUBJID"] == person, "RISKENDT"] = "2024-12-31"
    options = EventRatesOptions(categories={"Any": "TRTEMFL == 'Y'", "Again": "TRTEMFL == 'Y'"})
    before, after = (ard(event_rates(data(made | {"ADRISK": r}, "ADAE", "event_rates", ARMS), options)) for r in (made["ADRISK"], left))
    told = [a.loc[a["variable_level"] == "exposure", "stat_text"].item() for a in (before, after)]
    n = int((made["ADAE"]["USUBJID"] == person).sum())
    assert "after it" not in told[0] and f"; {n} event(s) that began after it, of subjects who had left, count" in told[1]


def test_frequent_terms_have_rates_too(made):
    options = EventRatesOptions(categories={"Any": "TRTEMFL == 'Y'"}, terms_from=0.0)
    found = ard(event_rates(data(made, "ADAE", "event_rates", ARMS), options))
    assert set(found.loc[found["variable"] == EVENTS, "variable_level"]) == {"Any", "Erythema", "Pruritus", "Headache"}


# --- deficiencies and dose ----------------------------------------------------------------------------------------------------


def test_deficiencies(made):
    kinds = {"Any": None, "SADE": "DESADE == 'Y'"}
    options = DeviceDeficienciesOptions(categories=kinds, pools=POOLS, compare=["All"])
    found = ard(device_deficiencies(data(made, "ADDE", "device_deficiencies", ARMS), options))
    key = {"variable": "category", "variable_level": "Any", "group1_level": "All"}
    x = [stat(found, s, **key) for s in ("n", "n_events", "estimate")]
    mine = made["ADDE"][made["ADDE"]["TRT01A"].isin(["NIR", "DRUG"])]
    assert x == [mine["USUBJID"].nunique(), len(mine), pytest.approx(100 * len(mine) / (40 * 28), rel=1e-12)]
    # the sandwich by its definition: scores summed by subject, one bread
    counts = made["ADSL"][made["ADSL"]["TRT01A"] != "SHAM"]["USUBJID"].map(mine["USUBJID"].value_counts()).fillna(0).to_numpy()
    rate = counts.sum() / (40 * 28)
    error = np.sqrt(np.sum((counts - rate * 28) ** 2)) / counts.sum()
    assert stat(found, "robust_high", **key) == pytest.approx(100 * rate * np.exp(stats.norm.ppf(0.975) * error), rel=1e-12)
    none = found[(found["variable_level"] == "SADE") & (found["group1_level"] == "NIR") & (found["stat_name"] == "robust_low")]
    assert none["error"].item() == "no event" or none["stat"].notna().all()
    ratios = found[(found["variable"] == "column") & (found["stat_name"] == "estimate")]
    assert (
        ratios["group2_level"].tolist() == ["Any", "SADE"]
        and ratios["error"].str.contains("4 events are too few|1 events are too few").all()
    )


@pytest.fixture(scope="module")
def dose():
    made = trial(("SHAM", "NIR"), size=40)
    options = EventsByDoseOptions(categories={"Any": "TRTEMFL == 'Y'", "Never": "ASER == 'Y'"}, bands=[500, 1000], compare=["NIR"])
    return made, ard(events_by_dose(data(made, "ADAE", "events_by_dose"), options))


def test_bands_of_dose_by_hand(dose):
    made, found = dose
    ae = made["ADAE"]
    own = ae[ae["TRT01A"] == "NIR"]
    before = 54.0 * (own["ONSESS"] - 1)
    for band, low, high in (("0", -1, 0), ("0–500", 0, 500), ("500–1000", 500, 1000), ("over 1000", 1000, np.inf)):
        key = {"variable": "band", "variable_level": band, "group1_level": "NIR", "group2_level": "Any"}
        sessions = 40 * sum(low < 54.0 * k <= high for k in range(28))
        assert stat(found, "exposure", **key) == sessions
        assert stat(found, "n_events", **key) == ((before > low) & (before <= high)).sum()
    sham = {"variable": "band", "variable_level": "0", "group1_level": "SHAM", "group2_level": "Any"}
    assert stat(found, "exposure", **sham) == 40 * 28
    every = found[(found["variable"] == "band") & (found["stat_name"] == "n_events") & (found["group2_level"] == "Any")]
    assert every.loc[every["variable_level"] == "all sessions", "stat"].sum() == len(ae)


def test_regression_over_sessions_is_that_of_the_model(dose):
    """The same design by hand; the model itself is tested against R."""
    from nirls.models.recurrent import poisson_by_subject

    made, found = dose
    ex = made["ADEX"].sort_values(["USUBJID", "ADT"]).reset_index(drop=True)
    number = ex.groupby("USUBJID").cumcount() + 1
    count = pd.MultiIndex.from_arrays([ex["USUBJID"], number.astype(float)])
    y = made["ADAE"].groupby(["USUBJID", "ONSESS"]).size().reindex(count).fillna(0).to_numpy()
    light = (ex["TRT01A"] == "NIR").astype(float)
    design = np.column_stack([np.ones(len(ex)), light, 54.0 * light * (number - 1) / 500, (number - 1) / 12])
    fit = poisson_by_subject(y, design, ex["USUBJID"])
    for place, name in enumerate((LIGHT, DOSE, NUMBER), start=1):
        values = [stat(found, s, variable=name, group2_level="Any") for s in ("estimate", "conf_low", "conf_high")]
        assert values == pytest.approx(fit.ratio(place), rel=1e-9)


def test_who_stops_after_one_session_of_light_has_had_light(dose):
    """Sessions and events of 30 subjects of the light arm end with the first session, whose fluence is not before any session."""
    from nirls.models.recurrent import poisson_by_subject

    made, _ = dose
    own = made["ADSL"].loc[made["ADSL"]["TRT01A"] == "NIR", "USUBJID"].iloc[:30]
    few = made["ADEX"][~(made["ADEX"]["USUBJID"].isin(own) & (made["ADEX"]["DAY"] > 0))]
    ae = made["ADAE"].assign(ONSESS=made["ADAE"]["ONSESS"].mask(made["ADAE"]["USUBJID"].isin(own), 1.0))
    options = EventsByDoseOptions(categories={"Any": None}, bands=[500, 1000], compare=["NIR"])
    found = ard(events_by_dose(data(made | {"ADEX": few, "ADAE": ae}, "ADAE", "events_by_dose"), options))
    ex = few.sort_values(["USUBJID", "ADT"]).reset_index(drop=True)
    number = ex.groupby("USUBJID").cumcount() + 1.0
    y = ae.groupby(["USUBJID", "ONSESS"]).size().reindex(pd.MultiIndex.from_arrays([ex["USUBJID"], number])).fillna(0).to_numpy()
    light = (ex["TRT01A"] == "NIR").astype(float)
    design = np.column_stack([np.ones(len(ex)), light, 54.0 * light * (number - 1) / 500, (number - 1) / 12])
    expected = poisson_by_subject(y, design, ex["USUBJID"]).ratio(1)
    assert [stat(found, s, variable=LIGHT) for s in ("estimate", "conf_low", "conf_high")] == pytest.approx(expected, rel=1e-9)


def test_a_fluence_that_is_not_known_is_no_zero(dose):
    made, _ = dose
    options = EventsByDoseOptions(categories={"Any": None}, bands=[500, 1000], compare=["NIR"])

    def of(ex):
        return ard(events_by_dose(data(made | {"ADEX": ex}, "ADAE", "events_by_dose"), options))

    hidden = of(made["ADEX"].assign(AFLU=np.nan))  # as in a blinded study
    bands = hidden[(hidden["variable"] == "band") & (hidden["stat_name"] == "exposure")]
    assert set(bands["variable_level"]) == {"0", "not known", "all sessions"}  # before the first session there was none
    assert stat(hidden, "n_missing", variable="sessions") == 80 * 27
    rows = hidden[hidden["variable"].isin([LIGHT, DOSE, NUMBER])]
    assert len(rows) == 3 and (rows["error"] == "the fluence delivered is not known").all()
    # one session of one subject without a fluence: the 24 after it have no band
    ex = made["ADEX"]
    one = of(ex.assign(AFLU=ex["AFLU"].mask((ex["USUBJID"] == "S001") & (ex["ASEQ"] == 4))))
    assert stat(one, "exposure", variable_level="not known", group1_level="NIR") == 24
    assert stat(one, "n_missing", variable="sessions") == 24


def test_too_few_events_say_so(dose):
    _, found = dose
    rows = found[(found["group2_level"] == "Never") & found["variable"].isin([LIGHT, DOSE, NUMBER, "column"])]
    assert len(rows) == 4 and rows["error"].str.contains("too few").all()


def test_options_are_checked_when_the_plan_is_read():
    from nirls.plan.load import load_plan
    from tests.adam.conftest import ROOT

    plan = load_plan("nir-rls", root=ROOT)
    spec = plan.analyses["ae_terms"]
    wrong = AdverseEventsOptions(pools={"SHAM": ["NIR850-18"], "All": ["NIR"]}, columns=["Alll"], strata=["DCTREAS"])
    problems = " ".join(wrong.cross_check(spec.model_copy(update={"dataset": "ADSL"}), plan))
    for words in ("'SHAM' is the name of an arm", "pools: All:", "'Alll'", "must be ADAE, not ADSL", "strata:"):
        assert words in problems
    typo = AdverseEventsOptions(categories={"Skin": "AEBODSY == 'Skin'", "Broken": "ASER ="})
    problems = " ".join(typo.cross_check(spec, plan))
    assert "categories: Skin: in the condition" in problems and "AEBODSYS" in problems and "categories: Broken:" in problems
    arms = list(plan.study.arms)
    for options, words in (
        (AdverseEventsOptions(sort_by="Alll"), "sort_by: "),
        (AdverseEventsOptions(by="ARELX"), "by: "),
        (AdverseEventsOptions(reference="SHAAM"), "reference: "),
        (AdverseEventsOptions(compare=["SHAM"]), "compare: 'SHAM' and the reference 'SHAM' share SHAM"),
        (AdverseEventsOptions(pools={"All": arms[:2]}, compare=["All"]), "share SHAM"),
        (AdverseEventsOptions(columns=["SHAM"], compare=[arms[1]]), "is not among the columns SHAM"),
    ):
        assert words in " ".join(options.cross_check(spec, plan)), options
    bands = EventsByDoseOptions(categories={"x": "TRTEMFL == 'Y'"}, bands=[500, 250])
    assert "must ascend" in " ".join(bands.cross_check(spec, plan))


def test_relationships_share_their_levels():
    from pydantic import ValidationError

    from nirls.plan.safety import AdverseEvents

    one = {"variable": "A", "label": "device", "levels": {"N": "No", "Y": "Yes"}, "related": ["Y"]}
    other = {"variable": "B", "label": "procedure", "levels": {"N": "No", "U": "Unlikely", "Y": "Yes"}, "related": ["Y"]}
    with pytest.raises(ValidationError, match="the strongest cannot be told"):
        AdverseEvents(relationship={"DEV": one, "PROC": other})
    with pytest.raises(ValidationError, match="related: Z not among the levels N, Y"):
        AdverseEvents(relationship={"DEV": {**one, "related": ["Z"]}})
    with pytest.raises(ValidationError, match="needs `anticipated`"):
        AdverseEvents(relationship={"DEV": one}, device=True)
