"""The demonstration trial programmed twice: the package from raw files to results, and the plain code of this file.

Nothing of the package is used on this side. The rules are those of config/studies/nir-rls and the report: an item is a whole number
0–4 and a total needs all ten; identical rows count once, rows of one interview that differ not at all; nothing counts before consent
or for an unknown subject; analysis visits follow study day, the record closest to target is used, and of two the later.
"""

import json
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import optimize, stats

from nirls.adam.addv import derive_addv
from nirls.adam.adice import derive_adice
from nirls.adam.adqs import derive_adqs
from nirls.adam.adsl import derive_adsl
from nirls.analyse import run_analysis
from nirls.plan.load import load_plan
from nirls.sdtm.ingest import ingest

ROOT = Path(__file__).parents[2]
DATA = ROOT / "data" / "nir-rls"
BLINDED = ["SHAM", "NIR850-18", "NIR850-36", "NIR850-54", "NIR850-90", "NIR850-54H", "NIR660-18", "NIR660-54"]
ARMS = [*BLINDED, "ACTIVE"]
WEEKS = [1, 2, 3, 4, 6, 8, 10, 12, *range(13, 22)]
MODEL_WEEKS = WEEKS[:8]
LAST_DAY = [11, 18, 25, 36, 50, 64, 78, 88, 95, 102, 109, 116, 123, 130, 137, 144, 10**6]
IMPORTANT = ["ELIGIBILITY CRITERIA NOT MET", "WRONG DEVICE DISPENSED", "PROHIBITED CONCOMITANT MEDICATION", "TREATMENT NON-COMPLIANCE"]


def read(name):
    return pd.read_csv(DATA / f"{name}.csv.gz", dtype=str, keep_default_na=False).map(str.strip)


@pytest.fixture(scope="module")
def subjects():
    """Randomized subjects with their analysis sets, reasons and baseline values."""
    dm = read("dm").set_index("USUBJID")
    out = dm[dm["ARMCD"] != "SCRNFAIL"].copy()
    out["DAY1"] = out["RFSTDTC"].where(out["RFSTDTC"] != "", out["RANDDTC"])
    dx, ex = read("dx"), read("ex")
    dx = dx[dx["USUBJID"].isin(out.index) & (pd.to_numeric(dx["ON_SEC"]) > 0)]
    worn = dx.loc[dx["START_UTC"].str[:10] >= dx["USUBJID"].map(out["RANDDTC"]), "USUBJID"]
    dosed = ex.loc[(ex["EXENDTC"] == "") | (ex["EXENDTC"] >= ex["EXSTDTC"]), "USUBJID"]
    out["TREATED"] = np.where(out["ACTARMCD"] == "ACTIVE", out.index.isin(dosed), out.index.isin(worn))
    ds = read("ds")
    for name, scope in {"EOS": "STUDY PARTICIPATION", "EOT": "STUDY TREATMENT"}.items():
        out[name] = ds[ds["DSSCAT"] == scope].set_index("USUBJID")["DSDECOD"].reindex(out.index)
    return out


@pytest.fixture(scope="module")
def totals(subjects):
    """One row per subject and analysis visit with the IRLS total analysed there."""
    irls, consent = read("qs_irls").drop_duplicates(), read("dm").set_index("USUBJID")["RFICDTC"]
    irls = irls[~irls.duplicated(["USUBJID", "VISITNUM", "IRLSDTC"], keep=False) & irls["USUBJID"].isin(consent.index)]
    irls = irls[(irls["IRLSDTC"] >= irls["USUBJID"].map(consent)) & irls["USUBJID"].isin(subjects.index)]
    items = irls[[f"IRLS{i:02d}" for i in range(1, 11)]]
    irls = irls[items.isin(list("01234")).all(axis=1)]
    out = pd.DataFrame({"USUBJID": irls["USUBJID"], "AVAL": items.loc[irls.index].astype(int).sum(axis=1)})
    days = [
        (date.fromisoformat(d) - date.fromisoformat(subjects["DAY1"][u])).days for d, u in zip(irls["IRLSDTC"], out["USUBJID"], strict=True)
    ]
    out["ADY"] = [d + 1 if d >= 0 else d for d in days]
    out["WEEK"] = [-1 if d < -6 else 0 if d < 2 else WEEKS[int(np.searchsorted(LAST_DAY, d))] for d in out["ADY"]]
    target = (7 * out["WEEK"] + 1).where(out["WEEK"] >= 0, -14)
    order = pd.DataFrame({"away": (out["ADY"] - target).abs(), "day": -out["ADY"]}).sort_values(["away", "day"], kind="stable").index
    out = out.loc[order].drop_duplicates(["USUBJID", "WEEK"])
    out["BASE"] = out["USUBJID"].map(out[out["WEEK"] == 0].set_index("USUBJID")["AVAL"])
    out["CHG"] = (out["AVAL"] - out["BASE"]).where(out["WEEK"] > 0)
    return out.join(subjects[["ARMCD", "SITEID", "STRSEV"]], on="USUBJID")


@pytest.fixture(scope="module")
def sets(subjects, totals):
    deviations = read("dv")
    base = subjects.index.isin(totals.loc[totals["WEEK"] == 0, "USUBJID"])
    later = subjects.index.isin(totals.loc[totals["WEEK"] > 0, "USUBJID"])
    important = subjects.index.isin(deviations.loc[deviations["DVCAT"].isin(IMPORTANT), "USUBJID"])
    full, treated = base & later, subjects["TREATED"].to_numpy(bool)
    per_protocol = full & treated & (subjects["ARMCD"] == subjects["ACTARMCD"]) & ~important
    return pd.DataFrame({"SAFFL": treated, "FASFL": full, "PPFL": per_protocol, "NOBASE": ~base}, index=subjects.index)


@pytest.fixture(scope="module")
def analysed(totals, sets):
    return totals[totals["USUBJID"].map(sets["FASFL"])]


@pytest.fixture(scope="module")
def result():
    """The package's side: statistics of an analysis by (arm, comparison, variable, level, visit, statistic)."""
    plan = load_plan("nir-rls", root=ROOT)
    domains = ingest(plan, ROOT).domains
    adsl = derive_adsl(domains, plan)
    data = {"ADSL": adsl, "ADQS": derive_adqs(domains, adsl, plan)[0], "ADDV": derive_addv(domains, adsl, plan)[0]}
    ice = derive_adice(domains, adsl, data["ADQS"], plan)[0]
    found = {}

    def look_up(analysis):
        if analysis not in found:
            ard = run_analysis(plan, analysis, data[plan.analyses[analysis].dataset], adsl, ice=ice)[0]
            found[analysis] = ard.set_index(["group1_level", "comparison", "variable", "variable_level", "visit", "stat_name"])[
                "stat"
            ].to_dict()
        return found[analysis]

    return look_up


def test_subjects_excluded_from_a_set(result, subjects, sets):
    """Listing 16.2.3 has everybody who is not in all three sets, and nobody else."""
    found = result("excluded_listed")
    for arm in [*ARMS, "Total"]:
        flags = sets if arm == "Total" else sets.loc[subjects.index[subjects["ARMCD"] == arm]]
        out = (~(flags["SAFFL"] & flags["FASFL"] & flags["PPFL"])).sum()
        assert found[arm, "", "", "", "", "n_subjects"] == found[arm, "", "", "", "", "n_obs"] == out


def test_sets_and_disposition(result, subjects, sets):
    found, checked = result("disposition"), 0
    for arm in [*ARMS, "Total"]:
        own = subjects if arm == "Total" else subjects[subjects["ARMCD"] == arm]
        treated, flags = own[own["TREATED"]], sets.loc[own.index]
        expected = {("RANDFL", "Y"): len(own), ("TRTFL", "Y"): len(treated), ("TRTFL", "N"): len(own) - len(treated)}
        expected |= {
            (name, level): n for name in ("SAFFL", "FASFL", "PPFL") for level, n in (("Y", flags[name].sum()), ("N", (~flags[name]).sum()))
        }
        expected |= {("FASXR", "No baseline IRLS total"): flags["NOBASE"].sum()}
        expected |= {("FASXR", "No IRLS total after baseline"): (~flags["FASFL"] & ~flags["NOBASE"]).sum()}
        for status, reason, people, column in (("EOTSTT", "DCTREAS", treated, "EOT"), ("EOSSTT", "DCSREAS", own, "EOS")):
            left = people[people[column] != "COMPLETED"]
            expected |= {(status, "COMPLETED"): len(people) - len(left), (status, "DISCONTINUED"): len(left)}
            expected |= {(reason, level): n for level, n in left[column].value_counts().items()}
        for (variable, level), n in expected.items():
            assert found[arm, "", variable, level, "", "n"] == n, (arm, variable, level)
            assert found[arm, "", variable, level, "", "p"] == pytest.approx(100 * n / len(own), rel=1e-12)
        checked += sum(expected.values())
    counted = sum(n for (_, _, _, level, _, stat), n in found.items() if stat == "n" and level)
    assert counted == checked, "a level that is not in the raw files"


def test_deviations(result, subjects):
    found, rows = result("deviations"), read("dv")
    rows = rows[rows["USUBJID"].isin(subjects.index)].assign(IMPORTANT=lambda d: np.where(d["DVCAT"].isin(IMPORTANT), "Y", "N"))
    rows["ARMCD"] = rows["USUBJID"].map(subjects["ARMCD"])
    for arm in [*ARMS, "Total"]:
        own = rows if arm == "Total" else rows[rows["ARMCD"] == arm]
        for variable, column in (("DVIMPFL", "IMPORTANT"), ("DVCAT", "DVCAT")):
            for level in rows[column].unique():
                those = own.loc[own[column] == level, "USUBJID"]
                assert found[arm, "", variable, level, "", "n"] == those.nunique()
                assert found[arm, "", variable, level, "", "n_events"] == len(those)


def summary(values):
    """Quartiles by definition 5 of SAS: where n·p is whole, the mean of that value and the next; else the next."""
    x = np.sort(np.asarray(values, float))
    q1, q3 = ((x[max(len(x) * p // 4 - 1, 0)] + x[len(x) * p // 4]) / 2 if len(x) * p % 4 == 0 else x[len(x) * p // 4] for p in (1, 3))
    return {"n": len(x), "mean": x.mean(), "sd": x.std(ddof=1), "median": np.median(x), "q1": q1, "q3": q3, "min": x[0], "max": x[-1]}


def test_baseline(result, subjects, totals):
    found = result("baseline_numbers")
    own = subjects.assign(
        AGE=pd.to_numeric(subjects["AGE"]),
        BMIBL=pd.to_numeric(subjects["WEIGHT"]) / (pd.to_numeric(subjects["HEIGHT"]) / 100) ** 2,
        IRLSBL=totals[totals["WEEK"] == 0].set_index("USUBJID")["AVAL"],
    )
    for arm in [*ARMS, "Total"]:
        for variable in ("AGE", "BMIBL", "IRLSBL"):
            values = own.loc[(own["ARMCD"] == arm) | (arm == "Total"), variable]
            for stat, value in summary(values.dropna()).items():
                assert found[arm, "", variable, "", "", stat] == pytest.approx(value, rel=1e-12), (arm, variable, stat)
            assert found[arm, "", variable, "", "", "n_missing"] == values.isna().sum()


def test_observed_values(result, analysed, sets, subjects):
    found, cells = result("observed_irls"), 0
    for (arm, week), part in analysed[analysed["WEEK"] >= 0].groupby(["ARMCD", "WEEK"]):
        visit = f"Week {week}" if week else "Baseline"
        for variable in ("AVAL", "CHG") if week else ("AVAL",):
            for stat, value in summary(part[variable]).items():
                assert found[arm, "", variable, "", visit, stat] == pytest.approx(value, rel=1e-12), (arm, visit, variable, stat)
            missed = (sets["FASFL"] & (subjects["ARMCD"] == arm)).sum() - len(part)
            assert found[arm, "", variable, "", visit, "n_missing"] == missed
            cells += 1
    assert cells == 9 * (18 + 17)


def model_row(arm, week, base, site, stratum, weeks):
    """Intercept, baseline, five sites, stratum, arm, visit, baseline × visit, arm × visit; None for a factor means equal weights."""
    sites = [1 / 6] * 5 if site is None else [float(site == f"0{i}") for i in range(2, 7)]
    arms, visits = [float(arm == a) for a in BLINDED[1:]], [float(week == w) for w in weeks[1:]]
    row = [1, base, *sites, 0.5 if stratum is None else float(stratum == ">=25"), *arms, *visits]
    return row + [base * v for v in visits] + [a * v for a in arms for v in visits]


def design(rows, weeks):
    chosen = rows[rows["ARMCD"].isin(BLINDED) & rows["WEEK"].isin(weeks)].sort_values(["USUBJID", "WEEK"])
    x = np.array([model_row(*r, weeks) for r in chosen[["ARMCD", "WEEK", "BASE", "SITEID", "STRSEV"]].itertuples(index=False)])
    return chosen, x, chosen["CHG"].to_numpy(float)


def test_ancova(result, analysed):
    found = result("ancova_week4")
    rows, x, y = design(analysed, [4])
    inverse = np.linalg.inv(x.T @ x)
    beta, df = inverse @ x.T @ y, len(y) - x.shape[1]
    variance = ((y - x @ beta) ** 2).sum() / df
    means = {arm: np.array(model_row(arm, 4, rows["BASE"].mean(), None, None, [4])) for arm in BLINDED}
    for arm in BLINDED:
        for row, comparison, names in (
            (means[arm], "", ("lsmean", "lsmean_se")), (means[arm] - means["SHAM"], f"{arm} - SHAM", ("estimate", "std_error")),
        ):  # fmt: skip
            if arm == "SHAM" and comparison:
                continue
            value, error = row @ beta, np.sqrt(variance * row @ inverse @ row)
            low, high = stats.t.interval(0.95, df, value, error)
            for name, number in zip((*names, "df", "conf_low", "conf_high"), (value, error, df, low, high), strict=True):
                assert found[arm, comparison, "CHG", "", "Week 4", name] == pytest.approx(number, rel=1e-9), (arm, comparison, name)


class Reml:
    """REML of y = Xβ + ε, unstructured Σ, straight from its definition: one covariance matrix per pattern of visits seen."""

    def __init__(self, subject, visit, x, y):
        self.t, self.n, self.p = visit.max() + 1, len(y), x.shape[1]
        blocks = {}
        for block in np.split(np.arange(self.n), np.flatnonzero(subject[1:] != subject[:-1]) + 1):
            blocks.setdefault(tuple(visit[block]), []).append(block)
        self.parts = [(np.ix_(seen, seen), x[rows], y[rows]) for seen, rows in ((list(k), np.array(v)) for k, v in blocks.items())]
        self.lower = np.tril_indices(self.t)

    def evaluate(self, sigma):
        """−2ℓ and its gradient in Σ (as a symmetric matrix); β̂ and (X'V⁻¹X)⁻¹ are kept."""
        inverse = [np.linalg.inv(sigma[seen]) for seen, _, _ in self.parts]
        weighted = [np.einsum("ab,ibp->iap", w, x) for w, (_, x, _) in zip(inverse, self.parts, strict=True)]
        information = sum(np.tensordot(x, wx, axes=([0, 1], [0, 1])) for wx, (_, x, _) in zip(weighted, self.parts, strict=True))
        score = sum(np.tensordot(wx, y, axes=([0, 1], [0, 1])) for wx, (_, _, y) in zip(weighted, self.parts, strict=True))
        self.phi = np.linalg.inv(information)
        self.beta = self.phi @ score
        value = np.linalg.slogdet(information)[1] + (self.n - self.p) * np.log(2 * np.pi)
        gradient = np.zeros((self.t, self.t))
        for w, (seen, x, y) in zip(inverse, self.parts, strict=True):
            residual = y - x @ self.beta
            inner = np.tensordot(x @ self.phi, x, axes=([0, 2], [0, 2])) + residual.T @ residual
            value += len(y) * np.linalg.slogdet(sigma[seen])[1] + np.sum(w * (residual.T @ residual))
            gradient[seen] += len(y) * w - w @ inner @ w
        return value, gradient

    def units(self):
        """∂Σ/∂θ for every element θ of Σ on or below the diagonal."""
        out = np.zeros((len(self.lower[0]), self.t, self.t))
        for h, (i, j) in enumerate(zip(*self.lower, strict=True)):
            out[h, i, j] = out[h, j, i] = 1
        return out

    def fit(self):
        diagonal = np.diag_indices(self.t)

        def from_cholesky(theta):
            lower = np.zeros((self.t, self.t))
            lower[self.lower] = theta
            lower[diagonal] = np.exp(lower[diagonal])
            value, gradient = self.evaluate(lower @ lower.T)
            slope = 2 * gradient @ lower
            slope[diagonal] *= lower[diagonal]
            self.sigma = lower @ lower.T
            return value, slope[self.lower]

        start = np.linalg.cholesky(20 * np.eye(self.t) + 20)
        start[diagonal] = np.log(start[diagonal])
        best = optimize.minimize(from_cholesky, start[self.lower], jac=True, method="BFGS", options={"gtol": 1e-3})
        from_cholesky(best.x)
        units = self.units()

        def slope(sigma):
            return np.tensordot(units, self.evaluate(sigma)[1], axes=([1, 2], [0, 1]))

        for _ in range(3):  # Newton in the elements of Σ, curvature by differences of the gradient
            step = 1e-3
            curvature = np.array([(slope(self.sigma + step * u) - slope(self.sigma - step * u)) / (2 * step) for u in units])
            self.sigma = self.sigma - np.tensordot(np.linalg.solve(curvature, slope(self.sigma)), units, axes=1)
        self.information = 2 * np.linalg.inv((curvature + curvature.T) / 2)
        self.deviance = self.evaluate(self.sigma)[0]
        return self

    def contrast(self, row):
        """Estimate, standard error and df after Kenward & Roger (1997), Σ linear in its parameters."""
        v, units = self.phi @ row, self.units()
        p, q = np.zeros((len(units), self.p)), np.zeros((len(units), len(units)))
        for seen, x, _ in self.parts:
            w, u = np.linalg.inv(self.sigma[seen]), x @ v
            d = np.stack([w @ unit[seen] @ w for unit in units])
            du = np.einsum("hab,ib->hia", d, u)
            p -= np.tensordot(du, x, axes=([1, 2], [0, 1]))
            q += np.tensordot(du @ self.sigma[seen], du, axes=([1, 2], [1, 2]))
        variance, slope = row @ v, -p @ v
        adjusted = variance + 2 * np.sum(self.information * (q - p @ self.phi @ p.T))
        return row @ self.beta, np.sqrt(adjusted), 2 * variance**2 / (slope @ self.information @ slope)


@pytest.fixture(scope="module")
def reml(analysed):
    rows, x, y = design(analysed, MODEL_WEEKS)
    visit = np.searchsorted(MODEL_WEEKS, rows["WEEK"].to_numpy())
    return Reml(rows["USUBJID"].to_numpy(str), visit, x, y).fit(), rows["BASE"].mean(), len(rows)


def test_primary_model(result, reml):
    found = result("primary_mmrm")
    fit, base, n = reml
    assert found["", "", "model", "", "", "n_obs"] == n
    assert found["", "", "model", "", "", "deviance"] == pytest.approx(fit.deviance, abs=1e-7)
    for i, j in zip(*fit.lower, strict=True):
        assert found["", "", "model", f"Week {MODEL_WEEKS[j]}", f"Week {MODEL_WEEKS[i]}", "covariance"] == pytest.approx(
            fit.sigma[i, j], rel=1e-7
        )
    means = {(arm, week): np.array(model_row(arm, week, base, None, None, MODEL_WEEKS)) for arm in BLINDED for week in (4, 12)}
    for (arm, week), row in means.items():
        key = "CHG", "", f"Week {week}"
        mean = fit.contrast(row)
        assert [found[arm, "", *key, s] for s in ("lsmean", "lsmean_se", "df")] == pytest.approx(mean, rel=1e-6)
        if arm != "SHAM":
            difference = fit.contrast(row - means["SHAM", week])
            assert [found[arm, f"{arm} - SHAM", *key, s] for s in ("estimate", "std_error", "df")] == pytest.approx(difference, rel=1e-6)


def test_primary_estimate_and_the_truth(result):
    """Of this one trial, whose seed was chosen: the truth is in the interval, and the estimate within two standard errors of it."""
    truth = json.loads((DATA / "truth.json").read_text(encoding="utf-8"))["primary"]
    assert truth["comparison"] == "NIR850-54 - SHAM" and truth["week"] == 4
    found = {
        s: result("primary_mmrm")["NIR850-54", truth["comparison"], "CHG", "", "Week 4", s]
        for s in ("estimate", "std_error", "conf_low", "conf_high")
    }
    assert abs(found["estimate"] - truth["value"]) < 2 * found["std_error"]
    assert found["conf_low"] < truth["value"] < found["conf_high"] < 0
