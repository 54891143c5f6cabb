"""Parameters whose results are words, one respondent each, and groups known only after baseline."""

import pandas as pd
import pytest

from nirls.adam.adqs import derive_adqs
from nirls.adam.adsl import derive_adsl
from nirls.errors import DataError
from nirls.plan.study import AdqsParam, AfterBaseline
from tests.adam.test_adsl import change, domains, findings, plan  # noqa: F401 - fixtures

GUESS = {"test": "GUESS", "values": {"NIR": 1, "SHAM": 2, "DK": 3}}


@pytest.fixture
def asked(domains, plan):  # noqa: F811
    """The trial with two respondents: A is asked at week 1, C as well, B and D are not."""
    rows = [("A", 3.0, "2025-03-12", "PARTICIPANT", "NIR"), ("A", 3.0, "2025-03-12", "INVESTIGATOR", "DK"),
            ("C", 3.0, "2025-03-09", "PARTICIPANT", "SHAM")]  # fmt: skip
    more = pd.DataFrame(rows, columns=["USUBJID", "VISITNUM", "QSDTC", "QSEVAL", "QSSTRESC"])
    more = more.assign(VISIT="v", QSTESTCD="GUESS", SRC_FILE="b.csv", SRC_ROW=range(2, 5))
    qs = pd.concat([domains["QS"], more], ignore_index=True)
    parameters = {
        "GUESSP": AdqsParam(label="Participant", where="QSEVAL == 'PARTICIPANT'", **GUESS),
        "GUESSI": AdqsParam(label="Investigator", where="QSEVAL == 'INVESTIGATOR'", **GUESS),
    }
    later = {"GUESSW1": AfterBaseline(label="Guess", param="GUESSP", visit="Week 1")}
    return {**domains, "QS": qs}, change(plan, parameters=parameters, after_baseline=later)


def test_words_have_a_number_and_stay_words(asked, findings):  # noqa: F811
    data, words = asked
    adsl = derive_adsl(data, words, findings)
    assert adsl.set_index("USUBJID")["GUESSW1"].dropna().to_dict() == {"A": "NIR", "C": "SHAM"}
    adqs, accounts = derive_adqs(data, adsl, words)
    got = adqs[adqs["PARAMCD"].isin(["GUESSP", "GUESSI"])][["USUBJID", "PARAMCD", "AVISIT", "AVAL", "AVALC", "ANL01FL", "GUESSW1"]]
    assert got.to_numpy().tolist() == [
        ["A", "GUESSP", "Week 1", 1.0, "NIR", "Y", "NIR"],
        ["A", "GUESSI", "Week 1", 3.0, "DK", "Y", "NIR"],
        ["C", "GUESSP", "Week 1", 2.0, "SHAM", "Y", "SHAM"],
    ]
    assert adqs.loc[adqs["PARAMCD"] == "IRLSTOT", "AVALC"].isna().all()
    assert "test GUESS is not a parameter of the plan" not in set(accounts["reason"])


def test_a_respondent_nobody_wants_is_counted(asked, findings):  # noqa: F811
    data, words = asked
    one = change(words, parameters={"GUESSP": words.study.parameters["GUESSP"]})
    _, accounts = derive_adqs(data, derive_adsl(data, one, findings), one)
    assert dict(zip(accounts["reason"], accounts["n"], strict=True))["test GUESS is not a parameter of the plan"] == 1


def test_a_word_the_plan_does_not_know_is_an_error(asked, findings):  # noqa: F811
    data, words = asked
    qs = data["QS"].assign(QSSTRESC=data["QS"]["QSSTRESC"].replace("SHAM", "SHAMM"))
    with pytest.raises(DataError, match=r"1 result\(s\) of GUESS .*'GUESSP' \(NIR, SHAM, DK\), the first 'SHAMM' of C \(b.csv row 4\)"):
        derive_adsl({**data, "QS": qs}, words, findings)


def test_without_words_there_is_no_avalc(domains, plan, findings):  # noqa: F811
    assert "AVALC" not in derive_adqs(domains, derive_adsl(domains, plan, findings), plan)[0].columns
