"""Synthetic results data in the shape analyses write, for two arms and for nine."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd

from nirls.ard.build import row, rows
from nirls.ard.frame import to_frame
from nirls.methods.distribution import DistributionOptions, distribution
from nirls.methods.multiplicity import MultiplicityOptions, multiplicity
from nirls.methods.ordinal import OrdinalOptions, ordinal
from nirls.methods.registry import AnalysisData
from nirls.methods.responder import ResponderOptions, responder
from nirls.plan.analysis import Analysis
from nirls.plan.display import Display
from nirls.tlf.context import SYNTHETIC, ArmView, DisplayContext, ParamView, VisitView
from tests.methods.responder_trial import counts, make
from tests.methods.test_measurement import ards as measurement
from tests.tlf import (
    delivered_results,
    dose_results,
    durability_results,
    evidence_results,
    head_to_head_results,
    mediation_results,
    missing_trial,
    opening_results,
    safety_results,
    shift_results,
    subgroup_results,
    treatment_results,
)

WEEKS = (1, 2, 3, 4, 6, 8, 10, 12)
VISITS = ("Baseline", *(f"Week {w}" for w in WEEKS))
REASONS = ("ADVERSE EVENT", "LACK OF EFFICACY", "LOST TO FOLLOW-UP", "WITHDRAWAL BY SUBJECT", "PROTOCOL DEVIATION", "DEVICE FAILURE")

TWO = (
    ArmView(code="SHAM", label="Sham device", short="Sham", role="sham", order=0),
    ArmView(code="NIR", label="NIR 850 nm, 54 J/cm²", short="NIR 54 J/cm²", role="nir", order=1, wavelength=850, fluence=54, irradiance=30),
)


def _nir(order: int, code: str, nm: int, fluence: int, irradiance: int, tail: str = "") -> ArmView:
    return ArmView(
        code=code, label=f"NIR {nm} nm, {fluence} J/cm² ({irradiance} mW/cm²)", short=f"{nm} nm {fluence} J/cm²{tail}",
        role="nir", order=order, wavelength=nm, fluence=fluence, irradiance=irradiance, dose=fluence,
    )  # fmt: skip


NINE = (
    ArmView(code="SHAM", label="Sham device", short="Sham", role="sham", order=0, dose=0),
    _nir(1, "NIR850-18", 850, 18, 30),
    _nir(2, "NIR850-36", 850, 36, 30),
    _nir(3, "NIR850-54", 850, 54, 30),
    _nir(4, "NIR850-90", 850, 90, 30),
    _nir(5, "NIR850-54H", 850, 54, 60, " hi"),
    _nir(6, "NIR660-18", 660, 18, 30),
    _nir(7, "NIR660-54", 660, 54, 30),
    ArmView(code="ACTIVE", label="Alpha-2-delta ligand (open label)", short="α2δ ligand", role="active", order=8, blinded=False),
)


def context_of(arms: tuple[ArmView, ...]) -> DisplayContext:
    return DisplayContext(
        study="NIR-RLS",
        arms=arms,
        reference="SHAM",
        populations={"FAS": "Full analysis set", "PP": "Per-protocol set", "SAF": "Safety set"},
        visits=(
            VisitView(name="Screening", week=None),
            VisitView(name="Baseline", week=0, baseline=True),
            *(VisitView(name=f"Week {w}", week=w) for w in WEEKS),
        ),
        params={"IRLSTOT": ParamView(code="IRLSTOT", label="IRLS total score", direction="lower_better", unit="points", low=0, high=40)},
        labels={
            "AGE": "Age (years)", "SEX": "Sex", "FERRITIN": "Ferritin (µg/L)", "AVAL": "Observed value", "CHG": "Change from baseline",
            "FASFL": "Full analysis set",
        },
        levels={"SEX": {"M": "Male", "F": "Female"},
                "DVCAT": {"VISIT WINDOW": "Visit outside its window", "DOSE": "Fewer than 80% of sessions"}},
        stamps=(SYNTHETIC,),
        data_cut="2026-06-30",
        input_hash="0123456789abcdef" * 4,
        plan_hash="fedcba9876543210" * 4,
    )  # fmt: skip


class World:
    """Counts of a trial that add up, and results data made from them."""

    def __init__(self, arms: tuple[ArmView, ...]) -> None:
        self.arms, self.context = arms, context_of(arms)
        rng = np.random.default_rng(7)
        self.screened_out = {"NOT ELIGIBLE": 61, "DECLINED": 22, "OTHER": 5}
        self.n = {a.code: int(rng.integers(48, 56)) for a in arms}
        self.untreated = {a.code: i % 2 for i, a in enumerate(arms)}
        self.reasons = {a.code: {r: int(k) for r, k in zip(REASONS, rng.integers(0, 4, len(REASONS)), strict=True)} for a in arms}
        self.no_value = {a.code: 1 + i % 3 for i, a in enumerate(arms)}
        self.codes = [a.code for a in arms]

    def discontinued(self, code: str) -> int:
        return sum(self.reasons[code].values())

    def _counts(self, variable: str, per_arm: dict[str, dict[str, int]], total: dict[str, int] | None = None) -> list[dict]:
        """n, n_events and p rows of a variable; levels in the order of the first arm."""
        levels = list(dict.fromkeys(level for counts in per_arm.values() for level in counts))
        out = []
        for level in levels:
            for code in [*self.codes, "Total"]:
                n = (
                    per_arm[code].get(level, 0)
                    if code != "Total"
                    else (total or {}).get(level, sum(c.get(level, 0) for c in per_arm.values()))
                )
                size = self.n[code] if code != "Total" else self.assessed
                key = {"variable": variable, "variable_level": level, "group1": "TRT01P", "group1_level": code}
                out += [*rows({"n": n, "n_events": n}, **key), row("p", 100 * n / size, **key)]
        return out

    @property
    def assessed(self) -> int:
        return sum(self.n.values()) + sum(self.screened_out.values())

    def sizes(self, sizes: dict[str, int], total: int | None) -> list[dict]:
        out = [row("N", n, group1="TRT01P", group1_level=code) for code, n in sizes.items()]
        return out + ([row("N", total, group1="TRT01P", group1_level="Total")] if total is not None else [])

    def disposition(self) -> pd.DataFrame:
        treated = {c: self.n[c] - self.untreated[c] for c in self.codes}
        gone = {c: self.discontinued(c) for c in self.codes}
        out = self.sizes(self.n, self.assessed)
        out += self._counts("SCRNFL", {c: {"Y": self.n[c]} for c in self.codes}, {"Y": self.assessed})
        out += self._counts("RANDFL", {c: {"Y": self.n[c], "N": 0} for c in self.codes}, {"N": sum(self.screened_out.values())})
        out += self._counts("TRTFL", {c: {"Y": treated[c], "N": self.untreated[c]} for c in self.codes})
        out += self._counts("EOTSTT", {c: {"COMPLETED": treated[c] - gone[c], "DISCONTINUED": gone[c]} for c in self.codes})
        out += self._counts("DCTREAS", self.reasons)
        left = {c: {r: n for r, n in self.reasons[c].items() if r != "LACK OF EFFICACY"} for c in self.codes}
        out += self._counts(
            "EOSSTT", {c: {"COMPLETED": self.n[c] - sum(left[c].values()), "DISCONTINUED": sum(left[c].values())} for c in self.codes}
        )
        out += self._counts("DCSREAS", left)
        out += self._counts("FASFL", {c: {"Y": treated[c], "N": self.untreated[c]} for c in self.codes})
        out += self._counts("PPFL", {c: {"Y": treated[c] - 6, "N": self.untreated[c] + 6} for c in self.codes})
        return to_frame(out, analysis_id="disposition", method="count", dataset="ADSL")

    def excluded(self) -> pd.DataFrame:
        n = sum(self.screened_out.values())
        out = [row("N", n, group1_level="Total")]
        for reason, k in self.screened_out.items():
            key = {"variable": "DCSREAS", "variable_level": reason, "group1_level": "Total"}
            out += [row("n", k, **key), row("p", 100 * k / n, **key)]
        return to_frame(out, analysis_id="screening", method="count", dataset="ADSL")

    def untreated_reasons(self) -> pd.DataFrame:
        out = self.sizes(self.untreated, sum(self.untreated.values()))
        for code in [*self.codes, "Total"]:
            n = self.untreated[code] if code != "Total" else sum(self.untreated.values())
            key = {"variable": "DCTREAS", "variable_level": "WITHDRAWAL BY SUBJECT", "group1": "TRT01P", "group1_level": code}
            out += [row("n", n, **key), row("p", 100.0 if n else None, error="" if n else "no subjects in the column", **key)]
        return to_frame(out, analysis_id="untreated", method="count", dataset="ADSL")

    def deviations(self) -> pd.DataFrame:
        out = self.sizes(self.n, sum(self.n.values()))
        for variable, levels in (("DVIMPFL", ("Y", "N")), ("DVCAT", ("VISIT WINDOW", "DOSE", "MEDICATION"))):
            for i, level in enumerate(levels):
                for code in [*self.codes, "Total"]:
                    n = 2 + i if code != "Total" else (2 + i) * len(self.codes)
                    size = self.n.get(code, sum(self.n.values()))
                    key = {"variable": variable, "variable_level": level, "group1": "TRT01P", "group1_level": code}
                    out += [*rows({"n": n, "n_events": n + 1}, **key), row("p", 100 * n / size, **key)]
        return to_frame(out, analysis_id="deviations", method="count", dataset="ADDV", analysis_set="FAS")

    def fas(self) -> dict[str, int]:
        return {c: self.n[c] - self.untreated[c] for c in self.codes}

    def baseline_numbers(self) -> pd.DataFrame:
        rng = np.random.default_rng(11)
        fas = self.fas()
        out = self.sizes(fas, sum(fas.values()))
        for variable, centre, spread in (("AGE", 55, 12), ("FERRITIN", 80, 45)):
            for code in [*self.codes, "Total"]:
                n = fas.get(code, sum(fas.values()))
                x = np.sort(rng.normal(centre, spread, n))
                stats = {"n": n, "n_missing": 0, "mean": x.mean(), "sd": x.std(ddof=1), "median": np.median(x)}
                stats |= {"q1": x[n // 4], "q3": x[3 * n // 4], "min": x[0], "max": x[-1]}
                out += rows(stats, variable=variable, group1="TRT01P", group1_level=code)
        note = {"stat_name": "text", "variable": "footnote", "variable_level": "1", "stat_text": "Quartiles: SAS definition 5 (R type 2)."}
        return to_frame([*out, note], analysis_id="base-num", method="describe", dataset="ADSL", analysis_set="FAS")

    def baseline_levels(self) -> pd.DataFrame:
        fas = self.fas()
        out = self.sizes(fas, sum(fas.values()))
        for level, share in (("F", 0.6), ("M", 0.4)):
            for code in [*self.codes, "Total"]:
                size = fas.get(code, sum(fas.values()))
                n = round(size * share)
                key = {"variable": "SEX", "variable_level": level, "group1": "TRT01P", "group1_level": code}
                out += [row("n", n, **key), row("p", 100 * n / size, **key)]
        return to_frame(out, analysis_id="base-cat", method="count", dataset="ADSL", analysis_set="FAS")

    def observed(self) -> pd.DataFrame:
        fas, rng = self.fas(), np.random.default_rng(3)
        out = self.sizes(fas, None)
        for i, visit in enumerate(VISITS):
            for variable in ("AVAL", "CHG"):
                for k, code in enumerate(self.codes):
                    n = fas[code] - i
                    x = rng.normal((25 if variable == "AVAL" else 0) - i * (0.3 + 0.1 * k), 5, n).round()
                    stats = {"n": n, "n_missing": i, "mean": x.mean(), "sd": x.std(ddof=1), "median": np.median(x), "q1": 1.0, "q3": 2.0}
                    out += rows(
                        stats | {"min": x.min(), "max": x.max()}, variable=variable, visit=visit, group1="TRT01P", group1_level=code
                    )
        return to_frame(out, analysis_id="irls-obs", method="describe", dataset="ADQS", analysis_set="FAS", param="IRLSTOT")

    def mmrm(self, broken: str | None = None) -> pd.DataFrame:
        """LS means and differences; `broken` names an arm whose difference at Week 12 could not be computed."""
        fas = self.fas()
        out = self.sizes(fas, sum(fas.values()))
        left = sum(self.no_value.values())
        key = {"variable": "exclusion", "variable_level": "no post-baseline value", "group1": "TRT01P"}
        out += [row("n", n, **key, group1_level=code) for code, n in self.no_value.items()]
        out.append(row("n", left, **key, group1_level="Total"))
        for i, visit in enumerate(VISITS[1:], 1):
            for k, code in enumerate(self.codes):
                mean = -2.0 - 0.35 * i - (0.22 * k * i if code != "SHAM" else 0)
                place = {"variable": "CHG", "visit": visit, "group1": "TRT01P", "group1_level": code}
                out += rows(
                    {"n": fas[code] - self.no_value[code] - i, "lsmean": mean, "lsmean_se": 0.8 + 0.013 * i, "df": 401.2 - i}, **place
                )
                out += rows({"conf_low": mean - 1.6, "conf_high": mean + 1.6}, **place)
                if code == "SHAM":
                    continue
                place["comparison"] = f"{code} - SHAM"
                names = ("estimate", "std_error", "df", "statistic", "conf_low", "conf_high", "p_value")
                if code == broken and visit == "Week 12":
                    out += [row(name, None, error="no subject of the arm has a value at this visit", **place) for name in names]
                    continue
                d = -0.22 * k * i
                out += rows(dict(zip(names, (d, 1.13, 399.7, d / 1.13, d - 2.2, d + 2.2, float(np.exp(-(d**2)))), strict=True)), **place)
        out += [row("n_subjects", fas[c] - self.no_value[c], variable="model", group1="TRT01P", group1_level=c) for c in self.codes]
        facts = {
            "formula": "CHG ~ BASE + BASE:AVISIT + TRT01P*AVISIT + SEVSTRAT", "covariance": "unstructured",
            "path": "unstructured (converged)",
            "ddf": "kr", "weights": "proportional", "reml": "true", "variance": "model",
        }  # fmt: skip
        out += [{"stat_name": "text", "variable": "model", "variable_level": k, "stat_text": v} for k, v in facts.items()]
        out += rows({"n_subjects": sum(fas.values()) - left, "n_obs": 3120, "n_excluded": left}, variable="model")
        return to_frame(
            out, analysis_id="irls-mmrm", method="mmrm", dataset="ADQS", analysis_set="FAS", param="IRLSTOT", estimand_id="primary"
        )

    def within(self) -> pd.DataFrame:
        """The mixed model among the participants of one guess."""
        text = row("text", None, variable="subjects", stat_text="who guessed sham at week 1")
        return pd.concat([self.mmrm(), to_frame([text], analysis_id="irls-mmrm", analysis_set="FAS")], ignore_index=True)

    def early_guess(self) -> pd.DataFrame:
        key = {"variable": "GUESSW1", "group1": "TRT01P", "group1_level": "Total"}
        out = [*self.sizes(self.fas(), 90), row("n", 31, variable_level="SHAM", **key), row("n_missing", 7, **key)]
        return to_frame(out, analysis_id="guess", method="count", dataset="ADSL", analysis_set="FAS")

    def guesses(self) -> pd.DataFrame:
        """Guesses of one respondent at one visit; one arm has no index."""
        fas, last = self.fas(), self.codes[-1]
        out = self.sizes(fas, None)
        for code in self.codes:
            key = {"param": "GUESSP", "visit": "Week 1", "group1": "TRT01P", "group1_level": code}
            for answer, n in (("active", 20), ("control", 15), ("unknown", fas[code] - 40)):
                share = {"n": n, "p": 100 * n / (fas[code] - 5)}
                out += rows(share, variable="guess", variable_level=answer, **key)
            out += rows({"n": fas[code] - 5, "n_missing": 5}, variable="answered", **key)
            for name in ("bang", *(("james",) if code != "SHAM" else ())):
                versus = {"comparison": f"{code} - SHAM"} if name == "james" else {}
                values = {name: 0.61, "std_error": 0.05, "conf_low": 0.512, "conf_high": 0.708}
                broken = name == "james" and code == last
                out += [
                    row(s, None if broken else v, error="no guess in one of the arms" if broken else "", variable=name, **versus, **key)
                    for s, v in values.items()
                ]
        return to_frame(out, analysis_id="guesses", method="blinding", dataset="ADQS", analysis_set="FAS")

    def responders(self) -> pd.DataFrame:
        """As the method writes them, of subjects that the counts of responders make."""
        fas = self.fas()
        values = {c: counts(10 + 2 * i, fas[c], missing=self.no_value[c]) for i, c in enumerate(self.codes)}
        found = responder(make(values, arms=self.codes), ResponderOptions(thresholds=["half", "three", "ten"]))
        return to_frame(found.rows, analysis_id="responders", method="responder", dataset="ADQS", analysis_set="FAS")

    def distribution(self) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Change of subjects, as the method writes it; the last of nine arms has no value at all."""
        fas, rng = self.fas(), np.random.default_rng(9)
        values = {
            c: [(25.0, 25.0 + x) for x in rng.normal(-5 - i, 6, fas[c] - self.no_value[c]).round()] + [None] * self.no_value[c]
            for i, c in enumerate(self.codes)
        }
        if len(self.codes) > 2:
            values[self.codes[-1]] = [None] * fas[self.codes[-1]]
        data = make(values, arms=self.codes)
        data = dataclasses.replace(data, frame=data.frame.assign(CHG=data.frame["AVAL"] - data.frame["BASE"]))
        found = distribution(data, DistributionOptions())
        ard = to_frame(found.rows, analysis_id="change", method="distribution", dataset="ADQS", analysis_set="FAS", param="IRLSTOT")
        return ard, found.records

    def categories(self) -> pd.DataFrame:
        """Three ordered categories, as the method writes them; the last of nine arms has no value at all."""
        fas, rng = self.fas(), np.random.default_rng(13)
        values = {
            c: [(0.0, x) for x in rng.choice([1.0, 2.0, 3.0], fas[c] - self.no_value[c])] + [None] * self.no_value[c] for c in self.codes
        }
        if len(self.codes) > 2:
            values[self.codes[-1]] = [None] * fas[self.codes[-1]]
        options = OrdinalOptions(levels={"1": "Improved", "2": "No change", "3": "Worse"}, direction="lower_better")
        rows = ordinal(make(values, arms=self.codes, param="CGII"), options).rows
        return to_frame(rows, analysis_id="cgi", method="ordinal", dataset="ADQS", analysis_set="FAS", param="CGII")

    def records(self) -> tuple[pd.DataFrame, pd.DataFrame]:
        fas, rng = self.fas(), np.random.default_rng(5)
        out = self.sizes(fas, sum(fas.values()))
        parts = []
        for k, code in enumerate(self.codes):
            for s in range(fas[code]):
                stay = len(VISITS) if rng.random() < 0.8 else int(rng.integers(2, len(VISITS)))
                values = np.clip(rng.normal(25, 4) + np.cumsum(rng.normal(-0.3 - 0.08 * k, 2.0, stay)), 0, 40).round()
                parts.append(
                    pd.DataFrame(
                        {
                            "USUBJID": f"NIR-{k:02d}-{s:03d}",
                            "TRT01P": code,
                            "AVISIT": VISITS[:stay],
                            "AVISITN": [0.0, *WEEKS][:stay],
                            "AVAL": values,
                        }
                    )
                )
        frame = pd.concat(parts, ignore_index=True)
        for code, part in [*frame.groupby("TRT01P", sort=False), ("Total", frame)]:
            out += rows({"n_subjects": part["USUBJID"].nunique(), "n_obs": len(part)}, group1="TRT01P", group1_level=code)
        return to_frame(out, analysis_id="irls-records", method="records", dataset="ADQS", analysis_set="FAS", param="IRLSTOT"), frame

    def family(self) -> pd.DataFrame:
        """Decisions at weeks 12 and 4, arm after arm in a fixed sequence, by the method itself."""
        asked = [(code, visit) for visit in ("Week 12", "Week 4") for code in self.codes[1:]]
        hypotheses = {
            f"H{i}": {"label": f"{code}, {visit}", "analysis": "irls-mmrm", "comparison": f"{code} - SHAM", "visit": visit}
            | ({"weight": 1} if i == 1 else {})
            | ({"to": {f"H{i + 1}": 1}} if i < len(asked) else {})
            for i, (code, visit) in enumerate(asked, 1)
        }
        spec = Analysis(label="x", dataset="ADSL", method="multiplicity", uses=["irls-mmrm"])
        used = {"irls-mmrm": self.mmrm()}
        data = AnalysisData(frame=pd.DataFrame(), adsl=pd.DataFrame(), spec=spec, analysis_id="family", plan=None, used=used)
        result = multiplicity(data, MultiplicityOptions(alpha=0.05, sides=2, hypotheses=hypotheses))
        return to_frame(result.rows, analysis_id="family", method="multiplicity", dataset="ADSL", analysis_set="FAS")


def display(layout: str, analyses: dict[str, str], kind: str = "table", title: str = "A display", **more: object) -> Display:
    """A plan entry."""
    return Display(title=title, kind=kind, layout=layout, analyses=analyses, section="s", **more)


def plans(world: World) -> dict[str, tuple[Display, dict[str, pd.DataFrame], dict[str, pd.DataFrame]]]:
    """Display number → plan entry, results and records, for one display of every layout."""
    kept, frame = world.records()
    measured = measurement()
    change, changes = world.distribution()
    records = {"trajectories": frame, "ecdf": changes, "waterfall": changes}
    lines = {"lines": [{"value": -3, "label": "3 points"}]}
    arm = "NIR850-54" if "NIR850-54" in world.codes else world.codes[1]
    flow = {"main": world.disposition(), "excluded": world.excluded(), "untreated": world.untreated_reasons(), "analysed": world.mmrm()}
    question = {"question": "Does near-infrared light beat sham?", "arm": arm, "visit": "Week 12", "limits": ["It is one trial."]}
    given = {
        "T14.1.1": ("disposition", "table", {"main": world.disposition()}, {}),
        "F14.1.1": ("flow", "figure", flow, {}),
        "T14.1.2": ("deviations", "table", {"main": world.deviations()}, {"important": ["DOSE"]}),
        "T14.1.3": ("summary", "table", {"main": world.baseline_numbers(), "categories": world.baseline_levels()}, {}),
        "T14.1.7": ("blinding", "table", {"main": world.guesses()}, {}),
        "T14.1.8": (
            "guess_effect",
            "table",
            {"main": world.mmrm(), "counts": world.early_guess(), "sham": world.within()},
            {"visit": "Week 4", "variable": "GUESSW1"},
        ),
        "T14.1.9": ("reliability", "table", {k: measured[k] for k in ("main", "retest")}, {}),
        "T14.1.10": ("minimal_change", "table", {"main": measured["mcid"]}, {"anchor": {"3": "Minimally improved"}}),
        "T14.2.1.1": ("lsmeans", "table", {"main": world.mmrm()}, {"emphasis": ["Week 12"]}),
        "T14.2.1.2": ("observed", "table", {"main": world.observed()}, {}),
        "T14.2.1.3": ("responders", "table", {"main": world.responders()}, {"emphasis": ["half"]}),
        "F14.2.1.1": ("lsmeans_plot", "figure", {"main": world.mmrm()}, {}),
        "T14.2.1.4": ("categories", "table", {"main": world.categories()}, {}),
        "F14.2.1.3": ("category_bars", "figure", {"main": world.categories()}, {}),
        "F14.2.1.2": ("ecdf", "figure", {"main": change}, lines),
        "F14.2.1.6": ("waterfall", "figure", {"main": change}, lines),
        "F14.2.1.5": ("trajectories", "figure", {"main": kept, "means": world.observed()}, {}),
        "T14.2.1.5": ("multiplicity", "table", {"main": world.family()}, {}),
        "F14.2.1.4": ("multiplicity_graph", "figure", {"main": world.family()}, {}),
        "A1": ("answer", "answer", {"main": world.mmrm()}, question),
    }
    given |= missing_trial.given(world) | dose_results.given(world.codes) | delivered_results.given(world.codes)
    given |= durability_results.given(world.codes) | head_to_head_results.given(world.codes) | mediation_results.given(world.codes)
    given |= treatment_results.given(world.codes) | safety_results.given(world.codes) | evidence_results.given(world.codes)
    given |= subgroup_results.given(world.codes) | opening_results.given(world) | shift_results.given(world.codes)
    records["session_raster"] = treatment_results.results("sessions", world.codes[1])[1]
    records["exposure_plot"] = delivered_results.delivered_results(tuple(world.codes[:2]))["records"]
    records["narratives"] = records["listing"] = safety_results.safety_results(tuple(world.codes[:2]))["records"]
    out = {}
    for number, (layout, kind, ards, options) in given.items():
        roles = {role: str(ard["analysis_id"].iloc[0]) for role, ard in ards.items()}
        entry = display(layout, roles, kind, f"Display {number}", options=options, footnotes=["CI: confidence interval."])
        out[number] = (entry, ards, {"main": records[layout]} if layout in records else {})
    return out
