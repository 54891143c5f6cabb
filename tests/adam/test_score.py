import numpy as np
import pandas as pd
import pytest

from nirls.adam.score import check_items, score_items
from nirls.errors import DataError


@pytest.fixture
def two(irls):
    """Two assessments: complete, all items 2; and one with item 5 missing."""
    items = pd.DataFrame(2.0, index=["complete", "gap"], columns=list(irls.items))
    items.loc["gap", "IRLS05"] = np.nan
    return items


def scored(items, instrument, code, **changes):
    return score_items(items, instrument.scores[code].model_copy(update=changes), instrument)


def test_strict_needs_every_item(two, irls):
    value, prorated = scored(two, irls, "IRLSTOT")
    assert value["complete"] == 20 and np.isnan(value["gap"]) and not prorated.any()


def test_subscales_do_not_need_the_items_of_the_other(two, irls):
    assert scored(two, irls, "IRLSSYM")[0].to_list() == [12, 12]
    assert np.isnan(scored(two, irls, "IRLSIMP")[0]["gap"])


def test_item_3_counts_in_the_total_only(irls):
    items = pd.DataFrame(0.0, index=[0], columns=list(irls.items)).assign(IRLS03=4.0)
    assert [scored(items, irls, c)[0][0] for c in ("IRLSTOT", "IRLSSYM", "IRLSIMP")] == [4, 0, 0]


def test_prorate_is_the_mean_times_the_number_of_items(two, irls):
    two.loc["gap", "IRLS01"] = 4  # present: 4 + 8 × 2 = 20 over 9 items
    value, prorated = scored(two, irls, "IRLSTOT", missing="prorate", max_missing=0.1)
    assert value["gap"] == pytest.approx(20 / 9 * 10)
    assert prorated.to_list() == [False, True]


def test_prorate_stops_at_the_allowed_share(irls):
    items = pd.DataFrame(1.0, index=[0, 1, 2], columns=list(irls.items))
    items.loc[1, ["IRLS01", "IRLS02", "IRLS04"]] = np.nan  # 3 of 10, exactly the share allowed
    items.loc[2, ["IRLS01", "IRLS02", "IRLS04", "IRLS05"]] = np.nan
    value, prorated = scored(items, irls, "IRLSTOT", missing="prorate", max_missing=0.3)
    assert value[0] == 10 and value[1] == pytest.approx(10) and np.isnan(value[2]) and prorated.to_list() == [False, True, False]


def test_prorate_maximum_weights_items_by_their_range(adas):
    # without word recognition (0-12) the eleven items can reach 58 of 70
    items = pd.DataFrame([[10, 5, 3, 4, 5, 7, np.nan, 3, 3, 4, 3]], columns=adas.scores["ACTOT"].items)
    value, prorated = scored(items, adas, "ACTOT")
    assert value[0] == pytest.approx(47 * 70 / 58) and prorated[0]


def test_no_items_at_all_is_missing(irls):
    items = pd.DataFrame(np.nan, index=[0], columns=list(irls.items))
    for rule in ("strict", "prorate", "prorate_maximum"):
        assert np.isnan(scored(items, irls, "IRLSTOT", missing=rule, max_missing=0.9)[0][0])


def test_impossible_values_are_named(two, irls):
    two.loc["gap", "IRLS02"] = 5
    two.loc["complete", "IRLS07"] = 1.5
    with pytest.raises(DataError, match=r"(?s)IRLS02: 1 value.*0–4: 5.*IRLS07: 1 value.*1\.5"):
        check_items(two, irls)


def test_bands_and_subscales_of_the_scale(irls):
    """Bands cover 0-40 without gaps; six and three items, item 3 in neither subscale (Abetz et al. 2006)."""
    edges = [(b.lower, b.upper) for b in irls.bands]
    assert edges == [(0, 0), (1, 10), (11, 20), (21, 30), (31, 40)]
    symptoms, impact = set(irls.scores["IRLSSYM"].items), set(irls.scores["IRLSIMP"].items)
    assert (len(symptoms), len(impact)) == (6, 3) and set(irls.items) - symptoms - impact == {"IRLS03"}


def test_every_recorded_total_of_the_pilot_follows_from_its_items(pilot_adqs):
    """818 ADAS-Cog(11) totals recorded by the sponsor (QS, ACTOT), 21 of them with one to three items missing."""
    adqs, _ = pilot_adqs
    total = adqs[(adqs["PARAMCD"] == "ACTOT") & (adqs["DTYPE"] != "LOCF")]
    assert len(total) == 818 and total["AVALREC"].notna().all()
    assert (total["AVAL"] - total["AVALREC"]).abs().max() < 1e-9
    assert (total["DTYPE"] == "PRORATED").sum() == 21
    known = total.set_index(["USUBJID", "VISITNUM"])["AVAL"]
    assert known["01-701-1097", 3] == pytest.approx(56.724137931)
    assert known["01-709-1007", 5] == pytest.approx(52.830188679)  # word recognition and recall of instructions missing
    assert known["01-711-1012", 201] == pytest.approx(23.333333333)  # three items missing


def test_the_plain_mean_does_not_reproduce_the_recorded_totals(pilot_adqs, adas):
    """The rule matters: the mean of the present items times 11 would give 51.7 where 56.7 was recorded."""
    adqs, _ = pilot_adqs
    items = adqs[(adqs["USUBJID"] == "01-701-1097") & (adqs["VISITNUM"] == 3) & adqs["PARAMCD"].isin(adas.items)]
    wide = items.set_index("PARAMCD")[["AVAL"]].T
    assert scored(wide, adas, "ACTOT", missing="prorate")[0].iloc[0] == pytest.approx(51.7)
