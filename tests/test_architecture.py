"""The house rules that a program can check."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "nirls"
MODULES = sorted(SOURCE.rglob("*.py"))


def imports(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (a.name for a in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def test_stats_is_arrays_only():
    for path in (SOURCE / "stats").rglob("*.py"):
        for name in imports(path):
            top = name.split(".")[0]
            allowed = top in {"numpy", "scipy", *sys.stdlib_module_names} or name.startswith("nirls.stats") or name == "nirls.errors"
            assert allowed, f"{path.relative_to(SOURCE)} imports {name}"


def test_only_job_knows_snakemake():
    for path in MODULES:
        assert path.name == "job.py" or not any(n.split(".")[0] == "snakemake" for n in imports(path)), path


def test_displays_do_not_compute():
    for path in (SOURCE / "tlf").rglob("*.py"):
        assert not any(n.startswith(("nirls.methods", "nirls.adam", "nirls.models", "nirls.stats")) for n in imports(path)), path


def test_scripts_are_thin():
    for path in (SOURCE.parents[1] / "workflow/scripts").glob("*.py"):
        tree = ast.parse(path.read_text())
        assert len(path.read_text().splitlines()) <= 15, path
        assert not any(isinstance(n, ast.FunctionDef | ast.If | ast.For | ast.While) for n in ast.walk(tree)), path


@pytest.mark.parametrize(
    "statement",
    [
        "import nirls",
        "import nirls.plan.load",
        "from nirls.methods.registry import all_methods; all_methods()",
        "from nirls.tlf.layouts.registry import all_layouts; all_layouts()",
    ],
)
def test_cheap_imports(statement):
    heavy = ("statsmodels", "pingouin", "plotnine", "formulaic", "pandas", "matplotlib")
    code = f"{statement}; import sys; print([m for m in {heavy} if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"


def test_modules_are_rooms_not_halls():
    sizes = {p.relative_to(SOURCE): len(p.read_text(encoding="utf-8").splitlines()) for p in MODULES}
    assert {p: n for p, n in sizes.items() if n > 400} == {}
