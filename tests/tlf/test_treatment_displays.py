"""Displays of the treatment delivered: parameters of the light, adherence, raster of sessions; from records to document."""

import re

import numpy as np
import pandas as pd
import pytest

from nirls.analyse import run_analysis
from nirls.errors import DataError
from nirls.methods.device_parameters import ITEMS, specified
from nirls.plan.course import Regimen
from nirls.tlf.context import context_for
from nirls.tlf.errors import DisplayError
from nirls.tlf.layouts.session_raster import FAULT, SHADES, UNKNOWN, kinds
from nirls.tlf.make import make_display
from tests.tlf.treatment_results import data_sets, two_arm_plan


@pytest.fixture(scope="module")
def plan():
    return two_arm_plan()


@pytest.fixture(scope="module")
def data():
    return data_sets()


def shown(plan, data, number, formats):
    display = plan.displays.displays[number]
    ard, result = run_analysis(plan, display.analyses["main"], data[plan.analyses[display.analyses["main"]].dataset], data["ADSL"])
    records = {"main": result.records} if result.records is not None else {}
    context = context_for(plan.study, plan.instruments, input_hash="0" * 64, plan_hash="0" * 64)
    return make_display(number, display, {"main": ard}, records, context, formats)


def cells(document, section, label):
    """Cells of a row below a heading."""
    labels = [row.label for row in document.rows]
    begin = labels.index(section)
    return [c.text for c in document.rows[begin + labels[begin:].index(label)].cells]


def test_parameters_as_specified_and_as_measured(plan, data):
    """By hand: five sessions in the log, 1800 s but one of 600 s, at 30 mW/cm² on 180 cm²."""
    document, _ = shown(plan, data, "T14.1.5", ["html"])
    seconds = np.array([1800, 1800, 600, 1800, 1800])
    measured = "As measured, mean (SD)"
    assert cells(document, "Time of a session (min)", "As specified") == ["30", "30"]
    assert cells(document, "Time of a session (min)", measured) == ["–", f"{seconds.mean() / 60:.1f} ({np.std(seconds / 60, ddof=1):.2f})"]
    assert cells(document, "Radiant power (mW)", measured) == ["–", "5400 (0.0)"]
    assert cells(document, "Energy of a session (J)", "As specified") == ["0", "9720"]
    assert cells(document, "Anatomical site", "As specified") == ["Lower legs", "Lower legs"]
    assert cells(document, "Interval between sessions (days)", "As specified") == ["2.3", "2.3"]
    assert cells(document, "Items known, of 14, n (%)", "Specified") == ["11 (78.6)", "13 (92.9)"]
    assert cells(document, "Items known, of 14, n (%)", "Measured") == ["0", "11 (78.6)"], (
        "the register of this test has no pulse frequency"
    )
    words = next(c for row in document.rows for c in row.cells if c.text == "Lower legs")
    assert not words.marks and words.refs, "a word is not a number that is missing"


def test_every_item_of_the_checklist_can_be_specified():
    full = Regimen(
        wavelength_nm=850, spectral_width_nm=30, irradiance_mw_cm2=30, area_cm2=180, pulse_hz=0, duty=1, minutes=30, fluence_j_cm2=54,
        site="Calf", sessions_per_week=3, weeks=12,
    )  # fmt: skip
    assert all(specified(full, item.code) is not None for item in ITEMS)
    assert [specified(full, code) for code in ("power", "energy", "sessions")] == [5400, 9720, 36]
    assert all(specified(Regimen(), item.code) is None for item in ITEMS)


def test_adherence_counts_estimated_sessions(plan, data):
    """Six sessions of 36; 5 × 54 + 18 J/cm² of 36 × 54, the lost one at the median of complete sessions."""
    document, _ = shown(plan, data, "T14.1.6", ["html"])
    assert cells(document, "Sessions delivered, of 36 prescribed", "Median") == ["0.0", "6.0"]
    assert cells(document, "Cumulative fluence (J/cm²)", "Median") == ["0.0", "288.0"]
    assert cells(document, "Fluence delivered of that prescribed (%)", "Median")[1] == f"{100 * 288 / (36 * 54):.1f}"
    assert cells(document, "Sessions without a usable record, dose estimated", "Median") == ["0.0", "1.0"]


def test_raster_has_a_mark_for_every_session(plan, data):
    document, rendered = shown(plan, data, "F14.1.2", ["svg"])
    svg = rendered["svg"].decode()
    marks = {fill: path.count("M") for path, fill in re.findall(r'<path d="(M[^"]*z)" fill="(#\w+)" stroke="none"', svg)}
    assert marks == {SHADES[3]: 4, FAULT: 1, UNKNOWN: 1}
    assert "6 device sessions of 1 subjects of 2 arms" in document.alt
    sizes = [float(s) for s in re.findall(r'font-size="([\d.]+)"', svg)]
    assert min(sizes) >= 11


def test_classes_of_sessions():
    frame = pd.DataFrame(
        {
            "AFLU": [0.0, 9.9, 10.0, 70.0, 54.0, 54.0, 54.0], "EXSRC": ["LOG"] * 6 + ["LOST"],
            "SESSTAT": ["ok", "ok", "ok", "ok", "fault", "ok", None], "WITHINFL": ["Y", "Y", "Y", "Y", "Y", "N", "Y"],
        }
    )  # fmt: skip
    assert kinds(frame, [10, 25, 45, 65]).tolist() == ["dark", "0", "1", "4", "fault", "fault", "unknown"]


def test_raster_refuses_records_of_another_run(plan, data):
    display = plan.displays.displays["F14.1.2"]
    ard, result = run_analysis(plan, "sessions", data["ADEX"], data["ADSL"])
    context = context_for(plan.study, plan.instruments, input_hash="0" * 64, plan_hash="0" * 64)
    with pytest.raises(DisplayError, match="different runs"):
        make_display("F14.1.2", display, {"main": ard}, {"main": result.records.iloc[:0]}, context, ["svg"])


def test_an_analysis_of_sessions_without_any_is_refused(plan, data):
    with pytest.raises(DataError, match="no record of ADEX"):
        run_analysis(plan, "sessions", data["ADEX"].assign(ANL01FL="N"), data["ADSL"])
