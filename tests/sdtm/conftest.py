"""A trial of four subjects and three visits, written as CSV files that a test may spoil before the ingest."""

import copy
import csv
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

import pytest

from nirls.plan.base import validate
from nirls.plan.instrument import Instrument
from nirls.plan.study import Study
from nirls.sdtm.ingest import RejectedError, ingest

ITEMS = [f"IRLS{i:02d}" for i in range(1, 11)]
IRLS = {
    "name": "Scale", "abbreviation": "IRLS", "direction": "lower_better", "items": {item: item for item in ITEMS}, "item_range": [0, 4],
    "scores": {"IRLSTOT": {"label": "Total", "items": ITEMS, "range": [0, 40], "source": "test"}}, "total": "IRLSTOT",
    "recorded_total": "IRLSTOT", "source": "test",
}  # fmt: skip
ARM = {"label": "Arm", "short": "Arm"}
STUDY = {
    "id": "T",
    "title": "T",
    "condition": "RLS",
    "synthetic": True,
    "blinding": "unblinded",
    "data": "data",
    "dates": {"cut": "2025-12-31"},
    "arms": {"SHAM": {**ARM, "role": "sham"}, "NIR": {**ARM, "role": "nir"}, "SCRNFAIL": {**ARM, "role": "sham", "not_an_arm": True}},
    "reference": "SHAM",
    "visits": [
        {"num": 1, "name": "Screening", "target": -14, "window": [None, -7], "epoch": "SCREENING"},
        {"num": 2, "name": "Baseline", "week": 0, "target": 1, "window": [-6, 1], "epoch": "BASELINE", "baseline": True},
        {"num": 3, "name": "Week 1", "week": 1, "target": 8, "window": [2, 11], "epoch": "TREATMENT"},
        {"num": 4, "name": "Week 2", "week": 2, "target": 15, "window": [12, 18], "epoch": "TREATMENT"},
    ],
    "baseline": {"rule": "-"},
    "instruments": ["irls"],
    "populations": {},
    "strata": {
        "STRSEV": {
            "variable": "STRSEV",
            "label": "-",
            "levels": ["<25", ">=25"],
            "derived": {"<25": "IRLSBL < 25", ">=25": "IRLSBL >= 25"},
        }
    },
    "covariates": {"IRLSBL": {"label": "-", "source": "QS.IRLSTOT"}},
    "sources": [
        {"domain": "DM", "file": "dm.csv"},
        {"domain": "SV", "file": "sv.csv"},
        {"domain": "AE", "file": "ae.csv"},
        {"domain": "DX", "file": "dx.csv"},
        {
            "domain": "QS",
            "file": "qs.csv",
            "rename": {"IRLSDTC": "QSDTC"},
            "constants": {"QSCAT": "IRLS"},
            "unpivot": {"testcd": "QSTESTCD", "value": "QSORRES", "tests": {name: name for name in [*ITEMS, "IRLSTOT"]}},
        },
        {
            "domain": "LB",
            "file": "lb.csv",
            "drop_blank": True,
            "unpivot": {"testcd": "LBTESTCD", "value": "LBORRES", "tests": {"FERRITIN": "FERRITIN"}, "units": {"FERRITIN": "ug/L"}},
        },
    ],
}
SUBJECTS = ["T-01-001", "T-01-002", "T-02-003", "T-02-004"]
VISITS = {1: "2025-02-15", 2: "2025-03-01", 3: "2025-03-08"}


def _subject(i, subject):
    """One row of DM."""
    arm = ["SHAM", "NIR"][i % 2]
    who = {"STUDYID": "T", "USUBJID": subject, "SUBJID": subject[-3:], "SITEID": subject[2:4], "REGION": "NA"}
    what = {"BRTHDTC": "1970-06-01", "AGE": "54", "SEX": "F", "RACE": "ASIAN", "HEIGHT": "170.5", "WEIGHT": "60", "PHOTOTYPE": "II"}
    when = {"RFICDTC": "2025-02-10", "RANDDTC": "2025-03-01", "RANDNO": f"R{i}", "RFSTDTC": "2025-03-01", "RFENDTC": "2025-03-08"}
    return {**who, **what, **when, "ARMCD": arm, "ACTARMCD": arm, "STRSEV": "<25", "DTHDTC": ""}


def _tables():
    visits = [{"USUBJID": s, "VISITNUM": str(v), "VISIT": f"V{v}"} for s in SUBJECTS for v in VISITS]
    event = {
        "AESEQ": "1",
        "AETERM": "Headache",
        "AEDECOD": "Headache",
        "AEBODSYS": "Nervous system disorders",
        "AESTDTC": "2025-03-05",
        "AEENDTC": "2025-03-06",
        "AESEV": "1",
    }
    session = {"START_UTC": "2025-03-02T20:00:00Z", "END_UTC": "2025-03-02T20:30:00Z", "TZ": "Europe/Berlin"}
    light = {"ON_SEC": "1800", "IRR_MEAN": "30", "FLUENCE": "54", "STATUS": "ok"}
    day = {str(v): date for v, date in VISITS.items()}
    return {
        "dm": [_subject(i, s) for i, s in enumerate(SUBJECTS)],
        "sv": [{**v, "SVSTDTC": day[v["VISITNUM"]]} for v in visits],
        "ae": [{"USUBJID": s, **event, "AESER": "N"} for s in SUBJECTS],
        "dx": [{"SPDEVID": f"D{i}", "SESSION_ID": f"{i}-1", "USUBJID": s, **session, **light} for i, s in enumerate(SUBJECTS, 1)],
        "qs": [{**v, "IRLSDTC": day[v["VISITNUM"]], **dict.fromkeys(ITEMS, "2"), "IRLSTOT": "20"} for v in visits],
        "lb": [{"USUBJID": s, "VISITNUM": "2", "VISIT": "V2", "LBDTC": "2025-03-01", "FERRITIN": "48.5"} for s in SUBJECTS],
    }


@dataclass
class Trial:
    """Tables as lists of rows, the study as nested dicts; `run` writes and ingests them."""

    root: Path
    tables: dict = field(default_factory=_tables)
    study: dict = field(default_factory=lambda: copy.deepcopy(STUDY))

    @property
    def folder(self):
        return self.root / "data"

    def write(self):
        self.folder.mkdir(exist_ok=True)
        for name, rows in self.tables.items():
            with (self.folder / f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
                writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
                writer.writeheader()
                writer.writerows(rows)
        return self

    def source(self, file):
        return next(s for s in self.study["sources"] if s["file"] == file)

    @property
    def plan(self):
        return SimpleNamespace(study=validate(Study, self.study), instruments={"irls": validate(Instrument, IRLS)})

    def run(self, *, write=True):
        if write:
            self.write()
        return ingest(self.plan, self.root)

    def rejected(self, *, write=True):
        """The error of a run that must be stopped."""
        with pytest.raises(RejectedError) as caught:
            self.run(write=write)
        return caught.value

    def findings(self, rule=None, *, write=True):
        """(rule, file, row, column, value, severity) of all findings, or those of one rule."""
        try:
            found = self.run(write=write).ledger.findings
        except RejectedError as error:
            found = error.ledger.findings
        rows = [
            tuple(None if v != v else v for v in row)
            for row in found[["rule", "file", "row", "column", "value", "severity"]].astype(object).itertuples(index=False, name=None)
        ]
        return [row[1:] if rule else row for row in rows if rule in (None, row[0])]


@pytest.fixture
def trial(tmp_path):
    """A clean trial: its ingest finds nothing."""
    return Trial(tmp_path)
