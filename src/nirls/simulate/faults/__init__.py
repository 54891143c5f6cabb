"""Faults planted into the raw files, every one of them in the answer key."""

from nirls.simulate.faults.plant import KEY_COLUMNS, Planter
from nirls.simulate.faults.planting import plant

__all__ = ["KEY_COLUMNS", "Planter", "plant"]
