"""Time to an event: Kaplan–Meier, log-rank, restricted means, proportional hazards, cumulative incidence."""

from nirls.stats.survival.incidence import Incidence, cumulative_incidence
from nirls.stats.survival.kaplan_meier import KaplanMeier, RestrictedMean, kaplan_meier
from nirls.stats.survival.logrank import LogRank, logrank, permutation_p
from nirls.stats.survival.proportional import ProportionalHazards, proportional_hazards

__all__ = [
    "Incidence",
    "KaplanMeier",
    "LogRank",
    "ProportionalHazards",
    "RestrictedMean",
    "cumulative_incidence",
    "kaplan_meier",
    "logrank",
    "permutation_p",
    "proportional_hazards",
]
