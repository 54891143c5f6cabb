"""The page in a browser: nothing is wider than the window."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from .test_opening_page import ROWS, opened, row

BROWSER = next((path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None)
TITLE = "document.title = 'WIDTHS ' + {0}.scrollWidth + ' ' + {0}.clientWidth"
PROBE = f"<script>addEventListener('load', () => {{ {TITLE.format('document.documentElement')} }})</script>"
IN_FRAME = f"<script>addEventListener('load', () => {{ {TITLE.format('frames[0].document.documentElement')} }})</script>"
QUIET = "--headless --no-sandbox --disable-gpu --disable-background-networking --disable-component-update --disable-sync --no-first-run"


@pytest.mark.skipif(BROWSER is None, reason="no Chromium on this machine")
@pytest.mark.parametrize("width", [500, 1280])
def test_page_does_not_scroll_sideways(make, tmp_path, width):
    text = make().build()
    assert widths(text, width, tmp_path) == (width, width)


@pytest.mark.skipif(BROWSER is None, reason="no Chromium on this machine")
def test_phone(make, tmp_path):
    # a browser window has a smallest width of 500, so the phone is a frame inside it
    inside = tmp_path / "inside.html"
    inside.write_text(make().build(), encoding="utf-8")
    frame = f'<iframe src="{inside.name}" width="390" height="800" style="border: 0"></iframe>'
    assert widths(f"<!DOCTYPE html><html><head></head><body>{frame}</body></html>", 1280, tmp_path, probe=IN_FRAME) == (390, 390)


@pytest.mark.skipif(BROWSER is None, reason="no Chromium on this machine")
def test_opening_on_a_phone(make, tmp_path):
    long = row(
        "May light of 850 nm at 54 J/cm² take the place of an alpha-2-delta ligand?", "Consistent with, not shown",
        "points by which such values would have to be worse: not reached between 0 and 40; x: −1234.5678 (−12345.6789, 12345.6789)",
        "It may.", "Observed.", "E1", "Primary result",
    )  # fmt: skip
    inside = tmp_path / "inside.html"
    inside.write_text(opened(make, rows=(ROWS[0], long)).build(), encoding="utf-8")
    frame = f'<iframe src="{inside.name}" width="390" height="800" style="border: 0"></iframe>'
    assert widths(f"<!DOCTYPE html><html><head></head><body>{frame}</body></html>", 1280, tmp_path, probe=IN_FRAME) == (390, 390)


def widths(text: str, width: int, folder: Path, probe: str = PROBE) -> tuple[int, int]:
    """Width of the content and of the window, as the browser says."""
    page = folder / "page.html"
    page.write_text(text.replace("</head>", probe + "</head>", 1), encoding="utf-8")
    options = [*QUIET.split(), "--hide-scrollbars", "--allow-file-access-from-files", f"--user-data-dir={folder / 'profile'}"]
    command = [str(BROWSER), *options, f"--window-size={width},900", "--dump-dom", page.as_uri()]
    out = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout
    found = re.search(r"<title>WIDTHS (\d+) (\d+)</title>", out)
    assert found, out[:500]
    return int(found[1]), int(found[2])
