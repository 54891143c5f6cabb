"""Make the whole trial and write its folder."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from nirls.simulate.config import Trial
from nirls.simulate.course import NOT
from nirls.simulate.devices import Fleet
from nirls.simulate.faults import plant
from nirls.simulate.readme import readme
from nirls.simulate.text import fixed, table
from nirls.simulate.trial import clean_tables
from nirls.simulate.truth import truth
from nirls.simulate.world import World
from nirls.simulate.write import write_json, write_table


def hidden(world: World, log: pd.DataFrame, devices: Fleet) -> pd.DataFrame:
    """What nobody could see: latent values, events and the dose really delivered, from the log before any fault."""
    c, s, r = world.course, world.subjects, world.r
    aged = log.assign(n=log["SEQ_NO"].astype(int) - 1)
    share = np.array([(1 - devices.ageing[device]) ** n for device, n in zip(aged["SPDEVID"], aged["n"], strict=True)])
    delivered = (log["FLUENCE"].astype(float) * share).groupby(log["USUBJID"]).sum().reindex(r["usubjid"]).fillna(0.0)
    codes = np.array([arm.code for arm in world.trial.arms])
    flag = lambda values: [str(int(v)) for v in values]  # noqa: E731
    week = lambda values: ["" if v == NOT else str(int(v)) for v in values]  # noqa: E731
    return table(
        {
            "USUBJID": r["usubjid"], "ARMCD": codes[r["arm"]], "ACTARMCD": codes[r["actual"]], "MICROVASCULAR": flag(s.microvascular),
            "REFRACTORY": flag(s.refractory), "SECONDARY": flag(s.secondary), "THETA0": fixed(c.theta[:, 0], 3), "PLACEBO": fixed(s.placebo, 3),
            "STOP_WEEK": flag(c.stop_week), "EXIT_WEEK": flag(c.exit_week), "RETRIEVED": flag(c.retrieved), "RESCUE_WEEK": week(c.rescue_week),
            "RELAPSE_WEEK": week(c.relapse_week), "AUGMENTED": flag(c.augmented), "SESSIONS": flag((world.session_day > 0).sum(axis=(1, 2))),
            "FLUENCE_TOTAL": fixed(delivered.to_numpy(), 1),
        },
        world.n,
    )  # fmt: skip


def make(trial: Trial) -> dict[str, pd.DataFrame]:
    """All tables of the trial by file stem: the raw files, the answer key and the hidden truth by subject."""
    world, devices, clean = clean_tables(trial)
    tables, key = plant(trial, clean)
    return tables | {"answer-key": key, "truth-subjects": hidden(world, clean["dx"], devices)}


def export(trial: Trial, out: Path) -> dict[str, int]:
    """Write the folder of the trial; returns the number of records of each file.

    The Monte-Carlo truth is taken from an existing `truth.json` when that was made with the same parameters.
    """
    out.mkdir(parents=True, exist_ok=True)
    tables = make(trial)
    for name, frame in tables.items():
        write_table(out, name, frame)
    values = truth(trial, out / "truth.json")
    write_json(out / "truth.json", values)
    (out / "README.md").write_text(readme(trial, tables, values), encoding="utf-8")
    return {name: len(frame) for name, frame in tables.items()}
