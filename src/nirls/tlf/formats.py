"""From numbers to the texts a reader sees.

Minus signs are typographic (U+2212) so that they have the width of a digit. A number that could not be computed is "NE".
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

from nirls.ard.schema import STATS
from nirls.tlf.rounding import fixed

NOT_ESTIMABLE = "NE"
MINUS = "\N{MINUS SIGN}"
NBSP = "\N{NO-BREAK SPACE}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PStyle:
    """How p-values are printed.

    Attributes
    ----------
    digits : int
        Decimals; a value below ``10**-digits`` is printed as "<0.0001".
    leading_zero : bool
        False prints ".0312" and "<.0001".
    """

    digits: int = 4
    leading_zero: bool = True


def missing(value: float | None) -> bool:
    """True for None and NaN."""
    return value is None or math.isnan(value)


def number(value: float | None, digits: int) -> str:
    """A number with `digits` decimals; "NE" when there is none; infinity as a sign."""
    if missing(value):
        return NOT_ESTIMABLE
    if math.isinf(value):
        return "\N{INFINITY}" if value > 0 else f"{MINUS}\N{INFINITY}"
    return fixed(value, digits).replace("-", MINUS)


def count(value: float | None) -> str:
    """A count; a number that is not whole is an error, because it is not a count."""
    if missing(value):
        return NOT_ESTIMABLE
    if value != int(value) or value < 0:
        raise ValueError(f"{value!r} is not a count")
    return str(int(value))


def percent(value: float | None, digits: int = 1) -> str:
    """A percentage without its sign: "100" without decimals, nothing else loses them."""
    if missing(value):
        return NOT_ESTIMABLE
    return "100" if value == 100 else number(value, digits)


def count_percent(n: float | None, p: float | None, digits: int = 1) -> str:
    """ "12 (23.1)"; a count of zero stands alone as "0"."""
    if not missing(n) and n == 0:
        return "0"
    return f"{count(n)} ({percent(p, digits)})"


def with_spread(centre: float | None, spread: float | None, digits: int, spread_digits: int) -> str:
    """ "24.7 (5.20)" for mean (SD) and LS mean (SE); one "NE" when both are missing."""
    if missing(centre) and missing(spread):
        return NOT_ESTIMABLE
    return f"{number(centre, digits)} ({number(spread, spread_digits)})"


def interval(low: float | None, high: float | None, digits: int) -> str:
    """ "(−6.31, −2.10)"; one "NE" when both limits are missing."""
    if missing(low) and missing(high):
        return NOT_ESTIMABLE
    return f"({number(low, digits)}, {number(high, digits)})"


def pair(first: float | None, second: float | None, digits: int) -> str:
    """ "15, 38" for min, max and for quartiles."""
    if missing(first) and missing(second):
        return NOT_ESTIMABLE
    return f"{number(first, digits)}, {number(second, digits)}"


def p_value(value: float | None, style: PStyle = PStyle()) -> str:
    """A p-value: "0.0312", "<0.0001" or ">0.9999"."""
    if missing(value):
        return NOT_ESTIMABLE
    if not 0 <= value <= 1:
        raise ValueError(f"{value!r} is not a p-value")
    smallest = fixed(10.0**-style.digits, style.digits)
    text = fixed(value, style.digits)
    if value < 10.0**-style.digits:
        text = f"<{smallest}"
    elif float(text) >= 1:
        text = f">{fixed(1 - 10.0**-style.digits, style.digits)}"
    return text if style.leading_zero else text.replace("0.", ".", 1)


def digits_of(stat_name: str, decimals: int = 0, overrides: Mapping[str, int] | None = None) -> int:
    """Decimals of a statistic: an override, else those of the vocabulary, plus the decimals of the data where the vocabulary says so."""
    if overrides and stat_name in overrides:
        return overrides[stat_name]
    spec = STATS[stat_name]
    return spec.digits + (decimals if spec.relative else 0)


def bind(text: str) -> str:
    """Numbers bound to the units after them by no-break spaces, so that a line never ends between "850" and "nm"."""
    return re.sub(r"(?<=\d) (?=[^\W\d]|[%°])", NBSP, text)


def join(parts: list[str], last: str = " and ") -> str:
    """ "a, b and c"."""
    return parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + last + parts[-1] if parts else ""
