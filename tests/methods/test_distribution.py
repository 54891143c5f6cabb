"""The method `distribution`: cumulative percentages and ranks."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from nirls.ard.frame import to_frame
from nirls.errors import ConfigError, DataError
from nirls.methods.distribution import DistributionOptions, distribution
from nirls.methods.responder import ResponderOptions, responder
from tests.methods.responder_trial import make


def trial(**more):
    values = {"SHAM": [(20.0, 20.0 + c) for c in (-5, 3, 0, -5)], "NIR": [(20.0, 20.0 + c) for c in (-10, -3, -3)] + [None, None]}
    data = make(values, **more)
    return dataclasses.replace(data, frame=data.frame.assign(CHG=data.frame["AVAL"] - data.frame["BASE"]))


def test_percentages_and_ranks():
    records = distribution(trial(), DistributionOptions()).records
    sham, nir = (records[records["TRT01P"] == a] for a in ("SHAM", "NIR"))
    assert list(sham["CHG"]) == [3, 0, -5, -5], "from worst to best"
    assert list(sham["RANK"]) == [1, 2, 3, 4]
    assert list(sham["PERCENT"]) == [100, 75, 50, 50]
    assert list(nir["PERCENT"]) == [60, 60, 20], "of all five subjects of the set"
    observed = distribution(trial(), DistributionOptions(denominator="observed")).records
    assert list(observed[observed["TRT01P"] == "NIR"]["PERCENT"]) == pytest.approx([100, 100, 100 / 3])


def test_high_is_good():
    records = distribution(trial(), DistributionOptions(direction="higher_better")).records
    sham = records[records["TRT01P"] == "SHAM"]
    assert list(sham["CHG"]) == [-5, -5, 0, 3]
    assert list(sham["PERCENT"]) == [100, 100, 50, 25]


def test_a_curve_passes_through_the_responder_rate():
    """At −3 the cumulative percentage is that of the responders by 'at least 3 points', missing counted as no response."""
    records = distribution(trial(), DistributionOptions()).records
    found = to_frame(responder(trial(), ResponderOptions(thresholds=["three"])).rows, analysis_id="x")
    for arm in ("SHAM", "NIR"):
        rate = found[(found["variable"] == "three") & (found["group1_level"] == arm) & (found["stat_name"] == "p")]["stat"].item()
        assert records[(records["TRT01P"] == arm) & (records["CHG"] <= -3)]["PERCENT"].max() == rate


@pytest.mark.parametrize(("denominator", "below"), [("set", True), ("observed", False)])
def test_the_denominator_is_said(denominator, below):
    found = to_frame(distribution(trial(), DistributionOptions(denominator=denominator)).rows, analysis_id="x")
    assert ("ends below 100" in found.loc[found["variable_level"] == "denominator", "stat_text"].item()) == below


def test_everybody_is_accounted_for():
    found = to_frame(distribution(trial(), DistributionOptions()).rows, analysis_id="x")
    of_nir = found[(found["group1_level"] == "NIR") & (found["variable"] == "CHG")].set_index("stat_name")["stat"]
    assert (of_nir["n"], of_nir["n_missing"]) == (3, 2)
    assert found[(found["variable"] == "exclusion") & (found["group1_level"] == "Total")]["stat"].item() == 2


def test_what_is_refused():
    data = trial()
    with pytest.raises(ConfigError, match="one AVISIT is shown, not Week 2, Week 4"):
        distribution(dataclasses.replace(data, frame=pd.concat([data.frame, data.frame.assign(AVISIT="Week 2")])), DistributionOptions())
    with pytest.raises(DataError, match="more than one for SHAM-000"):
        distribution(dataclasses.replace(data, frame=pd.concat([data.frame, data.frame.head(1)])), DistributionOptions())
    with pytest.raises(ConfigError, match=r"set options\.direction"):
        distribution(trial(param="CGII"), DistributionOptions())
    with pytest.raises(ConfigError, match="no variable 'CHGX'"):
        distribution(data, DistributionOptions(variable="CHGX"))
    with pytest.raises(ConfigError, match="needs `group`"):
        distribution(dataclasses.replace(data, spec=data.spec.model_copy(update={"group": None})), DistributionOptions())


def test_order_of_the_input_does_not_matter():
    data = trial()
    shuffled = data.frame.sample(frac=1, random_state=np.random.default_rng(3)).reset_index(drop=True)
    one, two = (distribution(d, DistributionOptions()).records for d in (data, dataclasses.replace(data, frame=shuffled)))
    pd.testing.assert_frame_equal(one, two)
