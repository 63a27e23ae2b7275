"""What is called without another look at its arguments: the same code, for arguments of the types that were shown."""

from array import array

import numpy as np
import pytest

from features import compiled
from features.own_kernel import encode_own


@compiled.compiled
def _summed(whole: "array[int]", more: tuple[np.ndarray, float]) -> float:
    total = 0.0
    for one in whole:
        total += one
    return total + more[0].sum() * more[1]


def test_of_types_like_is_the_function_that_numba_calls_for_such_arguments():
    """Other values and other lengths of the same types are what it is for."""
    direct = compiled.of_types_like(_summed, array("q", [1]), (np.ones(1), 1.0))
    for n in (0, 1, 1000):
        asked = array("q", range(n)), (np.arange(n) / 7, 0.5)
        assert direct(*asked) == _summed(*asked)
    assert len(_summed.signatures) == 1


@pytest.mark.parametrize(
    "wrong",
    [
        ([1, 2], (np.ones(1), 1.0)),
        (array("q", [1]), ([1.0], 1.0)),
        (array("q", [1]), (np.ones(1, np.float32), 1.0)),
    ],
    ids=["a list for memory", "a list for an array", "narrower numbers"],
)
def test_what_is_no_such_memory_is_refused_and_never_read(wrong):
    """A list where memory is expected, or narrower numbers: an error, as everywhere in Python."""
    direct = compiled.of_types_like(_summed, array("q", [1]), (np.ones(1), 1.0))
    with pytest.raises((TypeError, ValueError)):
        direct(*wrong)


def test_where_nothing_is_compiled_the_function_itself_is_called():
    """Numba can be told to compile nothing, to look for a mistake in plain Python."""
    plain = encode_own.py_func
    assert compiled.of_types_like(plain, 1) is plain
