"""The rated scales at the visits: IRLS, CGI and PGI, ASRS, sleep, quality of life, blinding guesses."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from nirls.simulate.course import expit
from nirls.simulate.irls import N_ITEMS
from nirls.simulate.schedule import TREATMENT_WEEKS, VISITS
from nirls.simulate.text import iso, table, where
from nirls.simulate.world import World

ITEM_NAMES = tuple(f"IRLS{k + 1:02d}" for k in range(N_ITEMS))
BASELINE = 1


def _long(world: World, weeks: tuple[int, ...], mask: NDArray[np.bool_] | None = None) -> tuple[NDArray, NDArray]:
    """Subject and visit indices of the attended visits at `weeks`, ordered by subject, then visit."""
    chosen = np.array([visit.week in weeks for visit in VISITS])
    seen = (world.visit_day > 0) & chosen
    if mask is not None:
        seen &= mask
    return np.nonzero(seen)


def _head(world: World, subject: NDArray, visit: NDArray, date: str = "QSDTC") -> dict[str, list[str]]:
    ids, names = world.r["usubjid"].to_numpy(), np.array([v.name for v in VISITS])
    return {
        "USUBJID": list(ids[subject]),
        "VISITNUM": [str(VISITS[j].num) for j in visit],
        "VISIT": list(names[visit]),
        date: iso(world.visit_day[subject, visit]),
    }


def irls(world: World) -> pd.DataFrame:
    """IRLS: ten items 0–4 and the total the site wrote down, complete; missing items are planted later."""
    rng, trial, people = world.stream("QS IRLS"), world.trial, world.people
    subject, visit = np.nonzero(world.course.irls_present & (world.visit_day > 0))
    row_of = {int(row): i for i, row in enumerate(people["row"]) if row >= 0}
    person = [row_of[int(k)] for k in subject]
    items, day = world.course.items[subject, visit], world.visit_day[subject, visit]
    failed = people.index[people["row"] < 0].to_numpy()
    again = people.index[people["fail_reason"] == "LOW AT BASELINE"].to_numpy()
    person = np.concatenate([person, failed, again]).astype(int)
    visit = np.concatenate([visit, np.zeros(len(failed), dtype=int), np.ones(len(again), dtype=int)])
    items = np.concatenate([items, world.screening.items[failed, 0], world.screening.items[again, 1]])
    screening = [people["screening"][i].toordinal() for i in failed]
    baseline = [people["baseline"][i].toordinal() for i in again]
    day = np.concatenate([day, screening, baseline]).astype(int)
    order = np.lexsort((visit, person))
    person, visit, items, day = person[order], visit[order], items[order], day[order]

    n = len(person)
    rater = rng.integers(1, 4, len(people))
    epro = rng.random(len(people)) < 0.15
    site = people["site"].to_numpy()[person]
    columns: dict[str, list[str]] = {
        "USUBJID": list(people["usubjid"].to_numpy()[person]),
        "VISITNUM": [str(VISITS[j].num) for j in visit],
        "VISIT": [VISITS[j].name for j in visit],
        "IRLSDTC": iso(day),
        "IRLSTZ": [trial.sites[k].tz for k in site],
        "RATER": [f"R{trial.sites[k].id}-{rater[i]}" if not epro[i] else "" for k, i in zip(site, person, strict=True)],
        "MODE": where(epro[person], "EPRO", "INTERVIEW"),
        "LANG": [trial.sites[k].language for k in site],
    }
    for j, name in enumerate(ITEM_NAMES):
        columns[name] = [str(x) for x in items[:, j]]
    columns["IRLSTOT"] = [str(x) for x in items.sum(axis=1, dtype=int)]
    return table(columns, n)


def clinical_severity(rng: np.random.Generator, total: NDArray) -> NDArray[np.int64]:
    """CGI severity, 1–7, that goes with each IRLS total."""
    return np.digitize(total + rng.normal(0, 2.2, total.shape), [1, 7, 12.5, 19, 26, 33.5]) + 1


def cgi(world: World) -> pd.DataFrame:
    """CGI-S, CGI-I and PGI-I, 1–7; improvement is not rated at baseline."""
    rng = world.stream("QS CGI")
    weeks = tuple(v.week for v in VISITS if v.week is not None)
    subject, visit = _long(world, weeks)
    total = world.course.total[subject, visit]
    change = total - world.course.total[subject, BASELINE]
    n = len(subject)
    severity = clinical_severity(rng, total)
    cuts = [-13.5, -8.0, -3.0, 2.0, 6.0, 10.0]

    def improvement(noise: float) -> NDArray[np.int64]:
        rated = np.digitize(change + rng.normal(0, noise, n), cuts) + 1
        # who improved by ten points is never rated "much worse", who worsened by ten never "much better"
        return np.where(change <= -8, np.minimum(rated, 4), np.where(change >= 8, np.maximum(rated, 4), rated))

    clinician, patient = improvement(2.6), improvement(3.2)
    at_baseline = visit == BASELINE
    return table(
        _head(world, subject, visit)
        | {
            "CGIS": [str(x) for x in severity],
            "CGII": where(at_baseline, "", [str(x) for x in clinician]),
            "PGII": where(at_baseline, "", [str(x) for x in patient]),
        },
        n,
    )


def asrs(world: World) -> pd.DataFrame:
    """Augmentation Severity Rating Scale: three items 0–8, total 0–24; 5 and more suggests augmentation."""
    rng = world.stream("QS ASRS")
    subject, visit = _long(world, (0, 4, 8, 12, 16, 21))
    week = np.array([VISITS[j].week for j in visit], dtype=float)
    n = len(subject)
    affected = world.course.augmented[subject] & (week > world.subjects.augmentation_week[subject]) & (week <= TREATMENT_WEEKS + 4)
    items = np.where(affected[:, None], 1 + rng.binomial(7, 0.42, (n, 3)), rng.binomial(1, 0.16, (n, 3)))
    columns = {f"ASRS{j + 1}": [str(x) for x in items[:, j]] for j in range(3)}
    return table(_head(world, subject, visit) | columns | {"ASRSTOT": [str(x) for x in items.sum(axis=1)]}, n)


def _scale(world: World, column: str, worse_high: bool, slope: float, centre: float, noise: float) -> pd.DataFrame:
    rng = world.stream(f"QS {column}")
    subject, visit = _long(world, (0, 4, 8, 12, 16, 21))
    own = rng.normal(0, noise, world.n)
    total = world.course.total[subject, visit]
    sign = 1 if worse_high else -1
    value = centre + sign * slope * (total - 24) + own[subject] + rng.normal(0, 0.6 * noise, len(subject))
    return table(_head(world, subject, visit) | {column: [str(x) for x in np.round(value).clip(0, 100).astype(int)]}, len(subject))


def sleep(world: World) -> pd.DataFrame:
    """Sleep Problems Index II of the MOS sleep scale, 0–100, higher is worse."""
    return _scale(world, "MOSSPI", True, 1.5, 54.0, 10.0)


def quality_of_life(world: World) -> pd.DataFrame:
    """RLS quality-of-life score, 0–100, higher is better."""
    return _scale(world, "RLSQOL", False, 1.4, 58.0, 10.0)


def blinding(world: World) -> pd.DataFrame:
    """Guesses of participants and investigators about the allocation at weeks 1, 4 and 12; none in the open-label arm."""
    rng = world.stream("QS BLIND")
    blinded = world.on_device
    subject, visit = _long(world, (1, 4, 12), blinded[:, None])
    arms = world.actual
    red = np.array([a.wavelength is not None and a.wavelength < 700 and a.kind == "nir" for a in arms])[subject]
    warm = np.array([a.kind == "nir" for a in arms])[subject]
    week = np.array([VISITS[j].week for j in visit])
    change = (world.course.total[subject, visit] - world.course.total[subject, BASELINE]).astype(float)
    n = len(subject)
    frames = []
    for who, leak, unsure in (("PARTICIPANT", 1.6, 0.30), ("INVESTIGATOR", 0.5, 0.45)):
        logit = -0.25 + 0.10 * (-change - 6) * (week >= 4) + leak * red + 0.15 * warm
        guess = rng.random(n) < expit(logit)
        saw = red & (rng.random(n) < 0.35) & guess & (who == "PARTICIPANT")
        unknown = ~saw & (rng.random(n) < np.where(red, unsure - 0.12, unsure))
        confidence = np.where(unknown, 1, np.clip(1 + rng.binomial(4, 0.35 + 0.25 * red), 1, 5))
        draw = rng.random(n)
        reason = np.select(
            [unknown, saw, guess & (draw < 0.3) & warm, guess & (change <= -6), ~guess & (change > -4)],
            ["NONE", "SAW LIGHT", "FELT WARMTH", "SYMPTOMS IMPROVED", "NO IMPROVEMENT"],
            "IMPRESSION",
        )
        columns = {
            "RESP": [who] * n,
            "GUESS": where(unknown, "DK", where(guess, "NIR", "SHAM")),
            "CONF": [str(x) for x in confidence],
            "REASON": list(reason),
        }
        frames.append(table(_head(world, subject, visit) | columns, n))
    both = pd.concat(frames, ignore_index=True)
    order = np.concatenate([2 * np.arange(n), 2 * np.arange(n) + 1])
    return both.iloc[np.argsort(order, kind="stable")].reset_index(drop=True)
