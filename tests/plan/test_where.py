"""The `where` language selects what it says and refuses everything else."""

import pandas as pd
import pytest

from nirls.plan.where import WhereError, parse_where, where_mask, where_names

FRAME = pd.DataFrame({"SEX": ["F", "M", None], "AGE": [30.0, 60.0, float("nan")], "NO": ["NA", "001", "1"]})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SEX == 'F'", [True, False, False]),
        ("SEX != 'F'", [False, True, True]),
        ("AGE >= 30 and AGE < 60", [True, False, False]),
        ("18 <= AGE <= 30", [True, False, False]),
        ("not AGE >= 60", [True, False, True]),
        ("SEX is missing or AGE == 60", [False, True, True]),
        ("SEX is not missing", [True, True, False]),
        ("NO in ['NA', '1']", [True, False, True]),
        ("NO not in ['NA']", [False, True, True]),
        ("AGE > -1", [True, True, False]),
        ("NO == 'is missing'", [False, False, False]),
    ],
)
def test_selects(text, expected):
    assert where_mask(text, FRAME).tolist() == expected


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("SEXX == 'F'", "did you mean 'SEX'"),
        ("AGE == '30'", "a number, with '30'"),
        ("SEX == 1", "a text, with 1"),
        ("AGE >", "cannot read"),
        ("AGE + 1 == 2", "cannot use"),
        ("__import__('os').system('true') == 0", "cannot use"),
        ("AGE.real == 1", "cannot use"),
        ("1 == 1", "two constants"),
        ("SEX in 'FM'", "cannot use"),
        ("SEX < AGE", "compares SEX with AGE: one is a number, the other a text"),
        ("AGE == SEX", "compares AGE with SEX: one is a number, the other a text"),
        ("not " * 20000 + "AGE == 1", "nested too deeply"),
        ("AGE == 1 \0", "cannot read"),
    ],
)
def test_refuses(text, part):
    with pytest.raises(WhereError, match=part):
        where_mask(text, FRAME)


def test_names():
    assert where_names("B == 1 and A in [2] or B > 3") == ("B", "A")


def test_categorical_compares_as_text():
    frame = FRAME.assign(ARM=pd.Categorical(["x", "y", None], categories=["y", "x"], ordered=True))
    assert where_mask("ARM == 'x'", frame).tolist() == [True, False, False]


def test_two_constants_are_refused_before_there_are_data():
    with pytest.raises(WhereError, match="two constants"):
        parse_where("AGE > 3 and 1 == 1")
