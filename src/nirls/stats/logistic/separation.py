"""Whether the maximum likelihood estimates of a logistic regression exist.

References
----------
.. [1] Albert A, Anderson JA. On the existence of maximum likelihood estimates in logistic regression models. Biometrika 1984;71:1-10.
.. [2] Konis K. Linear programming algorithms for detecting separated data in binary logistic regression models. DPhil thesis, Oxford,
   2007, section 4.
"""

from __future__ import annotations

import numpy as np
from scipy import optimize

Array = np.ndarray


def separated(y: Array, x: Array) -> bool:
    """True when some combination of the columns of `x` separates events from non-events, completely or but for ties [1]_.

    Then at least one estimate is infinite, and software that stops at a large number reports it as if it had converged. The linear
    programme of [2]_ maximises Σ(2y − 1)xβ subject to (2yᵢ − 1)xᵢβ ≥ 0 and |β| ≤ 1; its optimum is 0 exactly when the estimates exist.

    Parameters
    ----------
    y : (n,) array of 0 and 1
    x : (n, p) array
        Design of full column rank.

    Raises
    ------
    ValueError
        If `y` holds anything but 0 and 1, or the linear programme fails.
    """
    y, x = np.asarray(y, dtype=float), np.asarray(x, dtype=float)
    if not np.isin(y, (0, 1)).all():
        raise ValueError("the response of a logistic regression is 0 or 1")
    signed = np.where(y == 1, 1.0, -1.0)[:, None] * (x / np.abs(x).max(axis=0))
    found = optimize.linprog(-signed.sum(axis=0), A_ub=-signed, b_ub=np.zeros(len(y)), bounds=(-1, 1), method="highs")
    if not found.success:
        raise ValueError(f"the linear programme that looks for separation failed: {found.message}")
    return bool(-found.fun > 1e-7)
