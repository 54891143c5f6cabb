"""The visit schedule: numbers, names, target days and the windows between them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

TREATMENT_WEEKS = 12
LAST_WEEK = 21
VISIT_WEEKS = (1, 2, 3, 4, 6, 8, 10, 12, *range(13, LAST_WEEK + 1))
SCREENING_DAY = -14


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """A scheduled visit. `week` is None at screening and 0 at baseline; `target` is the study day (there is no day 0)."""

    num: int
    name: str
    week: int | None
    target: int


VISITS: tuple[Visit, ...] = (
    Visit(num=1, name="Screening", week=None, target=SCREENING_DAY),
    Visit(num=2, name="Baseline", week=0, target=1),
    *(Visit(num=3 + k, name=f"Week {week}", week=week, target=7 * week + 1) for k, week in enumerate(VISIT_WEEKS)),
)
N_VISITS = len(VISITS)
INDEX = {visit.num: k for k, visit in enumerate(VISITS)}
WEEK_INDEX = {visit.week: k for k, visit in enumerate(VISITS) if visit.week is not None}


def windows() -> list[tuple[int, int]]:
    """First and last study day of each visit's window: midpoints between neighbouring targets, ends open (±10⁶).

    Baseline ends on day 1, week 1 begins on day 2. A day exactly between two targets belongs to the earlier visit.
    """
    lower, upper = [-(10**6)], []
    for left, right in pairwise(VISITS):
        last = 1 if left.num == 2 else int(np.floor((left.target + right.target) / 2))
        upper.append(last)
        lower.append(last + 1)
    upper.append(10**6)
    return list(zip(lower, upper, strict=True))
