"""What decides that a result is made again: it holds all the plan and code a stage reads, and nothing a stage does not read."""

import ast
import dataclasses
from pathlib import Path

import pytest

from nirls import provenance, workflow
from nirls.adam.derive import derive, read_inputs
from nirls.analyse import analyse_files
from nirls.ard.io import write_table
from nirls.methods.registry import all_methods
from nirls.plan.analysis import Analysis, Subjects
from nirls.plan.config import Config
from nirls.plan.load import Plan, load_plan
from nirls.plan.study import Pooling, Study
from nirls.report.origin import plan_hash
from nirls.sdtm.ingest import ingest, write_ingested
from nirls.tlf.files import display_files
from nirls.workflow import STUDY, Targets

ROOT = Path(__file__).parents[1]
STAGES = ("ingest", "derive", "analyse", "display")
ANALYSIS, DISPLAY = "ancova_week4", "T14.2.1.1"
KEYS = {"analyse": ANALYSIS, "display": DISPLAY}


@pytest.fixture(scope="module")
def plan():
    return load_plan("nir-rls", root=ROOT)


def spec(plan, stage):
    return Targets(plan=plan).spec(stage, KEYS.get(stage))


def with_study(plan, **fields):
    return dataclasses.replace(plan, study=plan.study.model_copy(update=fields))


# --- what the stages read, recorded while they run ---------------------------------------------

READ: set[str] = set()


class RecordedStudy(Study):
    """A study that notes which of its fields are looked at."""

    def __getattribute__(self, name):
        if name in Study.model_fields:
            READ.add(f"study.{name}")
        return super().__getattribute__(name)


class RecordedConfig(Config):
    def __getattribute__(self, name):
        if name in Config.model_fields:
            READ.add(f"config.{name}")
        return super().__getattribute__(name)


class RecordedEntries(dict):
    """Analyses, displays or estimands: notes which entries are looked at."""

    def __init__(self, name, entries):
        super().__init__(entries)
        self.name = name

    def __getitem__(self, key):
        READ.add(f"{self.name}.{key}")
        return super().__getitem__(key)

    def _all(self):
        READ.add(f"{self.name}.*")

    def __iter__(self):
        self._all()
        return super().__iter__()

    def items(self):
        self._all()
        return super().items()

    def values(self):
        self._all()
        return super().values()

    def get(self, key, default=None):
        READ.add(f"{self.name}.{key}")
        return super().get(key, default)


def recorded(plan: Plan) -> Plan:
    displays = plan.displays.model_copy(update={"displays": RecordedEntries("displays", plan.displays.displays)})
    return dataclasses.replace(
        plan,
        study=RecordedStudy.model_construct(**{name: getattr(plan.study, name) for name in Study.model_fields}),
        config=RecordedConfig.model_construct(**{name: getattr(plan.config, name) for name in Config.model_fields}),
        analyses=RecordedEntries("analyses", plan.analyses),
        estimands=RecordedEntries("estimands", plan.estimands),
        instruments=RecordedEntries("instruments", plan.instruments),
        displays=displays,
    )


def allowed(stage, plan, key=None):
    names = {f"study.{name}" for name in STUDY[stage]}
    if stage != "analyse":
        names |= {"instruments.*", *(f"instruments.{name}" for name in plan.instruments)}
    if stage == "derive":
        names.add("config.seed")
    if stage == "analyse":
        names.add(f"analyses.{key}")
        reads = all_methods()[plan.analyses[key].method].reads
        if Targets(plan=plan).needs_events(key):
            names |= {"study.intercurrent_events", f"estimands.{plan.analyses[key].estimand}"}
        whole = {"parameters": "study.parameters", "seed": "config.seed", "instruments": "instruments.*"}
        names |= {whole.get(name, f"study.{name}") for name in reads}
        names |= {"study.instruments", *(f"instruments.{name}" for name in plan.instruments)} if "instruments" in reads else set()
    if stage == "display":
        names.add(f"displays.{key}")
        names |= {f"analyses.{a}" for a in plan.displays.displays[key].analyses.values()}
    return names


class Files(dict):
    """Inputs or outputs of a rule: by name, or all of them."""

    __getattr__ = dict.__getitem__


def quick(entry):
    """What makes an analysis by simulation short; it reads the same."""
    if entry.method == "mcpmod":
        return {"options": {**entry.options, "draws": 100}}
    fewer = {"imputation": {"draws": 2}, "tipping_point": {"step": 20}}
    short = entry.method in fewer
    return {"arms": ["SHAM", "NIR850-54"], "options": {**entry.options, **fewer[entry.method]}} if short else {}


def test_a_stage_reads_nothing_that_its_hash_leaves_out(plan, tmp_path):
    analyses = {k: e.model_copy(update=quick(e)) for k, e in plan.analyses.items()}
    plain, plan = plan, recorded(dataclasses.replace(plan, analyses=analyses))

    def run(stage, action, key=None):
        READ.clear()
        value = action()
        more = READ - allowed(stage, plain, key)
        assert not more, f"{stage} {key or ''} reads {sorted(more)}, which its hash in nirls.workflow leaves out"
        return value, set(READ)

    ingested, seen = run("ingest", lambda: ingest(plan, ROOT))
    unread = {f"study.{n}" for n in STUDY["ingest"]} - seen
    assert not unread, f"ingest no longer reads {sorted(unread)}"
    write_ingested(ingested, tmp_path / "sdtm")
    adam = tmp_path / "adam"
    adam.mkdir()
    paths, seen = [*sorted((tmp_path / "sdtm").glob("*.parquet")), tmp_path / "sdtm/_ledger/findings.csv"], set()
    paths += [tmp_path / "sdtm/_ledger/quarantine"]
    datasets = ("ADSL", "ADQS", "ADDV", "ADICE", "ADEX", "ADEXSUM", "ADDIARY", "ADTTE", "ADLB", "ADVS", "ADRISK", "ADAE", "ADDE")
    for dataset in datasets:
        inputs = read_inputs(paths)
        derived, read = run("derive", lambda inputs=inputs, dataset=dataset: derive(dataset, inputs, plan))
        seen |= read
        paths += [adam / f"{dataset.lower()}.parquet"] if dataset in ("ADSL", "ADQS", "ADICE", "ADEX", "ADRISK") else []
        write_table(derived.frame, adam / f"{dataset.lower()}.parquet", {})
    unread = {f"study.{n}" for n in STUDY["derive"]} - seen - {"study.id"}  # of data without STUDYID alone
    assert not unread, f"derive no longer reads {sorted(unread)}"
    blinded = dataclasses.replace(plan, study=plan.study.model_copy(update={"blinding": "blinded"}))
    _, seen = run("derive", lambda: derive("ADSL", read_inputs(paths), blinded))
    assert "config.seed" in seen
    ard, analysed, shown = tmp_path / "ard", set(), set()
    ard.mkdir()
    for key, entry in plain.analyses.items():
        files = Files(
            data=adam / f"{entry.dataset.lower()}.parquet", adsl=adam / "adsl.parquet", used=[ard / f"{u}.parquet" for u in entry.uses],
            ice=adam / "adice.parquet" if Targets(plan=plain).needs_events(key) else None,
            beside=[adam / f"{name}.parquet" for name in Targets(plan=plain).beside(key)],
        )  # fmt: skip
        out = Files(ard=ard / f"{key}.parquet", records=ard / f"{key}.records.parquet")
        _, read = run("analyse", lambda key=key, files=files, out=out: analyse_files(plan, key, files, out, {"spec": "", "code": ""}), key)
        analysed |= read
    unread = {f"study.{n}" for n in STUDY["analyse"]} - analysed - {"study.dose_unit"}  # of a dose trend alone
    assert not unread, f"analyses no longer read {sorted(unread)}"
    for key, display in plain.displays.displays.items():
        ids = dict.fromkeys(display.analyses.values())
        ards = [str(ard / f"{a}.parquet") for a in ids]
        kept = [str(p) for a in ids if (p := ard / f"{a}.records.parquet").exists()]
        target = [str(tmp_path / f"{key}.json")]
        _, read = run("display", lambda key=key, a=ards, k=kept, t=target: display_files(plan, key, a, k, t, "0" * 16), key)
        shown |= read
    unread = {f"study.{n}" for n in STUDY["display"]} - shown
    assert not unread, f"displays no longer read {sorted(unread)}"


# --- every field of the study, for every stage --------------------------------------------------


def changed(plan, name):
    """The study with another value of one field."""
    study = plan.study
    value = getattr(study, name)
    other = {
        "blinding": "blinded",
        "dates": study.dates.model_copy(update={"cut": "2031-01-01"}),
        "windows": study.windows.model_copy(update={"choice": "last"}),
        "disposition": study.disposition.model_copy(update={"completed": ["FINISHED"]}),
        "baseline": study.baseline.model_copy(update={"on_or_before_day": 0}),
        "pooling": Pooling(min_per_arm=7),
        "rules": {**study.rules, "R99": {"limit": 1}},
        "waived": {**study.waived, "R99": "Not collected."},
    }
    if name in other:
        new = other[name]
    elif isinstance(value, bool):
        new = not value
    elif isinstance(value, str) or value is None:
        new = f"{value} x"
    elif isinstance(value, dict):
        new = dict(list(value.items())[:-1]) if value else {"NEW": "x"}
    else:
        new = list(value)[:-1]
    assert new != value
    return with_study(plan, **{name: new})


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("name", Study.model_fields)
@pytest.mark.filterwarnings("ignore:Pydantic serializer warnings")
def test_each_field_of_the_study(plan, stage, name):
    events = stage == "analyse" and name == "intercurrent_events"  # of an analysis with an estimand, which this one has
    assert (spec(changed(plan, name), stage) != spec(plan, stage)) == (name in STUDY[stage] or events)
    assert spec(changed(plan, name), "report") != spec(plan, "report")


@pytest.mark.parametrize(
    ("name", "stages"), [("arms", STAGES), ("strata", STAGES), ("covariates", STAGES), ("populations", ("derive", "display"))]
)
def test_the_order_of_entries_counts(plan, name, stages):
    """Arms and levels are displayed, and sets derived, in the order of the plan."""
    entries = getattr(plan.study, name)
    assert len(entries) > 1 or name == "strata"
    turned = with_study(plan, **{name: dict(reversed(entries.items()))})
    for stage in stages:
        assert (spec(turned, stage) != spec(plan, stage)) == (len(entries) > 1)


def test_the_order_of_reasons_counts(plan):
    """A subject outside a set has the first reason that holds."""
    name, population = next((n, p) for n, p in plan.study.populations.items() if len(p.excluded) > 1)
    turned = population.model_copy(update={"excluded": dict(reversed(population.excluded.items()))})
    assert spec(with_study(plan, populations={**plan.study.populations, name: turned}), "derive") != spec(plan, "derive")


# --- the other parts of the plan ------------------------------------------------------------------


@pytest.mark.parametrize(("field", "stages"), [("seed", {"derive", "report"}), ("results", set()), ("table_formats", {"report"})])
def test_config(plan, field, stages):
    new = {"seed": 1, "results": "elsewhere", "table_formats": ["html", "rtf"]}[field]
    assert new != getattr(plan.config, field)
    other = dataclasses.replace(plan, config=plan.config.model_copy(update={field: new}))
    for stage in (*STAGES, "report"):
        assert (spec(other, stage) != spec(plan, stage)) == (stage in stages)
    assert (plan_hash(other) != plan_hash(plan)) == bool(stages)


def test_scales(plan):
    key, scale = next(iter(plan.instruments.items()))
    other = dataclasses.replace(plan, instruments={**plan.instruments, key: scale.model_copy(update={"item_range": (0.0, 9.0)})})
    for stage in (*STAGES, "report"):
        assert (spec(other, stage) != spec(plan, stage)) == (stage != "analyse")


@pytest.mark.parametrize("field", Analysis.model_fields)
def test_each_field_of_an_analysis(plan, field):
    """An entry concerns its own result, what shows it, and the report; no other analysis or display."""
    entry = plan.analyses[ANALYSIS]
    value = {
        "options": {**entry.options, "level": 0.9},
        "arms": ["SHAM"],
        "uses": ["disposition"],
        "subjects": Subjects(label="who", where="SEX == 'F'"),
        "carried_forward": True,
    }.get(field, "other")
    other = dataclasses.replace(plan, analyses={**plan.analyses, ANALYSIS: entry.model_copy(update={field: value})})
    before, after = Targets(plan=plan), Targets(plan=other)
    assert {a for a in plan.analyses if before.spec("analyse", a) != after.spec("analyse", a)} == {ANALYSIS}
    shown = {d for d, e in plan.displays.displays.items() if ANALYSIS in e.analyses.values()}
    assert {d for d in plan.displays.displays if before.spec("display", d) != after.spec("display", d)} == shown
    assert after.spec("report") != before.spec("report")
    assert after.spec("derive") == before.spec("derive") and after.spec("ingest") == before.spec("ingest")


def test_what_a_method_reads_besides_runs_its_analyses_again(plan):
    """The scale and the seed concern the minimal important change; of the others only what scores a scale knows the scale."""
    key, scale = next(iter(plan.instruments.items()))
    other = dataclasses.replace(plan, instruments={**plan.instruments, key: scale.model_copy(update={"item_range": (0.0, 9.0)})})
    seed = dataclasses.replace(plan, config=plan.config.model_copy(update={"seed": 1}))
    before, imputing = Targets(plan=plan), ("imputation", "tipping_point")
    published = ("meta_analysis", "single_case", "case_benchmark")
    for changed_plan, methods in (
        (
            other,
            {
                "mcid",
                "retest",
                "reliability",
                "responder",
                "responder_subgroups",
                "distribution",
                "mcpmod",
                "noninferiority",
                "early_response",
                *imputing,
                *published,
            },
        ),
        (seed, {"mcid", "early_response", "mediation"}),
    ):
        after = Targets(plan=changed_plan)
        again = {plan.analyses[a].method for a in plan.analyses if before.spec("analyse", a) != after.spec("analyse", a)}
        assert again == methods


def test_the_words_of_an_estimand_concern_the_report_alone(plan):
    key, estimand = next(iter(plan.estimands.items()))
    other = dataclasses.replace(plan, estimands={**plan.estimands, key: estimand.model_copy(update={"question": "Another?"})})
    assert {s for s in (*STAGES, "report") if spec(other, s) != spec(plan, s)} == {"report"}


def test_a_strategy_concerns_the_analyses_of_its_estimand(plan):
    estimand = plan.estimands["E1"]
    events = [e.model_copy(update={"strategy": "hypothetical"}) for e in estimand.intercurrent_events]
    changed = estimand.model_copy(update={"intercurrent_events": events})
    before, after = Targets(plan=plan), Targets(plan=dataclasses.replace(plan, estimands={**plan.estimands, "E1": changed}))
    again = {a for a in plan.analyses if before.spec("analyse", a) != after.spec("analyse", a)}
    assert again == {a for a, e in plan.analyses.items() if e.estimand == "E1"}
    assert before.spec("derive") == after.spec("derive")


def test_a_display_concerns_itself_and_the_report(plan):
    entries = plan.displays.displays
    shown = plan.displays.model_copy(update={"displays": {**entries, DISPLAY: entries[DISPLAY].model_copy(update={"title": "Other"})}})
    before, after = Targets(plan=plan), Targets(plan=dataclasses.replace(plan, displays=shown))
    assert {d for d in entries if before.spec("display", d) != after.spec("display", d)} == {DISPLAY}
    assert after.spec("report") != before.spec("report")
    assert all(before.spec("analyse", a) == after.spec("analyse", a) for a in plan.analyses)


def test_unknown_stage(plan):
    with pytest.raises(ValueError, match="nowhere"):
        Targets(plan=plan).spec("nowhere")


# --- code -----------------------------------------------------------------------------------------


def test_each_stage_has_a_script_that_counts(plan, monkeypatch, tmp_path):
    scripts = {p.stem for p in (ROOT / "workflow/scripts").glob("*.py")}
    assert scripts == set(workflow.CODE)
    for stage in workflow.CODE:
        text = (ROOT / "workflow/scripts" / f"{stage}.py").read_text(encoding="utf-8")
        (tmp_path / f"{stage}.py").write_text(text + "# a comment does not count\n", encoding="utf-8")
    keys = {**dict.fromkeys(workflow.CODE), **KEYS}
    before = {stage: Targets(plan=plan).code(stage, keys[stage]) for stage in keys}
    monkeypatch.setattr(provenance, "SCRIPTS", tmp_path)
    provenance.code_fingerprint.cache_clear()
    assert {stage: Targets(plan=plan).code(stage, keys[stage]) for stage in keys} == before
    with open(tmp_path / "derive.py", "a", encoding="utf-8") as stream:
        stream.write("print('more')\n")
    provenance.code_fingerprint.cache_clear()
    provenance._parsed.cache_clear()
    assert {stage for stage in keys if Targets(plan=plan).code(stage, keys[stage]) != before[stage]} == {"derive"}
    provenance.code_fingerprint.cache_clear()


def test_everything_a_script_calls_is_in_the_code_of_its_stage():
    """The modules that a script imports, except what surrounds every job, are reached from the stage's modules."""
    for stage, modules in workflow.CODE.items():
        tree = ast.parse((ROOT / "workflow/scripts" / f"{stage}.py").read_text(encoding="utf-8"))
        called = {n.module for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)} - {"nirls.job"}
        assert called <= set(provenance.import_closure(*modules)), stage


def test_results_do_not_depend_on_how_the_plan_is_read():
    """An analysis is not made again for a change in the checks of the plan or in a layout."""
    for method in ("ancova", "mmrm", "count", "describe", "records"):
        reached = provenance.import_closure(f"nirls.methods.{method}", *workflow.CODE["analyse"])
        assert not [m for m in reached if m.startswith(("nirls.tlf", "nirls.report", "nirls.sdtm", "nirls.plan.check", "nirls.plan.load"))]


def test_the_unit_of_the_dose_concerns_analyses(plan):
    """A dose trend prints it; the demonstration trial, whose stages are recorded above, has none."""
    assert spec(with_study(plan, dose_unit="mg"), "analyse") != spec(plan, "analyse")
