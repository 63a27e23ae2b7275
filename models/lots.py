"""Numbers that belong to their words: the same words draw the same lot everywhere and for ever."""

import hashlib

from data.clock import WEEK

_BITS = 53
"""So many bits a float64 within [0, 1) can hold evenly."""


def lot(*words: str | int) -> float:
    """A number within [0, 1), even over different words; who knows it of some words knows nothing of others."""
    told = "\n".join(map(str, words)).encode("utf-8", "replace")
    return (int.from_bytes(hashlib.blake2b(told, digest_size=8).digest(), "big") >> (64 - _BITS)) / 2.0**_BITS


def lot_of_week(seed: int, lead_id: str, moment: int) -> float:
    """The lot of a lead in its week around ``moment`` (microseconds).

    Each lead has a week of its own, beginning at some moment between two Thursdays: not all are drawn on one day.
    """
    begins = int(lot(seed, lead_id) * WEEK)
    return lot(seed, (moment + begins) // WEEK, lead_id)
