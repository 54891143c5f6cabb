"""The README of the data folder: how the trial was made, what is true in it, and the data dictionary."""

from __future__ import annotations

from typing import Any

import pandas as pd

from nirls.simulate.config import Trial
from nirls.simulate.dictionary import FILES


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows])


def readme(trial: Trial, tables: dict[str, pd.DataFrame], values: dict[str, Any]) -> str:
    """Text of README.md."""
    difference = {
        (row["arm"], row["week"]): row["value"] for row in values["truth"] if row["quantity"] == "difference in mean change, treatment policy"
    }
    arms = [
        (a.code, str(a.n), {"sham": "sham light", "nir": f"{a.wavelength} nm, {a.irradiance:g} mW/cm² × {a.minutes:g} min = {a.fluence:g} J/cm²", "drug": "open-label alpha-2-delta ligand"}[a.kind],
         *(f"{difference[a.code, week]:.2f}" if (a.code, week) in difference else "0" for week in (4, 12)))
        for a in trial.arms
    ]  # fmt: skip
    sites = [(s.id, s.region, s.tz, s.language) for s in trial.sites]
    key = tables["answer-key"]
    counts = [(rule, severity, file, str(n)) for (rule, severity, file), n in key.groupby(["rule", "severity", "file"]).size().items()]
    primary = values["primary"]
    parts = [
        f"# {trial.study}: the demonstration trial",
        "**SYNTHETIC DATA — not evidence.** Every number here was generated; no person took part. The trial exists to show and to test the analyses: "
        "what is true in it is known.",
        f"Made by `python -m nirls.simulate --study nir-rls --out data/nir-rls`, seed {trial.seed}. The same command gives the same bytes. "
        "All parameters stand in `src/nirls/simulate/config.py` and, as used, in `truth.json`.",
        "## The trial",
        f"Nine arms, {trial.randomized} randomized subjects (ratio {':'.join(str(a.n) for a in trial.arms)}), {len(tables['dm']) - trial.randomized} screen failures, six sites, "
        f"permuted blocks of {trial.block} within site × severity (IRLS total below 25, or 25 and more). Three sessions a week for 12 weeks, then off treatment to week 21. "
        "Visits: screening, baseline, weeks 1, 2, 3, 4 (primary), 6, 8, 10, 12 and weekly 13–21. "
        f"Data cut {trial.cut.isoformat()}. Differences to sham below are the true ones (treatment policy, IRLS points).",
        _table(("Arm", "n", "Regimen", "Week 4", "Week 12"), arms),
        _table(("Site", "Region", "Time zone", "Language"), sites),
        "## What is true",
        f"`truth.json` holds the true values by Monte Carlo over potential outcomes ({values['subjects']} subjects, the same under every arm). "
        f"The primary one, NIR850-54 − SHAM at week 4 under treatment policy, is {primary['value']:.3f} points (Monte-Carlo SE {primary['mc_se']:.4f}). "
        "The potential outcome is defined there in words; it is what the trial measures (whole-number items, total 0–40), with no value missing.",
        "`truth-subjects.csv.gz` holds what nobody could see: latent severity, weeks of stopping, relapse and rescue, dose really delivered.\n\n"
        "How the outcome comes about:\n\n"
        "- Latent severity on the scale of the total: a lasting trait, a site effect, a slope, weekly autocorrelated residuals; each item answers to it by a graded-response "
        "model with its own thresholds and noise. Items 1, 2, 4, 6, 7, 8 (symptoms) respond to sham and light much more than 5, 9, 10 (impact).\n"
        "- Sham response about 6 points by week 4, most of it in the first three weeks, different between subjects.\n"
        "- Light: an umbrella over fluence with its peak at 50 J/cm², weaker at 660 nm, weaker at twice the irradiance for half the time, half as strong again with microvascular involvement; "
        "it builds up with the sessions delivered and halves every 3 weeks without them. Part of it goes through tissue oxygenation. No tolerance.\n"
        "- The drug: stronger at first, with dizziness and sleepiness, augmentation in 8 %.\n"
        "- After week 12: gradual loss of benefit and weekly relapses, rarer after 50 J/cm² and more.\n"
        "- Sessions are missed more often by those with more symptoms; stopping treatment depends on the last *observed* change and the arm (missing at random), adverse events aside; "
        "four of ten who stop treatment stay in the study. Outcomes after stopping lose the benefit only slowly and few have stopped by week 4, so that a mixed model for repeated measures "
        "under missing-at-random is close to unbiased for the primary estimand.\n"
        "- The 660 nm devices glow visibly, the 850 nm devices do not; nobody is asked for a guess in the open-label arm.",
        "## Faults and the answer key",
        "`answer-key.csv.gz` lists every fault planted in the files, and everything that really happened and is a finding by itself (a deviation, a swapped device, a rescue medication). "
        "At most one fault was planted in a record, and unplanted records break none of the rules. What has to be known to compare findings with the key:\n\n"
        "- Severity E faults are not planted; they stop a study.\n"
        "- R03 and the contradicting R33 list both records of a pair; R32 both sessions, R40 all sessions of the day.\n"
        "- A total outside 0–40 (R07) differs from the sum of its items as well (R06); a total beside a missing item (R08) stands in a record with fewer than ten items (R09); both are listed once, under the narrower rule.\n"
        "- R09 looks at items missing as recorded: an item made missing by R05 is not listed again.\n"
        "- Medical history and medicines begin before consent by nature; R13 does not concern them, nor dates of birth.\n"
        "- Sequence rules of the device log (R34, R43) look at the log as delivered, re-uploads taken out, before records are quarantined. Days are local days of TZ.\n"
        "- R20 has no record; its line in the key is the subject's row in `dm`.\n"
        "- R44 lists the sessions with an offset above 60 s, R50 the calibrations with more than 20 % (50 %) below nominal, or the first after a gap.",
        _table(("Rule", "Severity", "File", "Lines of the key"), counts),
        "## Data dictionary",
        "CSV, comma, UTF-8, gzip; ISO 8601 dates; missing is empty.",
    ]
    for name, (label, columns) in FILES.items():
        parts.append(f"### {name}.csv.gz\n\n{label}; {len(tables[name])} records.\n\n" + _table(("Column", "Meaning"), list(columns.items())))
    return "\n\n".join(parts) + "\n"
