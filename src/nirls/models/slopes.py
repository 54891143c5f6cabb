"""A line over time with a bend at a knot, by group, in a mixed model with random intercepts, slopes and changes of slope.

    y = covariates + group × (t + (t − K)₊) + b₀ + b₁t + b₂(t − K)₊ + ε

by REML with Kenward–Roger. Times are those of the records, not those planned.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from nirls.errors import NotEstimableError
from nirls.models.mmrm import MMRMResult, mmrm
from nirls.models.reference_grid import marginal_rows

TIME, BEND = "TIME_", "BEND_"
"""Columns made for the model: the time, and the time after the knot (0 before it)."""

Phase = Literal["before", "after", "change"]
_PHASES: dict[str, tuple[float, float]] = {"before": (1.0, 0.0), "after": (1.0, 1.0), "change": (0.0, 1.0)}


@dataclass(frozen=True, slots=True, kw_only=True)
class SlopesResult:
    """A fitted line with a bend.

    Attributes
    ----------
    fit : MMRMResult
    group : str
    knot : float or None
        Unit of the time; none for a straight line.
    """

    fit: MMRMResult
    group: str
    knot: float | None

    @property
    def levels(self) -> tuple[str, ...]:
        """The groups in the model."""
        return self.fit.design.factors[self.group]

    def slope_row(self, weights: Mapping[str, float], phase: Phase) -> np.ndarray:
        """Row l (p,) with lβ = Σ weight × slope of the group: before the knot, after it, or the change there, per unit of time.

        Raises
        ------
        NotEstimableError
            A group has no records in the model.
        """
        self._known(weights)
        first, second = _PHASES[phase]
        row = np.zeros(len(self.fit.design.columns))
        for group, weight in weights.items():
            row += weight * (first * self._of(group, TIME) + second * self._of(group, BEND))
        return row

    def level_rows(self, group: str, times: np.ndarray) -> np.ndarray:
        """Rows (m, p) of the means of a group at `times`; other factors at equal weights, covariates at their mean."""
        self._known({group: 1.0})
        design = self.fit.design
        keys, rows = marginal_rows(design, [self.group], "equal")
        base = rows[(keys[self.group] == group).to_numpy()][0][design.kept]
        first, second = self._of(group, TIME), self._of(group, BEND)
        base = base - design.covariates[TIME] * first  # the grid holds the time at its mean
        times = np.asarray(times, dtype=float)
        if self.knot is None:
            return base + np.outer(times, first)
        return base - design.covariates[BEND] * second + np.outer(times, first) + np.outer(np.maximum(times - self.knot, 0.0), second)

    def _of(self, group: str, name: str) -> np.ndarray:
        own = f"{self.group}[T.{group}]"
        return np.array([float(name in (p := c.split(":")) and (len(p) == 1 or own in p)) for c in self.fit.design.columns])

    def _known(self, weights: Mapping[str, float]) -> None:
        absent = [g for g in weights if g not in self.levels]
        if absent:
            raise NotEstimableError(f"no observation of {', '.join(absent)} in the model")


def slopes(
    data: pd.DataFrame,
    *,
    response: str,
    time: str,
    knot: float | None,
    subject: str,
    group: str,
    covariates: Sequence[str] = (),
    random: Sequence[Literal["knot", "slope", "intercept"]] = ("knot", "slope", "intercept"),
) -> SlopesResult:
    """Fit the line with a bend.

    Parameters
    ----------
    data : DataFrame
        One row per subject and time.
    response, time, subject, group : str
        Columns.
    knot : float or None
        Time of the bend, in the unit of `time`; none for a straight line.
    covariates : sequence of str
    random : sequence of {"knot", "slope", "intercept"}
        Random effects, in the order in which they are tried: intercept, slope and change of slope (with a knot); intercept and slope;
        intercept.

    Raises
    ------
    NotEstimableError
        Records lie on one side of the knot only.
    ConvergenceError
        None of the random effects tried converges; the message says why for each.
    """
    used = data[data[[response, time, group, *covariates]].notna().all(axis=1)]
    times = used[time].astype(float)
    frame, terms, names = used.assign(**{TIME: times}), TIME, {"slope": "random-slope", "intercept": "random-intercept"}
    if knot is not None:
        before, after = int((times < knot).sum()), int((times > knot).sum())
        if not before or not after:
            raise NotEstimableError(f"the knot {knot:g} needs records before and after it; there are {before} before and {after} after")
        frame, terms, names["knot"] = frame.assign(**{BEND: np.maximum(times - knot, 0.0)}), f"({TIME} + {BEND})", f"random-slope@{knot:g}"
    fit = mmrm(
        f"{response} ~ {' + '.join([*covariates, f'{group} * {terms}'])}",
        frame,
        subject=subject,
        visit=TIME,
        covariance=[names[r] for r in random if r in names],
        ddf="kenward-roger-linear",
        information="expected",
    )
    return SlopesResult(fit=fit, group=group, knot=knot)
