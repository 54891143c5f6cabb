"""Choices of estimand, method and options that contradict each other are refused with the reason, before anything runs."""

import pytest

from tests.plan.test_load import copy, edit, problems  # noqa: F401

STOPAE = "    - {event: STOPAE, strategy: treatment_policy}"


def estimand(root, name, *changes):
    path = root / "config/studies/nir-rls/estimands.yaml"
    text = path.read_text(encoding="utf-8")
    start = text.index(f"\n{name}:\n") + 1 if not text.startswith(f"{name}:") else 0
    part = text[start:]
    for old, new in changes:
        assert old in part, old
        part = part.replace(old, new, 1)
    path.write_text(text[:start] + part, encoding="utf-8")


@pytest.mark.parametrize(
    ("new", "said"),
    [
        ("{event: STOPPED, strategy: treatment_policy}", "there is no intercurrent event 'STOPPED' in study.yaml"),
        (
            "{event: STOPAE, strategy: while_on_treatment}",
            "a model of all visits predicts the values after the event as if it had not happened",
        ),
        ("{event: STOPAE, strategy: composite}", "a mean needs a number for subjects with the event; add `value: no_change`"),
        ("{event: STOPAE, strategy: principal_stratum}", "no method that estimates the effect in a principal stratum"),
        ("{event: STOPAE, strategy: hypothetical, value: no_change}", "what the outcome counts as belongs to the strategy composite"),
        ("{event: STOPLOE, strategy: treatment_policy}", "'STOPLOE' has 2 strategies; an event has one"),
    ],
)
def test_strategy_of_the_primary_estimand(copy, new, said):  # noqa: F811
    estimand(copy, "E1", (STOPAE, f"    - {new}"))
    assert said in problems(copy)


def test_every_event_needs_a_strategy(copy):  # noqa: F811
    estimand(copy, "E1", (STOPAE + "\n", ""))
    assert "no strategy for STOPAE; an estimand has one for every event of study.yaml" in problems(copy)


def test_a_terminal_event_has_no_value_after_it(copy):  # noqa: F811
    edit(copy, "study.yaml", ("    ends_treatment: true\n  STOPLOE", "    ends_treatment: true\n    terminal: true\n  STOPLOE"))
    assert "treatment_policy needs an outcome after 'STOPAE', and study.yaml calls it terminal" in problems(copy)


def test_a_response_and_its_missing_values(copy):  # noqa: F811
    estimand(copy, "E2", (STOPAE, "    - {event: STOPAE, strategy: hypothetical}"))
    assert "`missing: non_responder` would count them as no response, which is the composite strategy" in problems(copy)


def test_composite_response_with_observed_values_only(copy):  # noqa: F811
    estimand(copy, "E2", (STOPAE, "    - {event: STOPAE, strategy: composite}"))
    edit(copy, "analyses.yaml", ("    missing: non_responder", "    missing: observed"))
    assert "`missing: observed` leaves these subjects out" in problems(copy)


def test_the_set_is_that_of_the_estimand(copy):  # noqa: F811
    edit(copy, "analyses.yaml", ("  estimand: E1\n  purpose: PRIMARY OUTCOME MEASURE\n  dataset: ADQS\n  set: FAS",
                                 "  estimand: E1\n  purpose: PRIMARY OUTCOME MEASURE\n  dataset: ADQS\n  set: PP"))  # fmt: skip
    assert "estimand E1 is about the set FAS, and this analysis takes PP" in problems(copy)


def test_a_comparison_answers_no_estimand(copy):  # noqa: F811
    edit(copy, "analyses.yaml", ("  estimand: E1\n", "  estimand: E1\n  comparison_only: it is an example\n"))
    assert "an analysis for comparison only answers no estimand; leave out `estimand: E1`" in problems(copy)


def test_a_method_that_uses_every_value(copy):  # noqa: F811
    edit(copy, "analyses.yaml", ("cgi_improvement:\n  label: Clinical Global Impression of improvement at week 4\n",
                                 "cgi_improvement:\n  label: x\n  estimand: E1H\n"))  # fmt: skip
    assert "the method 'ordinal' uses every value, and estimand E1H says otherwise" in problems(copy)


ENTRY = (
    "{name}:\n  label: x\n  estimand: {estimand}\n  dataset: ADQS\n  set: FAS\n  where: PARAMCD == 'IRLSTOT'\n"
    "  group: TRT01P\n  method: {method}\n  options: {options}\nprimary_mmrm:\n  label"
)


def test_reference_based_imputation_of_a_hypothetical_estimand(copy):  # noqa: F811
    entry = ENTRY.format(name="jump", estimand="E1H", method="imputation", options="{strategies: [MAR, J2R]}")
    edit(copy, "analyses.yaml", ("primary_mmrm:\n  label", entry))
    assert "under the hypothetical strategy only MAR is left" in problems(copy)


def test_the_reference_arm_is_no_active_arm(copy):  # noqa: F811
    entry = ENTRY.format(name="tip", estimand="E1", method="tipping_point", options="{arm: SHAM, at: Week 4}")
    edit(copy, "analyses.yaml", ("primary_mmrm:\n  label", entry))
    assert "'SHAM' is the reference arm; name the active arm" in problems(copy)


def test_an_event_without_a_rule(copy):  # noqa: F811
    edit(copy, "study.yaml", ("    gap_days: 14\n", ""))
    assert "say which records show the event with `where`, or how long a gap is with `gap_days`" in problems(copy)


def test_a_time_ends_at_what_the_estimand_says(copy):  # noqa: F811
    estimand(copy, "E4", ("{event: RESCUE, strategy: hypothetical}", "{event: RESCUE, strategy: treatment_policy}"))
    assert "estimand E4, RESCUE, treatment policy: `competing` in `times_to_event` of study.yaml ends the time at RESCUE" in problems(copy)


def test_a_time_knows_two_strategies(copy):  # noqa: F811
    estimand(copy, "E4", (STOPAE, "    - {event: STOPAE, strategy: composite}"))
    assert "a time is followed through the event (treatment policy) or censored at it" in problems(copy)


def test_times_to_event_name_what_there_is(copy):  # noqa: F811
    edit(copy, "study.yaml", ("competing: [RESCUE, RLSMED]", "competing: [RESCU]"), ("reference_week: 12", "reference_week: 5"))
    said = problems(copy)
    assert "there is no intercurrent event 'RESCU'; did you mean 'RESCUE'?" in said and "no visit is in week 5" in said
