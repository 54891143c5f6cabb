"""The rule of relapse of the plan for many subjects at once: what ADTTE derives from data, on arrays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nirls.simulate.config import RelapseRule

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowUp:
    """Assessments of n subjects from the reference visit on; missing values are NaN, days count from any common day.

    Attributes
    ----------
    start : array (n,)
        Day of the end of treatment.
    base, reference, severity_reference : array (n,)
        Total at baseline and at the reference visit, clinical global severity there.
    day, total, severity : array (n, visits)
        Visits after the reference visit, in order of time.
    competing : array (n,)
        Day of the first competing event; infinite where there is none.
    """

    start: Array
    base: Array
    reference: Array
    severity_reference: Array
    day: Array
    total: Array
    severity: Array
    competing: Array


def times(rule: RelapseRule, data: FollowUp) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Days from the end of treatment, and what ends them: 0 relapse, 1 censored, 2 competing event.

    The event is the first of a run of visits in succession that all meet the rule and of which the last is `confirm_days` or more after
    the first; its date is that of the first. A visit without a total is none. Censored is at the last visit, or at the first of a last
    run that meets the rule and is not confirmed; without a reference value or a visit at once.
    """
    seen = ~np.isnan(data.total) & (data.day > data.start[:, None])
    rise = data.total - data.reference[:, None]
    met = seen & (data.total >= rule.at_least)
    if rule.rise is not None:
        met &= rise >= rule.rise
    if rule.loss_percent is not None:
        gained = (data.base - data.reference)[:, None]
        met &= (gained > 0) & (rise >= rule.loss_percent / 100 * gained)
    if rule.worse:
        met &= data.severity > data.severity_reference[:, None]
    n = len(data.start)
    first, event, last = np.full(n, np.nan), np.full(n, np.nan), np.full(n, np.nan)
    for k in range(data.total.shape[1]):
        day = data.day[:, k]
        first = np.where(seen[:, k], np.where(met[:, k], np.where(np.isnan(first), day, first), np.nan), first)
        event = np.where(met[:, k] & np.isnan(event) & (day - first >= rule.confirm_days), first, event)
        last = np.where(seen[:, k], day, last)
    waiting = ~np.isnan(first)  # a last run long enough is an event, which goes before
    competing = (data.competing > data.start) & np.isfinite(data.competing) & ~(event <= data.competing)
    known = ~np.isnan(data.reference)
    chosen = [~known, competing, ~np.isnan(event), np.isnan(last), waiting]
    end = np.select(chosen, [data.start, data.competing, event, data.start, first], last)
    why = np.select(chosen, [1, 2, 0, 1, 1], 1)
    return (end - data.start).astype(np.int64), why
