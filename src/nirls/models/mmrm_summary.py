"""A fitted mixed model for repeated measures as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from nirls.models.mmrm import MMRMResult


def summary_text(result: MMRMResult) -> str:
    """The model, its fit and its coefficients."""
    fit, record, design = result.fit, result.fit.convergence, result.design
    tried = "" if len(fit.attempts) == 1 else f" (tried: {', '.join(a.covariance for a in fit.attempts)})"
    by_group = "" if result.group is None else f" by {result.group}"
    lines = [
        f"Mixed model for repeated measures: {result.formula}",
        f"Subject {result.subject}, visit {result.visit}, covariance {fit.covariance}{by_group}{tried}, {'REML' if fit.reml else 'ML'}, "
        f"df {result.ddf}" + ("" if result.vcov is None else f", covariance of the coefficients {result.vcov}"),
        f"{fit.n_obs} observations of {fit.n_subjects} subjects; left out: {design.n_missing_outcome} rows without outcome, "
        f"{design.n_missing_covariates} rows with a missing covariate {design.missing_covariates or ''}".rstrip()
        + f"; subjects without any outcome {result.n_subjects_without_outcome}, without covariates {result.n_subjects_without_covariates}",
        f"-2 log likelihood {fit.deviance:.6f}, AIC {fit.aic:.4f}, BIC {fit.bic:.4f}",
        f"{record.iterations} iterations, scaled gradient {record.gradient:.1e}, condition number of the covariance {record.condition:.1f}",
    ]
    if design.dropped:
        lines.append(f"Not estimable, dropped: {', '.join(design.dropped)}")
    table = result.coefficients().to_string(float_format=lambda v: f"{v:.6g}")
    if fit.working.structure.timed:
        named = pd.Series(fit.theta, index=list(fit.theta_names))
        return "\n".join([*lines, "", table, "", "Covariance parameters", named.to_string(float_format=lambda v: f"{v:.6g}")])
    return "\n".join([*lines, "", table, "", "Covariance of the visits", result.varcor.to_string(float_format=lambda v: f"{v:.6g}")])
