"""The generated reference and schemas are in step with the models."""

import json
from pathlib import Path

import yaml

from nirls.environment import direct_dependencies, render_environment
from nirls.plan.docs import readme, schemas

ROOT = Path(__file__).parents[2]


def test_readme_in_step():
    assert (ROOT / "config/README.md").read_text(encoding="utf-8") == readme(), "run `make schemas`"


def test_schemas_in_step():
    for name, text in schemas().items():
        assert (ROOT / "workflow/schemas" / name).read_text(encoding="utf-8") == text, "run `make schemas`"
        assert json.loads(text)


def test_environment_in_step():
    """environment.yml, pyproject.toml and the lock name the same versions."""
    import tomllib

    assert (ROOT / "environment.yml").read_text(encoding="utf-8") == render_environment(ROOT), "run `make lock`"
    wanted = direct_dependencies(tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8")))
    conda = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    assert conda["dependencies"][-1]["pip"][:-1] == wanted
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    for requirement in wanted:
        name, version = requirement.split("==")
        assert f"\n{name.split('[')[0].lower()}=={version} " in f"\n{lock}", requirement


def test_lock_names_no_host_and_hashes_everything():
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert "://" not in lock and "--index" not in lock
    blocks = lock.split("\n")
    pins = [line for line in blocks if "==" in line]
    assert len(pins) > 100
    assert all(line.rstrip().endswith("\\") for line in pins), "a pin without a hash"
