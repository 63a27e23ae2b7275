"""One way to compile a function: cached, without the interpreter's lock, divisions as NumPy does them."""

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

from data.kept_code import outlives_upgrades

F = TypeVar("F", bound=Callable[..., Any])


def compiled(function: F) -> F:
    """``function`` compiled by numba when it is first called; its types stay those that were written."""
    return cast("F", outlives_upgrades(numba.njit(cache=True, nogil=True, error_model="numpy")(function)))


def inlined(function: F) -> F:
    """Like ``compiled``, and copied into its callers: passing a world's arrays along costs more than a small body."""
    made = numba.njit(cache=True, nogil=True, error_model="numpy", forceinline=True)(function)
    return cast("F", outlives_upgrades(made))
