"""Who chooses whom sales calls: random, the world's points, the model, the model under the agreed policy, the truth."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from data.clock import DAY
from data.simulation.filtering import Rows
from data.simulation.forecast import forecast_leads, touch_gains
from data.simulation.loop import CALL, Caller, Opening, Seen
from data.simulation.points import points_toml
from data.simulation.rates import rates_of
from data.simulation.record import Record, read_record
from data.simulation.states import Floats, Micros
from data.simulation.truth import filtered
from data.spine import SPINE, micros
from data.tables import TIME
from features.local import compute
from models.evidence import Evidence
from models.evidence_rows import evidence_rows
from models.points import load_points, replay
from models.states import Look, Standing, begin, step
from training.trial import Trial

REST = 28 * DAY
"""A lead that was called is not called again before it has rested, whoever chooses."""

Score = Callable[[Seen, Micros], Floats]
"""A number for each of the given leads: the higher, the sooner it is called."""


def nobody(seen: Seen) -> Micros:
    """Calls no one."""
    return seen.open[:0]


def best(score: Score, capacity: int) -> Caller:
    """Calls the leads with the highest scores among those that are open and have rested."""

    def choose(seen: Seen) -> Micros:
        able = seen.open[seen.called[seen.open] <= seen.moment - REST]
        return able[np.lexsort((able, -score(seen, able)))[:capacity]]

    return choose


def by_chance(seed: int) -> Score:
    """Random numbers."""
    rng = np.random.default_rng(seed)
    return lambda _seen, leads: rng.random(len(leads))


def by_points(opening: Opening) -> Score:
    """The hand-made points of the world, as they stand at the moment."""
    table = load_points(points_toml(opening.world.points))
    return lambda seen, leads: replay(table, seen.history, spine_of(seen, leads))


def by_model(trial: Trial, horizon: int | None = None) -> Score:
    """Readiness on a horizon (microseconds; the primary one when None), of features as of the moment."""
    column = trial.model.horizons.index(horizon or trial.model.primary)

    def score(seen: Seen, leads: Micros) -> Floats:
        spine = spine_of(seen, leads)
        table = compute(seen.history, spine, trial.feature_set, trial.vocabulary, threads=1)
        return trial.model.predict(table.matrix)[:, column]

    return score


def by_truth(opening: Opening) -> Score:
    """The exact readiness: P(won within the primary horizon) given all that is known, by the world's own parameters."""
    rates, horizon = rates_of(opening.world), np.array([opening.world.primary], np.int64)

    def score(seen: Seen, leads: Micros) -> Floats:
        record, rows, odds = states_of(opening, seen, leads)
        chance = np.empty((len(leads), 1))
        forecast_leads(rates, record, rows, horizon, 0, len(rows.start) - 1, odds, chance)
        return chance[:, 0]

    return score


def by_gain(opening: Opening) -> Score:
    """The same, but what a call changes in it: nobody who knows no more can call better one by one."""
    rates = rates_of(opening.world)

    def score(seen: Seen, leads: Micros) -> Floats:
        record, rows, odds = states_of(opening, seen, leads)
        gain = np.empty(len(leads))
        touch_gains(rates, record, rows, CALL, opening.world.primary, odds, gain)
        return gain

    return score


def states_of(opening: Opening, seen: Seen, leads: Micros) -> tuple[Record, Rows, Floats]:
    """The record of all leads, the question of the moment for each of ``leads``, and their filtered states."""
    record = read_record(opening.world, seen.history)
    asked = np.zeros(len(seen.history.leads), np.int64)
    asked[leads] = 1
    rows = Rows(np.concatenate([[0], np.cumsum(asked)]), np.full(len(leads), seen.moment))
    return record, rows, filtered(rates_of(opening.world), record, rows, lambda _label, _share: None, 0.0)


@dataclass
class Agreed:
    """The model under its whole policy: only leads that are ready are called, the readiest first.

    Every week each open lead is looked at. Who is called is at work; a week later sales gives back whom it did not win,
    and the lead rests. ``standings`` are kept by lead.
    """

    trial: Trial
    capacity: int
    score: Score
    standings: dict[int, Standing] = field(default_factory=dict)

    def __call__(self, seen: Seen) -> Micros:
        """The leads to call."""
        policy, readiness = self.trial.policy, self.score(seen, seen.open)
        evidence = evidence_rows(seen.history, spine_of(seen, seen.open), policy.evidence_window).tolist()
        created = micros(seen.history.leads["created_at"]).tolist()
        ready: list[tuple[float, int]] = []
        for lead, value, counts in zip(seen.open.tolist(), readiness.tolist(), evidence, strict=True):
            standing = self.standings.get(lead) or begin(policy, created[lead])
            if standing.state == "working":
                standing, _ = step(policy, standing, "given back", seen.moment)
            standing, _ = step(policy, standing, Look(value, Evidence(*counts)), seen.moment)
            self.standings[lead] = standing
            if standing.state == "ready":
                ready.append((-value, lead))
        chosen = [lead for _, lead in sorted(ready)[: self.capacity]]
        for lead in chosen:
            self.standings[lead], _ = step(policy, self.standings[lead], "taken", seen.moment)
        return np.array(chosen, np.int64)


def spine_of(seen: Seen, leads: Micros) -> pa.Table:
    """The question of the moment: (lead, cutoff) for each of the leads."""
    ids = seen.history.leads["lead_id"].take(pa.array(leads)).combine_chunks()
    return pa.table([ids, pa.array(np.full(len(leads), seen.moment), TIME)], schema=SPINE)
