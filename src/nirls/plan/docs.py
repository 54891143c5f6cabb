"""Reference of every configuration key, and JSON schemas for editors, written from the plan models."""

from __future__ import annotations

import json
import re
import types
import typing
from pathlib import Path
from typing import Any

from pydantic import BaseModel, TypeAdapter
from pydantic.fields import FieldInfo

from nirls.plan.analysis import Analysis
from nirls.plan.config import Config
from nirls.plan.display import Displays
from nirls.plan.estimand import Estimand
from nirls.plan.instrument import Instrument
from nirls.plan.study import Study

FILES: dict[str, tuple[str, Any, type[BaseModel]]] = {
    "config": ("config.yaml", Config, Config),
    "study": ("studies/<study>/study.yaml", Study, Study),
    "estimands": ("studies/<study>/estimands.yaml", dict[str, Estimand], Estimand),
    "analyses": ("studies/<study>/analyses.yaml", dict[str, Analysis], Analysis),
    "displays": ("studies/<study>/displays.yaml", Displays, Displays),
    "instrument": ("instruments/<instrument>.yaml", Instrument, Instrument),
}

INTRODUCTION = """\
<!-- Written by `make schemas` from the models in src/nirls/plan, src/nirls/methods and src/nirls/tlf; edit those, not this page. -->
# Configuration

A study is a folder of `config/studies/` with four files; `config/config.yaml` names the study to run.
Unknown keys, repeated keys, wrong types and names that do not exist are errors; `make check STUDY=…`
lists them all at once, with line numbers, and runs nothing.

Only `true` and `false` are booleans and dates stay text, so `NO`, `NA` and `2026-06-30` mean what they say.

## The `where` language

Conditions select records: `PARAMCD == 'IRLSTOT' and AVISITN in [1, 2, 3, 4] and BASE is not missing`.
Allowed are `==  !=  <  <=  >  >=`, `in [...]`, `not in [...]`, `is missing`, `is not missing`, `and`, `or`, `not` and
parentheses. A comparison with a missing value is false; `!=` is the negation of `==` and so is true.

"""


def schemas() -> dict[str, str]:
    """File name → JSON schema."""
    return {
        f"{key}.schema.json": json.dumps(TypeAdapter(model).json_schema(), indent=1, sort_keys=True, ensure_ascii=False) + "\n"
        for key, (_, model, _) in FILES.items()
    }


def readme() -> str:
    """The text of `config/README.md`."""
    from nirls.methods.registry import all_methods
    from nirls.tlf.layouts.registry import all_layouts

    parts = [INTRODUCTION]
    for file, _, model in FILES.values():
        parts.append(f"## `{file}`\n\n{_doc(model)}\n\n{_tables(model)}")
    parts.append("## Methods\n\nValues of `method` in `analyses.yaml`, with their `options`.\n\n")
    for name, method in all_methods().items():
        parts.append(f"### `{name}`\n\n{method.summary}\n\n{_tables(method.options)}\n")
    parts.append("## Layouts\n\nValues of `layout` in `displays.yaml`, with the roles their `analyses` must fill and their `options`.\n\n")
    for name, layout in all_layouts().items():
        parts.append(f"### `{name}`\n\n{layout.summary} Roles: {', '.join(f'`{r}`' for r in layout.roles)}.\n\n{_tables(layout.options)}\n")
    parts.append(_rules())
    return "\n".join(parts).replace("\n\n\n", "\n\n")


def _rules() -> str:
    from nirls.sdtm.rules import all_rules

    lines = [
        "## Data rules\n\nWhat ingest checks. Severity E stops the run, Q sets the record (or the value) aside, W is noted; several where"
        " it depends on the domain or the case. Thresholds are set under `rules` of `study.yaml`; a rule that does not apply is waived,"
        " with its reason, under `waived`.\n",
        "| rule | what must hold | severity | domains | thresholds |",
        "| --- | --- | --- | --- | --- |",
    ]
    for rule in all_rules().values():
        domains = {"*": "all", "subjects": "all with subjects"}.get(str(rule.domains)) or ", ".join(rule.domains)
        if rule.except_for:
            domains += f" except {', '.join(rule.except_for)}"
        limits = ", ".join(f"`{name}: {json.dumps(value)}`" for name, value in rule.limits.items()) or "—"
        lines.append(f"| {rule.id} | {rule.says} | {rule.severity} | {domains} | {limits} |")
    return "\n".join(lines) + "\n"


def write_docs(root: Path) -> list[str]:
    """Write README and schemas; returns the files written."""
    files = {f"workflow/schemas/{k}": v for k, v in schemas().items()} | {"config/README.md": readme()}
    for name, text in files.items():
        (root / name).write_text(text, encoding="utf-8")
    return list(files)


def _doc(model: type[BaseModel]) -> str:
    return " ".join((model.__doc__ or "").split())


def _tables(model: type[BaseModel]) -> str:
    """The table of a model, then those of the models inside it."""
    todo, seen, parts = [model], set(), []
    while todo:
        current = todo.pop(0)
        if current in seen:
            continue
        seen.add(current)
        if current is not model:
            parts.append(f"#### {_words(current.__name__)}\n\n{_doc(current)}\n")
        parts.append(_table(current))
        todo += [m for f in current.model_fields.values() for m in _models(f.annotation)]
    return "\n".join(parts)


def _table(model: type[BaseModel]) -> str:
    if not model.model_fields:
        return "No options.\n"
    lines = ["| key | type | default | meaning |", "| --- | --- | --- | --- |"]
    for name, field in model.model_fields.items():
        text = " ".join((field.description or "").split()).replace("|", "\\|")
        lines.append(f"| `{name}` | {_type(field.annotation)} | {_default(field)} | {text} |")
    return "\n".join(lines) + "\n"


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True)
    if isinstance(value, BaseModel):
        return "see below"
    return "—" if value is None or value in ({}, []) else f"`{json.dumps(value, ensure_ascii=False)}`"


def _models(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [m for a in typing.get_args(annotation) if a is not type(None) for m in _models(a)]


def _words(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)


def _type(annotation: Any) -> str:
    origin, args = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Annotated:
        return _type(args[0])
    if origin is typing.Literal:
        return " \\| ".join(f"`{a}`" for a in args)
    if origin in (typing.Union, types.UnionType):
        return " or ".join(_type(a) for a in args if a is not type(None))
    if origin is dict:
        return f"map of {_type(args[1])}"
    if origin is list:
        return f"list of {_type(args[0])}"
    if origin is tuple:
        return "(" + ", ".join(_type(a) for a in args) + ")"
    if annotation is Any:
        return "any"
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return _words(annotation.__name__)
    return {"str": "text", "int": "whole number", "float": "number", "bool": "true or false"}.get(
        getattr(annotation, "__name__", ""), str(annotation)
    )
