"""``python -m nirls check`` refuses settings of data rules that there are not, before anything runs."""

import dataclasses
from pathlib import Path

import pytest

from nirls.errors import ConfigError
from nirls.plan.load import load_plan
from nirls.workflow import rules_check

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize(
    ("field", "value", "part"),
    [
        ("rules", {"R99": {"limit": 1}}, "there is no rule 'R99'"),
        ("rules", {"R20": {"nothing": 1}}, "there is no threshold 'nothing'"),
        ("waived", {"R01": "Not collected."}, "R01 cannot be waived"),
    ],
)
def test_settings_of_rules(field, value, part):
    plan = load_plan("nir-rls", root=ROOT)
    rules_check(plan)
    with pytest.raises(ConfigError, match=part):
        rules_check(dataclasses.replace(plan, study=plan.study.model_copy(update={field: value})))


def test_the_command_looks_at_them(monkeypatch, capsys):
    from nirls import workflow
    from nirls.__main__ import main

    def refuse(plan):
        raise ConfigError(f"{plan.name}: no such rule")

    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(workflow, "rules_check", refuse)
    assert main(["check", "nir-rls"]) == 1
    assert "nir-rls: no such rule" in capsys.readouterr().err
