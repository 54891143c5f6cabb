"""The electronic diary: severity 0–10 with clock time; five prompts on nine days, otherwise one in the evening."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from nirls.simulate.schedule import LAST_WEEK
from nirls.simulate.text import table
from nirls.simulate.world import World

FIRST_DAY, LAST_DAY = -7, 84  # study days of the diary
INTENSIVE = ((-3, -2, -1), (26, 27, 28), (82, 83, 84))
PROMPTS = (8.0, 12.0, 16.0, 20.0, 23.0)  # local hours; the fourth is the evening entry of an ordinary day
PEAK = 23.5


def local_text(day: int, minute: int, zone: ZoneInfo) -> str:
    """ISO 8601 local time with the offset valid in `zone` at that minute of the (ordinal) day."""
    moment = datetime.fromordinal(day).replace(tzinfo=zone) + timedelta(minutes=minute)
    return moment.isoformat(timespec="minutes")


def diary(world: World) -> pd.DataFrame:
    """QS diary: one row per answered prompt, in local time with UTC offset and zone."""
    rng = world.stream("QS DIARY")
    n, course = world.n, world.course
    compliance = rng.beta(8, 1.6, n)
    habit, onset_own, sleep_own = rng.normal(0, 0.9, n), rng.normal(19.3, 0.9, n), rng.normal(6.3, 0.7, n)
    intensive = {day for block in INTENSIVE for day in block}
    zones = [ZoneInfo(world.trial.sites[k].tz) for k in world.r["site"]]
    parts: dict[str, list[str]] = {name: [] for name in ("USUBJID", "DIARYDTM", "TZ", "NRS", "ONSETTM", "SLEEPH")}
    prompts = [(day, k) for day in range(FIRST_DAY, LAST_DAY + 1) if day != 0 for k in range(5) if day in intensive or k == 3]
    day_of = np.array([day for day, _ in prompts])
    slot = np.array([k for _, k in prompts])
    offset = np.where(day_of > 0, day_of - 1, day_of)
    week = np.clip(np.ceil(day_of / 7), 0, LAST_WEEK).astype(int)
    for i in range(n):
        m = len(prompts)
        in_study = world.day1[i] + offset <= world.study_end[i]
        answered = (rng.random(m) < compliance[i]) & in_study
        minute = np.round(
            (np.asarray(PROMPTS)[slot] + np.where(slot == 3, habit[i].clip(-1.5, 1.5), 0)) * 60 + rng.normal(0, 22, m)
        ).astype(int)
        latent = course.theta[i, week] / 4.0
        hour = minute / 60
        lead = np.where(course.augmented[i], np.clip(0.4 * (week - world.subjects.augmentation_week[i]), 0, 4), 0)
        circadian = 2.1 * np.cos(2 * np.pi * (hour + lead - PEAK) / 24)
        value = np.round(latent - 1.1 + circadian + rng.normal(0, 1.1, m)).clip(0, 10).astype(int)
        onset = (
            np.round((onset_own[i] - 0.10 * (latent - 6) - lead + rng.normal(0, 0.6, m)) * 60).astype(int).clip(12 * 60, 23 * 60 + 55)
            // 5
            * 5
        )
        hours = (sleep_own[i] - 0.22 * (latent - 5) + rng.normal(0, 0.6, m)).clip(1, 11)
        zone, evening = zones[i], slot == 3
        for j in np.flatnonzero(answered):
            parts["DIARYDTM"].append(local_text(int(world.day1[i] + offset[j]), int(minute[j]), zone))
            parts["NRS"].append(str(value[j]))
            parts["ONSETTM"].append(f"{onset[j] // 60:02d}:{onset[j] % 60:02d}" if evening[j] and value[j] > 0 else "")
            parts["SLEEPH"].append(f"{hours[j]:.1f}" if evening[j] else "")
        count = int(answered.sum())
        parts["USUBJID"] += [world.r["usubjid"][i]] * count
        parts["TZ"] += [zone.key] * count
    return table(parts, len(parts["USUBJID"]))
