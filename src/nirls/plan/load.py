"""Read, check and assemble the plan of one study.

Every problem of every file is collected and reported in one :class:`~nirls.errors.ConfigError`,
each with its file, line, path and, where a name is unknown, the nearest known one.
"""

from __future__ import annotations

import difflib
import json
import types
import typing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from nirls.errors import ConfigError
from nirls.plan.analysis import Analysis
from nirls.plan.base import validate
from nirls.plan.check import cross_check
from nirls.plan.config import Config
from nirls.plan.display import Displays
from nirls.plan.estimand import Estimand
from nirls.plan.instrument import Instrument
from nirls.plan.strict_yaml import Loc, read_yaml
from nirls.plan.study import Study


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Everything the configuration says about one study.

    Attributes
    ----------
    name : str
        Folder under `config/studies/`.
    root : Path
        Root of the repository.
    config, study, instruments, estimands, analyses, displays
        The checked models of the configuration files.
    """

    name: str
    root: Path
    config: Config
    study: Study
    instruments: dict[str, Instrument]
    estimands: dict[str, Estimand]
    analyses: dict[str, Analysis]
    displays: Displays

    @property
    def results(self) -> Path:
        """Folder of the results of this study, relative to the root."""
        return Path(self.config.results) / self.name

    @property
    def primary_instrument(self) -> Instrument:
        """The first instrument of the study: its total is the main outcome."""
        return self.instruments[self.study.instruments[0]]


FILES: dict[str, Any] = {
    "study.yaml": Study,
    "estimands.yaml": dict[str, Estimand],
    "analyses.yaml": dict[str, Analysis],
    "displays.yaml": Displays,
}


def load_plan(study: str | None = None, *, root: Path | str = ".", config: dict[str, Any] | None = None) -> Plan:
    """Load the plan of a study.

    Parameters
    ----------
    study : str, optional
        Folder under `config/studies/`; default is `study` of `config/config.yaml`.
    root : Path
        Root of the repository.
    config : dict, optional
        Values that override keys of `config.yaml` (what `--config` of Snakemake gives).

    Raises
    ------
    ConfigError
        Listing every problem found in any of the files.
    """
    root = Path(root)
    problems: list[str] = []
    data, lines, found = read_yaml(root / "config/config.yaml", "config/config.yaml")
    if not (root / "config").is_dir():
        found = [
            f"config/config.yaml: {root.resolve()} has no folder config/; run from the folder of the repository, or name it (--directory)"
        ]
    problems += found
    if isinstance(data, dict):
        data = {**data, **(config or {})}
        if study is not None:
            data["study"] = study
    settings = None if data is None else _validate(Config, data, lines, "config/config.yaml", problems)
    if settings is None:
        raise ConfigError(_report(problems))
    folder = root / "config/studies" / settings.study
    if not folder.is_dir():
        known = sorted(p.name for p in (root / "config/studies").glob("*/") if (p / "study.yaml").exists())
        raise ConfigError(_report([f"config/config.yaml: study: there is no study {settings.study!r}{_near(settings.study, known)}"]))
    parts: dict[str, Any] = {}
    where: dict[str, dict[Loc, int]] = {}
    for file, model in FILES.items():
        name = f"config/studies/{settings.study}/{file}"
        data, lines, found = read_yaml(folder / file, name)
        problems += found
        where[file] = lines
        parts[file] = None if data is None else _validate(model, data, lines, name, problems)
    instruments: dict[str, Instrument] = {}
    for key in parts["study.yaml"].instruments if parts["study.yaml"] else []:
        name = f"config/instruments/{key}.yaml"
        data, lines, found = read_yaml(root / name, name)
        problems += found
        model = None if data is None else _validate(Instrument, data, lines, name, problems)
        if model is not None:
            instruments[key] = model
    if any(part is None for part in parts.values()) or problems:
        raise ConfigError(_report(problems))
    plan = Plan(
        name=settings.study, root=root, config=settings, study=parts["study.yaml"], instruments=instruments,
        estimands=parts["estimands.yaml"], analyses=parts["analyses.yaml"], displays=parts["displays.yaml"],
    )  # fmt: skip
    for file, loc, message in cross_check(plan):
        line = next((where[file][loc[:n]] for n in range(len(loc), -1, -1) if loc[:n] in where[file]), 1)
        problems.append(f"config/studies/{plan.name}/{file}: line {line}: {'.'.join(map(str, loc))}: {message}")
    if problems:
        raise ConfigError(_report(problems))
    return plan


def _report(problems: list[str]) -> str:
    count = f"{len(problems)} problem{'s' if len(problems) != 1 else ''}"
    return f"The configuration has {count}; nothing was run.\n" + "\n".join(f"  - {p}" for p in problems)


def _near(word: str, known: list[str]) -> str:
    near = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    if near:
        return f"; did you mean {near[0]!r}?"
    return f" (known: {', '.join(known)})" if known else ""


def _validate(model: Any, data: Any, lines: dict[Loc, int], name: str, problems: list[str]) -> Any:
    try:
        return validate(model, data)
    except ValidationError as error:
        problems += [f"{name}: line {line}: {text}" for line, text in explain(error, model, lines)]
        return None


def explain(error: ValidationError, model: Any, lines: dict[Loc, int]) -> list[tuple[int, str]]:
    """Each problem of a ValidationError as (line, 'path: what is wrong')."""
    found = []
    for item in error.errors(include_url=False):
        loc = tuple(item["loc"])
        line = next((lines[loc[:n]] for n in range(len(loc), -1, -1) if loc[:n] in lines), 1)
        path = ".".join(str(part) for part in loc) or "the file"
        kind, given = item["type"], item.get("input")
        if kind == "extra_forbidden":
            known = _fields(model, loc[:-1])
            text = f"unknown key{_near(str(loc[-1]), known)}"
            if "did you mean" in text:
                text += f" (allowed here: {', '.join(known)})"
        elif kind == "missing":
            text = "this key is required"
        elif kind == "literal_error":
            allowed = [a.strip().strip("'") for a in item["ctx"]["expected"].replace(" or ", ", ").split(", ")]
            text = f"{given!r} is not allowed{_near(str(given), allowed)} (allowed: {', '.join(allowed)})"
        elif kind == "value_error":  # raised by a model, in its own words
            text = str(item["ctx"]["error"])
            path = path if loc else ""
        else:
            text = f"{item['msg'][0].lower()}{item['msg'][1:]}, not {json.dumps(given, ensure_ascii=False, default=str)[:60]}"
        found.append((line, f"{path}: {text}" if path else text))
    return found


def _fields(model: Any, loc: Loc) -> list[str]:
    """Keys allowed at a place of a model."""
    for part in loc:
        model = _step(model, part)
    model = _strip(model)
    return list(model.model_fields) if isinstance(model, type) and issubclass(model, BaseModel) else []


def _strip(model: Any) -> Any:
    """The model inside Optional or Annotated."""
    while True:
        origin = typing.get_origin(model)
        if origin is typing.Annotated:
            model = typing.get_args(model)[0]
        elif origin in (typing.Union, types.UnionType):
            inner = [a for a in typing.get_args(model) if a is not type(None)]
            if len(inner) != 1:
                return model
            model = inner[0]
        else:
            return model


def _step(model: Any, part: str | int) -> Any:
    model = _strip(model)
    origin, args = typing.get_origin(model), typing.get_args(model)
    if origin is dict:
        return args[1]
    if origin in (list, tuple):
        return args[0]
    if isinstance(model, type) and issubclass(model, BaseModel) and part in model.model_fields:
        return model.model_fields[str(part)].annotation
    return None
