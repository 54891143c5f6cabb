"""The method `mcpmod`: what it writes into analysis results data, and what it refuses."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
from pydantic import ValidationError

from nirls.errors import ConfigError
from nirls.methods.mcpmod import MCPModOptions, Model, mcpmod
from nirls.stats.dose import SHAPES
from tests.methods.dose_trial import ARMS, HERE, OPTIONS, data, records
from tests.methods.test_linear_methods import ard, stat, text

R = json.loads((HERE / "dose.json").read_text())
NAMES = {
    "linear": "linear", "emax1": "emax (ed50 9)", "emax2": "emax (ed50 30)", "sigEmax": "sigEmax (ed50 30, h 4)",
    "quadratic": "quadratic (delta -0.0085)", "betaMod": "betaMod (delta1 1.2, delta2 0.9)", "exponential": "exponential (delta 40)",
}  # fmt: skip


def options(**more):
    return MCPModOptions(**{**OPTIONS, **more})


@pytest.fixture(scope="module")
def result():
    return mcpmod(data(), options())


@pytest.fixture(scope="module")
def found(result):
    return ard(result)


def dose_of(frame, model, edge, name="dose"):
    rows = frame[(frame["variable"] == "target") & (frame["variable_level"] == model) & (frame["group2_level"] == edge)]
    row = rows[rows["stat_name"] == name].iloc[0]
    return row["stat_text"] or row["stat"]


def test_means_contrasts_and_test_are_those_of_dosefinding(found):
    """R lm and DoseFinding 1.4.1 (tests/reference/dose.json): with one visit the mixed model is the linear model with 119 df."""
    for i, arm in enumerate(ARMS):
        key = {"variable": "CHG", "group1_level": arm, "visit": "Week 4"}
        assert stat(found, "lsmean", **key) == pytest.approx(-R["estimates"][i], rel=1e-10)
        assert stat(found, "lsmean_se", **key) == pytest.approx(np.sqrt(R["covariance"][i][i]), rel=1e-9)
        assert stat(found, "n", **key) == 25
        assert stat(found, "dose", variable="model", group1_level=arm) == ARMS[arm]
    assert stat(found, "df", variable="model") == pytest.approx(119, rel=1e-8)
    for i, (name, t) in enumerate(R["t_statistics"].items()):
        key = {"variable": "contrast", "variable_level": NAMES[name]}
        assert stat(found, "statistic", **key) == pytest.approx(t, rel=1e-8)
        error = stat(found, "mc_error", **key)
        assert stat(found, "p_adjusted", **key) == pytest.approx(R["adjusted_p"][i], abs=2e-5 + 3 * error)
        assert stat(found, "rejected", **key) == 0
        for arm, c in zip(ARMS, R["contrast_matrix"]["contrasts"][i], strict=True):
            assert stat(found, "coefficient", group1_level=arm, **key) == pytest.approx(c, abs=1e-8)
    assert stat(found, "critical_value", variable="model") == pytest.approx(R["critical_value"], abs=6e-4)


def test_fits_are_those_of_dosefinding_on_the_scale_of_the_response(found):
    """Levels and effects change sign with the response; nonlinear parameters and gAIC do not."""
    for name, fit in R["fits"].items():
        key = {"variable": "fit", "variable_level": name}
        assert stat(found, "gaic", **key) == pytest.approx(fit["gAIC"], abs=1e-7)
        for parameter, value in fit["coef"].items():
            sign = 1 if parameter in SHAPES[name].nonlinear else -1
            assert stat(found, "coefficient", group2_level=parameter, **key) == pytest.approx(sign * value, rel=2e-6)
    weights = found[(found["variable"] == "fit") & (found["stat_name"] == "weight")]["stat"]
    gaic = np.array([fit["gAIC"] for fit in R["fits"].values()])
    order = [NAMES_OF_FITS.index(n) for n in R["fits"]]
    assert weights.to_numpy()[order] == pytest.approx(np.exp(-gaic / 2) / np.exp(-gaic / 2).sum(), rel=1e-6)


NAMES_OF_FITS = ["linear", "emax", "sigEmax", "quadratic", "betaMod", "exponential"]


def test_a_target_dose_that_is_not_reached_is_an_answer(found):
    """R extrapolates a linear TD of 121.18: outside what was studied, here "> 90"; quadratic: NA there, "> 90" here."""
    for model in ("linear", "quadratic", "average"):
        assert dose_of(found, model, "target") == "> 90"
        assert dose_of(found, model, "upper edge") == "not reached"
    assert dose_of(found, "linear", "target", "conf_high") == "> 90"
    share = stat(found, "share", variable="target", variable_level="average", group2_level="target")
    assert 0.3 < share < 1
    assert found[(found["variable"] == "target") & (found["stat_name"] == "dose")]["error"].eq("").all()


def test_edges_and_peak(found):
    """Δ = 1.5: the edges of the quadratic are the roots of b1·d + b2·d² = Δ with R's coefficients, its peak is −b1/2b2."""
    coef = R["fits"]["quadratic"]["coef"]
    low = ard(mcpmod(data(), options(delta=1.5)))
    roots = np.sort(np.roots([coef["b2"], coef["b1"], -1.5]).real)
    assert dose_of(low, "quadratic", "target") == pytest.approx(roots[0], rel=1e-6)
    assert dose_of(low, "quadratic", "upper edge") == (pytest.approx(roots[1], rel=1e-6) if roots[1] < 90 else "> 90")
    assert dose_of(low, "quadratic", "peak") == pytest.approx(-coef["b1"] / (2 * coef["b2"]), rel=1e-5)
    peaks = low[(low["variable"] == "target") & (low["group2_level"] == "peak")]["variable_level"].unique()
    assert set(peaks) == {"quadratic", "betaMod", "average"}  # what only rises has no peak


def test_curves_go_through_the_fits(found):
    """The reported curve at a dose of the trial is R's prediction with the sign of the response; limits lie about the average."""
    curves = found[(found["variable"] == "curve") & (found["stat_name"] == "lsmean")]
    for name, fit in R["fits"].items():
        own = curves[curves["group2_level"] == name].set_index("variable_level")["stat"]
        assert [own[f"{d:g}"] for d in ARMS.values()] == pytest.approx(-np.array(fit["pred"]), rel=1e-7)
    average = found[(found["variable"] == "curve") & (found["group2_level"] == "average")].pivot(
        index="variable_level", columns="stat_name", values="stat"
    )
    assert len(average) == 31
    assert ((average["conf_low"] < average["lsmean"]) & (average["lsmean"] < average["conf_high"])).all()


def test_a_scale_where_higher_is_better_gives_the_same_doses(found):
    """The response with the other sign on a scale of the other direction: the same test, doses and weights."""
    flipped = ard(mcpmod(data(records().assign(CHG=lambda f: -f["CHG"]), direction="higher_better"), options()))
    for name in ("statistic", "p_adjusted", "gaic", "weight", "share"):
        one, other = (f[(f["stat_name"] == name) & (f["variable"] != "CHG")]["stat"].to_numpy() for f in (found, flipped))
        assert one == pytest.approx(other, rel=1e-6)
    wrong = ard(mcpmod(data(direction="higher_better"), options()))
    key = {"variable": "contrast", "variable_level": "linear"}
    assert stat(wrong, "statistic", **key) == pytest.approx(-stat(found, "statistic", **key), rel=1e-9)


def test_what_is_flagged(result, found):
    """A parameter at its bound, a model that was refused, and the facts that footnotes print."""
    warned = found[found["warning"] != ""]
    assert "sigmoid Emax: h lies at a bound of its range, 0.5 to 10" in set(warned["warning"])
    assert "exponential: delta lies at a bound of its range, 9 to 180" in set(warned["warning"])
    more = ard(mcpmod(data(), options(models=["emax", "doubleEmax"])))
    refused = more[(more["variable_level"] == "doubleEmax") & (more["stat_name"] == "gaic")].iloc[0]
    assert np.isnan(refused["stat"]) and refused["error"] == "5 parameters cannot be estimated from 5 dose levels: at least 6 are needed"
    assert stat(more, "weight", variable="fit", variable_level="emax") == 1
    assert "119.0 df" in text(found, "contrast_test") and "standard error of its integration" in text(found, "contrast_test")
    assert "200 parametric-bootstrap draws" in text(found, "dose_intervals")
    assert text(found, "covariance") and text(found, "ddf") == "Kenward–Roger (linear)"


def test_a_peak_at_the_highest_dose_is_not_identified():
    """Responses that grow faster than dose: the umbrella models have no peak in the range, and it is said."""
    frame = records()
    frame = frame.assign(CHG=frame["CHG"] - 0.004 * frame["DOSE"] ** 2)
    found = ard(mcpmod(data(frame), options(models=["quadratic", "logGauss"])))
    assert dose_of(found, "quadratic", "peak") == "≥ 90"
    warned = found[(found["group2_level"] == "peak") & (found["stat_name"] == "dose") & (found["variable_level"] == "quadratic")]
    assert warned["warning"].item() == "the peak of the quadratic curve is not identified: it lies at the highest dose or beyond"


def test_an_arm_without_observations_gives_rows_with_the_reason():
    frame = records()
    found = ard(mcpmod(data(frame.assign(CHG=frame["CHG"].where(frame["DOSE"] != 90))), options()))
    rows = found[found["variable"] == "contrast"]
    assert len(rows) == 14 and rows["stat"].isna().all()
    assert set(rows["error"]) == {"no observation of NIR850-90 in the model at Week 4"}


def test_the_same_seed_gives_the_same_rows(result):
    again = mcpmod(data(), options())
    assert ard(again).equals(ard(result))
    assert not ard(mcpmod(data(), options(seed=1))).equals(ard(result))


def test_every_model_of_the_options_exists():
    assert set(Model.__args__) == set(SHAPES)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"dose_arms": ["SHAM", "NIR850-54"]}, "dose_arms"),
        ({"dose_arms": ["SHAM", "NIR850-54", "NIR850-54"]}, "dose_arms: NIR850-54 is there twice"),
        ({"delta": -3.0}, "delta"),
        ({"delta": 0.0}, "delta"),
        ({"alpha": 0.6}, "alpha"),
        ({"candidates": [{"model": "emacs"}]}, "candidates"),
        ({"candidates": [{"model": "linear"}, {"model": "linear"}]}, "candidates: linear is there twice"),
    ],
)
def test_options_that_cannot_be(more, message):
    with pytest.raises(ValidationError, match=message):
        options(**more)


@pytest.mark.parametrize(
    ("more", "doses", "message"),
    [
        ({"dose_arms": ["SHAM", "NIR850-54", "PLACEBO"]}, {}, "dose_arms: PLACEBO not among the arms SHAM, NIR850-18"),
        ({"dose_arms": ["NIR850-18", "NIR850-36", "NIR850-90"]}, {}, "no arm has dose 0, .*; the smallest is 18"),
        ({}, {"NIR850-90": None}, "NIR850-90 without `dose` in study.yaml"),
        ({}, {"NIR850-90": 54.0}, "NIR850-54, NIR850-90 have the same dose 54"),
        ({"dose_arms": ["SHAM", "NIR850-18", "NIR850-36"]}, {"NIR850-36": 18.0}, "2 different doses; a dose–response curve needs 3"),
        ({}, {"SHAM": -1.0}, "the dose -1 is negative"),
        ({"at_visit": "Week 8"}, {}, "at_visit: 'Week 8' is not a visit of the selected records, which have Week 4"),
        ({"candidates": [{"model": "emax"}]}, {}, r"candidates: number 1 \(emax\): the guess of emax lacks ed50"),
        ({"candidates": [{"model": "logGauss", "guess": {"peak": 1e9, "spread": 0.1}}]}, {}, r"number 1 .*: flat over the doses"),
        ({"constants": {"betaMod": {"scal": 50}}}, {}, "scal = 50 must be above the highest dose 90"),
        ({"constants": {"linlog": {"off": 1}}}, {}, "constants: linlog is neither a candidate nor fitted"),
    ],
)  # fmt: skip
def test_bad_input_is_named(more, doses, message):
    with pytest.raises(ConfigError, match=f"analyses.yaml: x: options: .*{message}"):
        mcpmod(data(doses=doses), options(**more))


def test_direction_must_be_known():
    with pytest.raises(ConfigError, match="direction: no instrument of the study says which values are better"):
        mcpmod(data(direction=None), options())
    assert text(ard(mcpmod(data(direction=None), options(direction="lower_better"))), "direction") == "lower_better"


def test_the_plan_is_checked_before_anything_runs():
    """Unknown arms and visits are found by the gate, with a suggestion."""
    study = data().plan.study
    study.visits = [SimpleNamespace(name="Week 4")]
    plan, spec = SimpleNamespace(study=study), SimpleNamespace(arms=None)
    assert list(options().cross_check(spec, plan)) == []
    wrong = list(options(at_visit="Week 5", dose_arms=["SHAM", "NIR850-18", "NIR850-3"]).cross_check(spec, plan))
    assert wrong == [
        "at_visit: there is no visit 'Week 5'; did you mean 'Week 4'?",
        "there is no arm 'NIR850-3'; did you mean 'NIR850-36'?",
    ]
    (problem,) = options(dose_arms=["NIR850-18", "NIR850-36", "NIR850-54"]).cross_check(spec, plan)
    assert problem.startswith("dose_arms: no arm has dose 0")
