"""Graded answers to the ten IRLS items from latent severity."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nirls.simulate.config import Items

N_ITEMS = 10
SYMPTOM_ITEMS = (0, 1, 3, 5, 6, 7)
IMPACT_ITEMS = (4, 8, 9)
_DAYS = 6  # item 7, days per week with symptoms
_NEED_DAYS = (0, 1, 5, 7)  # items 1, 2, 6 and 8 cannot be above 0 on no day of the week


def thresholds(items: Items) -> NDArray[np.float64]:
    """Latent severity (points) at which item j passes from k − 1 to k; shape (10, 4)."""
    return 10.0 * (np.arange(1, 5) - 0.5)[None, :] + np.asarray(items.difficulty)[:, None]


def total_distribution(theta: NDArray[np.float64], trait: NDArray[np.float64], items: Items) -> NDArray[np.float64]:
    """Probability of each total 0–40, shape (n, 41): the answers of :func:`answer` integrated over the noise of one visit.

    Parameters
    ----------
    theta : array, shape (n, 10)
        Latent severity of each subject as item j sees it, points.
    trait : array, shape (n, 10)
        The subject's lasting leaning on each item, logits.
    """
    slope = np.asarray(items.discrimination)
    above = 1 / (1 + np.exp(slope[:, None] * thresholds(items) - (slope * theta + trait)[..., None]))  # P(item > k − 1)
    edge = np.concatenate([np.ones((*theta.shape, 1)), above, np.zeros((*theta.shape, 1))], axis=2)
    chance = edge[..., :-1] - edge[..., 1:]

    def added(parts: list[NDArray[np.float64]]) -> NDArray[np.float64]:
        out = np.ones((len(theta), 1))
        for part in parts:
            new = np.zeros((len(theta), out.shape[1] + part.shape[1] - 1))
            for k in range(part.shape[1]):
                new[:, k : k + out.shape[1]] += out * part[:, [k]]
            out = new
        return out

    need = added([chance[:, j] for j in _NEED_DAYS])
    rest = added([chance[:, j] for j in range(N_ITEMS) if j not in (*_NEED_DAYS, _DAYS)])
    days = chance[:, _DAYS]
    with_symptoms = days.copy()  # no day is not an answer then
    with_symptoms[:, 1] += with_symptoms[:, 0]
    with_symptoms[:, 0] = 0
    none, some = need.copy(), need.copy()
    none[:, 1:], some[:, 0] = 0, 0
    return added([rest, none, days]) + added([rest, some, with_symptoms])


def answer(theta: NDArray[np.float64], noise: NDArray[np.float64], items: Items) -> NDArray[np.int8]:
    """Answers 0–4 of each subject to each item.

    Parameters
    ----------
    theta : array, shape (n, 10)
        Latent severity of each subject as item j sees it, in points of the total.
    noise : array, shape (n, 10)
        Logistic noise plus the subject's lasting leaning on the item, on the logit scale.
    items : Items
        Discriminations (per point) and thresholds.

    Returns
    -------
    array of int8, shape (n, 10)
        Symptoms on no day (item 7 = 0) with symptoms in item 1, 2, 6 or 8 are contradictory; item 7 is then 1.
    """
    slope = np.asarray(items.discrimination)
    cut = slope[:, None] * thresholds(items)
    latent = slope * theta + noise
    value = np.zeros(theta.shape, dtype=np.int8)
    for k in range(4):
        value += latent > cut[:, k]
    contradictory = (value[:, _DAYS] == 0) & (value[:, _NEED_DAYS].max(axis=1) > 0)
    value[contradictory, _DAYS] = 1
    return value
