"""Rounding for display: half away from zero on the shortest decimal that names the number, as SAS ``ROUND`` does.

Python's ``round`` and format specifications round half to even on the binary value, so that 0.125 becomes
0.12 and 1.005 becomes 1.00. Here the number is first written as its shortest round-trip decimal (``repr``) and that decimal
is rounded half away from zero: 0.125 gives 0.13 and 1.005 gives 1.01. A result that rounds to zero
carries no sign: -0.04 to one decimal is "0.0".
"""

from __future__ import annotations

import math
from decimal import ROUND_HALF_UP, Decimal, localcontext


def round_half_away(value: float, digits: int) -> Decimal:
    """Round `value` to `digits` decimals, half away from zero.

    Parameters
    ----------
    value : float
        A finite number.
    digits : int
        Number of decimals, 0 or more.

    Returns
    -------
    Decimal
        With exactly `digits` decimals; zero is never negative.

    Raises
    ------
    ValueError
        If `value` is not finite or `digits` is negative.
    """
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(f"cannot round {value!r}: only a finite number has a display")
    if digits < 0:
        raise ValueError(f"digits must be 0 or more, not {digits}")
    with localcontext() as arithmetic:
        arithmetic.prec = 400  # the largest double has 309 digits before the point
        rounded = Decimal(repr(number)).quantize(Decimal(1).scaleb(-digits), rounding=ROUND_HALF_UP)
    return abs(rounded) if rounded.is_zero() else rounded


def fixed(value: float, digits: int) -> str:
    """`value` with exactly `digits` decimals, with an ASCII minus sign."""
    return f"{round_half_away(value, digits):f}"
