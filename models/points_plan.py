"""A points table and a history lowered to arrays for the compiled replay."""

from collections.abc import Callable
from fnmatch import fnmatchcase

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from data.history import History
from data.spine import micros, positions
from models.points_kernel import (
    ALWAYS,
    EXPIRE,
    HALF_LIFE,
    LINEAR,
    NO_DECAY,
    ONCE,
    ONCE_PER_DAY,
    ONCE_PER_ITEM,
    STEP,
    Bools,
    EventArrays,
    Ints,
    RuleArrays,
)
from models.rules import Decay, PointsTable, Rule

_FOREVER = np.iinfo(np.int64).max
_REPEATS = {
    ("always", None): ALWAYS,
    ("once", None): ONCE,
    ("once_per", "item"): ONCE_PER_ITEM,
    ("once_per", "day"): ONCE_PER_DAY,
}
_ACTORS = ("lead", "marketing", "sales")


def event_rules(points: PointsTable) -> list[Rule]:
    """The rules on events, in the order of the table."""
    return [rule for rule in points.rules if rule.when.event is not None]


class _Classes:
    """The classes of events that the rules tell apart: a kind, which of the rules' items the item is, an actor.

    Kinds and items that no rule names are one further class each.
    """

    def __init__(self, points: PointsTable, events: pa.Table) -> None:
        rules = event_rules(points)
        self.kinds = sorted({rule.when.event for rule in rules if rule.when.event is not None})
        self.wanted = sorted({_wanted(rule) for rule in rules} - {_ANY})
        encoded = pc.cast(events["item"], pa.string()).combine_chunks().dictionary_encode()
        values = [*encoded.dictionary.to_pylist(), None]
        named = np.array([[_is_wanted(value, one) for one in self.wanted] for value in values], bool)
        self.patterns, of_value = np.unique(named.reshape(len(values), -1), axis=0, return_inverse=True)
        places = np.asarray(pc.fill_null(encoded.indices, len(values) - 1).to_numpy()).astype(np.int64)
        items = of_value.reshape(-1).astype(np.int64)[places]
        self.actors = _codes(events["actor"], list(_ACTORS))
        self.codes = (_codes(events["kind"], self.kinds) * len(self.patterns) + items) * len(_ACTORS) + self.actors

    def rules(self, rules: list[Rule], looks_at: "_LooksAt") -> tuple[Ints, Ints]:
        """For each class the rules that look at it: where they start, and their numbers."""
        of_class = [
            [place for place, rule in enumerate(rules) if looks_at(rule, kind, self._has(rule, pattern), actor)]
            for kind in [*self.kinds, None]
            for pattern in self.patterns
            for actor in _ACTORS
        ]
        starts = np.cumsum([0, *map(len, of_class)])
        return starts.astype(np.int64), np.array([rule for found in of_class for rule in found], np.int64)

    def _has(self, rule: Rule, pattern: Bools) -> bool:
        wanted = _wanted(rule)
        return wanted == _ANY or bool(pattern[self.wanted.index(wanted)])


_LooksAt = Callable[[Rule, str | None, bool, str], bool]
_ANY: tuple[bool, tuple[str, ...]] = (False, ())


def _wanted(rule: Rule) -> tuple[bool, tuple[str, ...]]:
    """Whether the rule has a pattern, and its items or its pattern."""
    return (False, rule.when.items) if rule.when.item_like is None else (True, (rule.when.item_like,))


def _is_wanted(item: str | None, wanted: tuple[bool, tuple[str, ...]]) -> bool:
    is_pattern, names = wanted
    if item is None:
        return False
    return fnmatchcase(item, names[0]) if is_pattern else item in names


def lowered(points: PointsTable, history: History) -> tuple[EventArrays, RuleArrays]:
    """The events of ``history`` in the order of its leads and of time, each with its class, and the event rules."""
    classes = _Classes(points, history.events)
    return _event_arrays(history, classes), _rule_arrays(points, classes)


def _event_arrays(history: History, classes: _Classes) -> EventArrays:
    events = history.events
    leads = positions(events["lead_id"], history.leads["lead_id"])
    occurred, known = micros(events["occurred_at"]), micros(events["known_at"])
    # what happened at once is put in an order of its own, whatever the rules are and however the rows lie
    order = np.lexsort((classes.actors, _ranks(events["item"]), _ranks(events["kind"]), known, occurred, leads))
    starts = np.searchsorted(leads[order], np.arange(len(history.leads) + 1))
    numbers = _within_lead(leads, events["item"])
    engaged = (classes.actors == 0)[order]
    return EventArrays(starts, occurred[order], known[order], classes.codes[order], numbers[order], engaged)


def _codes(column: pa.ChunkedArray, values: list[str]) -> Ints:
    """The place of each entry among ``values``; ``len(values)`` where it is none of them."""
    found = pc.fill_null(pc.index_in(column, value_set=pa.array(values, pa.string()), skip_nulls=True), len(values))
    return np.asarray(found.to_numpy()).astype(np.int64)


def _ranks(texts: pa.ChunkedArray) -> Ints:
    """The place of each text among the different ones in alphabetical order; nulls come last."""
    encoded = pc.cast(texts, pa.string()).combine_chunks().dictionary_encode()
    values = np.array(encoded.dictionary.to_pylist(), object)
    ranks = np.empty(len(values) + 1, np.int64)
    ranks[np.argsort(values)] = np.arange(len(values))
    ranks[-1] = len(values)
    return np.asarray(ranks[np.asarray(pc.fill_null(encoded.indices, len(values)).to_numpy())])


def _within_lead(leads: Ints, items: pa.ChunkedArray) -> Ints:
    """A number of each event's item within its lead, from 0; no item counts as one item."""
    encoded = items.combine_chunks().dictionary_encode(null_encoding="encode")
    codes: Ints = np.asarray(encoded.indices.to_numpy()).astype(np.int64)
    width = int(codes.max(initial=0)) + 1
    pairs, inverse = np.unique(leads * width + codes, return_inverse=True)
    owners = pairs // width
    return np.asarray(np.arange(len(pairs)) - np.searchsorted(owners, owners))[inverse]


def _rule_arrays(points: PointsTable, classes: _Classes) -> RuleArrays:
    """The event rules as arrays, each with a group of its own: who replays says which go together."""
    rules = event_rules(points)
    decays = [_decay(rule.decay) for rule in rules]
    returns = [rule.when.returning for rule in rules]
    return RuleArrays(
        *classes.rules(rules, _looks_at),
        *classes.rules(rules, _returns_to),
        np.array([rule.points for rule in rules], np.float64),
        np.array([_REPEATS[rule.repeat, rule.key] for rule in rules], np.int64),
        np.array([rule.when.min_count for rule in rules], np.int64),
        np.array([rule.when.max_count or _FOREVER for rule in rules], np.int64),
        np.array([rule.when.within or _FOREVER for rule in rules], np.int64),
        np.array([-_FOREVER if rule.start is None else rule.start for rule in rules], np.int64),
        np.array([_FOREVER if rule.until is None else rule.until for rule in rules], np.int64),
        np.array([-1 if one is None or one.within is None else one.within for one in returns], np.int64),
        np.array([-1 if one is None or one.after is None else one.after for one in returns], np.int64),
        np.array([one is not None and one.since == "first" for one in returns], bool),
        np.array([np.inf if rule.max_points is None else rule.max_points for rule in rules], np.float64),
        np.array([kind for kind, _, _ in decays], np.int64),
        np.array([time for _, time, _ in decays], np.float64),
        np.array([factor for _, _, factor in decays], np.float64),
        np.arange(len(rules)),
    )


def _looks_at(rule: Rule, kind: str | None, has_item: bool, actor: str) -> bool:
    """Whether a rule counts events of this class; a touch by sales only where the rule asks for it."""
    wanted = rule.when.actor
    by = actor != "sales" if wanted is None else actor == wanted
    return rule.when.event == kind and has_item and by


def _returns_to(rule: Rule, kind: str | None, has_item: bool, actor: str) -> bool:
    """Whether a later event of the rule may return to an event of this class."""
    returning = rule.when.returning
    return returning is not None and _looks_at(rule, kind, has_item or returning.to == "any", actor)


def _decay(decay: Decay | None) -> tuple[int, float, float]:
    """Kind, time in microseconds and factor of a decay."""
    if decay is None:
        return NO_DECAY, 1.0, 1.0
    if decay.every is not None and decay.step_pct is not None:
        return STEP, float(decay.every), 1.0 - decay.step_pct / 100.0
    ways = ((HALF_LIFE, decay.half_life), (LINEAR, decay.linear), (EXPIRE, decay.expire))
    return next((kind, float(time), 1.0) for kind, time in ways if time is not None)
