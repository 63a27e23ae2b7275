"""Definitions lowered to tables that the kernel and the fold read.

- *Selections* (kinds, actor, conditions) become *classes* (a kind and an actor) and *bits* (the conditions and
  non-null columns that hold for an event). Each class has its list of updates; each update names the bits it needs.
- *States* are shared: a count of the same events over 7 and 30 days is one running state, read at two edges.
- *Reads* are grouped by window edge; the last group has no edge.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from data.errors import ContractError
from features import kernel
from features.context import Attribute
from features.custom import Custom
from features.definitions import PSEUDO_COLUMNS
from features.feature import ACTORS, Feature
from features.kernel import Floats, Ints
from features.lowering import EVER, Condition, Draft, Update

NAN_STATES = {kernel.NEWEST, kernel.OLDEST, kernel.MAX, kernel.MIN, kernel.LAST, kernel.FIRST, kernel.GAP}


class Tables(NamedTuple):
    """What the kernel reads.

    edges (G) int64: window lengths, growing, the last one ``EVER`` · read_start (G + 1) · reads (R, 4): how, output,
    state, other state · lates (L, 4) and factors (L): what, output, argument, other · update_start (classes + 1) ·
    updates (U, 5): what, state, argument, bits needed, other argument · initial (S) float64: states before any event ·
    half_lives (H) float64, microseconds · sizes: number of outputs, number of distinct counts.
    """

    edges: Ints
    read_start: Ints
    reads: Ints
    lates: Ints
    factors: Floats
    update_start: Ints
    updates: Ints
    initial: Floats
    half_lives: Floats
    sizes: Ints


@dataclass(frozen=True)
class Plan:
    """The tables, and what the feeds must bring: in which order, read how.

    An event's class is ``3 * (index of its kind in kinds, or len(kinds)) + index of its actor in ACTORS``.
    ``conditions[k]`` is bit *k*. ``numbers`` are the leading columns of the block's numbers, the codes of ``levels``
    (columns whose level is an output) follow. ``distinct`` are the columns of the block's codes. ``texts``: all columns
    read as text, ``reals``: all columns read as numbers. ``attributes``: the columns of the block's fixed values.
    """

    tables: Tables
    kinds: tuple[str, ...]
    conditions: tuple[Condition, ...]
    numbers: tuple[str, ...]
    levels: tuple[str, ...]
    distinct: tuple[str, ...]
    texts: tuple[str, ...]
    reals: tuple[str, ...]
    attributes: tuple[Attribute, ...]
    customs: tuple[tuple[int, Custom], ...]

    @property
    def classes(self) -> int:
        """How many classes there are."""
        return len(ACTORS) * (len(self.kinds) + 1)


def make_plan(features: Iterable[Feature]) -> Plan:
    """The plan of features; output *k* is that of feature *k*. Raises ContractError for more than 62 conditions."""
    draft = Draft()
    wanted = list(features)
    draft.size = len(wanted)
    draft.outputs = {feature: k for k, feature in enumerate(wanted)}
    for feature in wanted:
        draft.output(feature)
    if len(draft.conditions) > 62:
        raise ContractError(
            f"The features ask for {len(draft.conditions)} different conditions and columns of events. "
            "Expected at most 62. Use fewer `where` values and columns."
        )
    return _finish(draft)


def _finish(draft: Draft) -> Plan:
    kinds = tuple(sorted({kind for update in draft.states for kind in update.kinds}))
    customs = [custom for _, custom in draft.customs]
    texts = {c.column for c in draft.conditions if c.is_text} | {text for custom in customs for text in custom.texts}
    reals = {c.column for c in draft.conditions if not c.is_text} | {
        real for custom in customs for real in custom.numbers
    }
    return Plan(
        tables=_tables(draft, kinds),
        kinds=kinds,
        conditions=tuple(draft.conditions),
        numbers=tuple(column for column, level in draft.numbers if not level),
        levels=tuple(column for column, level in draft.numbers if level),
        distinct=tuple(draft.distinct),
        texts=tuple(sorted((texts | {"item"}) - set(PSEUDO_COLUMNS))),
        reals=tuple(sorted(reals | {"value"})),
        attributes=tuple(draft.attributes.values()),
        customs=tuple(draft.customs),
    )


def _tables(draft: Draft, kinds: tuple[str, ...]) -> Tables:
    reads = sorted(draft.reads, key=lambda read: read[0])
    edges = sorted({read[0] for read in reads} | {EVER})
    update_start, updates = _updates(draft, kinds)
    initial = np.zeros(draft.state_count)
    for update, state in draft.states.items():
        if update.what in NAN_STATES:
            initial[state] = np.nan
    return Tables(
        edges=np.array(edges, np.int64),
        read_start=np.array([*(sum(read[0] < edge for read in reads) for edge in edges), len(reads)], np.int64),
        reads=np.array([read[1:] for read in reads], np.int64).reshape(-1, 4),
        lates=np.array([late[:4] for late in draft.lates], np.int64).reshape(-1, 4),
        factors=np.array([late[4] for late in draft.lates], np.float64),
        update_start=update_start,
        updates=updates,
        initial=initial,
        half_lives=np.array(list(draft.half_lives), np.float64),
        sizes=np.array([draft.size, sum(update.what == kernel.DISTINCT for update in draft.states)], np.int64),
    )


def _updates(draft: Draft, kinds: tuple[str, ...]) -> tuple[Ints, Ints]:
    """For each class, the updates that its events make."""
    coded = _coded(draft)
    rows: list[tuple[int, int, int, int, int]] = []
    starts = [0]
    for kind in (*kinds, None):
        for actor in ACTORS:
            rows += [row for update, row in coded if _selects(update, kind, actor)]
            starts.append(len(rows))
    return np.array(starts, np.int64), np.array(rows, np.int64).reshape(-1, 5)


def _coded(draft: Draft) -> list[tuple[Update, tuple[int, int, int, int, int]]]:
    """Each update as a row of the table; distinct counts are numbered, for the stamps of what they have seen."""
    number_at = _number_positions(draft)
    coded = []
    distinct = 0
    for update, state in draft.states.items():
        need = sum(1 << draft.conditions[condition] for condition in update.conditions)
        argument = number_at[update.argument] if update.what in _NUMERIC else update.argument
        other = distinct if update.what == kernel.DISTINCT else update.other
        distinct += update.what == kernel.DISTINCT
        coded.append((update, (update.what, state, argument, need, other)))
    return coded


_NUMERIC = {kernel.SUM, kernel.MAX, kernel.MIN, kernel.LAST, kernel.FIRST, kernel.DECAY_NUMBER}


def _number_positions(draft: Draft) -> list[int]:
    """Where each column asked for ends up: plain numbers first, then levels."""
    plain = sum(not level for _, level in draft.numbers)
    seen = [0, plain]
    positions = []
    for _, level in draft.numbers:
        positions.append(seen[level])
        seen[level] += 1
    return positions


def _selects(update: Update, kind: str | None, actor: str) -> bool:
    """Whether events of this kind (None: any other) and actor take part."""
    by = actor != "sales" if update.actor is None else actor == update.actor
    return by and (not update.kinds or kind in update.kinds)
