"""How it was computed: plan, model facts and counts side by side."""

from nirls.report.material import read_material
from nirls.report.methods import explain


def parts_of(trial, *analyses):
    return explain(trial.plan, read_material(trial.plan, trial.inputs), list(analyses))


def test_estimand_has_five_attributes_and_the_assumption(make):
    (part,) = parts_of(make(), "primary")
    e = part.estimand
    assert (e.population, e.treatment, e.variable, e.summary) == (
        "Randomized adults", "Device as randomized", "Change to week 4", "Difference in mean change",
    )  # fmt: skip
    assert [(i.event, i.strategy, i.handling) for i in e.events] == [
        ("Stop of the device", "Treatment policy", "Values observed after the event are used.")
    ]
    assert e.missing_data == "Missing at random given the model."


def test_model_facts_in_words(make):
    (part,) = parts_of(make(), "primary")
    said = {t.label: t.text for t in part.analyses[0].model}
    assert said == {
        "Model": "CHG ~ BASE + TRT01P * AVISIT", "Covariance": "unstructured", "How the covariance was chosen": "us (converged)",
        "Degrees of freedom": "Kenward–Roger", "Margins of the LS means": "equal over the levels of factors", "Estimation": "REML",
    }  # fmt: skip
    numbers = {t.label: t.text for t in part.analyses[0].numbers}
    # 4021.77349 to three decimals; a gradient in powers of ten
    assert (
        numbers["−2 log likelihood"] == "4021.773"
        and numbers["Largest scaled gradient"] == "3.2e−09"
        and numbers["Subjects analysed"] == "97"
    )


def test_counts_from_set_to_analysed(make):
    (part,) = parts_of(make(), "primary")
    flow = part.analyses[0].flow
    assert flow.columns == ("Sham", "NIR 54 J/cm²", "Total")
    assert flow.rows == (
        ("In the analysis set", ("52", "50", "102")),
        ("Not analysed: no value after baseline", ("2", "3", "5")),
        ("Analysed", ("", "", "97")),
    )


def test_problems_of_the_results_are_repeated(make):
    (part,) = parts_of(make(), "primary")
    assert part.analyses[0].problems == ("no subject has a value at this visit",)


def test_descriptive_analysis_has_no_estimand(make):
    first, second = parts_of(make(), "primary", "disposition", "primary")
    assert first.estimand is not None and second.estimand is None and [a.id for a in second.analyses] == ["disposition"]
    assert {t.label: t.text for t in second.analyses[0].data}["Analysis set"] == "All subjects"
    assert [(t.label, t.text) for t in first.analyses[0].origin] == [("Plan entry", "5bec5bec5bec5bec"), ("Code", "c0dec0dec0dec0de")]


def test_estimand_is_explained_once_in_the_page(make):
    trial = make()
    sections = [*trial.plan.displays.report, trial.plan.displays.report[1].model_copy(update={"title": "Again", "analyses": ["primary"]})]
    displays = trial.plan.displays.model_copy(update={"report": sections})
    trial.plan = type(trial.plan)(**{f: getattr(trial.plan, f) for f in trial.plan.__slots__ if f != "displays"}, displays=displays)
    text = trial.build()
    assert text.count("Missing at random given the model.") == 1 and text.count('href="#estimand-e1"') == 1
    assert text.index('id="estimand-e1"') < text.index('href="#estimand-e1"')


def test_total_of_the_set_is_that_of_its_arms(make):
    (part,) = parts_of(make(), "disposition")
    assert part.analyses[0].flow.rows == (("In the analysis set", ("52", "50")),)
