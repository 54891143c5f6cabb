"""Several single cases by statsmodels' MixedLM: R nlme lme (tests/reference/evidence.R)."""

import json
from pathlib import Path

import numpy as np
import pytest

from nirls.adapters.mixed_cases import mixed_cases
from nirls.errors import MethodError

R = json.loads((Path(__file__).parents[1] / "reference/evidence.json").read_text())["mixed"]
ROWS = {c: np.array([r[c] for r in R["cases"]]) for c in ("case", "phase", "time", "y")}


def test_six_cases():
    fit = mixed_cases(**ROWS)
    assert fit.coefficients == pytest.approx(R["coef"], abs=1e-6) and fit.std_errors == pytest.approx(R["se"], rel=1e-4)
    assert fit.loglik == pytest.approx(R["loglik"], abs=1e-6) and fit.n_cases == 6


def test_too_few_cases_or_points():
    two = np.isin(ROWS["case"], ["C1", "C2"])
    with pytest.raises(MethodError, match="needs 3 cases with 3 values before and 3 under treatment; there are 2"):
        mixed_cases(**{k: v[two] for k, v in ROWS.items()})
    with pytest.raises(MethodError, match="there are none"):
        mixed_cases(["a", "a", "a"], [0, 1, 1], [0, 0, 2], [27, 2, 0])
