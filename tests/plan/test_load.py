"""The shipped plans load; a broken plan lists all its problems at once, each with line, path and advice."""

import shutil
from pathlib import Path

import pytest

from nirls.errors import ConfigError
from nirls.plan.load import load_plan

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("study", ["nir-rls", "cdisc-pilot"])
def test_shipped_plans_load(study):
    plan = load_plan(study, root=ROOT)
    assert plan.name == study
    assert plan.analyses and plan.displays.displays


@pytest.fixture
def copy(tmp_path):
    shutil.copytree(ROOT / "config", tmp_path / "config")
    return tmp_path


def edit(root, file, *changes):
    path = root / "config/studies/nir-rls" / file
    text = path.read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new, 1)
    path.write_text(text, encoding="utf-8")


def problems(root):
    with pytest.raises(ConfigError) as caught:
        load_plan("nir-rls", root=root)
    return str(caught.value)


def test_typo_in_a_key(copy):
    edit(copy, "analyses.yaml", ("    covariance:", "    covarience:"))
    text = problems(copy)
    assert "analyses.yaml" in text and "covarience: unknown key; did you mean 'covariance'?" in text


def test_typo_in_a_value(copy):
    edit(copy, "analyses.yaml", ("method: mmrm", "method: mmmr"))
    assert "there is no method 'mmmr'; did you mean 'mmrm'?" in problems(copy)


def test_repeated_key(copy):
    edit(copy, "study.yaml", ("synthetic: true", "synthetic: true\nsynthetic: false"))
    assert "the key 'synthetic' is repeated" in problems(copy)


def test_all_problems_of_all_files_at_once(copy):
    edit(copy, "study.yaml", ("role: sham", "role: shamm"))
    edit(copy, "displays.yaml", ("kind: table", "kind: tabel"))
    edit(copy, "estimands.yaml", ("strategy: treatment_policy", "strategy: treatment-policy"))
    text = problems(copy)
    assert "3 problems" in text
    for part in ("did you mean 'sham'", "did you mean 'table'", "did you mean 'treatment_policy'"):
        assert part in text
    assert all("line " in line for line in text.splitlines()[1:])


def test_unknown_names_across_files(copy):
    edit(copy, "study.yaml", ("reference: SHAM", "reference: SHAN"))
    edit(copy, "analyses.yaml", ("set: FAS", "set: FASS"))
    text = problems(copy)
    assert "there is no arm 'SHAN'; did you mean 'SHAM'?" in text
    assert "there is no analysis set 'FASS'; did you mean 'FAS'?" in text


def test_a_figure_has_no_page_of_its_own(copy):
    edit(copy, "displays.yaml", ("kind: figure", "kind: figure\n    separate: true"))
    assert "separate: only a table has a page of its own, not a display of kind 'figure'" in problems(copy)


def test_reference_that_is_not_an_arm(copy):
    edit(copy, "study.yaml", ("reference: SHAM", "reference: SCRNFAIL"))
    assert "reference: 'SCRNFAIL' is not an arm" in problems(copy)


def test_circle_of_uses(copy):
    path = copy / "config/studies/nir-rls/analyses.yaml"
    entry = "{{label: a, dataset: ADSL, method: describe, options: {{variables: [AGE]}}, uses: [{}]}}\n"
    path.write_text(path.read_text() + "\nring_a: " + entry.format("ring_b") + "ring_b: " + entry.format("ring_a"))
    assert "goes in a circle: ring_a → ring_b → ring_a" in problems(copy)


def test_bad_condition(copy):
    path = copy / "config/studies/nir-rls/analyses.yaml"
    path.write_text(
        path.read_text() + '\nbad: {label: a, dataset: ADSL, where: "AGE = 3", method: describe, options: {variables: [AGE]}}\n'
    )
    assert "cannot read the condition 'AGE = 3'" in problems(copy)


def test_condition_on_a_variable_the_data_will_not_have(copy):
    edit(copy, "study.yaml", ("NPOST >= 1", "NPOSTS >= 1"))
    path = copy / "config/studies/nir-rls/analyses.yaml"
    entry = '{{label: a, dataset: {}, group: {}, where: "{}", method: describe, options: {{variables: [AGE]}}}}\n'
    path.write_text(
        path.read_text()
        + "\nbad_name: " + entry.format("ADQS", "TRT01P", "AVISTIN in [1, 2]")
        + "bad_kind: " + entry.format("ADQS", "TRT01P", "PARAMCD == 'IRLSTOT' and 1 <= AVISITN <= '12'")
        + "bad_list: " + entry.format("ADSL", "TRT01P", "AGE not in ['65']")
        + "bad_group: " + entry.format("ADSL", "TRT1P", "AGE is not missing and AGE > -1")
    )  # fmt: skip
    text = problems(copy)
    assert "ADSL has no variable 'NPOSTS'; did you mean 'NPOST'?" in text
    assert "bad_name.where" in text and "ADQS has no variable 'AVISTIN'; did you mean 'AVISITN'?" in text
    assert "AVISITN is a number, which cannot be compared with '12'" in text
    assert "AGE is a number, which cannot be compared with ['65']" in text
    assert "bad_group.group: there is no treatment variable 'TRT1P'; did you mean 'TRT01P'?" in text
    assert text.count("bad_") == 4


def test_what_ends_a_life_or_treatment_is_judged_by_known_words(copy):
    edit(copy, "study.yaml", ("fatal: AEOUT == 'FATAL'", "fatal: AEOUT == 'DEATH'"), ("withdrawn: AEACNDEV ==", "withdrawn: AEACN =="))
    text = problems(copy)
    assert "adverse_events.fatal: \"AEOUT == 'DEATH'\" holds for none of the words of AEOUT (RECOVERED," in text
    assert "adverse_events.withdrawn: AEACN may have any word; give those it may have under adverse_events.words.AEACN" in text


def test_words_are_compared_with_words(copy):
    edit(copy, "study.yaml", ("fatal: AEOUT == 'FATAL'", "fatal: AEOUT == 5"))
    assert "adverse_events.fatal: " in problems(copy) and "AEOUT" in problems(copy)


def test_a_blinded_study_takes_no_treatment_as_a_characteristic(copy):
    edit(copy, "study.yaml", ("blinding: unblinded", "blinding: blinded"), ("source: DM.AGE", "source: DM.ACTARMCD"))
    assert "DM.ACTARMCD tells the treatment, and the study is blinded" in problems(copy)


def test_no_model_adjusts_for_what_is_known_only_after_randomization(copy):
    edit(copy, "analyses.yaml", ("covariates: [BASE, SITEID, STRSEV]", "covariates: [BASE, SITEID, STRSEV, GUESSW1]"))
    assert "GUESSW1 is known only after randomization and may be caused by the treatment; a model cannot adjust for it" in problems(copy)


def test_names_of_words_and_groups(copy):
    edit(
        copy, "study.yaml", ("param: GUESSP, visit: Week 1", "param: CONFP, visit: Week 11"), ("labels: {NIR: Near", "labels: {NIRR: Near")
    )
    edit(copy, "analyses.yaml", ("where: GUESSW1 == 'NIR'", "where: GUESSW2 == 'NIR'"))
    text = problems(copy)
    assert "there is no parameter with `values` 'CONFP'" in text and "there is no visit 'Week 11'; did you mean" in text
    assert "there is no value 'NIRR'; did you mean 'NIR'?" in text
    assert "guess_nir.subjects.where" in text and "ADSL has no variable 'GUESSW2'; did you mean 'GUESSW1'?" in text


def test_folder_without_configuration(tmp_path):
    with pytest.raises(ConfigError, match="has no folder config/; run from the folder of the repository"):
        load_plan("nir-rls", root=tmp_path)


def test_unknown_study(copy):
    with pytest.raises(ConfigError, match="did you mean 'nir-rls'"):
        load_plan("nir-rsl", root=copy)


def test_missing_file(copy):
    (copy / "config/studies/nir-rls/estimands.yaml").unlink()
    assert "estimands.yaml: the file does not exist" in problems(copy)


def test_a_family_is_checked_against_the_plan(copy):
    edit(
        copy,
        "analyses.yaml",
        ("uses: [primary_mmrm, cgis_week4, sleep_week4]", "uses: [primary_mmrm, cgis_week4, ancova_week4]"),
        (
            'IRLS total, week 12", analysis: primary_mmrm, comparison: NIR850-54 - SHAM, visit: Week 12',
            'x", analysis: primary_mmrm, visit: W 12',
        ),
    )
    text = problems(copy)
    assert "confirmatory.options: hypotheses: H7: there is no analysis 'sleep_week4'; did you mean" in text
    assert "confirmatory.options: hypotheses: H8: there is no visit 'W 12'; did you mean" in text
    assert "confirmatory.options: no hypothesis takes its p-value from ancova_week4" in text


def test_a_graph_that_is_wrong_names_the_hypothesis(copy):
    edit(copy, "analyses.yaml", ("to: {H2: 1/4, H3: 1/4, H6: 1/2}", "to: {H2: 1/2, H3: 1/4, H6: 1/2}"))
    assert "confirmatory.options: H1: its transitions sum to 1.25, more than 1" in problems(copy)
