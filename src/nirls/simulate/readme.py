"""The README of the data folder: how the trial was made, what is true in it, and the data dictionary."""

from __future__ import annotations

from typing import Any

import pandas as pd

from nirls.simulate.config import Trial
from nirls.simulate.dictionary import FILES
from nirls.simulate.truth import PRIMARY

_TEXT = """\
# {study}: the demonstration trial

**SYNTHETIC DATA — not evidence.** Every number here was generated; no person took part. The trial exists to show
and to test the analyses: what is true in it is known.

Made by `python -m nirls.simulate --study nir-rls --out data/nir-rls`, seed {seed}. The same command gives the same
bytes. All parameters stand in `src/nirls/simulate/config.py` and, as used, in `truth.json`.

The seed was chosen, so that one trial shows what is true: from 20240304 upwards, the first with which every arm's observed
mean change lies within 1.3 standard errors of the true one at week 4, and within 2 at weeks 8 and 12, and the counts of
screen failures, retrieved dropouts, augmentations and eligibility deviations are near those expected. The agreement of
estimates with the truth in this one trial therefore proves nothing; operating characteristics need other seeds.

## The trial

Nine arms, {randomized} randomized subjects (ratio {ratio}), {failures} screen failures, six sites, permuted blocks of
{block} within site × severity (IRLS total below 25, or 25 and more). Three sessions a week for 12 weeks, then off
treatment to week 21. Visits: screening, baseline, weeks 1, 2, 3, 4 (primary), 6, 8, 10, 12 and weekly 13–21. Data cut
{cut}. The differences to sham below are the true ones (treatment policy, IRLS points).

{arms}

{sites}

## What is true

`truth.json` holds the true values by Monte Carlo over potential outcomes ({subjects} subjects, the same under every
arm). The primary one, NIR850-54 − SHAM at week 4 under treatment policy, is {primary:.3f} points (Monte-Carlo SE
{primary_se:.4f}). The potential outcome is defined there in words; it is what the trial measures (whole-number items,
total 0–40), with no value missing. Every row has its Monte-Carlo standard error (`mc_se`); `definition` says in words what
each quantity is, and docs/statistics/truths.md explains them. Further truths for 850 nm, 54 J/cm² and for the drug (all arms in the file):

{more}

`truth-subjects.csv.gz` holds what nobody could see: latent severity, the weeks of
stopping, relapse and rescue, the dose really delivered.

How the outcome comes about:

- Latent severity on the scale of the total: a lasting trait, a site effect, a slope, weekly autocorrelated residuals;
  each item answers to it by a graded-response model with its own thresholds and noise. Items 1, 2, 4, 6, 7, 8
  (symptoms) respond to sham and light much more than 5, 9, 10 (impact).
- Sham response of about 6 points by week 4, most of it in the first three weeks, different between subjects.
- Light: an umbrella over fluence with its peak at 50 J/cm², weaker at 660 nm, weaker at twice the irradiance for half
  the time, half as strong again with microvascular involvement; it builds up with the sessions delivered and halves
  every 3 weeks without them. Part of it goes through tissue oxygenation. No tolerance.
- The drug: stronger at first, with dizziness and sleepiness; augmentation in 8 %.
- After week 12: gradual loss of benefit and weekly relapses, rarer after 50 J/cm² and more. The rule of the plan counts a rise from
  week 12, and who gained more has more to lose: the hazard ratio against sham is above 1 for every regimen of light, although the mean is
  better than under sham at every visit.
- Sessions are missed more often by those with more symptoms. Stopping treatment depends on the last *observed* change
  and the arm (missing at random), adverse events aside; about four of ten who stop treatment stay in the study. Outcomes
  after stopping lose the benefit slowly and few have stopped by week 4, so that a mixed model for repeated measures
  under missing-at-random is nearly unbiased for the primary estimand: compared with the same model on complete data it
  overstates the effect of NIR850-54 by 0.08 (SE 0.01) points at week 4 and 0.17 (SE 0.01) at week 12 (8 simulated trials
  of 9000 subjects), a tenth of the standard error in this trial.
- The 660 nm devices glow visibly, the 850 nm devices do not; nobody is asked for a guess in the open-label arm.

## Faults and the answer key

`answer-key.csv.gz` lists every fault planted in the files, and everything that really happened and is a finding by
itself (a deviation, a swapped device, a rescue medication). At most one fault was planted in a record, and unplanted
records break none of the rules. The key covers more rules than are checked today: those that are stand in
`config/README.md`; faults of the others stay in the data. What has to be known to compare findings with the key:

- Severity E faults are not planted; they stop a study. A clock set back by some days is planted (R43), none at 1970 or
  2000. R30, sham light that is not dark, is an alert and listed as Q.
- R42 (wavelength against the register) has no column in the log to look at; no arm stops treatment by design (R49).
- R03 and the contradicting R33 list both records of a pair, R32 both sessions, R40 all sessions of the day.
- A total outside 0–40 (R07) differs from the sum of its items as well (R06), and a total beside a missing item (R08)
  stands in a record with fewer than ten items (R09): such a fault has a line under both rules.
- R09 looks at items missing as recorded: an item made missing by R05 is not listed again. It has a line for each
  missing item.
- R12 lists the later of the two interviews. R20 has no record; its line in the key is the subject's row in `dm`.
- Medical history and medicines begin before consent by nature; R13 does not concern them, nor dates of birth.
- Sequence rules of the device log (R34, R43) look at the log as delivered, re-uploads taken out, before records are
  quarantined. Days are local days of TZ.
- R44 lists the sessions with an offset above 60 s. R50 lists the calibrations more than 20 % (50 %) below nominal, or
  the first one after a gap of more than 90 days.

{counts}

## Data dictionary

CSV, comma, UTF-8, gzip; ISO 8601 dates; missing is empty.
"""


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows])


def _arms(trial: Trial, values: dict[str, Any]) -> str:
    quantity = "difference in mean change, treatment policy"
    true = {(row["arm"], row["week"]): row["value"] for row in values["truth"] if row["quantity"] == quantity}
    rows = []
    for arm in trial.arms:
        light = f"{arm.wavelength} nm, {arm.irradiance:g} mW/cm² × {arm.minutes:g} min = {arm.fluence:g} J/cm²"
        regimen = {"sham": f"sham light, {arm.minutes:g} min", "nir": light, "drug": "open-label alpha-2-delta ligand"}[arm.kind]
        effects = [f"{true[arm.code, week]:.2f}" if (arm.code, week) in true else "0" for week in (4, 12)]
        rows.append((arm.code, str(arm.n), regimen, *effects))
    return _table(("Arm", "n", "Regimen", "Week 4", "Week 12"), rows)


_MORE = (  # words, quantity, week, decimals
    ("Slope of weeks 4–12 less that of sham, points/week", "difference in slope, weeks 4–12", None, 3),
    ("Slope of weeks 12–21 less that of sham, points/week", "difference in slope, weeks 12–21", None, 3),
    ("Indirect effect through tissue oxygenation, week 4", "indirect effect through oxygenation, treatment policy", 4, 2),
    ("Direct effect past it, week 4", "direct effect past oxygenation, treatment policy", 4, 2),
    ("Effect with microvascular involvement less that without it, week 4", "interaction, treatment policy, microvascular", 4, 2),
    ("The same for a refractory course", "interaction, treatment policy, refractory", 4, 2),
    ("The same for secondary restless legs syndrome", "interaction, treatment policy, secondary", 4, 2),
    ("Without relapse 9 weeks after the end of treatment", "share without relapse (RELAPSE)", 9, 3),
    ("Hazard ratio of relapse against sham", "hazard ratio of relapse (RELAPSE)", None, 2),
    (
        "Mean time without relapse to 9 weeks less that of sham, weeks",
        "difference in restricted mean time without relapse (RELAPSE), weeks",
        9,
        2,
    ),
    ("Chance of a total of 0 at week 4 from 25–29", "chance of a total of 0 with a baseline of 25–29", 4, 6),
    ("Chance of a fall of 27 points or more at week 4", "chance of a fall of 27 points or more", 4, 6),
    ("Erythema, share of treated subjects", "incidence of Erythema", None, 3),
)


def _further(values: dict[str, Any]) -> str:
    true = {(row["quantity"], row["arm"], row["week"]): row for row in values["truth"]}
    rows = []
    for words, quantity, week, decimals in _MORE:
        cells = []
        for arm in ("SHAM", PRIMARY, "ACTIVE"):
            row = true.get((quantity, arm, week))
            cells.append("" if row is None else f"{row['value']:.{decimals}f}")
        rows.append((words, *cells))
    return _table(("Quantity", "SHAM", PRIMARY, "ACTIVE"), rows)


def readme(trial: Trial, tables: dict[str, pd.DataFrame], values: dict[str, Any]) -> str:
    """Text of README.md."""
    groups = tables["answer-key"].groupby(["rule", "severity", "file"]).size()
    text = _TEXT.format(
        study=trial.study,
        seed=trial.seed,
        randomized=trial.randomized,
        ratio=":".join(str(arm.n) for arm in trial.arms),
        failures=len(tables["dm"]) - trial.randomized,
        block=trial.block,
        cut=trial.cut.isoformat(),
        arms=_arms(trial, values),
        sites=_table(("Site", "Region", "Time zone", "Language"), [(s.id, s.region, s.tz, s.language) for s in trial.sites]),
        subjects=values["subjects"],
        primary=values["primary"]["value"],
        primary_se=values["primary"]["mc_se"],
        more=_further(values),
        counts=_table(("Rule", "Severity", "File", "Lines of the key"), [(*group, str(n)) for group, n in groups.items()]),
    )
    for name, (label, columns) in FILES.items():
        text += (
            f"\n### {name}.csv.gz\n\n{label}; {len(tables[name])} records.\n\n"
            + _table(("Column", "Meaning"), list(columns.items()))
            + "\n"
        )
    return text
