"""Where results come from: fingerprints of code, plan entries and inputs, and versions.

A result must change exactly when something that made it changes. Code is fingerprinted by the
static transitive closure of a module's imports inside the package, as syntax trees without
docstrings, so that comments and formatting do not count, and by the templates beside those modules.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.metadata
import json
import os
import platform
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

PACKAGE = "nirls"
SOURCE = Path(__file__).parent
SCRIPTS = SOURCE.parent.parent / "workflow/scripts"
LIBRARIES = ("pandas", "numpy", "scipy", "statsmodels", "pingouin", "snakemake", "plotnine", "formulaic", "pyarrow", "pydantic", "rtflite")


def _path(module: str) -> Path | None:
    base = SOURCE.joinpath(*module.split(".")[1:])
    if base.with_suffix(".py").is_file():
        return base.with_suffix(".py")
    return base / "__init__.py" if (base / "__init__.py").is_file() else None


@cache
def _parsed(path: Path) -> tuple[str, tuple[str, ...]]:
    """Digest of one file's code, and the modules of the package it imports (anywhere in it)."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    imports: dict[str, None] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            node.body = [ast.Pass()]  # imports for annotations alone are never run (walked before its children)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imports.update(dict.fromkeys(a.name for a in node.names if a.name.split(".")[0] == PACKAGE))
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == PACKAGE:
            for alias in node.names:  # `from nirls.stats import contrasts` may import a module
                full = f"{node.module}.{alias.name}"
                imports[full if _path(full) else str(node.module)] = None
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and node.body:
            first = node.body[0]
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
                node.body = node.body[1:] or [ast.Pass()]
    return hashlib.sha256(ast.dump(tree).encode()).hexdigest(), tuple(imports)


@cache
def import_closure(*modules: str) -> tuple[str, ...]:
    """Every module of the package reached from `modules`, sorted.

    A package's `__init__` counts only where it is imported from by name: importing `nirls.stats.contrasts`
    does not make a result depend on `nirls/__init__.py`.
    """
    todo, seen = list(modules), set()
    while todo:
        module = todo.pop()
        path = _path(module)
        if module in seen or path is None:
            continue
        seen.add(module)
        todo.extend(_parsed(path)[1])
    return tuple(sorted(seen))


def package_modules(package: str) -> tuple[str, ...]:
    """Modules of a package whose members are found by listing it, not by import."""
    return tuple(
        sorted(f"{package}.{file.stem}" for file in SOURCE.joinpath(*package.split(".")[1:]).glob("*.py") if file.stem != "__init__")
    )


@cache
def code_fingerprint(*modules: str, script: str | None = None) -> str:
    """Sixteen hex digits that change when the code reached from `modules`, or the lock file, changes.

    `script` names a file of workflow/scripts that counts too; what it imports does not, unless it is named in `modules`.
    """
    digest = hashlib.sha256()
    if script is not None and (file := SCRIPTS / f"{script}.py").is_file():
        digest.update(f"{file.name} {_parsed(file)[0]}\n".encode())
    for module in import_closure(*modules):
        path = _path(module)
        assert path is not None
        digest.update(f"{module} {_parsed(path)[0]}\n".encode())
    for folder in sorted({path.parent / "templates" for module in import_closure(*modules) if (path := _path(module))}):
        for file in sorted(f for f in folder.rglob("*") if f.is_file()):
            digest.update(f"{file.relative_to(SOURCE).as_posix()} {file_hash(file)}\n".encode())
    lock = SOURCE.parent.parent / "requirements.lock"
    digest.update(lock.read_bytes() if lock.is_file() else b"")
    return digest.hexdigest()[:16]


def json_hash(value: Any) -> str:
    """Sixteen hex digits of a JSON value.

    The order of keys counts: arms, analysis sets, reasons and levels are taken in the order of the plan.
    """
    return hashlib.sha256(json.dumps(value, ensure_ascii=False).encode()).hexdigest()[:16]


def file_hash(path: Path | str) -> str:
    """SHA-256 of a file."""
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def write_input_manifest(files: Iterable[Path | str], path: Path | str) -> None:
    """Write the SHA-256 of each input file, by its name within the folder that holds them all."""
    paths = [Path(file) for file in files]
    folder = os.path.commonpath([path.parent for path in paths])
    hashes = {Path(os.path.relpath(path, folder)).as_posix(): file_hash(path) for path in paths}
    Path(path).write_text(json.dumps({"files": hashes}, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def versions() -> dict[str, str]:
    """Versions of Python, this package and the libraries whose numbers or pictures it uses."""
    found = {"python": platform.python_version(), PACKAGE: _version(PACKAGE)}
    return found | {name: _version(name) for name in LIBRARIES}


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"
