"""`environment.yml` for conda users, written from `pyproject.toml` so that the two never differ."""

from __future__ import annotations

import tomllib
from pathlib import Path

HEAD = """\
# The same versions for conda users; written by `make lock` from pyproject.toml.
# conda env create -f environment.yml && conda activate nirls
name: nirls
channels:
  - conda-forge
  - nodefaults
dependencies:
  - python>=3.11,<3.14
  - pip
  - make
  - git
  - pip:
"""


def direct_dependencies(pyproject: dict) -> list[str]:
    """Every requirement of pyproject.toml: run time, extras and development, sorted."""
    project = pyproject["project"]
    groups = [project["dependencies"], *project["optional-dependencies"].values(), *pyproject["dependency-groups"].values()]
    return sorted(requirement for group in groups for requirement in group)


def render_environment(root: Path) -> str:
    """The text of `environment.yml`."""
    pyproject = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    return HEAD + "".join(f'      - "{r}"\n' for r in direct_dependencies(pyproject)) + '      - "--editable ."\n'


def write_environment(root: Path) -> None:
    """Write `environment.yml`."""
    (root / "environment.yml").write_text(render_environment(root), encoding="utf-8")
