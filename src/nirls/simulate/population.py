"""Who is screened, who is randomized, to what, and when: the roster of the trial."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pandas as pd

from nirls.simulate.allocation import allocate
from nirls.simulate.config import Trial
from nirls.simulate.course import Course, run
from nirls.simulate.latent import Subjects, draw, site_effects
from nirls.simulate.streams import stream

NONE = date(1, 1, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Roster:
    """The screened subjects in the order of their identifiers.

    `people` has one row per screened subject; its columns `arm` and `actual` are indices into `trial.arms`
    (−1 for not randomized) and `row` is the position in `subjects` and `course`, which hold the randomized only (−1 otherwise).
    `screened` holds all screened subjects' draws and `screening` their answers at screening and baseline.
    """

    people: pd.DataFrame
    subjects: Subjects
    course: Course
    screening: Course

    @property
    def randomized(self) -> pd.DataFrame:
        """The randomized subjects, in the order of `subjects` and `course`."""
        return self.people[self.people["row"] >= 0].sort_values("row").reset_index(drop=True)


def _screen(trial: Trial, rng: np.random.Generator) -> tuple[Subjects, Course, pd.DataFrame]:
    """Screen candidates site by site until every site has its number of randomized subjects."""
    weights = np.array([site.weight for site in trial.sites])
    quota = np.floor(trial.randomized * weights / weights.sum()).astype(int)
    quota[: trial.randomized - quota.sum()] += 1
    pool = draw(rng, int(2.0 * trial.randomized) + 200, trial, site_effects(trial))
    answers = run(trial, pool, np.zeros(len(pool), dtype=np.int64))
    low_screening = answers.total[:, 0] < trial.severity.eligible_from
    low_baseline = answers.total[:, 1] < trial.severity.eligible_from
    other = rng.random(len(pool)) < trial.events.screen_other
    reason = np.select([low_screening, other, low_baseline], ["LOW", "OTHER", "LOW AT BASELINE"], "")
    # a few subjects are randomized although they no longer had 15 points at baseline
    parts = []
    left = trial.faults.r21_deviations
    for k in range(len(trial.sites)):
        order = np.flatnonzero(pool.site == k)
        allowed = order[reason[order] == "LOW AT BASELINE"][: min(1, left)]
        fits = (reason[order] == "") | np.isin(order, allowed)
        if fits.sum() < quota[k]:
            raise ValueError(f"site {trial.sites[k].id}: only {fits.sum()} eligible candidates for {quota[k]} places; draw a larger pool")
        last = np.flatnonzero(np.cumsum(fits) == quota[k])[0]
        left -= sum(i in set(order[: last + 1]) for i in allowed)
        parts.append(pd.DataFrame({"candidate": order[: last + 1], "site": k, "randomized": fits[: last + 1]}))
    people = pd.concat(parts, ignore_index=True)
    people["fail_reason"] = np.where(people["randomized"], "", reason[people["candidate"]])
    people["deviation"] = people["randomized"] & (reason[people["candidate"]] != "")
    return pool, answers, people


def _demography(trial: Trial, people: pd.DataFrame) -> pd.DataFrame:
    rng = stream(trial.seed, "DM")
    n = len(people)
    female = rng.random(n) < trial.prevalence.female
    region = np.array([trial.sites[k].region for k in people["site"]])
    race = np.array(["WHITE", "BLACK OR AFRICAN AMERICAN", "ASIAN", "OTHER"])
    shares = {"EU": (0.91, 0.03, 0.04, 0.02), "NA": (0.76, 0.14, 0.06, 0.04), "AP": (0.45, 0.01, 0.50, 0.04)}
    u = rng.random(n)
    race_index = np.array([np.searchsorted(np.cumsum(shares[r])[:3], x) for r, x in zip(region, u, strict=True)])
    skin = {
        0: (0.06, 0.34, 0.42, 0.16, 0.02, 0.0),
        1: (0, 0, 0.02, 0.08, 0.45, 0.45),
        2: (0, 0.05, 0.45, 0.40, 0.10, 0),
        3: (0.02, 0.1, 0.3, 0.38, 0.15, 0.05),
    }
    u = rng.random(n)
    phototype = np.array([min(int(np.searchsorted(np.cumsum(skin[r]), x)), 5) for r, x in zip(race_index, u, strict=True)])
    height = np.where(female, rng.normal(163.5, 6.5, n), rng.normal(176.5, 7.0, n)).clip(145, 200)
    weight = (rng.normal(26.8, 4.2, n).clip(18, 42) * (height / 100) ** 2).clip(42, 160)
    return people.assign(
        sex=np.where(female, "F", "M"),
        race=race[race_index],
        phototype=np.array(["I", "II", "III", "IV", "V", "VI"])[phototype],
        height=np.round(height, 1),
        weight=np.round(weight, 1),
        age=np.round(rng.normal(55.5, 12.5, n)).clip(20, 82).astype(int),
        # the birthday is at least 60 days before and after consent, so that the age is the same during screening and treatment
        birthday_offset=rng.integers(60, 300, n),
    )


def _dates(trial: Trial, people: pd.DataFrame, never_treated: np.ndarray) -> pd.DataFrame:
    rng = stream(trial.seed, "enrolment")
    span = (trial.accrual_last - trial.accrual_first).days
    consent = np.empty(len(people), dtype=np.int64)
    for k in range(len(trial.sites)):
        members = np.flatnonzero(people["site"] == k)
        consent[members] = np.sort(rng.integers(10 * k, span + 1, len(members)))
    n = len(people)
    screening = consent + (rng.random(n) < 0.15)
    baseline = screening + rng.integers(11, 18, n)
    start = baseline + rng.choice(3, size=n, p=[0.8, 0.12, 0.08])
    day = lambda offset: np.array([trial.accrual_first + timedelta(days=int(x)) for x in offset], dtype=object)  # noqa: E731
    people = people.assign(consent=day(consent), screening=day(screening), baseline=day(baseline), start=day(start))
    untreated = never_treated | ~people["randomized"].to_numpy()
    people["day1"] = np.where(never_treated, people["baseline"], people["start"])
    people["start"] = np.where(untreated, NONE, people["start"])
    people["birth"] = [
        date(c.year - a, 1, 1) + timedelta(days=(c - date(c.year, 1, 1)).days) - timedelta(days=int(b))
        for c, a, b in zip(people["consent"], people["age"], people["birthday_offset"], strict=True)
    ]
    return people


def roster(trial: Trial) -> Roster:
    """Screen, randomize and follow everyone: the people of the trial and the course of each randomized subject."""
    rng = stream(trial.seed, "population")
    pool, answers, people = _screen(trial, rng)
    never = pool.never_treated[people["candidate"]] & people["randomized"].to_numpy()
    people = _dates(trial, _demography(trial, people), never)
    people["never_treated"] = never
    people["total_screening"] = answers.total[people["candidate"], 0]
    people["total_baseline"] = answers.total[people["candidate"], 1]
    people = people.sort_values(["site", "consent", "candidate"], kind="stable").reset_index(drop=True)
    number = people.groupby("site").cumcount() + 1
    people["subjid"] = [f"{trial.sites[k].id}-{m:03d}" for k, m in zip(people["site"], number, strict=True)]
    people["usubjid"] = trial.prefix + "-" + people["subjid"]

    rng = stream(trial.seed, "randomization")
    chosen = people.index[people["randomized"]].to_numpy()
    severe = (people.loc[chosen, "total_baseline"] >= trial.severity.stratum_from).to_numpy()
    wrong = np.zeros(len(chosen), dtype=bool)
    usual = np.flatnonzero(~people.loc[chosen, "deviation"].to_numpy() & ~people.loc[chosen, "never_treated"].to_numpy())
    wrong[rng.choice(usual, size=min(trial.faults.stratum_errors, len(usual) // 10), replace=False)] = True
    recorded = severe ^ wrong
    order = np.lexsort((chosen, pd.to_datetime(people.loc[chosen, "baseline"]).to_numpy()))
    strata = (2 * people.loc[chosen, "site"].to_numpy() + recorded)[order]
    arm, position = allocate(strata, np.array([a.n for a in trial.arms]), trial.block, rng)
    people["arm"], people["actual"], people["row"], people["stratum"] = -1, -1, -1, ""
    people["stratum_error"], people["swapped"], people["randno"] = False, False, ""
    people.loc[chosen[order], "arm"] = arm
    people.loc[chosen[order], "randno"] = [f"R{s + 1:02d}{p:03d}" for s, p in zip(strata, position, strict=True)]
    people.loc[chosen, "stratum"] = np.where(recorded, f">={trial.severity.stratum_from}", f"<{trial.severity.stratum_from}")
    people.loc[chosen, "stratum_error"] = wrong
    people.loc[chosen, "row"] = np.arange(len(chosen))
    people["actual"] = people["arm"]
    _swap(trial, people, rng)

    randomized = people.loc[chosen]
    subjects = pool.take(randomized["candidate"].to_numpy())
    course = run(trial, subjects, randomized["actual"].to_numpy())
    screened = pool.take(people["candidate"].to_numpy())
    return Roster(people=people, subjects=subjects, course=course, screening=run(trial, screened, np.zeros(len(people), dtype=np.int64)))


def _swap(trial: Trial, people: pd.DataFrame, rng: np.random.Generator) -> None:
    """Pairs of subjects of one site who were handed each other's device: sham for light and light for sham."""
    codes = [a.code for a in trial.arms]
    sham, light = codes.index("SHAM"), codes.index("NIR850-54")
    usual = ~people["never_treated"] & ~people["deviation"] & ~people["stratum_error"]
    for site in rng.permutation(len(trial.sites))[: trial.faults.swaps]:
        pair = []
        for arm in (sham, light):
            members = people.index[(people["site"] == site) & (people["arm"] == arm) & usual].to_numpy()
            if len(members) == 0:
                break
            pair.append(rng.choice(members))
        if len(pair) == 2:
            people.loc[pair[0], "actual"], people.loc[pair[1], "actual"] = light, sham
            people.loc[pair, "swapped"] = True
