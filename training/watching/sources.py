"""Kinds of events and outcomes that stopped arriving.

A week has its rhythm: nobody writes on a Sunday, a nightly import brings everything at two. So time is counted in
surprise: for each hour of the week the chance that something of the kind becomes known, and a silence is as long as the
surprise of its hours adds up to. If hours were independent, a silence of length x would have the chance exp(-x). How
much longer silences really are is learned from the longest tenth of those that there were, and a silence about as long
as an earlier one surprises nobody.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from data.clock import HOUR, WEEK, from_micros
from data.history import History
from data.spine import Micros, micros
from training.watching.alarms import Finding

Floats = npt.NDArray[np.float64]

LOOK_BACK = 12 * WEEK
"""The rhythm of a kind is that of so long before its last arrival, however long it has been silent since."""
LEAST_HOURS = 20
"""A kind that arrived in fewer hours than this is too rare to be missed."""
LEAST_WEEKS = 2.0
REGULAR = 0.8
"""An hour of the week in which something came in so large a share of the weeks is seldom missed."""
ABOUT = 0.8
"""A silence was about as long when it was so many times as long."""
LONGEST = 0.1
"""The share of the silences that the tail is learned from."""


@dataclass(frozen=True)
class Silence:
    """How long nothing came: ``hours``, the arrivals expected in them, and the chance of that where all is well."""

    last: int
    hours: int
    expected: float
    p: float


def silent_sources(history: History, since: int) -> list[Finding]:
    """A finding for each kind of event and outcome that arrived often enough to be missed.

    What was known before the end of ``history`` counts, by when it became known. A kind that was silent for long when
    the model was made, at ``since`` (microseconds), is missed by nobody.
    """
    found = []
    for name, known in _arrivals(history, since - LOOK_BACK):
        silence = silence_of(known, history.ends_at)
        if silence is not None:
            text = (
                f"Nothing of {name} has arrived since {from_micros(silence.last):%d %b %Y %H:%M} UTC, for "
                f"{silence.hours:,} hours in which {silence.expected:,.0f} arrivals were to be expected."
            )
            found.append(Finding(name, silence.p, text))
    return found


def _arrivals(history: History, alive: int) -> Iterator[tuple[str, Micros]]:
    """When each kind that arrived at or after ``alive`` became known, in the time before its last arrival."""
    for table, prefix in ((history.events, ""), (history.outcomes, "outcome ")):
        since = pa.scalar(alive - LOOK_BACK, table.schema.field("known_at").type)
        lately = table.filter(pc.greater_equal(table["known_at"], since))
        for kind in sorted(pc.unique(lately["kind"]).to_pylist()):
            known = micros(lately.filter(pc.equal(lately["kind"], kind))["known_at"])
            if known.max() >= alive:
                yield f"{prefix}{kind}", known[known >= known.max() - LOOK_BACK]


def silence_of(known: Micros, at: int) -> Silence | None:
    """The silence at ``at`` after arrivals ``known`` (microseconds, n); None where they are too few to be missed."""
    hours, counts = np.unique(known // HOUR, return_counts=True)
    now = at // HOUR
    weeks = (hours[-1] - hours[0]) * HOUR / WEEK if len(hours) else 0.0
    if len(hours) < LEAST_HOURS or weeks < LEAST_WEEKS:
        return None
    surprise, rate = _rhythm(hours, counts, weeks)
    gaps = np.array([_between(surprise, first, last + 1) for first, last in pairwise(hours.tolist())])
    gap = _between(surprise, int(hours[-1]), now)
    expected = _between(rate, int(hours[-1]), now)
    return Silence(int(known.max()), int(max(now - hours[-1] - 1, 0)), expected, _tail(gap, gaps))


def _rhythm(hours: Micros, counts: Micros, weeks: float) -> tuple[Floats, Floats]:
    """(168,) for each hour of the week: the surprise of hearing nothing, and how many arrivals are expected."""
    per_week = WEEK // HOUR
    of_week = hours % per_week
    met = np.bincount(of_week, minlength=per_week).astype(np.float64)
    arrived = np.bincount(of_week, counts, minlength=per_week)
    rate = float(arrived.mean()) / weeks
    chance = _chances(met, weeks)
    return np.asarray(-np.log1p(-chance), np.float64), np.asarray((arrived + rate) / (weeks + 1.0), np.float64)


def _chances(met: Floats, weeks: float) -> Floats:
    """(168,) the chance of hearing something, from the weeks in which something was heard.

    Each hour is drawn, by one week's worth, to the mean of all; an hour that is seldom missed to the mean of its like,
    since a week of them tells more about a nightly import than a few Mondays at two.
    """
    regular = met >= REGULAR * weeks
    usual = np.full(len(met), float(met.mean()) / weeks)
    most = (weeks + 0.5) / (weeks + 1.0)
    if regular.any():
        trials = float(regular.sum()) * weeks
        missed = max(trials - float(met[regular].sum()), 0.0)
        most = 1.0 - (missed + 0.5) / (trials + 1.0)
        usual[regular] = most
    return np.asarray(np.minimum((met + usual) / (weeks + 1.0), most))


def _between(values: Floats, first: int, last: int) -> float:
    """The sum over the hours after ``first`` and before ``last``."""
    count = max(last - first - 1, 0)
    whole, rest = divmod(count, len(values))
    start = (first + 1) % len(values)
    part = np.take(values, np.arange(start, start + rest), mode="wrap")
    return float(whole * values.sum() + part.sum())


def _tail(gap: float, gaps: Floats) -> float:
    """The chance that a silence under way is at least so long: gaps are met in proportion to their length."""
    threshold = float(np.quantile(gaps, 1.0 - LONGEST))
    if gap <= threshold:
        return 1.0
    longest = gaps[gaps >= threshold]
    scale = max(1.0, float((longest - threshold).mean()))
    tail = len(longest) * scale / float(gaps.sum()) * float(np.exp(-(gap - threshold) / scale))
    seen = float(gaps[gaps >= ABOUT * gap].sum() / gaps.sum())
    return min(1.0, max(tail, seen))
