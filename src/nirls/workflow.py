"""What the Snakefile asks of the plan: targets, inputs and the hashes that decide what is run again.

Each stage's `spec` hash covers exactly the parts of the plan its result depends on, and its `code`
hash the modules that make the result, so that editing one entry re-runs that entry and what shows it.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nirls.errors import ConfigError
from nirls.plan.check import file_stem
from nirls.plan.load import Plan, load_plan
from nirls.provenance import code_fingerprint, json_hash, package_modules

#: Stage of the pipeline → modules whose code makes its result.
CODE = {
    "ingest": ("nirls.sdtm.ingest", "nirls.provenance"),
    "derive": ("nirls.adam.derive", "nirls.ard.io"),
    "analyse": ("nirls.analyse", "nirls.ard.io"),
    "display": ("nirls.tlf.files",),
    "render": ("nirls.tlf.files", "nirls.tlf.render.rtf"),
    "report": ("nirls.report.build",),
}

#: Stage of the pipeline → fields of study.yaml that its code reads; the report takes the whole plan.
STUDY = {
    "ingest": (
        *("data", "dates", "blinding", "arms", "reference_date", "visits", "windows", "baseline", "parameters"),
        *("strata", "covariates", "sources", "sessions", "time_zones", "rules", "waived", "adverse_events"),
    ),
    "derive": (
        *("id", "blinding", "arms", "reference_date", "visits", "windows", "disposition", "baseline", "instruments"),
        *("parameters", "populations", "strata", "pooling", "covariates", "after_baseline", "deviations"),
        *("intercurrent_events", "sessions", "diary", "times_to_event", "adverse_events", "dates"),
    ),
    "analyse": ("arms", "reference", "dose_unit", "strata", "covariates"),
    "display": (
        *("id", "synthetic", "blinding", "dates", "arms", "reference", "visits", "parameters", "populations"),
        *("strata", "covariates", "after_baseline", "deviations"),
    ),
}


def study_files_check(plan: Plan) -> None:
    """Raise ConfigError listing every raw file that is absent or does not have the columns the plan maps."""
    from nirls.sdtm.gate import check_files

    problems = check_files(plan, plan.root)
    if problems:
        raise ConfigError(
            f"The raw files have {len(problems)} problem{'s' if len(problems) != 1 else ''}; nothing was run.\n"
            + "\n".join(f"  - {p}" for p in problems)
        )


PUBLISHED = ("literature", "cases")
"""Options that name a file of published results; the file is then an input of the analysis."""


def literature_check(plan: Plan) -> None:
    """Raise ConfigError naming every file of published results that an analysis names and that there is not."""
    named = [(key, name, entry.options[name]) for key, entry in plan.analyses.items() for name in PUBLISHED if entry.options.get(name)]
    if absent := [(key, name, file) for key, name, file in named if not (plan.root / file).is_file()]:
        raise ConfigError(
            "Published results are missing; nothing was run.\n"
            + "\n".join(f"  - analyses.yaml: {key}: options: {name}: there is no file {file}" for key, name, file in absent)
        )


def rules_check(plan: Plan) -> None:
    """Raise ConfigError listing every rule, threshold and domain named under `rules` and `waived` that there is not.

    A run says so in its first job: the rules bring libraries that a start should not wait for.
    """
    from nirls.sdtm.rules import check_settings

    problems = check_settings(plan.study)
    if problems:
        raise ConfigError(
            f"The settings of the data rules have {len(problems)} problems; nothing was run.\n" + "\n".join(f"  - {p}" for p in problems)
        )


def results_check(plan: Plan) -> None:
    """Raise ConfigError if the folder of the results cannot be written to."""
    folder = plan.root / plan.results
    there = next(p for p in (folder, *folder.parents) if p.exists())
    if not there.is_dir():
        raise ConfigError(f"results: {there} is a file, not a folder; nothing was run. Remove it, or name another folder (`results`).")
    if not os.access(there, os.W_OK | os.X_OK):
        raise ConfigError(f"results: the folder {there} may not be written to; nothing was run. Allow it, or name another (`results`).")


@dataclass(frozen=True, slots=True, kw_only=True)
class Targets:
    """The plan as Snakemake sees it."""

    plan: Plan

    @classmethod
    def load(cls, config: dict[str, Any], root: Path | str = ".") -> Targets:
        """Load and check the plan and the raw files; raises ConfigError with every problem."""
        known = {k: v for k, v in config.items() if k != "study"}
        plan = load_plan(config.get("study"), root=root, config=known)
        study_files_check(plan)
        literature_check(plan)
        results_check(plan)
        return cls(plan=plan)

    # --- names and files ---------------------------------------------------------------------
    @property
    def out(self) -> str:
        return self.plan.results.as_posix()

    @property
    def report(self) -> str:
        return f"{self.out}/report/report.html"

    @property
    def raw(self) -> list[str]:
        from nirls.sdtm.files import data_dir, matching

        folder = Path(data_dir(self.plan.study, self.plan.root))
        found = [(p.relative_to(folder).as_posix(), s) for s in self.plan.study.sources for p in matching(folder, s.file)]
        names = dict.fromkeys(f for name, s in found for f in (name, s.supp.file if s.supp else None) if f)
        return [str(folder / name) for name in names]

    @property
    def domains(self) -> list[str]:
        return sorted({s.domain for s in self.plan.study.sources})

    @property
    def datasets(self) -> list[str]:
        more = ["adex", "adexsum"] if "DX" in self.domains else []
        diary = ["addiary"] if more and self.plan.study.diary is not None else []
        times = ["adtte"] if self.plan.study.times_to_event else []
        of = {p.dataset for p in self.plan.study.parameters.values()}
        findings = [name for name in ("adlb", "advs") if name.upper() in of]
        events = ["adrisk", "adae"] if self.plan.study.adverse_events is not None and "AE" in self.domains else []
        deficiencies = ["adde"] if "DE" in self.domains else []
        return ["adsl", "adqs", "addv", "adice", *more, *diary, *times, *findings, *events, *deficiencies]

    @property
    def analyses(self) -> list[str]:
        return list(self.plan.analyses)

    @property
    def stems(self) -> list[str]:
        return [file_stem(d) for d in self.plan.displays.displays]

    def stems_of(self, kind: str) -> str:
        """Alternation of the file stems of one kind of display, for a wildcard constraint."""
        return "|".join(file_stem(k) for k, d in self.plan.displays.displays.items() if d.kind == kind) or "none"

    def analyses_of(self, *, records: bool) -> str:
        """Alternation of the analyses that do, or do not, keep records."""
        return "|".join(k for k in self.plan.analyses if self.keeps_records(k) == records) or "none"

    def keeps_records(self, analysis: str) -> bool:
        """Whether the method of an analysis writes records of subjects beside its statistics."""
        from nirls.methods.registry import all_methods

        return all_methods()[self.plan.analyses[analysis].method].keeps_records

    def display_id(self, stem: str) -> str:
        return next(k for k in self.plan.displays.displays if file_stem(k) == stem)

    # --- inputs ------------------------------------------------------------------------------
    def sdtm(self) -> list[str]:
        return [f"{self.out}/sdtm/{d.lower()}.parquet" for d in self.domains]

    def analysis_inputs(self, analysis: str) -> dict[str, Any]:
        spec = self.plan.analyses[analysis]
        return {
            "data": f"{self.out}/adam/{spec.dataset.lower()}.parquet",
            "adsl": f"{self.out}/adam/adsl.parquet",
            "used": [f"{self.out}/ard/{u}.parquet" for u in spec.uses],
            "beside": [f"{self.out}/adam/{name}.parquet" for name in self.beside(analysis)],
            **({"ice": f"{self.out}/adam/adice.parquet"} if self.needs_events(analysis) else {}),
            **{name: str(self.plan.root / spec.options[name]) for name in PUBLISHED if spec.options.get(name)},
        }

    def beside(self, analysis: str) -> list[str]:
        """The data sets that the method of an analysis reads beside that of its entry, as far as this study has them."""
        from nirls.methods.registry import all_methods

        return [name.lower() for name in all_methods()[self.plan.analyses[analysis].method].beside if name.lower() in self.datasets]

    def needs_events(self, analysis: str) -> bool:
        """Whether an analysis reads the intercurrent events: its estimand has strategies for them, or its method counts them."""
        from nirls.methods.registry import all_methods

        spec = self.plan.analyses[analysis]
        counts = "intercurrent_events" in all_methods()[spec.method].reads
        return counts or (spec.estimand is not None and spec.dataset == "ADQS" and bool(self.plan.study.intercurrent_events))

    def display_inputs(self, stem: str) -> dict[str, Any]:
        roles = self.plan.displays.displays[self.display_id(stem)].analyses
        ids = list(dict.fromkeys(roles.values()))
        kept = [a for a in ids if self.keeps_records(a)]
        return {"ards": [f"{self.out}/ard/{a}.parquet" for a in ids], "records": [f"{self.out}/ard/{a}.records.parquet" for a in kept]}

    def rendered(self) -> list[str]:
        """Every file of every display."""
        main = {"table": "html", "figure": "svg"}
        files = []
        for key, display in self.plan.displays.displays.items():
            stem = f"{self.out}/tlf/{file_stem(key)}"
            files.append(f"{stem}.json")
            if display.kind in main:
                files.append(f"{stem}.{main[display.kind]}")
                standard = self.plan.config.table_formats if display.kind == "table" else self.plan.config.figure_formats
                files += [f"{stem}.{f}" for f in dict.fromkeys([*standard, *(display.formats or [])]) if f != main[display.kind]]
        return files

    # --- hashes ------------------------------------------------------------------------------
    def spec(self, stage: str, key: str | None = None) -> str:
        """Hash of the parts of the plan that a result of `stage` depends on.

        Parameters
        ----------
        stage : str
            ingest, derive, analyse, display or report.
        key : str, optional
            Id of the analysis or the display.
        """
        plan = self.plan
        study = plan.study.model_dump(mode="json")
        scales = {k: v.model_dump(mode="json") for k, v in plan.instruments.items()}
        if stage == "report":
            parts = [plan.displays.model_dump(mode="json"), {k: v.model_dump(mode="json") for k, v in plan.analyses.items()}]
            estimands = {k: v.model_dump(mode="json") for k, v in plan.estimands.items()}
            return json_hash([*parts, estimands, study, scales, plan.config.model_dump(mode="json", exclude={"results"})])
        if stage not in STUDY:
            raise ValueError(stage)
        read = {k: study[k] for k in STUDY[stage]}
        if stage == "ingest":
            return json_hash([read, scales])
        if stage == "derive":
            return json_hash([read, scales, plan.config.seed])
        assert key is not None
        if stage == "analyse":
            from nirls.methods.registry import all_methods

            entry, more = (
                plan.analyses[key],
                {
                    "instruments": [study["instruments"], scales],
                    "parameters": study["parameters"],
                    "seed": plan.config.seed,
                    "intercurrent_events": study["intercurrent_events"],
                    "adverse_events": study["adverse_events"],
                },
            )
            methods = all_methods()
            reads = methods[entry.method].reads if entry.method in methods else ()
            estimand = plan.estimands.get(entry.estimand or "")
            events = [] if estimand is None else [e.model_dump(mode="json") for e in estimand.intercurrent_events]
            bound = [events, study["intercurrent_events"]] if events else []
            return json_hash([key, entry.model_dump(mode="json"), read, {name: more[name] for name in reads}, bound])
        display = plan.displays.displays[key]
        entries = [plan.analyses[a].model_dump(mode="json") for a in display.analyses.values()]
        return json_hash([key, display.model_dump(mode="json"), entries, read, scales])

    def code(self, stage: str, key: str | None = None) -> str:
        """Fingerprint of the code that makes a result of `stage`, its script in workflow/scripts included.

        Methods, layouts and rules are found at run time, where no import names them: theirs are added here.
        """
        modules = CODE[stage]
        if stage == "analyse":
            from nirls.methods.registry import all_methods

            assert key is not None
            modules = (all_methods()[self.plan.analyses[key].method].module, *modules)
        elif stage == "display":
            from nirls.tlf.layouts.registry import all_layouts

            assert key is not None
            modules = (all_layouts()[self.plan.displays.displays[key].layout].module, *modules)
        elif stage == "ingest":
            modules = (*modules, *package_modules("nirls.sdtm.rulebook"))
        return code_fingerprint(*modules, script=stage)

    # --- labels for `snakemake --report` -----------------------------------------------------
    def labels(self, stem: str) -> dict[str, str]:
        key = self.display_id(stem)
        return {"display": key, "title": self.plan.displays.displays[key].title}

    def category(self, stem: str) -> str:
        return self.plan.displays.displays[self.display_id(stem)].section
