"""Leads as arrays: what every feed makes and the kernel reads."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from features.kernel import Floats, Ints, compute_rows
from features.plan import Plan

Codes = npt.NDArray[np.int32]
Matrix = npt.NDArray[np.float32]


class Block(NamedTuple):
    """L leads, n events, m changes, r rows; the events of lead *l* are ``event_start[l]:event_start[l + 1]``.

    Events of a lead stand in the total order: occurred_at, known_at, kind, actor, value, item, further columns by
    name (numbers first); texts by code point, null last. Events that are equal in all of these cannot be told apart by
    any feature, so any order of the source's rows gives the same bits.

    numbers (n, columns): NaN where null · codes (n, columns): values of distinct-count columns, renumbered from 0
    within the lead, smaller than its number of events · fixed (L, attributes): attributes known from the start, codes
    or numbers or microseconds · changes of a lead stand in the order they became known · row_out: where each row goes.
    """

    event_start: Ints
    occurred: Ints
    known: Ints
    event_class: Codes
    bits: Ints
    numbers: Floats
    codes: Codes
    created: Ints
    fixed: Floats
    change_start: Ints
    change_known: Ints
    change_field: Codes
    change_value: Floats
    row_start: Ints
    row_cutoff: Ints
    row_out: Ints


def fill(plan: Plan, block: Block, out: Matrix) -> None:
    """Write the rows of ``block`` into ``out`` (rows, features), except the columns of custom features."""
    compute_rows(tuple(plan.tables), tuple(block), out)
