"""The method `multiplicity`: from ARDs of other analyses to decisions."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from nirls.ard.build import row, rows
from nirls.ard.frame import to_frame
from nirls.errors import ConfigError
from nirls.methods.multiplicity import MultiplicityOptions, multiplicity
from nirls.methods.registry import AnalysisData
from nirls.plan.analysis import Analysis

VISITS = ("Week 4", "Week 12")
P = {("NIR-H - SHAM", "Week 4"): 0.01, ("NIR-H - SHAM", "Week 12"): 0.006, ("NIR-L - SHAM", "Week 4"): 0.018,
     ("NIR-L - SHAM", "Week 12"): 0.105}  # fmt: skip
FAMILY = {
    "H1": {"label": "Low, week 4", "comparison": "NIR-L - SHAM", "visit": "Week 4", "weight": 0.5, "to": {"H2": "1/2", "H3": 0.5}},
    "H2": {"label": "High, week 4", "comparison": "NIR-H - SHAM", "visit": "Week 4", "weight": "1/2", "to": {"H1": 0.5, "H4": 0.5}},
    "H3": {"label": "Low, week 12", "comparison": "NIR-L - SHAM", "visit": "Week 12", "to": {"H2": 1}},
    "H4": {"label": "High, week 12", "comparison": "NIR-H - SHAM", "visit": "Week 12", "to": {"H1": 1.0}},
}


def ard(p=P, estimate=-3.0, name="main"):
    found = []
    for (comparison, visit), value in p.items():
        key = {"comparison": comparison, "visit": visit, "variable": "CHG", "group1": "TRT01P", "group1_level": comparison[:5]}
        found += rows({"estimate": estimate, "conf_low": estimate - 2, "conf_high": estimate + 2}, **key)
        missing = np.isnan(value)
        found.append(row("p_value", None if missing else value, error="the model did not converge." if missing else "", **key))
    found += [row("conf_level", 0.95, variable="model"), row("N", 50, group1="TRT01P", group1_level="NIR-H")]
    return to_frame(found, analysis_id=name, param="IRLSTOT")


def options(family=FAMILY, alpha=0.025, sides=2, procedure="graph", **more):
    given = {n: {"analysis": "main", **h} for n, h in family.items()}
    if procedure != "graph":
        given = {n: {k: v for k, v in h.items() if k not in ("weight", "to")} for n, h in given.items()}
    return MultiplicityOptions(alpha=alpha, sides=sides, procedure=procedure, hypotheses=given, **more)


def run(opts, used=None):
    used = {"main": ard()} if used is None else used
    spec = Analysis(label="x", dataset="ADSL", method="multiplicity", uses=list(used))
    data = AnalysisData(frame=pd.DataFrame(), adsl=pd.DataFrame(), spec=spec, analysis_id="family", plan=SimpleNamespace(), used=used)
    result = multiplicity(data, opts)
    return to_frame(result.rows, analysis_id="family"), result.footnotes


def stats(frame, name, **key):
    key = {"variable": "hypothesis", "group1_level": "", **key}
    rows = frame[(frame["stat_name"] == name) & np.logical_and.reduce([frame[k] == v for k, v in key.items()])]
    return dict(zip(rows["variable_level"], rows["stat"], strict=True))


def test_decisions_are_those_of_graphicalmcp():
    """R graphicalMCP, vignette "shortcut-testing"."""
    found, notes = run(options())
    assert stats(found, "p_value") == {"H1": 0.018, "H2": 0.01, "H3": 0.105, "H4": 0.006}
    assert stats(found, "p_adjusted") == pytest.approx({"H1": 0.024, "H2": 0.02, "H3": 0.105, "H4": 0.024}, rel=1e-14)
    assert stats(found, "rejected") == {"H1": 1, "H2": 1, "H3": 0, "H4": 1}
    assert stats(found, "step") == {"H1": 2, "H2": 1, "H3": 4, "H4": 3}
    assert stats(found, "alpha") == pytest.approx({"H1": 0.01875, "H2": 0.0125, "H3": 0.025, "H4": 0.0125}, rel=1e-14)
    assert stats(found, "weight", group1_level="0") == {"H1": 0.5, "H2": 0.5, "H3": 0, "H4": 0}
    assert stats(found, "weight", group1_level="2") == {"H3": 0.5, "H4": 0.5}
    assert stats(found, "transition", group1_level="0", group2_level="H2") == {"H1": 0.5, "H3": 1}
    assert stats(found, "transition", group1_level="2", group2_level="H4") == pytest.approx({"H3": 1})
    assert stats(found, "estimate")["H1"] == -3 and stats(found, "conf_level")["H4"] == 0.95
    steps = found[(found["variable"] == "step") & (found["stat_name"] == "text")]
    assert list(steps["stat_text"]) == ["H2", "H1", "H4", "H3"]
    source = found[(found["variable"] == "source") & (found["variable_level"] == "H4")]
    assert source["stat_text"].item() == "main, NIR-H - SHAM, Week 12"
    level = found[(found["variable"] == "model") & (found["variable_level"] == "level")]
    assert level["stat_text"].item() == "familywise α = 0.025, two-sided" and notes == ()


def test_p_values_are_not_rounded():
    """0.02500004 prints as 0.0250 and is above 0.025."""
    family = {"H1": {"label": "x", "comparison": "NIR-L - SHAM", "visit": "Week 4", "weight": 1}}
    for value, decision in ((0.02500004, 0), (0.02499996, 1)):
        found, _ = run(options(family), {"main": ard({("NIR-L - SHAM", "Week 4"): value})})
        assert stats(found, "rejected") == {"H1": decision} and stats(found, "p_adjusted") == {"H1": value}


def test_a_missing_p_value_is_said_and_not_rejected():
    found, notes = run(options(), {"main": ard(P | {("NIR-H - SHAM", "Week 4"): np.nan})})
    assert stats(found, "rejected") == {"H1": 0, "H2": 0, "H3": 0, "H4": 0}
    assert np.isnan(stats(found, "p_adjusted")["H2"]) and np.isnan(stats(found, "p_value")["H2"])
    reason = "no p-value in main (the model did not converge)"
    assert found.loc[(found["stat_name"] == "p_adjusted") & (found["variable_level"] == "H2"), "error"].item() == reason
    assert notes == (f"H2: {reason}; not rejected, and its weight is not passed on.",)


def test_one_sided_family_of_two_sided_p_values():
    family = {n: h | {"alternative": "less"} for n, h in FAMILY.items()}
    found, _ = run(options(family, sides=1))
    assert stats(found, "p_value") == {"H1": 0.009, "H2": 0.005, "H3": 0.0525, "H4": 0.003}
    against, _ = run(options(family, sides=1), {"main": ard(estimate=3.0)})
    assert stats(against, "p_value")["H2"] == 0.995 and not any(stats(against, "rejected").values())
    with pytest.raises(ConfigError, match=r"family: options.hypotheses.H1: `alternative` needs an estimate beside the p-value in 'main'"):
        run(options(family, sides=1), {"main": ard()[lambda d: d["stat_name"] != "estimate"]})


def test_holm_and_hochberg():
    """R p.adjust."""
    p = dict(zip(P, (0.02, 0.04, 0.01, 0.03), strict=True))
    for procedure, wanted in (("holm", [0.04, 0.06, 0.06, 0.06]), ("hochberg", [0.04] * 4)):
        found, _ = run(options(procedure=procedure, alpha=0.05), {"main": ard(p)})
        assert [stats(found, "p_adjusted")[h] for h in ("H1", "H2", "H3", "H4")] == pytest.approx(wanted, rel=1e-14)
        assert (len(stats(found, "step")) > 0) == (procedure == "holm")


def test_a_look_of_a_group_sequential_trial():
    """Maurer and Bretz (2013), section 4, second of three looks; R graphicalMCP, vignette "group-sequential-testing"."""
    p = dict(zip(P, (0.0035, 0.06, 0.0002, 0.002), strict=True))
    family = {n: h | {"sides": 1} for n, h in FAMILY.items()}
    found, _ = run(options(family, sides=1, look={"fractions": [1 / 3, 2 / 3]}), {"main": ard(p)})
    wanted = {"H1": 0.004787, "H2": 0.022881, "H3": 0.023297, "H4": 0.128460}
    assert stats(found, "p_adjusted") == pytest.approx(wanted, rel=0, abs=5.1e-7)
    assert stats(found, "p_value")["H1"] == 0.0002 and stats(found, "p_repeated")["H1"] == pytest.approx(0.0024, abs=5e-5)
    assert stats(found, "rejected") == {"H1": 1, "H2": 1, "H3": 1, "H4": 0}
    look = found[found["variable_level"] == "look"]["stat_text"].item()
    assert look == "repeated p-values at information fractions 0.3333, 0.6667; α spending of O'Brien–Fleming type"


def changed(name, **change):
    return {n: h | change if n == name else h for n, h in FAMILY.items()}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"family": changed("H1", weight=0.6)}, "the weights sum to 1.1, more than 1"),
        ({"family": changed("H3", to={"H3": 1})}, "H3: passes 1 of its weight to itself"),
        ({"family": changed("H3", to={"H1": 0.7, "H2": 0.7})}, "H3: its transitions sum to 1.4"),
        ({"family": changed("H3", to={"H5": 1})}, "H3: `to` names H5, not among the hypotheses H1, H2, H3, H4"),
        ({"family": changed("H1", to={"H2": 1})}, "H3: can never be tested"),
        ({"family": changed("H1", weight="1/0")}, "weight"),
        ({"family": changed("H1", sides=1)}, "H1: a one-sided p-value does not go with a two-sided α"),
        ({"sides": 1}, "H1: a two-sided p-value does not go with a one-sided α; say with `alternative`"),
        ({"family": changed("H2", alternative="less")}, "H2: `alternative` turns a two-sided p-value"),
        ({"alpha": 5}, "alpha"),
        ({"look": {"fractions": [0.5, 0.5]}}, "information fractions must increase"),
    ],
)
def test_options_are_checked(given, message):
    with pytest.raises(ValidationError, match=message):
        options(**given)


def test_neither_level_nor_sides_have_a_default():
    with pytest.raises(ValidationError, match=r"(?s)alpha.*sides"):
        MultiplicityOptions(hypotheses={"H1": {"label": "x", "analysis": "main", "weight": 1}})
    with pytest.raises(ValidationError, match="H1: `weight` and `to` belong to the procedure 'graph', not to 'holm'"):
        MultiplicityOptions(alpha=0.05, sides=2, procedure="holm", hypotheses={"H1": {"label": "x", "analysis": "main", "weight": 1}})


COMPARISONS, WEEKS = "comparison: 'NIR-H - SHAM', 'NIR-L - SHAM'", "visit: 'Week 4', 'Week 12'"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"comparison": "NIR-X - SHAM"},
            rf"H3: the results of 'main' hold no p-value for comparison 'NIR-X - SHAM', visit 'Week 12'; "
            rf"choose one of {COMPARISONS}; {WEEKS}",
        ),
        ({"visit": ""}, rf"H3: the results of 'main' hold 2 p-values for comparison 'NIR-L - SHAM'; choose one of .*{WEEKS}"),
        ({"param": "CGIS"}, r"H3: .* no p-value for .*param 'CGIS'"),
        ({"analysis": "other"}, r"H3: the analysis 'other' is not named in `uses` \(main\)"),
    ],
)
def test_a_p_value_that_is_not_there(change, message):
    with pytest.raises(ConfigError, match=rf"analyses.yaml: family: options.hypotheses.{message}"):
        run(options(changed("H3", **change)))


def test_weight_left_over_is_said():
    _, notes = run(options(changed("H1", weight=0.4)))
    assert notes == ("The weights leave 0.1 of α unused.",)


def test_the_plan_is_checked_before_anything_runs():
    opts = options(changed("H3", analysis="othr", visit="Week 13"))
    spec = Analysis(label="x", dataset="ADSL", method="multiplicity", uses=["main", "other", "idle"])
    plan = SimpleNamespace(study=SimpleNamespace(visits=[SimpleNamespace(name=v) for v in VISITS]))
    assert list(opts.cross_check(spec, plan)) == [
        "hypotheses: H3: there is no analysis 'othr'; did you mean 'other'? in `uses`",
        "hypotheses: H3: there is no visit 'Week 13'; did you mean 'Week 12'?",
        "no hypothesis takes its p-value from other, idle, named in `uses`",
    ]
