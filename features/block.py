"""Leads as arrays: what every feed makes and the kernel reads."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from features.kernel import Arrays, Floats, Ints, compute_rows
from features.plan import Plan

Codes = npt.NDArray[np.int32]
Matrix = npt.NDArray[np.float32]

LANES = 64
"""So many rows of an entity are computed together at the most; their states fit the cache of a core."""


class Block(NamedTuple):
    """E entities, n events, m changes, r rows; the events of entity *e* are ``event_start[e]:event_start[e + 1]``.

    An entity is a lead, or an account with the events of all its leads. Its events stand in the total order:
    occurred_at, known_at, kind, actor, value, item, further columns by name (numbers first); texts by code point, null
    last. Events that are equal in all of these cannot be told apart by any feature, so any order of the source's rows
    gives the same bits. Rows stand by entity and grow by cutoff.

    record (n, columns): an event in a row, so that to read it is to wait for the memory once: occurred_at, known_at,
    class, bits (``kernel.OCCURRED`` and so on), then numbers as the bits of float64, NaN where null, then the values of
    distinct-count columns, renumbered from 0 within the entity, smaller than its number of events · reals: the same
    memory read as float64 · created (E) · fixed (E, attributes): attributes known from
    the start, codes or numbers or microseconds · changes stand in the order they became known · row_out: where a row
    goes.
    """

    event_start: Ints
    record: Ints
    reals: Floats
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
    events = int(np.diff(block.event_start).max(initial=0))
    rows = int(np.diff(block.row_start).max(initial=0))
    compute_rows(tuple(plan.tables), as_read(block, _groups(block)), scratch(plan, events, rows), out)


def as_read(block: Block, groups: Ints) -> Arrays:
    """A block as ``kernel.compute_rows`` takes it. ``groups`` (n, 7): see ``kernel.ENTITY`` and so on."""
    rows = block.row_cutoff, block.row_out
    profiles = block.created, block.fixed, block.change_known, block.change_field, block.change_value
    return groups, block.record, block.reals, *rows, *profiles


def _groups(block: Block) -> Ints:
    """The rows of each entity in groups of at most ``LANES``."""
    counts = -(-np.diff(block.row_start) // LANES)
    entity = np.repeat(np.arange(len(counts)), counts)
    nth = np.arange(len(entity)) - np.repeat(np.cumsum(counts) - counts, counts)
    first = block.row_start[entity] + nth * LANES
    last = np.minimum(first + LANES, block.row_start[entity + 1])
    events, changes = block.event_start, block.change_start
    spans = events[entity], events[entity + 1], changes[entity], changes[entity + 1]
    return np.column_stack((entity, *spans, first, last))


def scratch(plan: Plan, events: int, rows: int) -> Arrays:
    """What the kernel writes on, for entities of so many events and rows at the most.

    States (S, lanes), cells (lanes, cells), cells of a row as float32, its attributes, weights (H, lanes), ages
    (lanes), what is known of lanes (2, lanes), and when each distinct value was known first.
    """
    tables = plan.tables
    lanes = min(LANES, max(rows, 1))
    cells = len(tables.kept) + len(tables.derived)
    return (
        np.empty((len(tables.initial), lanes)),
        np.empty((lanes, cells)),
        np.empty(cells, np.float32),
        np.empty(len(plan.attributes)),
        np.empty((len(tables.half_lives), lanes)),
        np.empty(lanes),
        np.empty((2, lanes), np.int64),
        np.empty((plan.distinct_counts, events), np.int64),
    )
