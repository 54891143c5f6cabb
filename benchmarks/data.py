"""Trials for the benchmark: repeated measures with dropout, from a seed.

The change from baseline of subject i at visit j is

    CHG_ij = μ_j + δ_j·arm_i + region_i + β_j (BASE_i − 24) + u_i + v_i t_ij + e_ij,

with scheduled times spread over 24 weeks whatever the number of visits, actual times t_ij up to three days off, random intercept and
slope (u, v), and residuals whose correlation decays from visit to visit; neither an unstructured covariance nor a random slope is on
the edge of what it allows. About 20 % of the subjects drop out for good, the likelier the worse their last value, and one record in
a hundred between is missing. Every subject has the first visit.

Arms, regions and visits sort in the order of their levels, so that every program takes the same reference levels.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd

SEED = 20250101
REGIONS = ("AMERICAS", "ASIA", "EUROPE")
WEEKS = 24.0


def trial(n_subjects: int, n_visits: int, n_arms: int = 2, seed: int = SEED) -> pd.DataFrame:
    """The observed records of one trial.

    Parameters
    ----------
    n_subjects, n_visits, n_arms : int
        At least 2 of each.
    seed : int
        With the sizes it determines the trial.

    Returns
    -------
    DataFrame
        USUBJID, TRT (T0 is the comparator), REGION, BASE, AVISIT, MONTH (actual time since baseline, in units of 28 days), CHG; by
        subject and visit.
    """
    if min(n_subjects, n_visits, n_arms) < 2:
        raise ValueError(f"a trial needs at least 2 subjects, visits and arms, not {n_subjects}, {n_visits}, {n_arms}")
    rng = np.random.default_rng([seed, n_subjects, n_visits, n_arms])
    arm = rng.permutation(np.arange(n_subjects) % n_arms)
    region = rng.choice(len(REGIONS), n_subjects, p=[0.3, 0.25, 0.45])
    base = np.clip(rng.normal(24.0, 4.5, n_subjects), 15.0, 40.0)

    scheduled = WEEKS * np.arange(1, n_visits + 1) / n_visits
    week = scheduled + rng.integers(-3, 4, (n_subjects, n_visits)) / 7.0
    gain = 1.0 - np.exp(-scheduled / 8.0)
    mean = (
        -4.0 * gain
        - 2.0 * np.outer(arm / (n_arms - 1), gain)
        + np.array([0.4, -0.3, 0.0])[region][:, None]
        - np.outer(base - 24.0, 0.15 + 0.1 * gain)
    )
    change = mean + rng.normal(0.0, 3.5, (n_subjects, 1)) + rng.normal(0.0, 0.18, (n_subjects, 1)) * week + _residuals(rng, week)

    record = _observed(rng, change)
    subject, visit = np.nonzero(record)
    digits = len(str(n_visits))
    return pd.DataFrame(
        {
            "USUBJID": [f"S{i + 1:06d}" for i in subject],
            "TRT": [f"T{a}" for a in arm[subject]],
            "REGION": np.array(REGIONS)[region[subject]],
            "BASE": base[subject].round(3),
            "AVISIT": [f"V{j + 1:0{digits}d}" for j in visit],
            "MONTH": (week[record] / 4.0).round(4),
            "CHG": change[record].round(3),
        }
    )


def _residuals(rng: np.random.Generator, week: np.ndarray) -> np.ndarray:
    """First-order autoregressive residuals, standard deviation 3, correlation 0.5 over four weeks."""
    n_subjects, n_visits = week.shape
    rho = 0.5 ** (WEEKS / n_visits / 4.0)
    shocks = rng.normal(0.0, 3.0, (n_subjects, n_visits))
    for j in range(1, n_visits):
        shocks[:, j] = rho * shocks[:, j - 1] + np.sqrt(1.0 - rho**2) * shocks[:, j]
    return shocks


def _observed(rng: np.random.Generator, change: np.ndarray) -> np.ndarray:
    """Which records exist: dropout that depends on the last value seen (missing at random), and a few gaps."""
    n_subjects, n_visits = change.shape
    hazard = 1.0 - 0.8 ** (1.0 / (n_visits - 1))
    present = np.ones((n_subjects, n_visits), dtype=bool)
    for j in range(1, n_visits):
        worse = (change[:, j - 1] - change[:, j - 1].mean()) / change[:, j - 1].std()
        present[:, j] = present[:, j - 1] & (rng.random(n_subjects) >= hazard * np.exp(0.4 * worse - 0.08))
    gaps = rng.random((n_subjects, n_visits)) < 0.01
    gaps[:, 0] = False
    return present & ~gaps


def write(path: Path, n_subjects: int, n_visits: int, n_arms: int = 2, seed: int = SEED) -> Path:
    """Write the trial as CSV: the one file every program reads."""
    path.parent.mkdir(parents=True, exist_ok=True)
    trial(n_subjects, n_visits, n_arms, seed).to_csv(path, index=False, lineterminator="\n")
    return path


if __name__ == "__main__":
    write(Path(sys.argv[1]), *map(int, sys.argv[2:]))
