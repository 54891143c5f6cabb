"""Rows of LS means and differences from the reference, visit by visit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nirls.methods._linear import DIFFERENCE, LSMEAN, NO_RECORD, estimates

if TYPE_CHECKING:
    import pandas as pd


def visit_rows(
    means: pd.DataFrame | None,
    differences: pd.DataFrame | None,
    entered: pd.DataFrame,
    *,
    response: str,
    subject: str,
    visit: str,
    group: str,
    visits: list[str],
    arms: list[str],
    reference: str,
    failure: str,
) -> list[dict[str, Any]]:
    """Rows for every arm at every visit, in display order; what there is no estimate of says why.

    Parameters
    ----------
    means, differences : DataFrame or None
        LS means and differences by visit and arm, as the models give them; none where there are none.
    entered : DataFrame
        The analysed records.
    response, subject, visit, group : str
        Columns.
    visits, arms : list of str
    reference : str
    failure : str
        Why there is no fit, or nothing.
    """
    from nirls.ard.build import row

    mean_of, difference_of = _by_cell(means, visit, group), _by_cell(differences, visit, group)
    sizes = entered.groupby([visit, group], observed=False)[subject].nunique()
    found = []
    for at in visits:
        for arm in arms:
            key = {"variable": response, "group1": group, "group1_level": arm, "visit": at}
            n = int(sizes.get((at, arm), 0))
            found.append(row("n", n, **key))
            found += estimates(LSMEAN, mean_of.get((at, arm)), failure or (NO_RECORD if n == 0 else "not estimable"), **key)
        for arm in (a for a in arms if a != reference):
            key = {"variable": response, "group1": group, "group1_level": arm, "visit": at}
            empty = not (sizes.get((at, arm), 0) and sizes.get((at, reference), 0))
            reason = failure or (NO_RECORD.replace("this arm", "one of the arms") if empty else "not estimable")
            found += estimates(DIFFERENCE, difference_of.get((at, arm)), reason, comparison=f"{arm} - {reference}", **key)
    return found


def _by_cell(table: pd.DataFrame | None, visit: str, group: str) -> dict[tuple[str, str], dict[Any, Any]]:
    return {} if table is None else {(str(r[visit]), str(r[group])): r for r in table.to_dict("records")}
