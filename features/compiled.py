"""The one way in which code is compiled here: cached on disk, free of the interpreter lock, exact.

``error_model="numpy"`` spares checks for division by zero: the code tests its divisors. Neither ``fastmath`` nor
``parallel``: the first would reorder sums, the second compiles for seconds. Threads run the same serial function over
ranges of leads instead.

To compile takes a machine's first run seconds, most of them numba's own work on each statement. What spares some: no
function is compiled as part of two others, most arrays are made outside (``_nrt`` stands for the code that counts who
holds one), and doors that nobody enters (from C, from Python into inner functions) are not made.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar, cast

import numba

from data.kept_code import outlives_upgrades

F = TypeVar("F", bound=Callable[..., object])
_njit: Any = partial(numba.njit, error_model="numpy", no_cfunc_wrapper=True)


def compiled(function: F) -> F:
    """``function`` compiled at its first call for each combination of argument types.

    It may neither make arrays nor call what makes some.
    """
    return _kept(function, allocates=False)


def within(function: F) -> F:
    """``function`` compiled for compiled functions of its file: Python has no way to call it, and must not try."""
    made: Any = _njit(no_cpython_wrapper=True, _nrt=False)(function)
    return cast("F", made)


def compiled_over(*others: ModuleType, allocates: bool = True) -> Callable[[F], F]:
    """``compiled`` for functions that contain compiled code, or constants, of other files, and that may make arrays.

    What numba keeps on disk is fresh as long as the function's own file has not changed. Here the others must not have
    changed either: two readings of a feature would part otherwise.
    """
    files = tuple(str(other.__file__) for other in others)

    def compile_over(function: F) -> F:
        return _kept(function, files, allocates=allocates)

    return compile_over


def inlined(function: F) -> F:
    """``function`` as part of each compiled one that calls it: for what is called once an event."""
    made: Any = numba.njit(inline="always", error_model="numpy")(function)
    return cast("F", made)


def of_types_like(function: F, *arguments: object) -> F:
    """A compiled ``function`` for what is of the types of these ``arguments``, at which nobody looks again.

    numba looks at each array of each argument whenever it is called: for one lead that took a thirtieth of its score.
    The caller answers for the types. A list, or an array of other numbers, is refused; another layout, or what is no
    tuple, is misread: only for arguments that the calling code has made itself.
    """
    made: Any = function
    if not hasattr(made, "py_func"):  # numba was told to compile nothing
        return function
    types = tuple(map(numba.typeof, arguments))
    made.compile(types)
    return cast("F", made.get_overload(types))


def _kept(function: F, others: tuple[str, ...] = (), *, allocates: bool) -> F:
    """Compiled, and kept on disk until its own file, this one or one of the ``others`` changes."""
    made: Any = _njit(cache=True, nogil=True, _nrt=allocates)(function)
    if hasattr(made, "py_func"):  # else numba was told to compile nothing
        kept = made._cache._cache_file  # noqa: SLF001 - numba has no public way; a test sees to it that this works
        kept._source_stamp = (kept._source_stamp, *map(_stamp, (__file__, *others)))  # noqa: SLF001 - likewise
    return cast("F", outlives_upgrades(made))


def _stamp(file: str) -> tuple[float, int]:
    found = Path(file).stat()
    return found.st_mtime, found.st_size
