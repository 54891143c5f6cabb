"""The simple case of a mediation, one mediator without interaction and complete subjects, once more by pingouin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nirls.methods._linear import estimates

if TYPE_CHECKING:
    from nirls.models.mediation import MediationResult

LEVELS = {"a": "a", "b": "b", "direct": "direct", "indirect": "a × b", "total": "total"}
DECIMALS = 9
"""Of the largest difference: what remains beyond is rounding of the machine and no result."""


def check_rows(made: MediationResult | None, failure: str, place: int, name: str, **key: str) -> list[dict[str, Any]]:
    """Rows of pingouin's estimates for one mediator, and of their largest difference from those here."""
    from nirls.adapters.pingouin import simple_mediation
    from nirls.ard.build import row

    theirs = None
    if made is not None:
        y, m, t, x = made.given
        try:
            theirs = simple_mediation(y, m[:, place], t, x)
        except ValueError as error:
            failure = str(error)
    found: list[dict[str, Any]] = []
    for stat, level in LEVELS.items():
        values = None if theirs is None else {"estimate": getattr(theirs, stat)}
        found += estimates({"estimate": "estimate"}, values, failure, variable="check", variable_level=level, **key)
    largest = None
    if theirs is not None and made is not None:
        own = made.alone[name]
        product, direct = own.effects["a × b"].estimate, own.direct.estimate
        pairs = ((own.a[0].estimate, theirs.a), (own.b[0].estimate, theirs.b), (direct, theirs.direct), (product, theirs.indirect))
        largest = round(max(abs(o - t) for o, t in (*pairs, (direct + product, theirs.total))), DECIMALS)
    found.append(row("max", largest, error=failure if largest is None else "", variable="check", variable_level="difference", **key))
    return found
