"""What a mixed model says of its fit and of the covariance of a subject's records."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nirls.models.mmrm import MMRMResult


def covariance_rows(fit: MMRMResult) -> list[dict[str, Any]]:
    """Numbers about the fit, and Σ: covariances (lower triangle) and correlations of the visits, or the parameters over times."""
    from nirls.ard.build import rows

    numbers, record = fit.fit, fit.fit.convergence
    found = rows(
        {
            "deviance": numbers.deviance,
            "aic": numbers.aic,
            "bic": numbers.bic,
            "n_parameters": numbers.theta.size,
            "iterations": record.iterations,
            "gradient": record.gradient,
        },
        variable="model",
    )
    return found + (_parameters(fit) if numbers.working.structure.timed else _elements(fit))


def _arms(fit: MMRMResult) -> list[dict[str, str]]:
    """The key of each arm with a covariance of its own; one empty key when the arms share it."""
    groups = fit.fit.groups
    return [{}] if groups is None else [{"group1": str(fit.group), "group1_level": str(arm)} for arm in groups]


def _elements(fit: MMRMResult) -> list[dict[str, Any]]:
    from nirls.ard.build import row

    visits, arms, found = fit.fit.visits, _arms(fit), []
    for own, sigma in zip(arms, fit.fit.sigma.reshape(len(arms), len(visits), -1), strict=True):
        for i, later in enumerate(visits):
            for j, earlier in enumerate(visits[: i + 1]):
                key = {"variable": "model", "visit": str(later), "variable_level": str(earlier), **own}
                found.append(row("covariance", sigma[i, j], **key))
                if i != j:
                    found.append(row("correlation", sigma[i, j] / (sigma[i, i] * sigma[j, j]) ** 0.5, **key))
    return found


def _parameters(fit: MMRMResult) -> list[dict[str, Any]]:
    """There are as many times as days: what describes Σ are its parameters."""
    from nirls.ard.build import row

    arms = _arms(fit)
    k = fit.fit.theta.size // len(arms)
    first = arms[0].get("group1_level")
    names = [name if first is None else name.removesuffix(f", {first}") for name in fit.fit.theta_names[:k]]
    return [
        row("covariance_parameter", value, variable="model", variable_level=name, **own)
        for own, part in zip(arms, fit.fit.theta.reshape(len(arms), k), strict=True)
        for name, value in zip(names, part, strict=True)
    ]


def path(fit: MMRMResult) -> str:
    """What was tried, in order: 'us: converged in 5 iterations'."""
    told = []
    for attempt in fit.fit.attempts:
        ended = f"converged in {attempt.iterations} iterations" if attempt.converged else attempt.message
        told.append(f"{attempt.covariance}: {ended}")
    return "; ".join(told)
