"""Equivalence by two one-sided tests (TOST) of an estimate with a t distribution.

Schuirmann DJ. A comparison of the two one-sided tests procedure and the power approach for assessing the equivalence of average
bioavailability. J Pharmacokinet Biopharm 1987;15:657–680.
"""

from __future__ import annotations

from dataclasses import dataclass

from scipy import stats


@dataclass(frozen=True, slots=True, kw_only=True)
class Equivalence:
    """Two one-sided tests of −margin < θ < margin.

    Attributes
    ----------
    p_low, p_high : float
        One-sided p of θ ≤ −margin and of θ ≥ margin.
    low, high : float
        Limits of the 1 − 2α interval, which lies within the margins exactly when both tests reject at α.
    shown : bool
        Both tests reject.
    """

    p_low: float
    p_high: float
    low: float
    high: float
    shown: bool

    @property
    def p_value(self) -> float:
        """The larger of the two one-sided p."""
        return max(self.p_low, self.p_high)


def tost(estimate: float, std_error: float, df: float, margin: float, alpha: float = 0.05) -> Equivalence:
    """Test that a difference lies within ±margin.

    Parameters
    ----------
    estimate, std_error, df : float
        The difference; df may be infinite.
    margin : float
        Positive, in the unit of the estimate.
    alpha : float
        Level of each one-sided test.

    Raises
    ------
    ValueError
        If the margin is not positive.
    """
    if not margin > 0.0:
        raise ValueError(f"the margin of equivalence must be positive, not {margin:g}")
    t = stats.t(df)
    p_low, p_high = float(t.sf((estimate + margin) / std_error)), float(t.cdf((estimate - margin) / std_error))
    half = float(t.ppf(1 - alpha)) * std_error
    return Equivalence(
        p_low=p_low, p_high=p_high, low=estimate - half, high=estimate + half, shown=max(p_low, p_high) < alpha
    )  # fmt: skip
