"""Imputation from retrieved dropouts: the mean shifts after an intercurrent event, by what values observed after one show."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

    from nirls.methods._imputation import Trial

TOO_FEW = (
    "RETRIEVED: fewer than {} subjects have values after an event, too few to estimate how the mean shifts after it; "
    "values missing after an event have the strategy J2R instead."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shifts:
    """Columns of the imputation model that are 1 after an event.

    Attributes
    ----------
    column : (number of arms,) int array
        Column of each arm.
    words : str
        Which arms share one, with the numbers of retrieved subjects.
    """

    column: np.ndarray
    words: str


def shifts_of(trial: Trial, least: int) -> Shifts | None:
    """An own shift for each arm with `least` retrieved subjects, one for the others together (the reference arm apart where it can be).

    Returns
    -------
    Shifts or None
        None where fewer than `least` subjects would carry a shift, however arms are put together.
    """
    import numpy as np

    layout = trial.layout
    retrieved = (layout.affected & ~layout.missing).any(axis=1)
    names = trial.subjects[trial.group].astype(str).to_numpy()
    number = {a: int(retrieved[names == a].sum()) for a in trial.arms}
    few = [a for a in trial.arms if number[a] < least]
    together = [a for a in few if a != trial.reference]
    if trial.reference in few:  # too few on its own, or the others are: then with them
        together = few
    if together and sum(number[a] for a in together) < least:
        together = list(trial.arms)
        if sum(number.values()) < least:
            return None
    own = [a for a in trial.arms if a not in together]
    column = {a: i for i, a in enumerate(own)} | dict.fromkeys(together, len(own))
    said = [f"{a} ({number[a]} retrieved)" for a in own]
    if together:
        said.append(f"{', '.join(together)} together ({sum(number[a] for a in together)} retrieved)")
    return Shifts(
        column=np.array([column[a] for a in trial.arms]),
        words=f"RETRIEVED: the mean shifts after an event by an amount estimated in {'; '.join(said)}.",
    )


def with_shifts(trial: Trial, shifts: Shifts) -> Trial:
    """The trial with the shifts as further columns of the imputation model, in the arm and in its reference arm."""
    import numpy as np

    layout = trial.layout
    names = trial.subjects[trial.group].astype(str).to_numpy()
    own = shifts.column[[trial.arms.index(a) for a in names]]
    extra = layout.affected[:, :, None] * (own[:, None] == np.arange(shifts.column.max() + 1))[:, None, :]
    x, x_reference = (np.concatenate([m, extra.astype(float)], axis=2) for m in (layout.x, layout.x_reference))
    return replace(trial, layout=replace(layout, x=x, x_reference=x_reference))
