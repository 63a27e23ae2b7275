"""Random numbers for a walk: from one generator for many leads, or from a stream of each lead's own.

With streams of their own, leads that are treated alike in two runs walk alike, whatever happens to the others: common
random numbers, so that what two policies differ in is not drowned in luck. A stream is SplitMix64 (Steele, Lea and
Flood 2014, "Fast splittable pseudorandom number generators"): a counter of 64 bits, scrambled.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import types
from numba.extending import overload, register_jitable

Streams = npt.NDArray[np.uint64]
"""A counter for each lead, moved on by every draw."""
Source = np.random.Generator | Streams

_STEP = np.uint64(0x9E3779B97F4A7C15)
_FIRST, _SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_A, _B, _C, _SPARE = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(11)
_UNIT = 2.0**-53


def open_streams(leads: int, seed: np.random.SeedSequence) -> Streams:
    """A stream for each of so many leads."""
    return np.asarray(seed.generate_state(leads, np.uint64), np.uint64)


@register_jitable
def _next(streams: Streams, lead: int) -> float:
    streams[lead] += _STEP
    bits = streams[lead]
    bits = (bits ^ (bits >> _A)) * _FIRST
    bits = (bits ^ (bits >> _B)) * _SECOND
    bits ^= bits >> _C
    return float(bits >> _SPARE) * _UNIT


def uniform(source: Source, lead: int) -> float:
    """The next number of ``lead`` within [0, 1), in compiled code and out of it."""
    if isinstance(source, np.random.Generator):
        return source.random()
    with np.errstate(over="ignore"):
        return _next(source, lead)


def exponential(source: Source, lead: int) -> float:
    """The next waiting time of ``lead`` at a rate of 1."""
    if isinstance(source, np.random.Generator):
        return float(source.standard_exponential())
    return float(-np.log1p(-uniform(source, lead)))


@overload(uniform, strict=False)
def _uniform(source: Any, lead: Any) -> Any:  # noqa: ARG001  numba chooses by the types
    if isinstance(source, types.Array):
        return _next
    return lambda source, lead: source.random()  # noqa: ARG005


@overload(exponential, strict=False)
def _exponential(source: Any, lead: Any) -> Any:  # noqa: ARG001
    if isinstance(source, types.Array):
        return lambda source, lead: -np.log1p(-_next(source, lead))
    return lambda source, lead: source.standard_exponential()  # noqa: ARG005
