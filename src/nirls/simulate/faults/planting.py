"""All faults in their order: what happened first, then what was written down wrongly."""

from __future__ import annotations

import pandas as pd

from nirls.simulate.config import Trial
from nirls.simulate.faults import bench, clinical, devicelog, scales, timestamps
from nirls.simulate.faults.plant import Planter


def plant(trial: Trial, tables: dict[str, pd.DataFrame]) -> tuple[dict[str, pd.DataFrame], pd.DataFrame, pd.DataFrame]:
    """Plant every fault of the trial.

    Parameters
    ----------
    trial : Trial
        Gives the seed and the number of each fault.
    tables : dict of DataFrame
        Fault-free raw tables by file stem, every column text; not changed. The session log `dx` has hidden columns besides
        (see :class:`Planter`).

    Returns
    -------
    tables : dict of DataFrame
        The raw tables as the sites exported them.
    key : DataFrame
        The answer key, columns `KEY_COLUMNS`.
    delivered : DataFrame
        Sessions and fluence really delivered, by subject.
    """
    p = Planter(trial, tables)
    clinical.inherent(p)
    scales.dates(p)
    scales.items_and_totals(p)
    clinical.values(p)
    clinical.dates(p)
    clinical.repeats(p)
    devicelog.plant_all(p)
    bench.plant_all(p)
    timestamps.plant_all(p)
    return *p.finish(), p.delivered()
