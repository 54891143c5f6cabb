"""``nirls.clda``: constrained longitudinal data analysis, with the baseline among the outcomes.

The mean at baseline is common to the arms, as randomization makes it; subjects without a baseline value or without any later one
contribute what they have. With complete data the differences between arms are those of the analysis of covariance at each visit.

Reference: Liang K-Y, Zeger SL. Longitudinal data analysis of continuous and discrete responses for pre-post designs. Sankhyā B
2000;62:134–148; Lu K. On efficiency of constrained longitudinal data analysis versus longitudinal analysis of covariance. Biometrics
2010;66:891–896.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from nirls.errors import DataError, MethodError, NotEstimableError
from nirls.models.mmrm import MMRMResult, mmrm
from nirls.models.reference_grid import Margins, cells, inferred, marginal_rows
from nirls.models.threads import one_thread
from nirls.stats.mmrm.degrees import Ddf


@dataclass(frozen=True, slots=True, kw_only=True)
class CLDAResult:
    """A fitted cLDA model.

    Attributes
    ----------
    fit : MMRMResult
        The mixed model; its treatment factor is `reference` in all records of the baseline.
    treatment, reference, baseline : str
        The treatment variable, its reference level, and the visit that is the baseline.
    """

    fit: MMRMResult
    treatment: str
    reference: str
    baseline: str

    @property
    def visits(self) -> tuple[str, ...]:
        """Visits after the baseline."""
        return tuple(v for v in self.fit.design.factors[self.fit.visit] if v != self.baseline)

    @one_thread
    def changes(self, *, margins: Margins = "equal", ddf: Ddf | None = None, level: float = 0.95) -> pd.DataFrame:
        """LS means of the change from the common baseline mean, by visit and arm.

        Returns
        -------
        DataFrame
            visit, treatment, n (subjects with an outcome at the visit), lsmean, std_error, df, statistic, p_value, conf_low, conf_high.
        """
        design, names = self.fit.design, [self.fit.visit, self.treatment]
        keys, rows = marginal_rows(design, names, margins)
        start = ((keys[self.fit.visit] == self.baseline) & (keys[self.treatment] == self.reference)).to_numpy()
        later = (keys[self.fit.visit] != self.baseline).to_numpy()
        infer = self.fit.contrast_rows(ddf)
        columns = {
            "n": cells(design, names, self.fit.fit.records.subject)[later],
            **inferred(design, infer, rows[later] - rows[start], level, "lsmean"),
        }
        return pd.concat([keys[later].reset_index(drop=True), pd.DataFrame(columns)], axis=1)

    def contrasts(self, *, margins: Margins = "equal", ddf: Ddf | None = None, level: float = 0.95) -> pd.DataFrame:
        """Differences of the changes from that of the reference arm, by visit: as of :meth:`nirls.models.mmrm.MMRMResult.contrasts`."""
        table = self.fit.contrasts(self.treatment, by=self.fit.visit, reference=self.reference, margins=margins, ddf=ddf, level=level)
        return table[table[self.fit.visit] != self.baseline].reset_index(drop=True)


def clda(
    data: pd.DataFrame,
    *,
    response: str,
    treatment: str,
    reference: str,
    subject: str,
    visit: str,
    baseline: str,
    covariates: Sequence[str] = (),
    by_visit: Sequence[str] = (),
    covariance: str | Sequence[str] = "us",
    ddf: Ddf | None = None,
) -> CLDAResult:
    """Fit a constrained longitudinal model, response ~ covariates + visit + arm at each visit after the baseline.

    Parameters
    ----------
    data : DataFrame
        One row per subject and visit, the baseline included.
    response, treatment, subject, visit : str
        Columns. The visit is a Categorical in order, or is sorted.
    reference : str
        Arm that the others are compared with.
    baseline : str
        Level of `visit`.
    covariates, by_visit : sequence of str
        Further covariates (not the baseline value), and those of them whose effect differs by visit.
    covariance : str or list of str
        As in :func:`nirls.models.mmrm.mmrm`; over visits, the baseline among them.
    ddf
        As in :func:`nirls.models.mmrm.mmrm`.

    Raises
    ------
    DataError
        No record of the baseline, or none after it; a level of `visit` or `treatment` that does not exist.
    NotEstimableError
        Effects that the data cannot tell apart, named.
    """
    when, arm = data[visit], data[treatment]
    levels = list(when.cat.categories) if isinstance(when.dtype, pd.CategoricalDtype) else sorted(when.dropna().unique())
    arms = list(arm.cat.categories) if isinstance(arm.dtype, pd.CategoricalDtype) else sorted(arm.dropna().unique())
    if baseline not in levels or reference not in arms:
        name, wanted, have = (visit, baseline, levels) if baseline not in levels else (treatment, reference, arms)
        raise DataError(f"{wanted!r} is not a level of {name}; levels: {', '.join(map(str, have))}")
    at_baseline = (when == baseline).to_numpy()
    seen = data[response].notna().to_numpy() & arm.notna().to_numpy()
    if not (at_baseline & seen).any() or not (~at_baseline & seen).any():
        raise DataError(f"no observed {response} {'at' if not (at_baseline & seen).any() else 'after'} the baseline visit {baseline!r}")
    common = arm.astype(pd.CategoricalDtype([reference, *(a for a in arms if a != reference)])).mask(at_baseline & arm.notna(), reference)
    frame = data.assign(**{visit: when.astype(pd.CategoricalDtype([baseline, *(v for v in levels if v != baseline)])), treatment: common})
    terms = [*covariates, *(f"{c}:{visit}" for c in by_visit), treatment, visit, f"{treatment}:{visit}"]
    fit = mmrm(
        f"{response} ~ {' + '.join(terms)}", frame, subject=subject, visit=visit, covariance=covariance, ddf=ddf, rank_deficient="drop"
    )
    # the effect of an arm at baseline is no column: one dependency for each arm but the reference, and no other
    unconstrained = len(fit.design.factors[treatment]) - 1
    if len(fit.design.dropped) > unconstrained:
        raise NotEstimableError(
            f"the design has {len(fit.design.dropped) - unconstrained} linearly dependent columns more than the common baseline makes; "
            f"left out would be {', '.join(fit.design.dropped)}. Pool or leave out levels"
        )
    if len(fit.design.factors[treatment]) < 2 or reference not in fit.design.factors[treatment]:
        raise MethodError(f"no two arms of {treatment}, {reference!r} among them, have an observed {response}")
    return CLDAResult(fit=fit, treatment=treatment, reference=reference, baseline=baseline)
