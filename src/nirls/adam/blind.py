"""Dummy treatment codes for a study that is still blinded."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

    from nirls.plan.study import Study

TREATMENT = ("ARMCD", "ACTARMCD")


def blind_treatment(subjects: pd.DataFrame, study: Study, seed: int) -> pd.DataFrame:
    """Replace ARMCD and ACTARMCD by dummy codes.

    The codes of the blinded, randomized subjects (planned and actual arm as a pair) are put in
    order, so that nothing is left of who had which, and then dealt out at random. The number of
    subjects per arm is unchanged and nothing else is known about the true allocation: to permute
    the codes as they stand would not do, since whoever knows the seed could undo it. Open-label
    arms and subjects who were not randomized keep their codes. The same subjects and seed give the
    same dummy codes, whatever the order of rows.

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
    columns = [column for column in TREATMENT if column in subjects.columns]
    codes = subjects.loc[rows, columns].sort_values(columns, kind="stable").to_numpy(dtype=object)
    order = np.random.default_rng(seed).permutation(len(rows))
    out = subjects.copy()
    for i, column in enumerate(columns):
        out.loc[rows, column] = codes[order, i]
    return out
