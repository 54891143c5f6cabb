"""The course of an outcome over the day: cosine and sine of the clock time in a mixed model, by group."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from nirls.errors import DataError, NotEstimableError
from nirls.models.mmrm import MMRMResult, mmrm
from nirls.models.reference_grid import marginal_rows
from nirls.stats.contrasts import Contrasts, FTest
from nirls.stats.cosinor import Rhythm, rhythm

COS, SIN, NUMBER = "COS_", "SIN_", "RECORD_"
"""Columns made for the model; NUMBER orders the records of a subject, whose covariance is that of a random intercept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupRhythm:
    """One group.

    Attributes
    ----------
    mesor : Contrasts
        The rhythm-adjusted mean, with other factors at equal weights and covariates at their mean.
    test : FTest
        Of no rhythm, β = γ = 0.
    rhythm : Rhythm
    """

    mesor: Contrasts
    test: FTest
    rhythm: Rhythm


@dataclass(frozen=True, slots=True, kw_only=True)
class CosinorResult:
    """A fitted mixed cosinor.

    Attributes
    ----------
    fit : MMRMResult
    group : str or None
    period : float
    """

    fit: MMRMResult
    group: str | None
    period: float

    @property
    def levels(self) -> tuple[str, ...]:
        """The groups; one without a name where there are none."""
        return self.fit.design.factors[self.group] if self.group is not None else ("",)

    def _lines(self, level: str) -> tuple[np.ndarray, np.ndarray]:
        """Rows l of the mesor (1, p) and of β, γ (2, p) of a group."""
        design = self.fit.design
        keys, rows = marginal_rows(design, [self.group] if self.group else [], "equal")
        row = rows[(keys[self.group] == level).to_numpy()] if self.group else rows[:1]
        names = list(design.columns)
        waves = np.zeros((2, len(names)))
        for i, wave in enumerate((COS, SIN)):
            for j, name in enumerate(names):
                parts = name.split(":")
                if wave in parts and (len(parts) == 1 or f"{self.group}[T.{level}]" in parts):
                    waves[i, j] = 1.0
        # the grid holds the waves at their mean, and the mesor is the mean where they are 0
        means = np.array([design.covariates[COS], design.covariates[SIN]])
        return row[:, design.kept] - (means @ waves)[None], waves

    def of(self, level: str = "") -> GroupRhythm:
        """The rhythm of a group."""
        if level not in self.levels:
            raise ValueError(f"{level!r} is not a group; groups: {', '.join(self.levels)}")
        mesor, waves = self._lines(level)
        infer, cov = self.fit.contrast_rows(), self.fit.cov_params().to_numpy()
        test = self.fit.test(waves)
        assert isinstance(test, FTest)
        beta = self.fit.params.to_numpy()
        return GroupRhythm(mesor=infer(mesor), test=test, rhythm=rhythm(waves @ beta, waves @ cov @ waves.T, self.period))

    def difference(self, level: str, reference: str) -> tuple[Contrasts, FTest]:
        """Difference of mesors, and the test of equal rhythms (amplitude and acrophase)."""
        (m1, w1), (m0, w0) = self._lines(level), self._lines(reference)
        test = self.fit.test(w1 - w0)
        assert isinstance(test, FTest)
        return self.fit.contrast_rows()(m1 - m0), test


def cosinor(
    data: pd.DataFrame,
    *,
    response: str,
    hour: str,
    subject: str,
    group: str | None = None,
    covariates: Sequence[str] = (),
    period: float = 24.0,
) -> CosinorResult:
    """Fit response ~ covariates + group × (cos ωt + sin ωt) + random intercept of the subject, REML with Kenward–Roger.

    Parameters
    ----------
    data : DataFrame
        One row per measurement.
    response, hour, subject : str
        Columns; the clock time in hours.
    group : str, optional
    covariates : sequence of str
    period : float
        Of the rhythm, hours.

    Raises
    ------
    DataError
        A clock time that is missing, or not from 0 to the period.
    NotEstimableError
        A group is measured at fewer than three different times of the day.
    """
    used = data[data[[response, *([group] if group else []), *covariates]].notna().all(axis=1)]
    when = used[hour]
    strange = used[when.isna() | (when < 0) | (when > period)]
    if len(strange):
        shown = ", ".join(f"{s} {h}" for s, h in strange[[subject, hour]].head(5).itertuples(index=False))
        raise DataError(f"{len(strange)} values of {hour} are missing or not from 0 to {period:g}: {shown}")
    for level, times in when.groupby(used[group], observed=True) if group else [("", when)]:
        if times.round(2).nunique() < 3:
            raise NotEstimableError(f"{level or response}: measured at {times.round(2).nunique()} times of the day; a rhythm needs three")
    angle = 2 * np.pi * when / period
    frame = used.assign(**{COS: np.cos(angle), SIN: np.sin(angle), NUMBER: used.groupby(subject, observed=True).cumcount().astype(float)})
    terms = [*covariates, f"{group} * ({COS} + {SIN})" if group else f"{COS} + {SIN}"]
    fit = mmrm(
        f"{response} ~ {' + '.join(terms)}",
        frame,
        subject=subject,
        visit=NUMBER,
        covariance="random-intercept",
        ddf="kenward-roger-linear",
        information="expected",
    )
    return CosinorResult(fit=fit, group=group, period=period)
