"""One lead's own facts as the arrays of a block, and its features: for so few events that is the fastest way."""

import threading
from array import array

import numpy as np

from data.errors import SchemaError
from features.block import Block, Codes, Matrix, scratch
from features.context import LOGGED, Attribute
from features.event_columns import EventColumns
from features.feature import ACTORS
from features.kernel import Arrays, Floats, Ints
from features.lead import LeadHistory, Scalar
from features.own_kernel import encode_own, own_row
from features.own_order import in_total_order, numbers_of
from features.own_tables import OwnTables
from features.plan import Plan
from features.reading import NAN, read_moment, read_number, read_text
from features.vocabulary import Vocabulary, attribute_key

_ACTOR = {actor: k for k, actor in enumerate(ACTORS)}
_NO_CHANGES = np.array([0, 0], np.int64), np.empty(0, np.int64), np.empty(0, np.int32), np.empty(0, np.float64)
_ROOM = 64
"""So many events a thread has room for at least."""

Changes = tuple[Ints, Ints, Codes, Floats]


class OwnBlocks:
    """Makes the blocks of one plan, and computes its features. Threads may share it: each has memory of its own."""

    def __init__(self, plan: Plan, vocabulary: Vocabulary) -> None:
        self.plan = plan
        self._own = OwnTables(plan, vocabulary)
        self._tables = tuple(plan.tables)
        self._profile = [(a, vocabulary.codes(attribute_key(a))) for a in plan.attributes]
        self._logged: dict[tuple[str, str], list[int]] = {}
        for position, attribute in enumerate(plan.attributes):
            if attribute.source in LOGGED:
                self._logged.setdefault((attribute.source, attribute.column), []).append(position)
        self._local = threading.local()

    def row(self, lead: LeadHistory, events: EventColumns, cutoff: int, out: Matrix) -> None:
        """Fill ``out`` (1, features), but for custom features; ``events`` are those that the plan looks at.

        Raises SchemaError for unknown actors.
        """
        work = self._room(len(events))
        changes = self._changes(lead) if self._logged else _NO_CHANGES
        rest = array("d", self._fixed(lead)), array("q", (lead.created_at, cutoff))
        told = (*self._coded(events), *rest)
        if not own_row(self._tables, self._own.arrays, *work, told, changes, out, False):
            told = (*self._coded(self.ordered(events)), *rest)
            own_row(self._tables, self._own.arrays, *work, told, changes, out, True)

    def block(self, lead: LeadHistory, events: EventColumns, cutoff: int) -> Block:
        """The block of one lead and one row; ``events`` are those that the plan looks at, in the total order."""
        work, _ = _made_room(self.plan, self._own.most, len(events))
        encode_own(self._own.arrays, self._coded(events), work[:8], True)
        record = work[0]
        return Block(
            np.array([0, len(record)], np.int64),
            record,
            record.view(np.float64),
            np.array([lead.created_at], np.int64),
            np.array([self._fixed(lead)], np.float64),
            *(self._changes(lead) if self._logged else _NO_CHANGES),
            np.array([0, 1], np.int64),
            np.array([cutoff], np.int64),
            np.array([0], np.int64),
        )

    def ordered(self, events: EventColumns) -> EventColumns:
        """The events in the total order."""
        return in_total_order(events, self.plan.reals, self.plan.texts)

    def _room(self, events: int) -> tuple[Arrays, Arrays]:
        """This thread's memory for so many events."""
        found: tuple[int, tuple[Arrays, Arrays]] = getattr(self._local, "room", (-1, ((), ())))
        if found[0] < events:
            room = max(_ROOM, 1 << events.bit_length())
            found = self._local.room = room, _made_room(self.plan, self._own.most, room)
        return found[1]

    def _coded(self, events: EventColumns) -> Arrays:
        """The columns as ``own_kernel.encode_own`` takes them."""
        try:
            codes = list(map(_ACTOR.__getitem__, events.actors))
        except KeyError as error:
            raise SchemaError(f"An event has the actor {error}. Expected one of {ACTORS}. Name one of them.") from None
        for column in self._own.texts:
            codes += column.codes(events.column(column.name))
        numbers: list[Scalar] = []
        for name in self._own.reals:
            numbers += [NAN if raw is None else raw for raw in events.column(name)]
        return events.occurred, events.known, array("q", codes), _as_numbers(numbers)

    def _fixed(self, lead: LeadHistory) -> list[float]:
        sources = {"leads": lead.attributes, "accounts": lead.account_attributes}
        return [
            NAN
            if attribute.source in LOGGED
            else _read_as(attribute, codes, sources[attribute.source].get(attribute.column))
            for attribute, codes in self._profile
        ]

    def _changes(self, lead: LeadHistory) -> Changes:
        """Start, known_at, field and value, as they became known; of those known at once by text, null first."""
        rows = []
        for source, changes in (("changes", lead.changes), ("account_changes", lead.account_changes)):
            for change in changes:
                for position in self._logged.get((source, change.field), ()):
                    value = _read_as(*self._profile[position], change.value)
                    rows.append((change.known_at, read_text(change.value) or "", position, value))
        rows.sort(key=lambda row: row[:3])
        return (
            np.array([0, len(rows)], np.int64),
            np.array([row[0] for row in rows], np.int64),
            np.array([row[2] for row in rows], np.int32),
            np.array([row[3] for row in rows], np.float64),
        )


def _made_room(plan: Plan, known: int, events: int) -> tuple[Arrays, Arrays]:
    """Memory for so many events of one lead, and for its one row: what ``own_kernel.own_row`` works on, and scratch."""
    record = np.empty((events, plan.width), np.int64)
    work = (
        record,
        record.view(np.float64),
        np.zeros(2, np.int64),
        np.empty(known + events, np.int64),
        np.empty_like(record),
        *(np.empty(events, np.int32) for _ in range(3)),
        np.empty(1, np.int64),
        np.empty((1, len(plan.attributes))),
        np.array([0, 1], np.int64),
        np.empty(1, np.int64),
        np.zeros(1, np.int64),
    )
    return work, scratch(plan, events, 1)


def _as_numbers(raws: list[Scalar]) -> "array[float]":
    """``read_number`` of each; what is not finite is made null later."""
    try:
        return array("d", raws)  # type: ignore[arg-type]  # what is no number is refused
    except (TypeError, OverflowError):
        return array("d", numbers_of(raws).tolist())


def _read_as(attribute: Attribute, codes: dict[str, float], value: Scalar) -> float:
    if value is None:
        return NAN
    if attribute.type == "number":
        return read_number(value)
    if attribute.type == "time":
        return read_moment(value)
    text = read_text(value)
    return NAN if text is None else codes.get(text, float(len(codes)))
