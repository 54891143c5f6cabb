"""Table of the parameters of the light, as specified and as measured."""

from __future__ import annotations

from pydantic import Field

from nirls.plan.base import PlanModel
from nirls.tlf.document import Cell, Row, TableDocument
from nirls.tlf.errors import DisplayError
from nirls.tlf.formats import count, number, with_spread
from nirls.tlf.layouts._common import arm_columns, arms_shown, cell, counted, head
from nirls.tlf.layouts.registry import Laid, Request, layout
from nirls.tlf.notes import Notes

LABELS = {
    "wavelength": ("Wavelength (nm)", 0),
    "spectral_width": ("Spectral width (nm)", 0),
    "power": ("Radiant power (mW)", 0),
    "irradiance": ("Irradiance at the skin (mW/cm²)", 1),
    "area": ("Beam area at the skin (cm²)", 0),
    "pulse": ("Pulse frequency (Hz; 0: continuous)", 0),
    "duty": ("Duty cycle", 2),
    "time": ("Time of a session (min)", 1),
    "fluence": ("Fluence of a session (J/cm²)", 1),
    "energy": ("Energy of a session (J)", 0),
    "site": ("Anatomical site", 0),
    "sessions": ("Number of sessions", 1),
    "interval": ("Interval between sessions (days)", 1),
    "output": ("Output against nominal by calibration (%)", 1),
}
"""Item → its name and the decimals of its values."""
NOT_KNOWN = "–"


class DeviceParametersTableOptions(PlanModel):
    """Options of `device_parameters`."""

    arms: list[str] | None = Field(None, description="Arms to show; none for all.")


@layout("device_parameters", options=DeviceParametersTableOptions, roles=("main",))
def device_parameters(request: Request) -> Laid:
    """Items of beam, dose and schedule by arm, as the protocol specifies and as devices and logs measured them, and how many are known."""
    context, main, notes = request.context, request.ards["main"], Notes()
    if main.find("n_obs", variable="completeness") is None:
        raise DisplayError(
            f"{request.id}: analysis {main.analysis_id!r} holds no parameters of devices; use one with the method 'device_parameters'"
        )
    columns = arm_columns(main, context, notes, request.options.arms, total=False)
    rows: list[Row] = []
    absent = False
    for code, (name, decimals) in LABELS.items():
        found = [main.find("specified", variable=code, group1_level=c.id) for c in columns]
        seen = [main.find("mean", variable=code, group1_level=c.id) for c in columns]
        rows.append(Row(label=name, kind="section"))
        cells = []
        for f in found:
            if f is None or f.text:  # words have no number that could be missing
                cells.append(Cell(text=f.text if f else NOT_KNOWN, refs=(f.ref,) if f else ()))
            else:
                cells.append(cell(number(f.value, 0 if f.value == round(f.value) else max(decimals, 1)), notes, f))
        rows.append(Row(label="As specified", indent=1, cells=tuple(cells)))
        absent |= any(f is None for f in found)
        if any(s is not None for s in seen):
            cells = []
            for c, s in zip(columns, seen, strict=True):
                if s is None:
                    cells.append(cell(NOT_KNOWN, notes))
                    continue
                spread = main.get("sd", variable=code, group1_level=c.id)
                cells.append(cell(with_spread(s.value, spread.value, decimals, decimals + 1), notes, s, spread))
            absent |= any(s is None for s in seen)
            rows.append(Row(label="As measured, mean (SD)", indent=1, cells=tuple(cells)))
    size = main.get("n_obs", variable="completeness")
    rows.append(Row(label=f"Items known, of {count(size.value)}, n (%)", kind="section"))
    for level, label in (("specified", "Specified"), ("measured", "Measured")):
        found = [main.get("n", variable="completeness", variable_level=level, group1_level=c.id) for c in columns]
        rows.append(Row(label=label, indent=1, cells=tuple(counted(main, context, notes, f, size) for f in found)))
    if absent:
        notes.general(f"{NOT_KNOWN}: not specified, or not measured.")
    for text in main.footnotes:
        notes.general(text)
    return Laid(
        document=TableDocument(stub="Parameter", columns=columns, rows=tuple(rows), **head(request, notes, "main", arms_shown(columns)))
    )
