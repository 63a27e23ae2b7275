"""One lead's own facts as the arrays of a block, made from plain lists: for so few events that is the fastest way."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from data.clock import DAY
from features.block import Block, Codes
from features.context import LOGGED, Attribute
from features.feature import ACTORS
from features.kernel import BITS, CLASS, COLUMNS, KNOWN, OCCURRED, Floats, Ints
from features.lead import LeadHistory, Scalar
from features.lowering import Condition, Present
from features.own_events import OwnEvents
from features.plan import Plan
from features.reading import NAN, read_moment, read_number, read_text
from features.vocabulary import Vocabulary, attribute_key

_ONE_ROW = np.array([0, 1], np.int64)
_FIRST_ROW = np.array([0], np.int64)
_NO_CHANGES = np.array([0, 0], np.int64), np.empty(0, np.int64), np.empty(0, np.int32), np.empty(0, np.float64)

Bools = npt.NDArray[np.bool_]
Changes = tuple[Ints, Ints, Codes, Floats]


class OwnBlocks:
    """Makes the blocks of one plan."""

    def __init__(self, plan: Plan, vocabulary: Vocabulary) -> None:
        self.plan = plan
        self._class_of = {kind: len(ACTORS) * k for k, kind in enumerate(plan.kinds)}
        self._other_class = len(ACTORS) * len(plan.kinds)
        self._levels = [(name, vocabulary.codes(f"events.{name}")) for name in plan.levels]
        self._profile = [(a, vocabulary.codes(attribute_key(a))) for a in plan.attributes]
        self._logged: dict[tuple[str, str], list[int]] = {}
        for position, attribute in enumerate(plan.attributes):
            if attribute.source in LOGGED:
                self._logged.setdefault((attribute.source, attribute.column), []).append(position)
        self._on_texts, self._on_numbers = _sorted_out(plan.conditions)

    def block(self, lead: LeadHistory, events: OwnEvents, cutoff: int) -> Block:
        """The block of one lead and one row; ``events`` are those that the plan looks at."""
        record = self._record(events)
        return Block(
            np.array([0, len(record)], np.int64),
            record,
            record.view(np.float64),
            np.array([lead.created_at], np.int64),
            np.array([[self._fixed(lead, a, codes) for a, codes in self._profile]], np.float64),
            *(self._changes(lead) if self._logged else _NO_CHANGES),
            _ONE_ROW,
            np.array([cutoff], np.int64),
            _FIRST_ROW,
        )

    def _record(self, events: OwnEvents) -> Ints:
        """The events as rows. A value that is null takes a number that another one has; nobody reads it."""
        plan = self.plan
        record = np.empty((len(events.occurred), plan.width), np.int64)
        reals = record.view(np.float64)
        record[:, OCCURRED], record[:, KNOWN] = events.occurred, events.known
        record[:, CLASS], record[:, BITS] = self._classes(events), self._bits(events)
        for position, name in enumerate(plan.numbers, COLUMNS):
            reals[:, position] = events.reals[name]
        for position, (name, codes) in enumerate(self._levels, COLUMNS + len(plan.numbers)):
            column, other = events.column(name), float(len(codes))
            of_level = [*(codes.get(text, other) for text in column.levels), NAN]
            reals[:, position] = np.array(of_level, np.float64)[column.codes]
        for position, name in enumerate(plan.distinct, plan.first_value):
            record[:, position] = _days(events) if name == "day" else np.maximum(events.column(name).codes, 0)
        return record

    def _classes(self, events: OwnEvents) -> Ints:
        of_level = [self._class_of.get(kind, self._other_class) for kind in events.kind.levels]
        return np.array(of_level, np.int64)[events.kind.codes] + events.actor

    def _bits(self, events: OwnEvents) -> Ints:
        bits = np.zeros(len(events.occurred), np.int64)
        for name, (present, of_value) in self._on_texts.items():
            column = events.column(name)
            of_level = [*(present | of_value.get(text, 0) for text in column.levels), 0]
            bits |= np.array(of_level, np.int64)[column.codes]
        for position, condition in self._on_numbers:
            bits |= _holds(events.reals[condition.column], condition).astype(np.int64) << position
        return bits

    def _fixed(self, lead: LeadHistory, attribute: Attribute, codes: dict[str, float]) -> float:
        if attribute.source in LOGGED:
            return NAN
        source = lead.attributes if attribute.source == "leads" else lead.account_attributes
        return _read_as(attribute, codes, source.get(attribute.column))

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


def _read_as(attribute: Attribute, codes: dict[str, float], value: Scalar) -> float:
    if value is None:
        return NAN
    if attribute.type == "number":
        return read_number(value)
    if attribute.type == "time":
        return read_moment(value)
    text = read_text(value)
    return NAN if text is None else codes.get(text, float(len(codes)))


def _sorted_out(
    conditions: Sequence[Condition],
) -> tuple[dict[str, tuple[int, dict[str, int]]], list[tuple[int, Condition]]]:
    """Conditions on texts, by column: the bits of any text, and the further bits of a value; and those on numbers."""
    on_texts: dict[str, tuple[int, dict[str, int]]] = {}
    on_numbers = []
    for position, condition in enumerate(conditions):
        if not condition.is_text:
            on_numbers.append((position, condition))
            continue
        present, of_value = on_texts.get(condition.column, (0, {}))
        if isinstance(condition, Present):
            present |= 1 << position
        else:
            for value in condition.values:
                of_value[str(value)] = of_value.get(str(value), 0) | 1 << position
        on_texts[condition.column] = (present, of_value)
    return on_texts, on_numbers


def _holds(numbers: Floats, condition: Condition) -> Bools:
    """For which numbers a condition holds."""
    if isinstance(condition, Present):
        return ~np.isnan(numbers)
    return np.array([condition.holds(number) for number in numbers.tolist()], bool)


def _days(events: OwnEvents) -> Ints:
    """Each UTC day numbered from 0; events stand in order of time."""
    days = events.occurred // DAY
    fresh = np.zeros(len(days), np.int64)
    fresh[1:] = days[1:] != days[:-1]
    return np.cumsum(fresh)
