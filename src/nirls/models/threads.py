"""One BLAS thread for the mixed model.

Its matrices are small: with two threads of OpenBLAS the same fit takes many times as long as with one, and the last digits may
differ from run to run. The pipeline sets OMP_NUM_THREADS; a user of the package in a notebook need not know.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, wraps
from typing import ParamSpec, TypeVar

from threadpoolctl import ThreadpoolController

P = ParamSpec("P")
R = TypeVar("R")


@cache
def _libraries() -> ThreadpoolController:
    import scipy.linalg  # noqa: F401  scipy brings a BLAS of its own, which must be there to be found

    return ThreadpoolController()


def one_thread(function: Callable[P, R]) -> Callable[P, R]:
    """`function` with BLAS limited to one thread while it runs."""

    @wraps(function)
    def limited(*args: P.args, **kwargs: P.kwargs) -> R:
        with _libraries().limit(limits=1, user_api="blas"):
            return function(*args, **kwargs)

    return limited
