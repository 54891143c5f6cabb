"""Reproducible analysis of near-infrared light trials in restless legs syndrome."""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"
_EXPORTS = {"mmrm": "nirls.models.mmrm", "clda": "nirls.models.clda"}
__all__ = ["__version__", *_EXPORTS]


def __getattr__(name: str) -> Any:
    if name in _EXPORTS:
        return getattr(import_module(_EXPORTS[name]), name)
    raise AttributeError(f"module 'nirls' has no attribute {name!r}")
