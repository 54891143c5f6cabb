"""`subjects` of an analysis: a group within the set, in the records, in the denominators and in the results."""

from types import SimpleNamespace

import pandas as pd
import pytest

from nirls.analyse import run_analysis
from nirls.errors import DataError
from nirls.plan.analysis import Analysis


def run(where):
    arms = {code: SimpleNamespace(not_an_arm=False) for code in ("SHAM", "NIR")}
    adsl = pd.DataFrame(
        {"USUBJID": list("ABCDE"), "TRT01P": ["SHAM", "SHAM", "NIR", "NIR", "NIR"], "FASFL": list("YYYYN"), "G": ["x", "y", "x", None, "x"]}
    )
    frame = adsl.drop(columns="G").assign(PARAMCD="P", AVALC="w", SEX="F")  # the group need not be a variable of the data set
    entry = Analysis(
        label="l", dataset="ADQS", set="FAS", subjects={"label": "who are x", "where": where}, where="PARAMCD == 'P'", group="TRT01P",
        method="count", options={"variables": ["SEX"], "levels": {"SEX": ["F"]}},
    )  # fmt: skip
    plan = SimpleNamespace(analyses={"a": entry}, study=SimpleNamespace(arms=arms, covariates={}, strata={}))
    return run_analysis(plan, "a", frame, adsl)[0]


def test_records_denominators_and_label():
    ard = run("G == 'x'")
    assert ard.loc[ard["stat_name"] == "N"].set_index("group1_level")["stat"].to_dict() == {"SHAM": 1, "NIR": 1, "Total": 2}
    assert ard.loc[ard["stat_name"] == "n"].set_index("group1_level")["stat"].to_dict() == {"SHAM": 1, "NIR": 1, "Total": 2}
    assert set(ard["subset"]) == {"(G == 'x') and (PARAMCD == 'P')"}
    assert ard.loc[ard["variable"] == "subjects", "stat_text"].tolist() == ["who are x"]


def test_nobody_left_says_why():
    with pytest.raises(DataError, match="0 of these are of the 0 subjects who fulfil the condition \"G == 'z'\""):
        run("G == 'z'")
