"""A small fabricated trial: plan, documents, drawings, results and ledger, as the stages above the report write them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from nirls.ard.build import row, rows
from nirls.ard.frame import to_frame
from nirls.ard.io import write_ard, write_table
from nirls.plan.analysis import Analysis
from nirls.plan.base import validate
from nirls.plan.config import Config
from nirls.plan.display import Display, Displays, Section
from nirls.plan.estimand import Estimand
from nirls.plan.instrument import Instrument
from nirls.plan.load import Plan
from nirls.plan.study import Study
from nirls.provenance import versions
from nirls.tlf.document import AnswerDocument, Cell, Column, Fact, FigureDocument, Footnote, Row, TableDocument, stem, to_json

SENTENCE = (
    "At week 4, the mean change in the IRLS total was 3.12 points lower with NIR 54 J/cm² than with sham "
    "(difference −3.12, 95% CI (−5.40, −0.84); p = 0.0075)."
)
SVG = """<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd">
<svg xmlns:xlink="http://www.w3.org/1999/xlink" width="460.8pt" height="288pt" viewBox="0 0 460.8 288"
 xmlns="http://www.w3.org/2000/svg" version="1.1">
 <metadata><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"/></metadata>
 <defs><style type="text/css">*{stroke-linejoin: round; stroke-linecap: butt} .s, #p1:hover {fill: url(#g1)}</style></defs>
 <defs><clipPath id="c1"><rect x="7" y="7" width="440" height="270"/></clipPath><path id="m1" d="M 0 3 L 3 0"/></defs>
 <g id="figure_1"><g id="p1" clip-path="url(#c1)"><path d="M 10 250 L 430 40" style="fill: none; stroke: #2166ac" clip-path="url(#c1)"/></g>
 <use xlink:href="#m1" x="20" y="30" style="stroke: #000"/><text x="30" y="140" style="font: 12px sans-serif">Week 4 &lt; NAME</text></g>
</svg>"""


def study(blinding: str = "unblinded") -> Study:
    return validate(
        Study,
        {
            "id": "NIR-T",
            "title": "Near-infrared light in restless legs syndrome, a small trial",
            "condition": "Restless legs syndrome",
            "synthetic": True,
            "blinding": blinding,
            "attribution": "Made up for a test; no patient is described.",
            "data": "data/x",
            "dates": {"cut": "2026-06-30"},
            "arms": {
                "SHAM": {"label": "Sham device", "short": "Sham", "role": "sham"},
                "NIR54": {"label": "NIR 850 nm, 54 J/cm²", "short": "NIR 54 J/cm²", "role": "nir"},
                "SCRNFAIL": {"label": "Screen failure", "short": "Screen failure", "role": "sham", "not_an_arm": True},
            },
            "reference": "SHAM",
            "visits": [{"num": 2, "name": "Baseline", "week": 0, "target": 1, "window": [None, 1], "epoch": "BASELINE", "baseline": True}],
            "baseline": {"rule": "Last value on day 1"},
            "instruments": ["irls"],
            "intercurrent_events": {
                "STOP": {"label": "Stop of the device", "domain": "DM", "where": "ARMCD == 'NIR54'", "date": "RFENDTC"},
            },
            "populations": {"FAS": {"label": "Full analysis set", "rule": "randomized and treated", "where": "RANDFL == 'Y'"}},
            "sources": [{"domain": "DM", "file": "dm.csv"}],
            "waived": {"R24": "The allocation was changed by an amendment."},
        },
    )


def plan_of(name: str, figure: str, blinding: str, root: Path) -> Plan:
    irls = {
        "name": "International RLS Study Group Rating Scale",
        "abbreviation": "IRLS",
        "direction": "lower_better",
        "items": {"IRLS01": "Discomfort"},
        "scores": {"IRLSTOT": {"label": "IRLS total", "items": ["IRLS01"], "range": [0, 4], "source": "Walters 2003"}},
        "total": "IRLSTOT",
        "source": "Walters 2003, Sleep Med 4:121",
        "copyright": "The IRLS is copyrighted; item wording is not shown.",
    }
    estimand = {
        "label": "Treatment policy",
        "question": "Does light lower the total more than sham?",
        "population": "Randomized adults",
        "treatment": "Device as randomized",
        "variable": "Change to week 4",
        "summary": "Difference in mean change",
        "missing_data": "Missing at random given the model.",
        "intercurrent_events": [{"event": "STOP", "strategy": "treatment_policy"}],
    }
    analysis = {
        "label": "Change in IRLS total, mixed model",
        "estimand": "E1",
        "purpose": "PRIMARY OUTCOME MEASURE",
        "dataset": "ADQS",
        "set": "FAS",
        "where": "PARAMCD == 'IRLSTOT'",
        "group": "TRT01P",
        "method": "mmrm",
    }
    counted = {"label": "Disposition", "dataset": "ADSL", "group": "TRT01P", "method": "count"}
    shown = {
        key: {"title": title, "kind": kind, "layout": "x", "analyses": {"main": "primary"}, "section": "Efficacy"}
        for key, title, kind in (
            ("A1", "Does light beat sham?", "answer"),
            ("T14.1.1", "Disposition", "table"),
            ("T14.2.1", "LS means by visit", "table"),
            (figure, "Change over time", "figure"),
            ("F14.1.1", "Participant flow", "figure"),
        )
    }
    report = [
        {
            "title": "Primary result",
            "question": "Does near-infrared light beat sham?",
            "answer": "A1",
            "displays": ["T14.2.1", figure],
            "analyses": ["primary"],
        },
        {"title": "Participants", "displays": ["F14.1.1", "T14.1.1"]},
    ]
    return Plan(
        name=name,
        root=root,
        config=Config(study=name),
        study=study(blinding),
        instruments={"irls": validate(Instrument, irls)},
        estimands={"E1": validate(Estimand, estimand)},
        analyses={"primary": validate(Analysis, analysis), "disposition": validate(Analysis, counted)},
        displays=Displays(displays={k: validate(Display, v) for k, v in shown.items()}, report=[validate(Section, s) for s in report]),
    )


def mmrm_rows() -> list[dict[str, Any]]:
    found = [row("N", n, group1="TRT01P", group1_level=a) for a, n in (("SHAM", 52), ("NIR54", 50), ("Total", 102))]
    for arm, n in (("SHAM", 2), ("NIR54", 3), ("Total", 5)):
        found.append(row("n", n, variable="exclusion", variable_level="no value after baseline", group1="TRT01P", group1_level=arm))
    facts = {
        "formula": "CHG ~ BASE + TRT01P * AVISIT",
        "covariance": "unstructured",
        "ddf": "kenward-roger",
        "weights": "equal",
        "reml": "true",
        "path": "us (converged)",
    }
    found += [row("text", variable="model", variable_level=k, stat_text=v) for k, v in facts.items()]
    found += rows({"n_subjects": 97, "n_obs": 702, "n_excluded": 5, "deviance": 4021.77349, "gradient": 3.2e-9}, variable="model")
    found.append(
        row("estimate", None, variable="CHG", visit="Week 12", comparison="NIR54 - SHAM", error="no subject has a value at this visit")
    )
    return found


def documents(figure: str) -> list[Any]:
    shared: dict[str, Any] = {
        "stamps": ("SYNTHETIC DATA — not evidence",),
        "source": "data cut 2026-06-30 · input 01234567 · plan 89abcdef",
        "analyses": {"main": "primary"},
    }
    columns = tuple(Column(id=a, label=a, n=50, arm=a) for a in ("Sham", "NIR 54 J/cm²"))
    line = Row(label="Week 4", cells=(Cell(text="−4.10 (0.810)"), Cell(text="−7.22 (0.790)", marks=("a",))))
    facts = tuple(Fact(label=k, text=t) for k, t in (("Difference from Sham", "−3.12"), ("95% CI", "(−5.40, −0.84)"), ("p", "0.0075")))
    drawing = {"alt": "LS mean change by week; the light arm falls further than sham.", "width": 614.0, "height": 384.0}
    return [
        AnswerDocument(
            id="A1",
            number="Answer 1",
            title="Does light beat sham?",
            question="?",
            answer=SENTENCE,
            verdict="favours",
            facts=facts,
            comparisons=(Fact(label="NIR 18 J/cm²", text="−1.07 (95% CI −2.98 to 0.84; p = 0.2719)"),),
            limits=("Participants could guess their device.",),
            population="Shows 97 of 102 subjects.",
            **shared,
        ),
        TableDocument(id="T14.1.1", number="Table 14.1.1", title="Disposition", stub="Status", columns=columns, rows=(line,), **shared),
        TableDocument(
            id="T14.2.1",
            number="Table 14.2.1",
            title="LS means",
            stub="Visit",
            columns=columns,
            rows=(line,),
            footnotes=(Footnote(text="A note.", mark="a"),),
            **shared,
        ),
        FigureDocument(
            id=figure,
            number=f"Figure {figure[1:]}",
            title="Change over time",
            svg=f"{stem(figure)}.svg",
            description=("Week 4: −3.12",),
            **drawing,
            **shared,
        ),
        FigureDocument(id="F14.1.1", number="Figure 14.1.1", title="Flow", svg="f14-1-1.svg", **drawing, **shared),
    ]


FINDINGS = [
    ("DM", "dm.csv", "7", "ARMCD", "NIR54", "R23", "E", "run stopped", "T-007", "", "the stratum is not that of arm NIR54"),
    ("QS", "qs.csv", "12", "IRLS03", "7", "R05", "Q", "value set to missing", "T-001", "3.0", "an item must be a whole number from 0 to 4"),
    (
        "QS",
        "qs.csv",
        "19",
        "IRLS04",
        "<b>5</b>",
        "R05",
        "Q",
        "value set to missing",
        "T-002",
        "3.0",
        "an item must be a whole number from 0 to 4",
    ),
    *(
        ("QS", "qs.csv", str(30 + i), "QSDTC", "2026-01", "R18", "W", "kept", f"T-{i:03d}", "4.0", "the date is partial")
        for i in range(1, 10)
    ),
]
ACCOUNTS = [
    ("rows", "DM", "dm.csv", 104, 102, 1, 1, 0, 0),
    ("rows", "QS", "qs.csv", 900, 890, 4, 1, 5, 0),
    ("records", "QS", "qs.csv", 9000, 8890, 40, 10, 50, 10),
    ("rows", "DM", "", 104, 102, 1, 1, 0, 0),
]
RULES = [
    ("R05", "an item is a whole number in its range", "Q", "applied", "", 2, 0, 0, 2),
    ("R18", "dates are complete", "W", "applied", "", 9, 0, 0, 0),
    ("R07", "the total is in its range", "Q", "applied", "", 0, 0, 0, 0),
    ("R24", "the allocation is as planned", "W", "waived", "The allocation was changed by an amendment.", 1, 0, 0, 0),
    ("R60", "laboratory units convert", "Q", "no data", "", 0, 0, 0, 0),
]
RULE_COLUMNS = ["rule", "says", "severity", "status", "reason", "findings", "records_quarantined", "records_dropped", "values_removed"]
FINDING_COLUMNS = ["domain", "file", "row", "column", "value", "rule", "severity", "action", "usubjid", "visitnum", "message"]
ACCOUNT_COLUMNS = ["level", "domain", "file", "read", "accepted", "quarantined", "duplicate", "not_selected", "blank"]


@dataclass
class Trial:
    """The files of a fabricated trial and what a report makes of them."""

    plan: Plan
    inputs: SimpleNamespace
    outputs: SimpleNamespace

    def build(self) -> str:
        from nirls.report.build import build_files

        build_files(self.plan, self.inputs, self.outputs)
        return Path(self.outputs.html).read_text(encoding="utf-8")

    def manifest(self) -> dict[str, Any]:
        return json.loads(Path(self.outputs.manifest).read_text())


def make_trial(
    folder: Path, *, blinding: str = "unblinded", figure: str = "F14.2.1", findings: list | None = None, accounts: list | None = None
) -> Trial:
    plan = plan_of("small", figure, blinding, folder)
    for part in ("tlf", "ard", "sdtm", "adam", "report"):
        (folder / part).mkdir(parents=True)
    displays = []
    for document in documents(figure):
        path = folder / "tlf" / f"{stem(document.id)}.json"
        path.write_text(to_json(document), encoding="utf-8")
        displays.append(str(path))
        if document.kind == "figure":
            path.with_suffix(".svg").write_text(SVG.replace("NAME", document.id), encoding="utf-8")
            displays.append(str(path.with_suffix(".svg")))
    origin = {"spec": "5bec5bec5bec5bec", "code": "c0dec0dec0dec0de", "versions": versions(), "n_records": 710, "n_subjects": 102}
    ards = {"primary": mmrm_rows(), "disposition": [row("N", n, group1="TRT01P", group1_level=a) for a, n in (("SHAM", 52), ("NIR54", 50))]}
    for key, found in ards.items():
        write_ard(
            to_frame(found, analysis_id=key, method="mmrm", dataset="ADQS", analysis_set="FAS"), folder / "ard" / f"{key}.parquet", origin
        )
    pd.DataFrame(FINDINGS if findings is None else findings, columns=FINDING_COLUMNS).to_csv(folder / "sdtm/findings.csv", index=False)
    pd.DataFrame(ACCOUNTS if accounts is None else accounts, columns=ACCOUNT_COLUMNS).to_csv(folder / "sdtm/accounts.csv", index=False)
    pd.DataFrame(RULES, columns=RULE_COLUMNS).to_csv(folder / "sdtm/rules.csv", index=False)
    (folder / "sdtm/manifest.json").write_text(json.dumps({"files": {"qs.csv": "b" * 64, "dm.csv": "a" * 64}}))
    arms = {f"T-{i:03d}": "SHAM" if i % 2 else "NIR54" for i in range(1, 9)} | {"T-009": None}
    write_table(pd.DataFrame({"USUBJID": list(arms), "TRT01P": pd.Series(list(arms.values()), dtype="str")}), folder / "adam/adsl.parquet")
    (folder / "adam/adqs.accounts.csv").write_text("dataset,domain,reason,n\nADQS,QS,subject not randomized,1456\n")
    inputs = SimpleNamespace(
        displays=displays,
        ards=[str(folder / "ard" / f"{k}.parquet") for k in ards],
        findings=str(folder / "sdtm/findings.csv"),
        accounts=str(folder / "sdtm/accounts.csv"),
        rules=str(folder / "sdtm/rules.csv"),
        derived=[str(folder / "adam/adqs.accounts.csv")],
        manifest=str(folder / "sdtm/manifest.json"),
        adsl=str(folder / "adam/adsl.parquet"),
    )
    return Trial(
        plan=plan,
        inputs=inputs,
        outputs=SimpleNamespace(html=str(folder / "report/report.html"), manifest=str(folder / "report/manifest.json")),
    )


@pytest.fixture
def make(tmp_path: Path) -> Any:
    """A maker of trials, each in its own folder."""
    made: list[Trial] = []

    def one(**options: Any) -> Trial:
        made.append(make_trial(tmp_path / f"trial{len(made)}", **options))
        return made[-1]

    return one
