"""Making the environment: what a user with the wrong Python is told, in one sentence."""

import subprocess
import sys
from pathlib import Path

import pytest

BOOTSTRAP = Path(__file__).parents[1] / "workflow/bootstrap.py"


@pytest.mark.parametrize(
    ("pretend", "expected"),
    [
        ("sys.version_info = (3, 9, 18)", "nirls: Python 3.11, 3.12 or 3.13 is needed, and"),
        ("sys.version_info = (3, 15, 0)", "nirls: Python 3.11, 3.12 or 3.13 is needed, and"),
        ("sys.modules['venv'] = None", "has no 'venv' module; install it"),
        ("sys.modules['ensurepip'] = None", "has no 'venv' module; install it"),
    ],
)
def test_wrong_python(pretend, expected, tmp_path):
    code = f"import runpy, sys; {pretend}; sys.argv = ['bootstrap.py']; runpy.run_path({str(BOOTSTRAP)!r}, run_name='__main__')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, env={"PATH": str(tmp_path)})
    assert done.returncode == 1
    assert expected in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
