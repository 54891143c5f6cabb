"""Results of the methods on published evidence, for their tests and those of displays."""

from functools import cache
from pathlib import Path
from types import SimpleNamespace

import pandas as pd

from nirls.ard.build import row, rows
from nirls.ard.frame import to_frame
from nirls.methods.meta_analysis import MetaAnalysisOptions, meta_analysis
from nirls.methods.registry import AnalysisData
from nirls.plan.analysis import Analysis

ROOT = Path(__file__).parents[2]
LITERATURE = "data/literature/irls.csv"
COLUMNS = "id,kind,citation,read,comparator,control,outcome,week,n,n_comparator,n_control,estimate,std_error,ci_low,ci_high"
COLUMNS += ",baseline_irls,baseline_irls_sd,derived,patients_of,notes"


def plan(root=ROOT, direction="lower_better"):
    scales = {"irls": SimpleNamespace(scores={"IRLSTOT": None}, direction=direction)}
    return SimpleNamespace(instruments=scales, root=root, study=SimpleNamespace(reference="SHAM"))


def own(estimate=-3.86, error=0.81, codes=("SHAM", "NIR"), reason=""):
    """A mixed model's difference at week 4, as its results hold it."""
    names = ("estimate", "std_error", "conf_low", "conf_high")
    values = dict(zip(names, (estimate, error, estimate - 1.96 * error, estimate + 1.96 * error), strict=True))
    key = {"variable": "CHG", "visit": "Week 4", "comparison": f"{codes[1]} - {codes[0]}"}
    found = [row(s, None, error=reason, **key) for s in names] if reason else rows(values, **key)
    found += [row("n_subjects", n, variable="model", group1="TRT01P", group1_level=c) for c, n in zip(codes, (87, 89), strict=True)]
    return to_frame(found, analysis_id="primary")


def studies(*given):
    """A file of published results: (id, kind, estimate, error, more columns) each."""
    lines = [COLUMNS]
    for name, kind, estimate, error, more in given:
        cells = dict.fromkeys(COLUMNS.split(","), "") | {"id": name, "kind": kind, "citation": f"J Test 2020 {name}", "read": "abstract"}
        cells |= {"comparator": "device", "control": "sham", "outcome": "IRLS total change", "n": "40", "week": "4"}
        cells |= {"estimate": "" if estimate is None else str(estimate), "std_error": "" if error is None else str(error)} | more
        lines.append(",".join(f'"{v}"' for v in cells.values()))
    return "\n".join(lines) + "\n"


def pooled(folder=None, text=None, used=None, direction="lower_better", **options):
    """The result of the method on `text`, or on the shipped file."""
    root, file = ROOT, LITERATURE
    if text is not None:
        (folder / "studies.csv").write_text(text, encoding="utf-8")
        root, file = folder, "studies.csv"
    given = {"literature": file, "kinds": ["device v sham"]} | options
    spec = Analysis(label="x", dataset="ADSL", method="meta_analysis", uses=list(used or {}))
    frame = pd.DataFrame()
    data = AnalysisData(frame=frame, adsl=frame, spec=spec, analysis_id="meta", plan=plan(root, direction), used=used or {})
    return meta_analysis(data, MetaAnalysisOptions(**given))


def written(result, analysis_id="meta"):
    notes = [
        {"stat_name": "text", "variable": "footnote", "variable_level": str(i), "stat_text": t} for i, t in enumerate(result.footnotes, 1)
    ]
    return to_frame([*result.rows, *notes], analysis_id=analysis_id, method="x", dataset="ADSL", analysis_set="FAS")


@cache
def shipped(name="devices", codes=("SHAM", "NIR")):
    """The shipped file with this trial: "nir" (two studies), "devices" (four), "alone" (one study only)."""
    kinds = {"nir": ["near-infrared v sham"], "devices": ["near-infrared v sham", "device v sham"], "alone": ["near-infrared v sham"]}[name]
    listed = ["near-infrared v near-infrared", "near-infrared in one patient"]
    asked = {"analysis": "primary", "comparison": f"{codes[1]} - {codes[0]}", "visit": "Week 4", "label": "This trial"}
    used = {"primary": own(codes=codes, reason="the model did not converge" if name == "alone" else "")}
    return written(pooled(kinds=kinds, listed=listed, own=asked, used=used, favours=("light", "sham")), f"meta-{name}")
