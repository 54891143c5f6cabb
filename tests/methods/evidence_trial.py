"""Results of the methods on published evidence, for their tests and those of displays."""

from functools import cache
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd

from nirls.ard.build import row, rows
from nirls.ard.frame import to_frame
from nirls.methods.case_benchmark import CaseBenchmarkOptions, case_benchmark
from nirls.methods.meta_analysis import MetaAnalysisOptions, meta_analysis
from nirls.methods.registry import AnalysisData
from nirls.methods.single_case import SingleCaseOptions, single_case
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


CASE_COLUMNS = "id,citation,read,week,phase,value,start_from,start_to,notes"


def course(name, phases, values, starts=("", ""), weeks=None):
    """Rows of a case: phases as a text like "AAABBB"."""
    weeks = range(len(values)) if weeks is None else weeks
    return [f"{name},J Test 2020,abstract,{w},{p},{v},{starts[0]},{starts[1]}," for w, p, v in zip(weeks, phases, values, strict=True)]


def cases(folder, *courses):
    """A file of cases; returns its folder."""
    (folder / "cases.csv").write_text("\n".join([CASE_COLUMNS, *(line for c in courses for line in c)]) + "\n", encoding="utf-8")
    return folder


def case_plan(root, direction="lower_better"):
    found = plan(root, direction)
    score = SimpleNamespace(range=(0, 40))
    found.instruments["irls"].scores["IRLSTOT"] = score
    return found


def single(folder=None, direction="lower_better", **options):
    """Rows of `single_case` on the file of `folder`, or on the shipped one."""
    root, file = (ROOT, "data/literature/cases.csv") if folder is None else (folder, "cases.csv")
    spec, frame = Analysis(label="x", dataset="ADSL", method="single_case"), pd.DataFrame()
    data = AnalysisData(frame=frame, adsl=frame, spec=spec, analysis_id="cases", plan=case_plan(root, direction))
    return written(single_case(data, SingleCaseOptions(cases=file, **options)), "cases")


def trial(codes=("SHAM", "NIR"), n=40, lost=2, seed=6, sign=1):
    """Screening, baseline and week 4 of `n` subjects in each arm; the first `lost` have no week 4. `sign` −1 mirrors the scale."""
    rng, lines = np.random.default_rng(seed), []
    for k, code in enumerate(codes):
        true = rng.normal(24, 4, n)
        first, base = (np.clip(np.round(true + rng.normal(0, 3, n)), 0, 40) for _ in range(2))
        late = np.clip(np.round(base - 6 - 4 * k + rng.normal(0, 5, n)), 0, 40)
        for i in range(n):
            for visit, value in (("Screening", first[i]), ("Baseline", base[i]), ("Week 4", late[i])):
                if visit != "Week 4" or i >= lost:
                    lines.append((f"{code}-{i:02d}", code, visit, value if sign > 0 else 40 - value, base[i] if sign > 0 else 40 - base[i]))
    return pd.DataFrame(lines, columns=["USUBJID", "TRT01P", "AVISIT", "AVAL", "BASE"]).assign(PARAMCD="IRLSTOT")


def benched(codes=("SHAM", "NIR"), frame=None, direction="lower_better", root=ROOT, file="data/literature/cases.csv", **options):
    """Rows of `case_benchmark` for the shipped case."""
    frame = trial(codes) if frame is None else frame
    frame = frame.assign(TRT01P=pd.Categorical(frame["TRT01P"], categories=codes, ordered=True))
    adsl = frame.drop_duplicates("USUBJID")[["USUBJID", "TRT01P"]].assign(BASEFL="Y")
    found = case_plan(root, direction)
    found.study = SimpleNamespace(reference=codes[0], arms={c: None for c in codes})
    spec = Analysis(label="x", dataset="ADQS", method="case_benchmark", group="TRT01P")
    data = AnalysisData(frame=frame, adsl=adsl, spec=spec, analysis_id="bench", plan=found)
    given = {"cases": file, "case": ["MITCHELL-2010"], "week": 4, "visit": "Week 4", "screening": "Screening", "thresholds": [15.0]}
    given |= {"published": [{"label": "Placebo", "mean": -6.58, "sd": 7.5, "source": "Neurology 2017;88:2216"}]}
    given |= {"reached": {"zero": {"label": "Total of 0", "value": 0}, "half": {"label": "Half", "percent": 50}}}
    given["reached"]["ten"] = {"label": "At most 10", "value": 10}
    return written(case_benchmark(data, CaseBenchmarkOptions(**given | options)), "bench")


@cache
def shipped_case():
    return single()


@cache
def shipped_benchmark(codes=("SHAM", "NIR")):
    return benched(codes)
