"""YAML read strictly: a repeated key is an error, text stays text, and every value knows its line.

Only ``true`` and ``false`` are booleans (a region coded NO or a flag Y stays text), and dates stay text.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

Loc = tuple[str | int, ...]


class StrictLoader(yaml.SafeLoader):
    """SafeLoader without the YAML 1.1 surprises."""


StrictLoader.yaml_implicit_resolvers = {
    first: [
        (tag, regexp)
        for tag, regexp in resolvers
        if tag not in ("tag:yaml.org,2002:bool", "tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:int")
    ]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
StrictLoader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(?:true|false)$"), list("tf"))
# decimal integers only: 010 and 1:30 are text, not octal and base 60
StrictLoader.add_implicit_resolver("tag:yaml.org,2002:int", re.compile(r"^[-+]?(?:0|[1-9][0-9]*)$"), list("-+0123456789"))


def read_yaml(path: Path, name: str) -> tuple[Any, dict[Loc, int], list[str]]:
    """Read one YAML file.

    Returns
    -------
    data : object
    lines : dict
        Path of keys → line number, counted from 1.
    problems : list of str
        What is wrong with the file; each names file and line.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None, {}, [f"{name}: the file does not exist; create it (see config/README.md)"]
    except UnicodeDecodeError as error:
        return None, {}, [f"{name}: not UTF-8 at byte {error.start}; save the file as UTF-8"]
    lines: dict[Loc, int] = {}
    problems: list[str] = []
    try:
        node = yaml.compose(text, Loader=StrictLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        at = f" line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        return None, {}, [f"{name}:{at}: not valid YAML: {error.problem}"]
    if node is None:
        return None, {}, [f"{name}: the file is empty"]
    loader = StrictLoader(text)

    def build(node: yaml.Node, loc: Loc) -> Any:
        lines[loc] = node.start_mark.line + 1
        if isinstance(node, yaml.MappingNode):
            result: dict[str, Any] = {}
            for key_node, value_node in node.value:
                key = loader.construct_object(key_node, deep=True)
                line = key_node.start_mark.line + 1
                if not isinstance(key, str):
                    key = str(key_node.value)
                if key in result:
                    problems.append(
                        f"{name}: line {line}: the key {_path((*loc, key))!r} is repeated "
                        f"(first on line {lines[(*loc, key)]}); remove one of the two"
                    )
                    continue
                result[key] = build(value_node, (*loc, key))
                lines[(*loc, key)] = line
            return result
        if isinstance(node, yaml.SequenceNode):
            return [build(child, (*loc, i)) for i, child in enumerate(node.value)]
        return loader.construct_object(node, deep=True)

    try:
        return build(node, ()), lines, problems
    except (yaml.MarkedYAMLError, ValueError) as error:
        return None, {}, [f"{name}: not valid YAML: {error}"]
    finally:
        loader.dispose()


def _path(loc: Loc) -> str:
    return ".".join(str(part) for part in loc)
