"""Results of imputation, tipping point and intercurrent events in the shape those methods write, for the trial of display_trial."""

from __future__ import annotations

import numpy as np
import pandas as pd

from nirls.ard.build import row, rows
from nirls.ard.frame import to_frame

VISITS = ("Week 1", "Week 4", "Week 12")
PATTERNS = {"ooo": 1, "oox": 18, "xoo": 12, "oxx": 30}
"""Pattern → one of how many subjects has it; those left over have none missing."""
REASONS = ("Missed visit before any event", "Stop of the device, adverse event")
EVENTS = ("Stop of the device, adverse event", "Rescue medication")
DIFFERENCE = ("estimate", "std_error", "df", "statistic", "conf_low", "conf_high", "p_value")
FACTS = {
    "formula": "analysis at each visit: CHG ~ TRT01P + BASE; imputation: CHG ~ BASE + TRT01P*AVISIT",
    "covariance": "unstructured",
    "variance": "repeated sampling: jackknife; information-anchored: Rubin's rules",
    "weights": "equal over the levels of factors",
}


def difference(estimate: float, half: float, df: float | None, p: float, error: str = "", **key: str) -> list[dict]:
    """Rows of one difference; df None is the word "normal"; with an error all values are missing."""
    if error:
        return [row(name, None, error=error, **key) for name in DIFFERENCE]
    values = (estimate, half / 1.96, df, estimate / (half / 1.96), estimate - half, estimate + half, p)
    out = rows(dict(zip(DIFFERENCE, values, strict=True)), **key)
    return [r | ({"stat_text": "normal"} if r["stat_name"] == "df" and df is None else {}) for r in out]


def pattern_counts(world) -> dict[str, dict[str, int]]:
    """Arm → pattern → subjects."""
    out = {}
    for code, size in world.fas().items():
        n = size - world.no_value[code]
        rare = {text: n // k for text, k in PATTERNS.items() if text != "ooo"}
        out[code] = {"ooo": n - sum(rare.values()), **rare}
    return out


def _missing(world) -> list[dict]:
    fas, counts = world.fas(), pattern_counts(world)
    out = world.sizes(fas, None)
    left = {"variable": "exclusion", "variable_level": "No post-baseline value", "group1": "TRT01P"}
    out += [row("n", n, **left, group1_level=c) for c, n in world.no_value.items()]
    out.append(row("n", sum(world.no_value.values()), **left, group1_level="Total"))
    out += [row("n_subjects", fas[c] - world.no_value[c], variable="model", group1="TRT01P", group1_level=c) for c in world.codes]
    out.append(row("n_subjects", sum(fas.values()) - sum(world.no_value.values()), variable="model"))
    for code in [*world.codes, "Total"]:
        mine = counts.get(code) or {p: sum(c[p] for c in counts.values()) for p in PATTERNS}
        key = {"group1": "TRT01P", "group1_level": code}
        for v, visit in enumerate(VISITS):
            gone = {p: n for p, n in mine.items() if p[v] == "x"}
            out.append(row("n_missing", sum(gone.values()), variable="imputed", visit=visit, **key))
            early = sum(n for p, n in gone.items() if p == "xoo")
            for text, n in zip(REASONS, (early, sum(gone.values()) - early), strict=True):
                out.append(row("n", n, variable="imputed", variable_level=text, visit=visit, **key))
            n = sum(n for p, n in mine.items() if p.find("x") == v and p != "xoo")
            out.append(row("n", n, variable="event", variable_level=REASONS[1], visit=visit, **key))
        out += [row("n", n, variable="pattern", variable_level=p, **key) for p, n in mine.items()]
    return out


def imputation(world) -> pd.DataFrame:
    """Strategies MAR and J2R under both variances; LMCF could not be estimated."""
    out = _missing(world)
    for s, (strategy, shift) in enumerate((("MAR", 0.0), ("J2R", 0.4), ("LMCF", 0.0))):
        for variance, df in (("repeated sampling", None), ("information-anchored", 88.3)):
            where = {"group2": "STRATEGY", "group2_level": strategy, "group3": "VARIANCE", "group3_level": variance}
            for k, code in enumerate(world.codes[1:], 1):
                key = {"variable": "CHG", "visit": "Week 12", "group1": "TRT01P", "group1_level": code, "comparison": f"{code} - SHAM"}
                out += difference(
                    -2.0 - k + shift, 2.1 + 0.1 * s, df, 0.0123, "no earlier mean" if strategy == "LMCF" else "", **key, **where
                )
            out += rows({"n_draws": 0 if df is None else 100, "n_redrawn": 0}, variable="model", **where)
    out += [row("text", None, variable="model", variable_level=k, stat_text=v) for k, v in FACTS.items()]
    out.append(row("conf_level", 0.95, variable="model"))
    notes = ("LMCF could not be estimated: no earlier mean.", "J2R, information-anchored: the error is still 6.0% of a standard error.")
    out += [row("text", None, variable="footnote", variable_level=str(i), stat_text=t) for i, t in enumerate(notes)]
    return to_frame(out, analysis_id="irls-imp", method="imputation", dataset="ADQS", analysis_set="FAS", param="IRLSTOT")


def tipping(world, half: float = 1.7, failed: tuple[tuple[int, int], ...] = (), active=range(5), reference=range(-2, 3)) -> pd.DataFrame:
    """A grid of δ of which the difference is a plane, −2 + 0.5·δ active − 0.25·δ reference, and intervals of ± half; 0 is no interval."""
    from statistics import NormalDist

    arm = world.codes[1]
    out = _missing(world)
    where = {"group1": "TRT01P", "group1_level": arm, "visit": "Week 12", "comparison": f"{arm} - SHAM"}
    for a in active:
        for r in reference:
            key = {"variable": "CHG", "variable_level": "repeated sampling", "group2": "DELTA", "group2_level": f"{a:g}"}
            key |= {"group3": "DELTA SHAM", "group3_level": f"{r:g}"}
            estimate = -2 + 0.5 * a - 0.25 * r
            p = 2 * NormalDist().cdf(-abs(estimate) / (half / NormalDist().inv_cdf(0.975)))
            out += difference(estimate, half, None, p, "the model did not converge" if (a, r) in failed else "", **key, **where)
    key = {"variable": "tipping", "variable_level": "repeated sampling", **where}
    delta = (2 - half) / 0.5
    out.append(row("delta", delta if 0 < delta <= 3 else None, stat_text="" if 0 < delta <= 3 else "not reached between 0 and 3", **key))
    out += [row("text", None, variable="model", variable_level=k, stat_text=v) for k, v in {**FACTS, "strategy": "MAR"}.items()]
    out.append(row("conf_level", 0.95, variable="model"))
    return to_frame(out, analysis_id="irls-tip", method="tipping_point", dataset="ADQS", analysis_set="FAS", param="IRLSTOT")


def events(world) -> pd.DataFrame:
    """Arm number i has 2 + i stops, all before week 4, and one rescue after the last visit; some subjects have both."""
    fas, rng = world.fas(), np.random.default_rng(1)
    out = world.sizes(fas, sum(fas.values()))
    stops = {c: 2 + i for i, c in enumerate(world.codes)} | {"Total": sum(2 + i for i in range(len(world.codes)))}
    rescues = dict.fromkeys(world.codes, 1) | {"Total": len(world.codes)}
    for code in [*world.codes, "Total"]:
        key = {"group1": "TRT01P", "group1_level": code}
        out.append(row("n", stops[code], variable="event", variable_level="Any intercurrent event", **key))
    for text, numbers in zip(EVENTS, (stops, rescues), strict=True):
        for code in [*world.codes, "Total"]:
            key = {"variable_level": text, "group1": "TRT01P", "group1_level": code}
            out.append(row("n", numbers[code], variable="event", **key))
            for visit in VISITS:
                out.append(row("n", numbers[code] if text == EVENTS[0] and visit == "Week 4" else 0, variable="event", visit=visit, **key))
                out.append(row("n", int(rng.integers(0, 3)) if visit != "Week 1" else 0, variable="values", visit=visit, **key))
    out.append(row("text", None, variable="footnote", variable_level="1", stat_text="The first event of a kind counts."))
    return to_frame(out, analysis_id="ice", method="intercurrent_events", dataset="ADQS", analysis_set="FAS", param="IRLSTOT")


def estimators(world) -> dict:
    """Options of sensitivity and forest."""
    arm = world.codes[1]
    anchored = {"analysis": "imputed", "variance": "information-anchored"}
    return {
        "comparison": arm,
        "visit": "Week 12",
        "rows": [
            {"analysis": "main", "label": "Mixed model", "group": "Estimand: treatment policy"},
            {"label": "Missing at random", "strategy": "MAR", **anchored},
            {"label": "Jump to reference", "strategy": "J2R", **anchored},
            {"label": "Last mean carried forward", "strategy": "LMCF", **anchored},
            {
                "analysis": "main",
                "label": "Mixed model, week 4",
                "visit": "Week 4",
                "group": "For comparison only",
                "comparison_only": True,
            },
            {"analysis": "imputed", "label": "Jump to reference", "strategy": "J2R", "variance": "repeated sampling"},
        ],
    }


def given(world) -> dict[str, tuple]:
    """Display number → layout, kind, results and options."""
    both = {"main": world.mmrm(), "imputed": imputation(world)}
    return {
        "T14.2.2.1": ("intercurrent", "table", {"main": events(world)}, {"by_visit": True, "values": True}),
        "T14.2.2.2": ("sensitivity", "table", both, estimators(world)),
        "F14.2.2.2": ("forest", "figure", both, estimators(world)),
        "F14.2.2.1": ("tipping_map", "figure", {"main": tipping(world)}, {}),
        "T14.2.2.3": (
            "missing_patterns",
            "table",
            {"main": imputation(world)},
            {"smallest": 2, "blocks": ["patterns", "reasons", "events"]},
        ),
        "F14.2.2.3": ("missing_pattern_plot", "figure", {"main": imputation(world)}, {}),
    }
