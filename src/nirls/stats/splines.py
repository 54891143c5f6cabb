"""Natural (restricted) cubic splines: cubic between the knots, straight lines beyond the outer ones.

References
----------
.. [1] Stone CJ, Koo CY. Additive splines in statistics. Proc Stat Comp Section ASA 1985:45-48; Harrell FE. Regression modeling strategies,
   2nd ed. 2015, eq. 2.25: the columns, here divided by the square of the span of the knots.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


def natural_columns(x: ArrayLike, knots: ArrayLike) -> NDArray[np.float64]:
    """The columns beside x itself of a natural cubic spline [1]_: (n, k − 2) for k knots.

    Parameters
    ----------
    x : (n,) array_like
    knots : (k,) array_like
        Three or more, ascending.
    """
    x, t = np.asarray(x, dtype=float), np.asarray(knots, dtype=float)
    if t.size < 3 or not (np.diff(t) > 0).all():
        raise ValueError(f"a natural spline needs three or more ascending knots, not {t.tolist()}")

    def cube(knot: float) -> NDArray[np.float64]:
        return np.maximum(x - knot, 0.0) ** 3

    last, before = t[-1], t[-2]
    columns = [cube(own) - cube(before) * (last - own) / (last - before) + cube(last) * (before - own) / (last - before) for own in t[:-2]]
    return np.column_stack(columns) / (last - t[0]) ** 2
