"""One lead's own facts as the arrays of a block, and its features: for so few events that is the fastest way."""

import threading
from array import array
from collections.abc import Callable, Sequence

import numpy as np

from data.errors import SchemaError
from features.block import Block, Matrix, scratch
from features.context import LOGGED, Attribute
from features.event_columns import EventColumns
from features.feature import ACTORS
from features.kernel import CHANGE_STOP, EVENT_STOP, Arrays, compute_rows
from features.lead import LeadHistory, Scalar
from features.own_kernel import encode_own
from features.own_order import in_total_order, numbers_of
from features.own_tables import OwnTables
from features.plan import Plan
from features.reading import NAN, read_moment, read_number, read_text
from features.vocabulary import Vocabulary, attribute_key

_ACTOR = {actor: k for k, actor in enumerate(ACTORS)}
_ROOM = 64
"""So many events, and changes, a thread has room for at least."""

Read = Callable[[Scalar], float]
Changes = tuple[Sequence[int], Sequence[int], Sequence[float]]
"""known_at, attribute and value, as they became known."""


class OwnBlocks:
    """Makes the blocks of one plan, and computes its features. Threads may share it: each has memory of its own."""

    def __init__(self, plan: Plan, vocabulary: Vocabulary) -> None:
        self.plan = plan
        self._own = OwnTables(plan, vocabulary)
        self._tables = tuple(plan.tables)
        self._readers = [_reader(attribute, vocabulary) for attribute in plan.attributes]
        self._fixed_ones = [
            (position, attribute.column, attribute.of_account, self._readers[position])
            for position, attribute in enumerate(plan.attributes)
            if attribute.source not in LOGGED
        ]
        self._logged: dict[str, list[int]] = {}
        self._account_logged: dict[str, list[int]] = {}
        for position, attribute in enumerate(plan.attributes):
            if attribute.source in LOGGED:
                logged = self._account_logged if attribute.of_account else self._logged
                logged.setdefault(attribute.column, []).append(position)
        self._local = threading.local()

    def row(self, lead: LeadHistory, events: EventColumns, cutoff: int, out: Matrix) -> None:
        """Fill ``out`` (1, features), but for custom features; ``events`` are those that the plan looks at.

        Raises SchemaError for unknown actors.
        """
        changes, n = self._changes(lead), len(events)
        room = self._room(max(n, len(changes[0])))
        if not encode_own(self._own.arrays, self._coded(events), room.work):
            encode_own(self._own.arrays, self._coded(self.ordered(events)), room.work)
        room.tell(n, lead.created_at, cutoff, self._fixed(lead), changes)
        compute_rows(self._tables, room.read, room.scratch, out)

    def block(self, lead: LeadHistory, events: EventColumns, cutoff: int) -> Block:
        """The block of one lead and one row; ``events`` are those that the plan looks at, in the total order."""
        room = _Room(self.plan, self._own.most, len(events))
        encode_own(self._own.arrays, self._coded(events), room.work)
        known, fields, values = self._changes(lead)
        return Block(
            np.array([0, len(events)], np.int64),
            room.record,
            room.record.view(np.float64),
            np.array([lead.created_at], np.int64),
            np.array(self._fixed(lead), np.float64).reshape(1, -1),
            np.array([0, len(known)], np.int64),
            np.array(known, np.int64),
            np.array(fields, np.int32),
            np.array(values, np.float64),
            np.array([0, 1], np.int64),
            np.array([cutoff], np.int64),
            np.array([0], np.int64),
        )

    def ordered(self, events: EventColumns) -> EventColumns:
        """The events in the total order."""
        return in_total_order(events, self.plan.reals, self.plan.texts)

    def _room(self, events: int) -> "_Room":
        """This thread's memory for so many events and changes."""
        found: _Room | None = getattr(self._local, "room", None)
        if found is None or found.events < events:
            found = self._local.room = _Room(self.plan, self._own.most, max(_ROOM, 1 << events.bit_length()))
        return found

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
        own, account, fixed = lead.attributes, lead.account_attributes, [NAN] * len(self._readers)
        for position, name, of_account, read in self._fixed_ones:
            fixed[position] = read(account.get(name) if of_account else own.get(name))
        return fixed

    def _changes(self, lead: LeadHistory) -> Changes:
        """The changes; of those known at once by text, null first."""
        rows: list[tuple[int, str, int, float]] = []
        for logged, changes in ((self._logged, lead.changes), (self._account_logged, lead.account_changes)):
            for field, value, known_at in changes if logged else ():
                if field in logged:
                    text = read_text(value) or ""
                    rows += [(known_at, text, position, self._readers[position](value)) for position in logged[field]]
        if not rows:
            return (), (), ()
        rows.sort()
        known, _, fields, values = zip(*rows, strict=True)
        return known, fields, values


class _Room:
    """Memory for so many events, and changes, of one lead and for its one row."""

    def __init__(self, plan: Plan, known: int, events: int) -> None:
        self.events = events
        self.record = np.empty((events, plan.width), np.int64)
        reals = self.record.view(np.float64)
        self.work = self.record, reals, np.empty(known + events, np.int64), np.empty(events, np.int64)
        self._group = np.array([[0, 0, 0, 0, 0, 0, 1]], np.int64)
        self._cutoff, self._created = np.empty(1, np.int64), np.empty(1, np.int64)
        self._fixed = np.empty((1, len(plan.attributes)))
        self._changes = np.empty(events, np.int64), np.empty(events, np.int32), np.empty(events)
        row = self._cutoff, np.zeros(1, np.int64), self._created, self._fixed
        self.read: Arrays = (self._group, self.record, reals, *row, *self._changes)
        self.scratch = scratch(plan, events, 1)

    def tell(self, events: int, created: int, cutoff: int, fixed: list[float], changes: Changes) -> None:
        """What ``compute_rows`` reads besides the records."""
        self._group[0, EVENT_STOP], self._group[0, CHANGE_STOP] = events, len(changes[0])
        self._created[0], self._cutoff[0], self._fixed[0] = created, cutoff, fixed
        if many := len(changes[0]):
            known, fields, values = self._changes
            known[:many], fields[:many], values[:many] = changes


def _as_numbers(raws: list[Scalar]) -> "array[float]":
    """``read_number`` of each; what is not finite is made null later."""
    try:
        return array("d", raws)  # type: ignore[arg-type]  # what is no number is refused
    except (TypeError, OverflowError):
        return array("d", numbers_of(raws).tolist())


def _reader(attribute: Attribute, vocabulary: Vocabulary) -> Read:
    """What reads the raw values of an attribute."""
    if attribute.type == "number":
        return read_number
    if attribute.type == "time":
        return _moment
    codes = vocabulary.codes(attribute_key(attribute))
    find, other = codes.get, float(len(codes))

    def read(value: Scalar) -> float:
        text = value if type(value) is str else read_text(value)
        return find(text, other) if text else NAN

    return read


def _moment(value: Scalar) -> float:
    return NAN if value is None else read_moment(value)
