"""The compiled part of a points replay: every row rescans its lead's own events.

A rescan is the reading that can say "known before the cutoff": an event that became known late is unseen at one cutoff
and seen at the next. Leads have few events (tens), so it costs little more than writing the answer.
"""

import math
from typing import NamedTuple

import numba
import numpy as np
import numpy.typing as npt

from data.clock import DAY

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

ALWAYS, ONCE, ONCE_PER_ITEM, ONCE_PER_DAY = range(4)
NO_DECAY, HALF_LIFE, LINEAR, EXPIRE, STEP = range(5)
NEVER = np.iinfo(np.int64).min


class EventArrays(NamedTuple):
    """Events sorted by lead and time; lead i has the events ``starts[i]`` to ``starts[i + 1]``.

    ``kinds`` is a class code, ``items`` a number of the item within its lead (from 0), ``engaged`` whether the lead
    did it.
    """

    starts: Ints
    occurred: Ints
    known: Ints
    kinds: Ints
    items: Ints
    engaged: Bools


class RuleArrays(NamedTuple):
    """Event rules as arrays (R); the rules of class c are ``of_kind[kind_starts[c] : kind_starts[c + 1]]``.

    ``watchers`` likewise are the rules that remember an event of class c as one that a later event returns to.
    """

    kind_starts: Ints
    of_kind: Ints
    watcher_starts: Ints
    watchers: Ints
    points: Floats
    repeat: Ints
    min_count: Ints
    max_count: Ints
    within: Ints
    starts: Ints
    ends: Ints
    returns_within: Ints
    returns_after: Ints
    returns_to_first: Bools
    max_points: Floats
    decay: Ints
    decay_time: Floats
    decay_factor: Floats
    group: Ints


def _worth(points: float, age: int, decay: int, time: float, factor: float) -> float:
    """What is left of ``points`` after ``age`` microseconds."""
    if decay == HALF_LIFE:
        return points * math.pow(2.0, -age / time)
    if decay == LINEAR:
        return points * max(0.0, 1.0 - age / time)
    if decay == EXPIRE:
        return points if age <= time else 0.0
    if decay == STEP:
        return points * math.pow(factor, math.floor(age / time))
    return points


worth = numba.njit(cache=True, nogil=True)(_worth)


def _fires(repeat: int, fired: Ints, stamps: Ints, rule: int, item: int, day: int, row: int) -> bool:
    """Whether an event that meets its rule's condition has points; remembers that the rule, or its key, has fired."""
    if repeat == ALWAYS:
        return True
    if repeat == ONCE:
        first = fired[rule] != row
        fired[rule] = row
        return bool(first)
    key = item if repeat == ONCE_PER_ITEM else day
    first = stamps[rule, key] != row
    stamps[rule, key] = row
    return bool(first)


fires = numba.njit(cache=True, nogil=True)(_fires)


def _meets(rules: RuleArrays, rule: int, seen: int, at: int, earlier: int) -> bool:
    """Whether an event at the moment ``at``, the ``seen``-th that its rule sees, meets the rule's condition.

    ``earlier`` is the moment of the event that it returns to, or NEVER.
    """
    if seen < rules.min_count[rule] or seen > rules.max_count[rule]:
        return False
    if at < rules.starts[rule] or at >= rules.ends[rule]:
        return False
    if rules.returns_within[rule] < 0 and rules.returns_after[rule] < 0:
        return True
    if earlier == NEVER:
        return False
    if rules.returns_within[rule] >= 0 and at - earlier > rules.returns_within[rule]:
        return False
    return bool(at - earlier >= rules.returns_after[rule])


meets = numba.njit(cache=True, nogil=True)(_meets)


def _watch(rules: RuleArrays, kind: int, at: int, latest: Ints, before: Ints) -> None:
    """Remember an event of class ``kind`` for the rules by which later events return to it.

    ``latest`` (R) is the moment to return to, ``before`` the one to take while it is still that same moment.
    """
    for place in range(rules.watcher_starts[kind], rules.watcher_starts[kind + 1]):
        rule = rules.watchers[place]
        if latest[rule] == NEVER or (at > latest[rule] and not rules.returns_to_first[rule]):
            before[rule] = latest[rule]
            latest[rule] = at


watch = numba.njit(cache=True, nogil=True)(_watch)


def _replay_rows(
    leads: Ints, cutoffs: Ints, events: EventArrays, rules: RuleArrays, out: Floats, last: Ints, days: Ints, keys: int
) -> None:
    """Event points of each row into ``out`` (n, groups), the last seen engagement into ``last`` (n), or NEVER.

    ``days`` is each event's day within its lead (from 0); ``keys`` is above all numbers of days and items.
    """
    count = rules.points.shape[0]
    sums, seen = np.empty(count), np.empty(count, np.int64)
    latest, before = np.empty(count, np.int64), np.empty(count, np.int64)
    fired, stamps = np.full(count, -1, np.int64), np.full((count, keys), -1, np.int64)
    for row in range(leads.shape[0]):
        sums[:] = 0.0
        seen[:] = 0
        latest[:] = NEVER
        before[:] = NEVER
        last[row] = NEVER
        cutoff = cutoffs[row]
        for event in range(events.starts[leads[row]], events.starts[leads[row] + 1]):
            age = cutoff - events.occurred[event]
            if age <= 0:
                break
            if events.known[event] >= cutoff:
                continue
            if events.engaged[event]:
                last[row] = events.occurred[event]
            kind = events.kinds[event]
            for place in range(rules.kind_starts[kind], rules.kind_starts[kind + 1]):
                rule = rules.of_kind[place]
                if age > rules.within[rule]:
                    continue
                seen[rule] += 1
                earlier = latest[rule] if latest[rule] < events.occurred[event] else before[rule]
                if meets(rules, rule, seen[rule], events.occurred[event], earlier) and fires(
                    rules.repeat[rule], fired, stamps, rule, events.items[event], days[event], row
                ):
                    sums[rule] += worth(
                        rules.points[rule], age, rules.decay[rule], rules.decay_time[rule], rules.decay_factor[rule]
                    )
            watch(rules, kind, events.occurred[event], latest, before)
        for rule in range(count):
            most = rules.max_points[rule]
            out[row, rules.group[rule]] += min(max(sums[rule], -most), most)


replay_rows = numba.njit(cache=True, nogil=True)(_replay_rows)


def _days_within_lead(starts: Ints, occurred: Ints) -> Ints:
    """The number of each event's UTC day within its lead, from 0; events are sorted by time."""
    out = np.zeros_like(occurred)
    for lead in range(starts.shape[0] - 1):
        for event in range(starts[lead] + 1, starts[lead + 1]):
            fresh = occurred[event] // DAY != occurred[event - 1] // DAY
            out[event] = out[event - 1] + (1 if fresh else 0)
    return out


days_within_lead = numba.njit(cache=True, nogil=True)(_days_within_lead)
