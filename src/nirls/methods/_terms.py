"""Type III tests of the terms of a mixed model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nirls.models.mmrm import MMRMResult


def term_rows(fit: MMRMResult | None, failure: str, terms: list[str]) -> list[dict[str, Any]]:
    """The F test of each of `terms` that the model has; without a fit, rows that say why there is none."""
    from nirls.ard.build import row

    tests: dict[Any, dict[Any, Any]] = {term: {} for term in terms} if fit is None else fit.anova().to_dict("index")
    found = []
    for term, test in tests.items():
        key = {"variable": "term", "variable_level": str(term)}
        if lost := test.get("not_estimable", 0):
            key["warning"] = f"{term}: {lost} of the {lost + test['num_df']} dimensions of the hypothesis are not estimable and not tested"
        lacking = failure or ("F has no approximate distribution" if test["num_df"] else "not estimable")
        for name, source in {"num_df": "num_df", "den_df": "den_df", "f_statistic": "statistic", "p_value": "p_value"}.items():
            value = test.get(source, float("nan"))
            found.append(row(name, None if value != value else value, error=lacking if value != value else "", **key))
    return found
