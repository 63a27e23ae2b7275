"""One lead's own facts as the arrays of a block, and its features: for so few events that is the fastest way."""

import threading
from array import array
from collections.abc import Callable, Mapping
from functools import cached_property

import numpy as np

from data.errors import SchemaError
from features.block import Block, Matrix
from features.compiled import of_types_like
from features.context import LOGGED, Attribute
from features.event_columns import EventColumns
from features.feature import ACTORS
from features.kernel import Arrays, compute_rows
from features.lead import LeadHistory, Scalar
from features.own_kernel import encode_own
from features.own_order import in_total_order, numbers_of
from features.own_room import Changed, Room
from features.own_tables import OwnTables
from features.plan import Plan
from features.reading import NAN, read_moment, read_number, read_text
from features.vocabulary import Vocabulary, attribute_key

_ACTOR = {actor: k for k, actor in enumerate(ACTORS)}
_ROOM = 64
"""So many events, and changes, a thread has room for at least."""

Read = Callable[[Scalar], float]
Encode = Callable[[Arrays, Arrays, Arrays], bool]
Compute = Callable[[Arrays, Arrays, Arrays, Matrix], None]


class OwnBlocks:
    """Makes the blocks of one plan, and computes its features. Threads may share it: each has memory of its own."""

    def __init__(self, plan: Plan, vocabulary: Vocabulary) -> None:
        self.plan = plan
        self._own = OwnTables(plan, vocabulary)
        self._tables = tuple(plan.tables)
        self._readers = [_reader(attribute, vocabulary) for attribute in plan.attributes]
        self._fixed = [
            (position, attribute.column, attribute.of_account, _levels(attribute, vocabulary), self._readers[position])
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
        changes, n = self._changes(lead), len(events.kinds)
        room, (encode, compute) = self._room(max(n, len(changes))), self._compiled
        if not encode(self._own.arrays, self._coded(events), room.work):
            encode(self._own.arrays, self._coded(self.ordered(events)), room.work)
        self._fix(lead, room.fixed)
        room.tell(n, lead.created_at, cutoff, changes)
        compute(self._tables, room.read, room.scratch, out)

    def block(self, lead: LeadHistory, events: EventColumns, cutoff: int) -> Block:
        """The block of one lead and one row; ``events`` are those that the plan looks at, in the total order."""
        changes, n = self._changes(lead), len(events)
        many = len(changes)
        room = Room(self.plan, self._own.most, max(n, many))
        encode_own(self._own.arrays, self._coded(events), room.work)
        self._fix(lead, room.fixed)
        room.tell(n, lead.created_at, cutoff, changes)
        _, record, reals, cutoffs, row_out, created, fixed, known, fields, values = room.read
        starts = [np.array([0, count], np.int64) for count in (n, many, 1)]
        log = starts[1], known[:many], fields[:many], values[:many]
        return Block(starts[0], record[:n], reals[:n], created, fixed, *log, starts[2], cutoffs, row_out)

    def ordered(self, events: EventColumns) -> EventColumns:
        """The events in the total order."""
        return in_total_order(events, self.plan.reals, self.plan.texts)

    @cached_property
    def _compiled(self) -> tuple[Encode, Compute]:
        """``encode_own`` and ``compute_rows`` for the arrays that are made here: of the same types for all leads."""
        room, no_events = Room(self.plan, self._own.most, 1), self._coded(EventColumns.of(()))
        return (
            of_types_like(encode_own, self._own.arrays, no_events, room.work),
            of_types_like(compute_rows, self._tables, room.read, room.scratch, np.empty((1, 1), np.float32)),
        )

    def _room(self, events: int) -> Room:
        """This thread's memory for so many events and changes."""
        found: Room | None = getattr(self._local, "room", None)
        if found is None or found.events < events:
            found = self._local.room = Room(self.plan, self._own.most, max(_ROOM, 1 << events.bit_length()))
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

    def _fix(self, lead: LeadHistory, fixed: "array[float]") -> None:
        """Write the attributes known from the start."""
        own, account = lead.attributes, lead.account_attributes
        for position, name, of_account, levels, read in self._fixed:
            value = account.get(name) if of_account else own.get(name)
            code = levels.get(value)  # most are levels, and a look-up takes a third of a call
            fixed[position] = read(value) if code is None else code

    def _changes(self, lead: LeadHistory) -> list[Changed]:
        """The changes; of those known at once by text, null first."""
        rows: list[Changed] = []
        for logged, changes in ((self._logged, lead.changes), (self._account_logged, lead.account_changes)):
            for field, value, known_at in changes if logged else ():
                for position in logged.get(field, ()):
                    # most are texts, and to call for each costs more than to look
                    text = value if type(value) is str else read_text(value) or ""
                    rows.append((known_at, text, position, self._readers[position](value)))
        rows.sort()
        return rows


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
    codes = _levels(attribute, vocabulary)
    find, other = codes.get, float(len(codes))

    def read(value: Scalar) -> float:
        text = value if type(value) is str else read_text(value)
        return find(text, other) if text else NAN

    return read


def _levels(attribute: Attribute, vocabulary: Vocabulary) -> Mapping[Scalar, float]:
    """The codes of the levels of a category; none of anything else."""
    found: dict[Scalar, float] = {}
    if attribute.type == "category":
        found.update(vocabulary.codes(attribute_key(attribute)))
    return found


def _moment(value: Scalar) -> float:
    return NAN if value is None else read_moment(value)
