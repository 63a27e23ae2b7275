"""How often a lead flaps: the agreed policy beside a bare threshold, on the same scores, day by day."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from data.clock import DAY
from data.simulation.loop import Course
from data.simulation.states import Micros
from data.spine import NEVER, SPINE, micros, positions
from data.tables import TIME
from features.local import compute
from models.evidence import Evidence
from models.evidence_rows import evidence_rows
from models.policy import Policy
from models.states import Look, begin, step
from training.trial import Trial

SOON = 30 * DAY
"""A crossing so soon after the one before is a flap."""
EVERY = 3
"""Every third lead is followed, day by day."""
RULES = ("bare threshold", "with evidence", "with evidence and hysteresis", "agreed policy")


@dataclass(frozen=True)
class Flaps:
    """What a rule did with so many leads: crossings into or out of ready, flaps among them, leads ever ready."""

    leads: int

    lead_months: float
    crossings: int
    flaps: int
    leads_ready: int


def rules(policy: Policy) -> dict[str, Policy]:
    """From the bare threshold to the agreed policy, one safeguard more each time."""
    bare = replace(policy, exit_below=None, min_kinds=0, min_days=0, dwell=0, let_go_below=0.0)
    proven = replace(bare, min_kinds=policy.min_kinds, min_days=policy.min_days)
    return dict(zip(RULES, (bare, proven, replace(proven, exit_below=policy.exit_below), policy), strict=True))


def flaps(course: Course, trial: Trial) -> dict[str, Flaps]:
    """What each rule would have done with the daily scores of some leads of a course in which nobody was called."""
    history = course.history
    created = micros(history.leads["created_at"])
    lead, cutoff = _days(course, created)
    spine = pa.table([history.leads["lead_id"].take(pa.array(lead)), pa.array(cutoff, TIME)], schema=SPINE)
    table = compute(history, spine, trial.feature_set, trial.vocabulary, threads=1)
    readiness = trial.model.predict(table.matrix)[:, trial.model.horizons.index(trial.model.primary)]
    seen = evidence_rows(history, spine, trial.policy.evidence_window)
    lives = list(_lives(lead, cutoff, [Look(r, Evidence(*e)) for r, e in zip(readiness, seen.tolist(), strict=True)]))
    months = len(lead) * DAY / SOON
    return {name: _told(policy, lives, created, months) for name, policy in rules(trial.policy).items()}


def _days(course: Course, created: Micros) -> tuple[Micros, Micros]:
    """(lead, cutoff) of every day on which a followed lead is open."""
    outcomes, ids = course.history.outcomes, course.history.leads["lead_id"]
    closed = np.full(len(ids), NEVER, np.int64)
    closed[positions(outcomes["lead_id"], ids)] = micros(outcomes["occurred_at"])
    days = np.arange(course.opening.at, course.until, DAY)
    followed = np.arange(0, len(ids), EVERY)
    is_open = (created[followed, None] <= days) & (days <= closed[followed, None])
    row, day = np.nonzero(is_open)
    return followed[row], days[day]


def _lives(lead: Micros, cutoff: Micros, looks: list[Look]) -> Iterator[tuple[int, list[tuple[int, Look]]]]:
    """The looks at each lead, in order."""
    starts = np.flatnonzero(np.append(True, lead[1:] != lead[:-1])).tolist()
    for start, end in zip(starts, [*starts[1:], len(lead)], strict=True):
        yield int(lead[start]), list(zip(cutoff[start:end].tolist(), looks[start:end], strict=True))


def _told(policy: Policy, lives: list[tuple[int, list[tuple[int, Look]]]], created: Micros, months: float) -> Flaps:
    crossings = flapped = ready = 0
    for lead, looks in lives:
        standing, last, was_ready = begin(policy, int(created[lead])), -NEVER, False
        for moment, look in looks:
            standing, moved = step(policy, standing, look, moment)
            if moved is not None and "ready" in {moved.before, moved.after}:
                crossings, flapped = crossings + 1, flapped + (moment - last < SOON)
                last, was_ready = moment, True
        ready += was_ready
    return Flaps(len(lives), months, crossings, flapped, ready)
