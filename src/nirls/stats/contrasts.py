"""Results of linear hypotheses about coefficients: t tests of single rows, F tests of several."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

Array = np.ndarray


@dataclass(frozen=True, slots=True, kw_only=True)
class Contrasts:
    """m one-row hypotheses lβ = 0, each with its own t reference distribution.

    Attributes
    ----------
    estimate, std_error, df : (m,) arrays
        lβ̂, its standard error, and the degrees of freedom (infinite for a normal reference).
    """

    estimate: Array
    std_error: Array
    df: Array

    @property
    def statistic(self) -> Array:
        """t = estimate / std_error."""
        return self.estimate / self.std_error

    @property
    def p_value(self) -> Array:
        """Two-sided p-value."""
        return 2.0 * special.stdtr(self.df, -np.abs(self.statistic))

    def ci(self, level: float = 0.95) -> tuple[Array, Array]:
        """Lower and upper limits of the two-sided interval of confidence `level`."""
        if not 0.0 < level < 1.0:
            raise ValueError(f"confidence level {level} is not between 0 and 1")
        margin = special.stdtrit(self.df, 0.5 + level / 2.0) * self.std_error
        return self.estimate - margin, self.estimate + margin


@dataclass(frozen=True, slots=True, kw_only=True)
class FTest:
    """A joint hypothesis Lβ = 0.

    Attributes
    ----------
    statistic : float
        F, scaled by λ under Kenward–Roger.
    num_df : int
        Rank of L.
    den_df : float
    scale : float
        λ of Kenward–Roger; 1 otherwise.
    not_estimable : int
        Dimensions of the hypothesis asked for that are not estimable and were left out.
    """

    statistic: float
    num_df: int
    den_df: float
    scale: float = 1.0
    not_estimable: int = 0

    @property
    def p_value(self) -> float:
        """Upper tail of F(num_df, den_df)."""
        return float(special.fdtrc(self.num_df, self.den_df, self.statistic))


def independent_rows(hypotheses: Array) -> Array:
    """A maximal set of linearly independent rows of L, in order (a joint test of redundant rows is the same test)."""
    kept: list[int] = []
    for i in range(hypotheses.shape[0]):
        trial = hypotheses[[*kept, i]]
        length = np.linalg.norm(trial, axis=1)
        if (length > 0).all() and np.linalg.matrix_rank(trial / length[:, None], tol=1e-9) == len(kept) + 1:
            kept.append(i)
    return hypotheses[kept]
