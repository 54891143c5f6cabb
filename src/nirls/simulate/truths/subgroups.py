"""Whether the effect at the visits under treatment differs between subgroups."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from nirls.simulate.config import Trial
from nirls.simulate.latent import Subjects
from nirls.simulate.truths.means import Mean, row

DEFINITION = {
    "interaction": (
        "Treatment policy: the difference in mean change among the subjects with the characteristic less that among those without it."
        " Microvascular involvement strengthens light by half in the generator. A refractory course and severity at baseline (25 or"
        " more) modify no effect on the latent scale; the ends of the scale, and sham response, still let the differences of totals"
        " differ a little. Secondary restless legs syndrome enters no equation of the outcome and is independent of all that does: 0"
        " by construction, without Monte-Carlo error."
    ),
}


class Subgroups:
    """Differences in mean change within subgroups, and differences of these."""

    def __init__(self, trial: Trial, reference: int, weeks: tuple[int, ...]) -> None:
        self.trial, self.reference, self.weeks = trial, trial.arms[reference].code, weeks
        self.means: dict[tuple[str, str, bool], Mean] = {}

    def add(self, subjects: Subjects, base: NDArray, arm: str, difference: NDArray) -> None:
        """Add differences in change (n, visits) between an arm and the reference, of subjects with the total `base` at baseline."""
        groups = {
            "microvascular": subjects.microvascular,
            "refractory": subjects.refractory,
            f"baseline total of {self.trial.severity.stratum_from} or more": base >= self.trial.severity.stratum_from,
        }
        for name, mask in groups.items():
            for has in (True, False):
                self.means.setdefault((name, arm, has), Mean()).add(difference[mask == has])

    def rows(self) -> list[dict[str, Any]]:
        """Rows of `truth.json`; the differences by microvascular involvement stand among those of the estimands."""
        found = []
        arms = list(dict.fromkeys(arm for _, arm, _ in self.means))
        for name in dict.fromkeys(name for name, _, _ in self.means):
            for arm in arms:
                (yes, se_yes), (no, se_no) = (self.means[name, arm, has].result() for has in (True, False))
                lines = {f"interaction, treatment policy, {name}": (yes - no, np.hypot(se_yes, se_no))}
                if name != "microvascular":
                    stem = "difference in mean change, treatment policy"
                    lines |= {f"{stem}, {name}": (yes, se_yes), f"{stem}, not {name}": (no, se_no)}
                found += self._rows(lines, arm)
        none = np.zeros(len(self.weeks))
        for arm in arms:
            found += self._rows({"interaction, treatment policy, secondary": (none, none)}, arm)
        return found

    def _rows(self, lines: dict[str, tuple[NDArray, NDArray]], arm: str) -> list[dict[str, Any]]:
        return [
            row(quantity, arm, f"{arm} - {self.reference}", week, value, se)
            for quantity, (values, errors) in lines.items()
            for week, value, se in zip(self.weeks, values, errors, strict=True)
        ]
