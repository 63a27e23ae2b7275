"""A points table and a history lowered to arrays for the compiled replay."""

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


def _classes(points: PointsTable) -> tuple[list[str], list[str]]:
    """Kinds and items that any rule names; every other kind or item is one further class."""
    rules = event_rules(points)
    kinds = sorted({rule.when.event for rule in rules if rule.when.event is not None})
    items = sorted({rule.when.item for rule in rules if rule.when.item is not None})
    return kinds, items


def event_arrays(points: PointsTable, history: History) -> EventArrays:
    """The events of ``history`` in the order of its leads and of time, each with the code of its class."""
    kinds, items = _classes(points)
    events = history.events
    leads = positions(events["lead_id"], history.leads["lead_id"])
    occurred, known = micros(events["occurred_at"]), micros(events["known_at"])
    actors = _codes(events["actor"], list(_ACTORS))
    codes = (_codes(events["kind"], kinds) * (len(items) + 1) + _codes(events["item"], items)) * len(_ACTORS) + actors
    order = np.lexsort((codes, known, occurred, leads))
    starts = np.searchsorted(leads[order], np.arange(len(history.leads) + 1))
    numbers = _within_lead(leads, events["item"])
    return EventArrays(starts, occurred[order], known[order], codes[order], numbers[order], (actors == 0)[order])


def _codes(column: pa.ChunkedArray, values: list[str]) -> Ints:
    """The place of each entry among ``values``; ``len(values)`` where it is none of them."""
    found = pc.fill_null(pc.index_in(column, value_set=pa.array(values, pa.string()), skip_nulls=True), len(values))
    return np.asarray(found.to_numpy()).astype(np.int64)


def _within_lead(leads: Ints, items: pa.ChunkedArray) -> Ints:
    """A number of each event's item within its lead, from 0; no item counts as one item."""
    encoded = items.combine_chunks().dictionary_encode(null_encoding="encode")
    codes: Ints = np.asarray(encoded.indices.to_numpy()).astype(np.int64)
    width = int(codes.max(initial=0)) + 1
    pairs, inverse = np.unique(leads * width + codes, return_inverse=True)
    owners = pairs // width
    return np.asarray(np.arange(len(pairs)) - np.searchsorted(owners, owners))[inverse]


def rule_arrays(points: PointsTable) -> RuleArrays:
    """The event rules as arrays, and for each class of events the rules that look at it."""
    rules = event_rules(points)
    starts, of_class = _rules_by_class(points, rules)
    decays = [_decay(rule.decay) for rule in rules]
    groups = [len(points.groups) if rule.group is None else points.groups.index(rule.group) for rule in rules]
    return RuleArrays(
        starts,
        of_class,
        np.array([rule.points for rule in rules], np.float64),
        np.array([_REPEATS[rule.repeat, rule.key] for rule in rules], np.int64),
        np.array([rule.when.min_count for rule in rules], np.int64),
        np.array([rule.when.within or _FOREVER for rule in rules], np.int64),
        np.array([np.inf if rule.max_points is None else rule.max_points for rule in rules], np.float64),
        np.array([kind for kind, _, _ in decays], np.int64),
        np.array([time for _, time, _ in decays], np.float64),
        np.array([factor for _, _, factor in decays], np.float64),
        np.array(groups, np.int64),
    )


def _rules_by_class(points: PointsTable, rules: list[Rule]) -> tuple[Ints, Ints]:
    kinds, items = _classes(points)
    of_class = [
        [place for place, rule in enumerate(rules) if _looks_at(rule, kind, item, actor)]
        for kind in [*kinds, None]
        for item in [*items, None]
        for actor in _ACTORS
    ]
    starts = np.cumsum([0, *map(len, of_class)])
    return starts.astype(np.int64), np.array([rule for found in of_class for rule in found], np.int64)


def _looks_at(rule: Rule, kind: str | None, item: str | None, actor: str) -> bool:
    """Whether a rule counts events of this class; a touch by sales only where the rule asks for it."""
    wanted = rule.when.actor
    by = actor != "sales" if wanted is None else actor == wanted
    return rule.when.event == kind and rule.when.item in (None, item) and by


def _decay(decay: Decay | None) -> tuple[int, float, float]:
    """Kind, time in microseconds and factor of a decay."""
    if decay is None:
        return NO_DECAY, 1.0, 1.0
    if decay.every is not None and decay.step_pct is not None:
        return STEP, float(decay.every), 1.0 - decay.step_pct / 100.0
    ways = ((HALF_LIFE, decay.half_life), (LINEAR, decay.linear), (EXPIRE, decay.expire))
    return next((kind, float(time), 1.0) for kind, time in ways if time is not None)
