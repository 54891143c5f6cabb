"""One palette for every figure: an arm has the same colour, point and line wherever it is drawn.

Colour says what an arm is: controls without active light are grey, near-infrared arms run from light to dark red with the dose,
red-light (below 700 nm) arms from light to dark orange, active comparators are blue. Grey, red-orange and blue are told apart by people
with any of the common colour-vision deficiencies. Shades of one hue are not, by anyone, once they are small: so every arm also has its own
point shape, wavelengths have their own line type, and figures label arms directly. All colours have a contrast of 3:1 or more with white.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from nirls.tlf.context import ArmView

MUTED = "#c3c8cf"
INK = "#1c2430"
SOFT = "#55606e"
HAIR = "#d5dae1"
STAMP = "#8a1c1c"
KNOWN = "#2f6fa8"
"""What is known and not estimated, such as the truth of a simulation."""

_GREYS = {"sham": ("#737980", "#4f555c"), "placebo": ("#8b9097", "#6a7077")}
_REDS = ("#e8705f", "#5f0613")
_ORANGES = ("#c97b16", "#6e3a05")
_BLUES = ("#2f7fc1", "#123f73")
_BEST, _MIDDLE, _WORST = "#12507b", "#e9e6df", "#8f3b1b"
_SHAPES = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "h", "p", "*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """How an arm is drawn: colour, matplotlib marker and line type."""

    color: str
    shape: str
    line: str


def looks(arms: Sequence[ArmView]) -> dict[str, Look]:
    """Arm code → look, for the arms of a study; call it with all arms, also when a figure shows a few.

    Parameters
    ----------
    arms : sequence of ArmView
        All arms of the study in display order.
    """
    colors: dict[str, str] = {}
    for role, ramp in _GREYS.items():
        colors |= _ramp([a for a in arms if a.role == role], ramp)
    lights = [a for a in arms if a.role == "nir"]
    red = [a for a in lights if a.wavelength is not None and a.wavelength < 700]
    infrared = [a for a in lights if a not in red]
    colors |= _ramp(sorted(infrared, key=_strength), _REDS)
    colors |= _ramp(sorted(red, key=_strength), _ORANGES)
    colors |= _ramp([a for a in arms if a.role in ("active", "drug")], _BLUES)
    lines = {
        a.code: "dashed" if a.role in ("sham", "placebo") else "dashdot" if a in red else "dotted" if not a.blinded else "solid"
        for a in arms
    }
    return {a.code: Look(color=colors[a.code], shape=_SHAPES[i % len(_SHAPES)], line=lines[a.code]) for i, a in enumerate(arms)}


def scale(arms: Sequence[ArmView]) -> dict[str, str]:
    """Arm code → colour, for ``scale_color_manual(values=...)``."""
    return {code: look.color for code, look in looks(arms).items()}


def _strength(arm: ArmView) -> tuple[float, float, int]:
    dose = arm.fluence if arm.fluence is not None else arm.dose
    return (dose if dose is not None else 0.0, arm.irradiance or 0.0, arm.order)


def _ramp(arms: list[ArmView], ends: tuple[str, str]) -> dict[str, str]:
    """Colours from light to dark; a single arm takes the middle."""
    n = len(arms)
    return {arm.code: _mix(ends, 0.45 if n == 1 else i / (n - 1)) for i, arm in enumerate(arms)}


def _mix(ends: tuple[str, str], share: float) -> str:
    a, b = (tuple(int(h[i : i + 2], 16) for i in (1, 3, 5)) for h in ends)
    return "#" + "".join(f"{round(x + (y - x) * share):02x}" for x, y in zip(a, b, strict=True))


def contrast(one: str, other: str = "#ffffff") -> float:
    """WCAG 2 contrast ratio of two colours."""

    def luminance(color: str) -> float:
        channels = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def diverging(n: int) -> list[str]:
    """Colours of `n` ordered categories from good (blue) over light to bad (brown); lightness orders them on either side."""
    if n == 1:
        return [_MIDDLE]
    places = [2 * i / (n - 1) for i in range(n)]
    return [_mix((_BEST, _MIDDLE), p) if p <= 1 else _mix((_MIDDLE, _WORST), p - 1) for p in places]
