"""All raw tables of the trial as they would be without a single fault."""

from __future__ import annotations

import pandas as pd

from nirls.simulate import devices as dev
from nirls.simulate import disposition, findings, questionnaires, safety, treatment
from nirls.simulate.config import Trial
from nirls.simulate.devices import Fleet
from nirls.simulate.diary import diary
from nirls.simulate.population import roster
from nirls.simulate.sessions import sessions
from nirls.simulate.world import World, happen


def clean_tables(trial: Trial) -> tuple[World, Fleet, dict[str, pd.DataFrame]]:
    """What happened, the devices, and the raw tables by file stem."""
    world = happen(trial, roster(trial))
    devices = dev.fleet(world)
    deficiencies = safety.deficiencies(world, devices)
    tables = {
        "dm": disposition.demographics(world),
        "ds": disposition.disposition(world),
        "sv": disposition.visits(world),
        "dv": disposition.deviations(world),
        "qs_irls": questionnaires.irls(world),
        "qs_cgi": questionnaires.cgi(world),
        "qs_asrs": questionnaires.asrs(world),
        "qs_sleep": questionnaires.sleep(world),
        "qs_qol": questionnaires.quality_of_life(world),
        "qs_blind": questionnaires.blinding(world),
        "qs_diary": diary(world),
        "ex": treatment.exposure(world),
        "di": dev.register(world, devices),
        "dr": dev.assignment(world, devices),
        "dx": sessions(world, devices, deficiencies),
        "du": dev.calibration(world, devices),
        "de": deficiencies,
        "ae": safety.adverse_events(world, devices),
        "mh": treatment.history(world),
        "cm": treatment.medication(world),
        "lb": findings.laboratory(world),
        "vs": findings.vital_signs(world),
        "mk": findings.markers(world),
    }
    return world, devices, tables
