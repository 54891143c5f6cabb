"""Dummy treatment codes for a study that is still blinded."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

    from nirls.plan.study import Study

TREATMENT = ("ARMCD", "ACTARMCD")


def blind_treatment(subjects: pd.DataFrame, study: Study, seed: int) -> pd.DataFrame:
    """Replace ARMCD and ACTARMCD by a random permutation of themselves.

    Arms of the blinded, randomized subjects are permuted among them (planned and actual arm of one
    subject travel together), so the number of subjects per arm is unchanged and nothing else is
    known about the true allocation. Open-label arms and subjects who were not randomized keep
    their codes. The same subjects and seed give the same dummy codes, whatever the order of rows.

    Parameters
    ----------
    subjects : DataFrame
        One row per subject with USUBJID, ARMCD, ACTARMCD.
    study : Study
        For the arms; the function does not look at `blinding`.
    seed : int
        Seed of the permutation.

    Returns
    -------
    DataFrame
        `subjects` with the dummy codes.
    """
    blinded = [code for code, arm in study.arms.items() if arm.blinded and not arm.not_an_arm]
    rows = subjects.index[subjects["ARMCD"].isin(blinded)]
    rows = subjects.loc[rows, "USUBJID"].sort_values().index
    order = np.random.default_rng(seed).permutation(len(rows))
    out = subjects.copy()
    for column in TREATMENT:
        if column in out.columns:
            out.loc[rows, column] = subjects.loc[rows, column].to_numpy()[order]
    return out
