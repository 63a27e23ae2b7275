"""The one way in which code is compiled here: cached on disk, free of the interpreter lock, exact.

``error_model="numpy"`` spares checks for division by zero: the code tests its divisors. Neither ``fastmath`` nor
``parallel``: the first would reorder sums, the second compiles for seconds. Threads run the same serial function over
ranges of leads instead.
"""

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

F = TypeVar("F", bound=Callable[..., object])


def compiled(function: F) -> F:
    """``function`` compiled at its first call for each combination of argument types."""
    made: Any = numba.njit(cache=True, nogil=True, error_model="numpy")(function)
    return cast("F", made)


def inlined(function: F) -> F:
    """``function`` as part of each compiled one that calls it: for what is called once an event."""
    made: Any = numba.njit(inline="always", error_model="numpy")(function)
    return cast("F", made)
