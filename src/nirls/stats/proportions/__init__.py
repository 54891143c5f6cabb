"""Two proportions, in one table or in strata: risk difference, odds ratio, tests and numbers needed to treat."""

from nirls.stats.proportions.mantel_haenszel import CMHTest, CommonOddsRatio, MantelHaenszelDifference
from nirls.stats.proportions.newcombe import NewcombeDifference, wilson
from nirls.stats.proportions.number_needed import NumberNeeded, number_needed
from nirls.stats.proportions.score import ScoreDifference
from nirls.stats.proportions.tables import Tables, tables

__all__ = [
    "CMHTest",
    "CommonOddsRatio",
    "MantelHaenszelDifference",
    "NewcombeDifference",
    "NumberNeeded",
    "ScoreDifference",
    "Tables",
    "number_needed",
    "tables",
    "wilson",
]
