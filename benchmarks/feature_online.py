"""How long one lead takes online: its events as plain values to its features, after warm-up.

    python -m benchmarks.feature_online [--events 1,20,200,2000] [--features 100]

For each number of events 1,000 different leads are asked about in turn, so that nothing is answered from a warm cache
of one lead. A lead's events come column by column, made anew just before, as the service makes them of a request. What
is timed is ``OnlineEngine.row``: encoding and kernel. Prints JSON: microseconds, median and p99.
"""

import argparse
import gc
import json
import random
import time
from array import array
from collections.abc import Sequence

import numpy as np

from benchmarks.feature_market import CHANNELS, INDUSTRIES, KINDS, SHARES, START
from benchmarks.feature_questions import VOCABULARY, questions
from data.clock import DAY, SECOND
from features.event_columns import EventColumns
from features.lead import Event, LeadHistory
from features.online import OnlineEngine

LEADS = 1_000
CALLS = 3_000
"""At least so many calls for each number of events, a whole number of rounds over the leads."""


def lead(count: int, rng: random.Random) -> LeadHistory:
    """One lead with ``count`` events over its first 200 days, some of them known late."""
    created = START + rng.randrange(0, 365 * DAY, SECOND)
    times = sorted(created + rng.randrange(0, 200 * DAY, SECOND) for _ in range(count))
    kinds = rng.choices(KINDS, SHARES, k=count)
    events = tuple(_event(kind, at, rng) for kind, at in zip(kinds, times, strict=True))
    profile = {"industry": rng.choice(INDUSTRIES), "employees": rng.randrange(1, 5_000)}
    return LeadHistory(f"00Q5g00000{rng.randrange(10**8):08d}", created, attributes=profile, events=events)


def _event(kind: str, at: int, rng: random.Random) -> Event:
    known = at + (rng.randrange(0, 2 * DAY, SECOND) if rng.random() < 0.1 else 0)
    value = None if rng.random() < 0.5 else rng.randrange(1, 400) / 4
    item = f"item-{rng.randrange(5_000):04d}"
    return Event(kind, at, known, "sales" if kind == "call" else "lead", value, item, {"channel": rng.choice(CHANNELS)})


def _columns(events: Sequence[Event]) -> EventColumns:
    """As ``serving.usual`` brings the events of a request."""
    kinds, occurred, known, actors, values, items, extras, *_ = zip(*events, strict=True)
    channels = [extra["channel"] for extra in extras]
    times = array("q", occurred), array("q", known)
    return EventColumns(kinds, *times, list(actors), values, items, further={"channel": channels})


def latency(engine: OnlineEngine, count: int) -> dict[str, float]:
    """Median and p99 of one call, in microseconds."""
    rng = random.Random(count)  # noqa: S311  # a fixed crowd, no secret
    leads = [lead(count, rng) for _ in range(LEADS)]
    cutoffs = [each.created_at + 200 * DAY for each in leads]
    gc.collect()
    gc.freeze()
    spent = []
    for turn in range(1 + CALLS // LEADS):
        for each, cutoff in zip(leads, cutoffs, strict=True):
            asked = each._replace(events=_columns(each.events))
            before = time.perf_counter_ns()
            engine.row(asked, cutoff)
            if turn:
                spent.append(time.perf_counter_ns() - before)
    return {"median_us": float(np.median(spent)) / 1e3, "p99_us": float(np.percentile(spent, 99)) / 1e3}


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", default="1,20,200,2000")
    parser.add_argument("--features", type=int, default=100)
    asked = parser.parse_args()
    engine = OnlineEngine(questions(asked.features), VOCABULARY)
    engine.warm()
    print(json.dumps({count: latency(engine, int(count)) for count in asked.events.split(",")}))


if __name__ == "__main__":
    main()
