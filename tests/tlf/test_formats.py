"""Numbers as readers see them."""

import pytest

from nirls.tlf import formats as f

NAN = float("nan")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f.number(-5.305, 2), "−5.31"),
        (f.number(NAN, 2), "NE"),
        (f.number(None, 2), "NE"),
        (f.number(float("inf"), 2), "∞"),
        (f.count(52.0), "52"),
        (f.percent(23.05), "23.1"),
        (f.percent(100.0), "100"),
        (f.percent(99.96), "100.0"),
        (f.count_percent(12, 23.0769), "12 (23.1)"),
        (f.count_percent(0, 0.0), "0"),
        (f.count_percent(0, NAN), "0"),
        (f.count_percent(3, NAN), "3 (NE)"),
        (f.with_spread(24.65, 5.196, 1, 2), "24.7 (5.20)"),
        (f.with_spread(24.65, NAN, 1, 2), "24.7 (NE)"),
        (f.with_spread(NAN, NAN, 1, 2), "NE"),
        (f.interval(-6.305, -2.1, 2), "(−6.31, −2.10)"),
        (f.interval(NAN, NAN, 2), "NE"),
        (f.pair(-3, 12, 0), "−3, 12"),
        (f.join(["a", "b", "c"]), "a, b and c"),
    ],
)
def test_texts(text, expected):
    assert text == expected


@pytest.mark.parametrize(
    ("p", "style", "expected"),
    [
        (0.03125, f.PStyle(), "0.0313"),
        (0.0001, f.PStyle(), "0.0001"),
        (0.00009999, f.PStyle(), "<0.0001"),
        (0.0, f.PStyle(), "<0.0001"),
        (1.0, f.PStyle(), ">0.9999"),
        (0.99996, f.PStyle(), ">0.9999"),
        (0.00005, f.PStyle(leading_zero=False), "<.0001"),
        (0.0312, f.PStyle(leading_zero=False), ".0312"),
        (0.0009, f.PStyle(digits=3), "<0.001"),
        (NAN, f.PStyle(), "NE"),
    ],
)
def test_p_values(p, style, expected):
    assert f.p_value(p, style) == expected


def test_numbers_hold_on_to_their_units():
    assert (
        f.bind("850 nm, 54 J/cm² (30 mW/cm² × 30 min) of 12 arms").replace("\u00a0", "_")
        == "850_nm, 54_J/cm² (30_mW/cm² × 30_min) of 12_arms"
    )
    assert f.bind("Week 4 and 5 6") == "Week 4\u00a0and 5 6"


def test_what_is_not_a_p_value_or_a_count_is_refused():
    with pytest.raises(ValueError, match="p-value"):
        f.p_value(1.2)
    with pytest.raises(ValueError, match="count"):
        f.count(1.5)
    with pytest.raises(ValueError, match="count"):
        f.count(-1.0)


def test_digits_follow_the_vocabulary_and_the_data():
    assert f.digits_of("mean") == 1
    assert f.digits_of("sd", 1) == 3
    assert f.digits_of("p_value", 2) == 4
    assert f.digits_of("mean", 2, {"mean": 1}) == 1
