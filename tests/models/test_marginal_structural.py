"""Marginal structural model: weights by hand, statsmodels' GEE, and a known effect under time-varying confounding."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from nirls.errors import DataError
from nirls.models.marginal_structural import stabilized_weights, weighted_effect


def history(n, effect, seed, binary=False):
    """Two periods: symptoms L lead to missed treatment and to a worse outcome; treatment lowers later symptoms."""
    rng = np.random.default_rng(seed)
    u = rng.normal(size=n)
    rows, past, low = [], np.zeros(n), u + rng.normal(size=n)
    for t in range(2):
        level = (low > 0).astype(float) if binary else low
        a = (rng.random(n) < 1 / (1 + np.exp(-(0.5 - 1.0 * level + 0.5 * past)))).astype(float)
        rows.append(pd.DataFrame({"ID": np.arange(n), "T": float(t), "A": a, "L": level, "PAST": past}))
        past = past + a
        low = u + rng.normal(size=n) - 0.5 * a
    y = 2 * u + effect * past + rng.normal(size=n)
    return pd.concat(rows, ignore_index=True), pd.DataFrame({"ID": np.arange(n), "Y": y, "DOSE": past})


SIDES = {"treatment": "A", "subject": "ID", "time": "T", "numerator": "T + PAST", "denominator": "T + PAST + L"}


def test_weights_are_ratios_of_proportions():
    """One time and one yes-or-no covariate: P(A)/P(A | L) are proportions of counts, and the weights add up to n."""
    long, _ = history(400, 0.0, 3, binary=True)
    first = long[long["T"] == 0].reset_index(drop=True)
    found = stabilized_weights(first, treatment="A", subject="ID", time="T", numerator="1", denominator="L", truncate=(0.0, 1.0))
    overall = first["A"].mean()
    within = first.groupby("L")["A"].transform("mean")
    expected = np.where(first["A"] == 1, overall / within, (1 - overall) / (1 - within))
    np.testing.assert_allclose(found.weight, expected, rtol=1e-9)
    assert found.mean == pytest.approx(1.0, rel=1e-9) and found.truncated == 0
    assert found.effective_size == pytest.approx(expected.sum() ** 2 / (expected**2).sum(), rel=1e-9)


def test_the_standard_error_is_that_of_gee():
    """statsmodels GEE, independence, weights, one row per subject."""
    long, end = history(300, -1.0, 4)
    frame = end.assign(W=stabilized_weights(long, **SIDES).weight.loc[end["ID"]].to_numpy())
    found = weighted_effect("Y ~ DOSE", frame, weight="W", term="DOSE")
    gee = sm.GEE(frame["Y"], sm.add_constant(frame[["DOSE"]]), groups=frame["ID"], weights=frame["W"]).fit()
    assert (found.estimate, found.std_error) == pytest.approx((gee.params["DOSE"], gee.bse["DOSE"]), rel=1e-7)
    assert found.p_value == pytest.approx(gee.pvalues["DOSE"], rel=1e-6)


def test_the_effect_is_recovered_and_the_naive_one_is_not():
    """60 trials of 1,500 subjects, effect −1: the weighted mean within 4 standard errors of it, the unweighted far from it."""
    weighted, naive = [], []
    for seed in range(60):
        long, end = history(1500, -1.0, seed)
        frame = end.assign(W=stabilized_weights(long, **SIDES, truncate=(0.0, 1.0)).weight.loc[end["ID"]].to_numpy(), ONE=1.0)
        weighted.append(weighted_effect("Y ~ DOSE", frame, weight="W", term="DOSE").estimate)
        naive.append(weighted_effect("Y ~ DOSE", frame, weight="ONE", term="DOSE").estimate)
    error = np.std(weighted) / np.sqrt(len(weighted))
    assert abs(np.mean(weighted) + 1) < 4 * error
    assert np.mean(naive) < -1.3


def test_what_lacks_is_named():
    long, _ = history(50, 0.0, 1)
    with pytest.raises(DataError, match="1 rows lack A or a covariate"):
        stabilized_weights(long.assign(L=long["L"].mask(long.index == 3)), **SIDES)
    with pytest.raises(DataError, match=r"more than one for: 0 at 0\.0"):
        stabilized_weights(pd.concat([long, long.head(1)]), **SIDES)
