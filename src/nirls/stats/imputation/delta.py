"""δ: how much worse than imputed the missing values are taken to be.

δ is a difference from the imputed value in the unit of the outcome; which sign is worse is the caller's to know. A *marginal* δ is
added to each imputed value as it is. A *sequential* δ is added visit by visit before later values are imputed from earlier ones, so
that it is carried on by the correlation of visits (:func:`nirls.stats.imputation.impute.carried`); with a single missing visit both are
the same.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from nirls.stats.imputation.draws import Draws
from nirls.stats.imputation.impute import carried
from nirls.stats.imputation.layout import Layout

Array = np.ndarray
Kind = Literal["marginal", "sequential"]


def added(layout: Layout, subjects: Array, *, intermittent: bool) -> Array:
    """Where one unit of δ is added, (n, T) of 0 and 1: the missing values of `subjects` (n,) bool.

    Parameters
    ----------
    intermittent : bool
        Also values missing before the subject's event (R rbmi does so, the SAS five macros do not).
    """
    where = layout.missing & np.asarray(subjects, dtype=bool)[:, None]
    return (where if intermittent else where & layout.affected).astype(float)


def layers(layout: Layout, draws: Draws, strategy: Array, filled: Array, units: list[Array], kind: Kind) -> Array:
    """The imputed data and what one unit of each δ adds: (1 + len(units), B, n, T) for :func:`nirls.stats.imputation.ancova.analyse`."""
    if kind not in ("marginal", "sequential"):
        raise ValueError(f"δ is marginal or sequential, not {kind!r}")
    extra = [carried(layout, draws, strategy, u) if kind == "sequential" else np.broadcast_to(u, filled.shape) for u in units]
    return np.stack([filled, *extra])
