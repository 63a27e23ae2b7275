"""Feed: one lead's own events. The same plan and the same kernel as for tables; only NumPy and numba are imported."""

from collections.abc import Sequence

import numpy as np

from data.clock import DAY
from features.block import Block, Codes, Matrix
from features.context import Attribute
from features.custom import custom_values
from features.feature import ACTORS
from features.feature_set import FeatureSet
from features.kernel import Floats, Ints, compute_rows
from features.lead import Event, LeadHistory, Scalar
from features.lowering import Condition, Present
from features.own_events import OwnEvents, is_nan, own_events
from features.plan import Plan, make_plan
from features.reading import NAN, read_moment, read_number, read_text
from features.vocabulary import Vocabulary, attribute_key

_ONE_ROW = np.array([0, 1], np.int64)
_FIRST_ROW = np.array([0], np.int64)


class OnlineEngine:
    """Features of one lead at one cutoff, equal to the table's to the last bit.

    Made once for a feature set and its vocabulary; ``row`` keeps nothing between calls, so threads may share it.
    """

    def __init__(self, feature_set: FeatureSet, vocabulary: Vocabulary) -> None:
        plan: Plan = make_plan(feature_set)
        self._plan = plan
        self._tables = tuple(plan.tables)
        self._width = len(feature_set)
        self._class_of = {kind: len(ACTORS) * k for k, kind in enumerate(plan.kinds)}
        self._other_class = len(ACTORS) * len(plan.kinds)
        self._levels = [(name, vocabulary.codes(f"events.{name}")) for name in plan.levels]
        self._profile = [(a, vocabulary.codes(attribute_key(a))) for a in plan.attributes]
        self._logged = {a.column for a in plan.attributes if a.source == "changes"}
        self._customs = [custom for _, custom in plan.customs]
        self._custom_at = [position for position, _ in plan.customs]

    def warm(self) -> None:
        """Load or compile the kernel, so that the first lead does not wait for it."""
        self.row(LeadHistory("", 0, events=(Event("", 0, 0),)), 1)

    def row(self, lead: LeadHistory, cutoff: int) -> Matrix:
        """The features (f,) of ``lead`` as of ``cutoff`` (microseconds since 1970). Raises SchemaError."""
        columns = self._own(lead)
        out = np.empty((1, self._width), np.float32)
        compute_rows(self._tables, tuple(self._block(lead, columns, cutoff)), out)
        if self._customs:
            out[0, self._custom_at] = custom_values(self._customs, columns.events(), cutoff)
        row: Matrix = out[0]
        return row

    def block(self, lead: LeadHistory, cutoff: int) -> Block:
        """The arrays that the kernel, or the fold, reads for one lead and one row."""
        return self._block(lead, self._own(lead), cutoff)

    def _own(self, lead: LeadHistory) -> OwnEvents:
        return own_events(lead.events, self._plan.reals, self._plan.texts)

    def _block(self, lead: LeadHistory, columns: OwnEvents, cutoff: int) -> Block:
        count = len(columns.occurred)
        changes = self._changes(lead) if self._logged and lead.changes else []
        return Block(
            event_start=np.array([0, count], np.int64),
            occurred=np.array(columns.occurred, np.int64),
            known=np.array(columns.known, np.int64),
            event_class=self._classes(columns),
            bits=self._bits(columns),
            numbers=self._numbers(columns),
            codes=self._codes(columns),
            created=np.array([lead.created_at], np.int64),
            fixed=np.array([[self._fixed(lead, a, codes) for a, codes in self._profile]], np.float64),
            change_start=np.array([0, len(changes)], np.int64),
            change_known=np.array([change[0] for change in changes], np.int64),
            change_field=np.array([change[2] for change in changes], np.int32),
            change_value=np.array([change[3] for change in changes], np.float64),
            row_start=_ONE_ROW,
            row_cutoff=np.array([cutoff], np.int64),
            row_out=_FIRST_ROW,
        )

    def _classes(self, columns: OwnEvents) -> Codes:
        of, other = self._class_of, self._other_class
        pairs = zip(columns.kind, columns.actor, strict=True)
        return np.array([of.get(kind, other) + actor for kind, actor in pairs], np.int32)

    def _bits(self, columns: OwnEvents) -> Ints:
        bits = [0] * len(columns.occurred)
        for position, condition in enumerate(self._plan.conditions):
            bit = 1 << position
            for k, holds in enumerate(_holds(columns, condition)):
                if holds:
                    bits[k] |= bit
        return np.array(bits, np.int64)

    def _numbers(self, columns: OwnEvents) -> Floats:
        listed = [columns.reals[name] for name in self._plan.numbers]
        for name, codes in self._levels:
            texts = columns.kind if name == "kind" else columns.texts[name]
            other = float(len(codes))
            listed.append([NAN if text is None else codes.get(text, other) for text in texts])
        if not listed:
            return np.empty((len(columns.occurred), 0), np.float64)
        return np.array(list(zip(*listed, strict=True)), np.float64).reshape(-1, len(listed))

    def _codes(self, columns: OwnEvents) -> Codes:
        listed = [_renumbered(columns, name) for name in self._plan.distinct]
        if not listed:
            return np.empty((len(columns.occurred), 0), np.int32)
        return np.array(list(zip(*listed, strict=True)), np.int32).reshape(-1, len(listed))

    def _fixed(self, lead: LeadHistory, attribute: Attribute, codes: dict[str, float]) -> float:
        if attribute.source == "changes":
            return NAN
        source = lead.attributes if attribute.source == "leads" else lead.account_attributes
        return _read_as(attribute, codes, source.get(attribute.column))

    def _changes(self, lead: LeadHistory) -> list[tuple[int, str, int, float]]:
        """known_at, text (null first), field and value, in the order they became known."""
        rows = []
        for change in lead.changes:
            if change.field in self._logged:
                text = read_text(change.value) or ""
                for position, (attribute, codes) in enumerate(self._profile):
                    if attribute.source == "changes" and attribute.column == change.field:
                        rows.append((change.known_at, text, position, _read_as(attribute, codes, change.value)))
        return sorted(rows, key=lambda row: row[:3])


def _read_as(attribute: Attribute, codes: dict[str, float], value: Scalar) -> float:
    if value is None:
        return NAN
    if attribute.type == "number":
        return read_number(value)
    if attribute.type == "time":
        return read_moment(value)
    text = read_text(value)
    return NAN if text is None else codes.get(text, float(len(codes)))


def _holds(columns: OwnEvents, condition: Condition) -> list[bool]:
    """For which events a condition holds."""
    if isinstance(condition, Present):
        if condition.is_text:
            return [text is not None for text in columns.texts[condition.column]]
        return [not is_nan(number) for number in columns.reals[condition.column]]
    if not condition.is_text:
        return [number in condition.values for number in columns.reals[condition.column]]
    texts = columns.kind if condition.column == "kind" else columns.texts[condition.column]
    return [text in condition.values for text in texts]


def _renumbered(columns: OwnEvents, name: str) -> list[int]:
    """A number from 0 for each different value; null takes one too, nobody reads it."""
    if name == "day":
        values: Sequence[object] = [moment // DAY for moment in columns.occurred]
    else:
        values = columns.kind if name == "kind" else columns.texts[name]
    seen: dict[object, int] = {}
    return [seen.setdefault(value, len(seen)) for value in values]
