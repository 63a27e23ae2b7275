"""What numba keeps of compiled code on disk, and an upgrade of the program that finds it there."""

from collections.abc import Callable
from functools import partial
from typing import Any


def outlives_upgrades(made: Any) -> Any:
    """``made``, a function that numba keeps on disk, for which what cannot be read any more is not there.

    The index beside the code names the classes of what the function was given, and is read before it is asked whether
    it is stale: after an upgrade that renamed such a class the program would not start.
    """
    if hasattr(made, "py_func"):  # else numba was told to compile nothing
        kept = made._cache._cache_file  # noqa: SLF001 - numba has no public way; a test sees to it that this works
        kept._load_index = partial(_index, kept._load_index)  # noqa: SLF001 - likewise
    return made


def _index(load: Callable[[], dict[Any, Any]]) -> dict[Any, Any]:
    try:
        return load()
    except (AttributeError, ImportError):
        return {}
