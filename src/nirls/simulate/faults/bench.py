"""Faults of the devices themselves, seen on the bench or in the firmware number."""

from __future__ import annotations

from datetime import datetime, timedelta

import pandas as pd

from nirls.simulate.faults.devicelog import FILE, Log
from nirls.simulate.faults.plant import Planter


def plant_all(p: Planter) -> None:
    """R50 calibration missing or output lost, R51 firmware changed."""

    def single(log: Log, who: str) -> tuple[str, pd.DataFrame]:
        device = log.of(who)["SPDEVID"].iloc[0]
        du = p.tables["du"]
        return device, du[du["SPDEVID"] == device].sort_values("_pos")

    log = Log(p)
    for who in log.take("R50:gap", only=[who for who in log.light() if len(log.of(who)) >= 30]):
        _, bench = single(log, who)
        p.remove("du", [int(label) for label in bench.index[1:-1]])
        late = (datetime.fromisoformat(bench["DUDTC"].iloc[0]) + timedelta(days=104)).date().isoformat()
        last = int(bench.index[-1])
        p.change("du", last, DUDTC=max(late, bench["DUDTC"].iloc[-1]))
        p.note(
            "R50", "W", "du", last, "DUDTC", bench["DUDTC"].iloc[1], "true: calibration forgotten, more than 90 days since the one before"
        )
    for key, per_session, severity, note in (
        ("R50:drift", 0.0095, "W", "true: output fell by about one per cent a session; more than 20 % lost"),
        ("R50:loss", 0.026, "Q", "true: output fell quickly; more than 50 % lost"),
    ):
        log = Log(p)
        for who in log.take(key, only=[who for who in log.light() if len(log.of(who)) >= 30]):
            _, bench = single(log, who)
            days = log.of(who)["START_UTC"].str.slice(0, 10)
            nominal = float(bench["DUIRR"].iloc[0])
            for k, label in enumerate(log.of(who).index):  # what the log reports is the nominal output
                p.change(FILE, int(label), _dose=float(p.tables[FILE].at[label, "FLUENCE"]) * (1 - per_session) ** k)
            for label in bench.index[1:]:
                share = (1 - per_session) ** int((days < bench.at[label, "DUDTC"]).sum())
                p.change("du", int(label), DUIRR=f"{nominal * share:.2f}")
                if share < 0.8:
                    p.note(
                        "R50",
                        "Q" if share < 0.5 else "W",
                        "du",
                        int(label),
                        "DUIRR",
                        f"{nominal * share:.2f}",
                        note if (share < 0.5) == (severity == "Q") else "true: more than 20 % of the output lost",
                    )
    log = Log(p)
    for who in log.take("R51"):
        rows = log.of(who)
        at = len(rows) // 2
        for k, label in enumerate(rows.index[at:]):
            old = rows.at[label, "FW"]
            p.change(FILE, int(label), FW="2.2.0")
            if k == 0:
                p.note("R51", "W", FILE, int(label), "FW", old, "true: firmware updated during the trial")
