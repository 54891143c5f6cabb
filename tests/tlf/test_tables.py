"""Table layouts: what stands in which cell."""

import pandas as pd
import pytest

from nirls.tlf.errors import DisplayError
from nirls.tlf.make import make_display
from tests.tlf.display_trial import display, plans


def cells(document, label, section=None):
    """Texts of the first row with this label (under a section)."""
    at = None
    for row in document.rows:
        if row.kind == "section":
            at = row.label
        elif row.label == label and section in (None, at):
            return [c.text for c in row.cells]
    raise AssertionError(f"no row {label!r} under {section!r}")


def stat(frame, stat_name, **key):
    for column, value in key.items():
        frame = frame[frame[column] == value]
    return frame.loc[frame["stat_name"] == stat_name, "stat"].item()


def test_columns_are_the_arms_and_the_total(made, world):
    columns = made["T14.1.1"][0].columns
    assert [c.id for c in columns] == [*world.codes, "Total"]
    assert [c.n for c in columns] == [*world.n.values(), world.assessed]
    assert columns[-1].marks, "a total that is more than its arms says so"
    assert made["T14.1.1"][0].footnotes[-1].text == "Includes 88 subjects who are in no arm."


def test_disposition(made, world):
    document = made["T14.1.1"][0]
    assert cells(document, "Screened") == [""] * len(world.codes) + [str(world.assessed)]
    completed = [
        f"{n} ({100 * n / world.n[c]:.1f})" for c in world.codes for n in [world.n[c] - world.untreated[c] - world.discontinued(c)]
    ]
    assert cells(document, "Completed", "Treatment")[:-1] == completed
    assert cells(document, "Full analysis set", "Analysis sets")[0] == f"{world.n['SHAM']} (100)"
    labels = [row.label for row in document.rows]
    assert "Safety set" not in labels, "a set that is not counted is not invented"
    assert labels.index("Lost to follow-up") > labels.index("Discontinued")


def test_deviations(made, world):
    document = made["T14.1.2"][0]
    assert cells(document, "Any important deviation")[0].startswith("2 (")
    marked = [row for row in document.rows if row.label == "Fewer than 80% of sessions"]
    assert marked[0].marks
    assert {f.mark: f.text for f in document.footnotes}[marked[0].marks[0]] == "Important deviation."


def test_summary(made, world):
    document = made["T14.1.3"][0]
    frame = world.baseline_numbers()
    mean, sd = (stat(frame, s, variable="AGE", group1_level="SHAM") for s in ("mean", "sd"))
    assert cells(document, "Mean (SD)", "Age (years)")[0] == f"{mean:.1f} ({sd:.2f})"
    assert cells(document, "n", "Age (years)")[-1] == str(sum(world.fas().values()))
    assert [row.label for row in document.rows if row.kind == "section"] == ["Age (years)", "Ferritin (µg/L)", "Sex"]
    assert (
        cells(document, "Female", "Sex")[0]
        == f"{round(0.6 * world.fas()['SHAM'])} ({100 * round(0.6 * world.fas()['SHAM']) / world.fas()['SHAM']:.1f})"
    )
    assert not any(row.label == "p" or "p-value" in row.label for row in document.rows)


def test_wide_tables_set_the_quartiles_apart(made, world):
    labels = [row.label for row in made["T14.1.3"][0].rows]
    assert ("Q1, Q3" in labels) == (len(world.codes) > 4)
    assert ("Median (Q1, Q3)" in labels) == (len(world.codes) <= 4)


def test_missing_values_have_a_row(two):
    frame = two.baseline_numbers()
    frame.loc[(frame["variable"] == "AGE") & (frame["stat_name"] == "n_missing") & (frame["group1_level"] == "NIR"), "stat"] = 2.0
    document, _ = make_display("T1", display("summary", {"main": "base-num"}), {"main": frame}, {}, two.context, ["json"])
    assert cells(document, "Missing", "Age (years)") == ["0", "2", "0"]


def test_lsmeans_puts_many_arms_into_rows(made, world):
    document = made["T14.2.1.1"][0]
    frame = world.mmrm()
    key = {"visit": "Week 12", "group1_level": world.codes[1], "variable": "CHG"}
    mean, se = (stat(frame[frame["comparison"] == ""], s, **key) for s in ("lsmean", "lsmean_se"))
    text = f"{mean:.2f} ({se:.3f})".replace("-", "−")
    if len(world.codes) > 4:
        assert [c.id for c in document.columns] == ["N", "n", "mean", "ci", "diff", "diff_ci", "df", "p"]
        row = cells(document, world.arms[1].short, "Week 12")
        assert row[2] == text
        assert row[0] == str(world.fas()[world.codes[1]])
        assert cells(document, "Sham", "Week 12")[4:] == ["Reference", "", "", ""]
        assert [(s.label, s.first, s.last) for s in document.spanners] == [("Change from baseline", 1, 3), ("Difference from Sham", 4, 7)]
    else:
        assert [c.id for c in document.columns] == world.codes
        assert cells(document, "LS mean (SE)", "Week 12 — change from baseline")[1] == text
        assert cells(document, "p", "Week 12 — change from baseline")[0] == ""
    assert {row.emphasis for row in document.rows if row.kind == "section"} == {True, False}


def test_every_cell_of_a_comparison(nine):
    """All eight numbers of one arm at one visit, from the definitions of the synthetic results (arm 3, visit 8)."""
    entry, ards, _ = plans(nine)["T14.2.1.1"]
    document, _ = make_display("T1", entry, ards, {}, nine.context, ["json"])
    mean, difference = -2 - 0.35 * 8 - 0.22 * 3 * 8, -0.22 * 3 * 8
    n = nine.fas()["NIR850-54"]
    assert cells(document, nine.arms[3].short, "Week 12") == [
        str(n),
        str(n - nine.no_value["NIR850-54"] - 8),
        f"−{-mean:.2f} (0.904)",
        f"(−{-mean + 1.6:.2f}, −{-mean - 1.6:.2f})",
        f"−{-difference:.2f} (1.130)",
        f"(−{-difference + 2.2:.2f}, −{-difference - 2.2:.2f})",
        "399.7",
        "<0.0001",
    ]


def with_trend(frame):
    """The results with a slope over dose at the last visit."""
    base = frame[(frame["comparison"] != "") & (frame["visit"] == "Week 12")].iloc[0]
    values = {"estimate": -0.01243, "std_error": 0.01067, "df": 221.0, "conf_low": -0.0335, "conf_high": 0.0086, "p_value": 0.2447}
    rows = [
        {**base, "comparison": "dose trend", "group1": "", "group1_level": "", "stat_name": k, "stat": v, "error": ""}
        for k, v in values.items()
    ]
    return pd.concat([frame, pd.DataFrame(rows, columns=frame.columns)], ignore_index=True)


@pytest.mark.parametrize("arrange", ["arms_in_columns", "arms_in_rows"])
def test_a_dose_trend_is_printed_where_there_is_one(nine, arrange):
    entry = display("lsmeans", {"main": "irls-mmrm"}, options={"arrange": arrange, "visits": ["Week 12"]})
    document, _ = make_display("T1", entry, {"main": with_trend(nine.mmrm())}, {}, nine.context, ["json"])
    if arrange == "arms_in_rows":
        assert cells(document, "Dose trend, slope")[4:] == ["−0.0124 (0.0107)", "(−0.0335, 0.0086)", "221.0", "0.2447"]
    else:
        shown = [(row.label, [c.text for c in row.cells]) for row in document.rows][-4:]
        assert [label for label, _ in shown] == ["Dose trend, slope (SE)", "95% CI", "df", "p"]
        assert [texts[-1] for _, texts in shown] == ["−0.0124 (0.0107)", "(−0.0335, 0.0086)", "221.0", "0.2447"]
        assert all(text == "" for _, texts in shown for text in texts[:-1])


def test_the_answer_tells_a_dose_trend(nine):
    options = {"question": "Does it work?", "arm": "NIR850-54", "visit": "Week 12"}
    entry = display("answer", {"main": "irls-mmrm"}, kind="answer", options=options)
    document, _ = make_display("A1", entry, {"main": with_trend(nine.mmrm())}, {}, nine.context, ["json"])
    fact = document.comparisons[-1]
    assert (fact.label, fact.text) == ("Dose trend, slope", "−0.0124 (95% CI −0.0335 to 0.0086; p = 0.2447)")


def test_lsmeans_can_be_arranged_either_way(nine):
    document, _ = make_display(
        "T1",
        display("lsmeans", {"main": "irls-mmrm"}, options={"arrange": "arms_in_columns", "arms": ["SHAM", "NIR850-54"]}),
        {"main": nine.mmrm()},
        {},
        nine.context,
        ["json"],
    )
    assert [c.id for c in document.columns] == ["SHAM", "NIR850-54"]


def test_model_footnotes(made):
    text = " ".join(f.text for f in made["T14.2.1.1"][0].footnotes)
    assert "Model: CHG ~ BASE + BASE:AVISIT + TRT01P*AVISIT + SEVSTRAT." in text
    assert "Covariance of repeated measurements: unstructured." in text
    assert "Denominator degrees of freedom: Kenward–Roger." in text
    assert "LS means: margins in proportion to the analysed sample." in text
    assert "Estimation: REML." in text
    assert text.startswith("CI: confidence interval."), "the plan's footnotes come first"


def test_not_estimable_is_marked_and_explained(nine):
    entry, _, _ = plans(nine)["T14.2.1.1"]
    document, rendered = make_display("T14.2.1.1", entry, {"main": nine.mmrm(broken="NIR850-36")}, {}, nine.context)
    section = next(i for i, row in enumerate(document.rows) if row.label == "Week 12")
    row = next(row for row in document.rows[section:] if "36 J/cm²" in row.label)
    assert [c.text for c in row.cells][4:] == ["NE"] * 4
    mark = row.cells[4].marks[0]
    assert {f.mark: f.text for f in document.footnotes}[mark] == "NE: not estimable. No subject of the arm has a value at this visit."
    assert "NE<sup>" in rendered["html"].decode()


def test_observed_has_no_change_at_baseline(made):
    sections = [row.label for row in made["T14.2.1.2"][0].rows if row.kind == "section"]
    assert sections[:3] == ["Baseline — observed value", "Week 1 — observed value", "Week 1 — change from baseline"]


def test_options_pick_arms_and_visits(nine):
    options = {"arms": ["SHAM", "ACTIVE"], "visits": ["Week 12"]}
    document, _ = make_display(
        "T1", display("observed", {"main": "irls-obs"}, options=options), {"main": nine.observed()}, {}, nine.context, ["json"]
    )
    assert [c.id for c in document.columns] == ["SHAM", "ACTIVE"]
    assert {row.label.split(" — ")[0] for row in document.rows if row.kind == "section"} == {"Week 12"}


@pytest.mark.parametrize(
    ("layout", "options", "message"),
    [
        ("observed", {"arms": ["PLACEBO"]}, "options.arms: PLACEBO"),
        ("observed", {"visits": ["Week 99"]}, "options.visits: Week 99"),
        ("observed", {"param": "CGIS"}, "'CGIS' is not in analysis"),
        ("observed", {"statistics": ["mode"]}, "options.statistics.0"),
        ("observed", {"colour": "red"}, "options.colour"),
        ("observed", {"variables": ["PCHG"]}, "no row 'n' for"),
        ("summary", {"blocks": [{"variable": "BMI"}]}, "variable 'BMI'"),
        ("disposition", {"blocks": [{"rows": [{"variable": "AVAL", "level": "X"}]}]}, "no levels of 'AVAL'"),
    ],
)
def test_what_is_not_there_is_an_error(two, layout, options, message):
    with pytest.raises(DisplayError, match=message):
        make_display("T9", display(layout, {"main": "irls-obs"}, options=options), {"main": two.observed()}, {}, two.context, ["json"])


def test_a_level_that_nobody_has(two):
    row = {"variable": "EOTSTT", "level": "ONGOING"}
    ards = {"main": two.disposition()}
    with pytest.raises(DisplayError, match="no level 'ONGOING'"):
        make_display(
            "T9", display("disposition", {"main": "disposition"}, options={"blocks": [{"rows": [row]}]}), ards, {}, two.context, ["json"]
        )
    entry = display("disposition", {"main": "disposition"}, options={"blocks": [{"rows": [row | {"absent": "zero"}]}]})
    document, _ = make_display("T9", entry, ards, {}, two.context, ["json"])
    assert cells(document, "Ongoing") == ["0", "0", "0"]


def test_another_denominator_is_said(two):
    ards = {"main": two.baseline_levels(), "treated": two.untreated_reasons()}
    blocks = [{"variable": "SEX"}, {"variable": "DCTREAS", "role": "treated", "label": "Never treated"}]
    document, _ = make_display(
        "T9", display("summary", {"main": "base-cat", "treated": "untreated"}, options={"blocks": blocks}), ards, {}, two.context, ["json"]
    )
    mark = next(row.marks[0] for row in document.rows if row.label == "Never treated")
    assert {f.mark: f.text for f in document.footnotes}[
        mark
    ] == "Never treated: of Sham device 0, NIR 850 nm, 54 J/cm² 1, Total 1 subjects."
