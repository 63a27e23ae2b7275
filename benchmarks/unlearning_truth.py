"""What is true of leads at a moment: the exact chance to buy when nobody calls, and when they are called now."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from benchmarks.policy_callers import REST, spine_of, states_of
from benchmarks.unlearning_learner import EVERY, Learned
from data.history import History
from data.simulation.forecast import forecast_leads, touch_gains
from data.simulation.loop import CALL, Course, Opening, Seen
from data.simulation.rates import rates_of
from data.simulation.states import Floats, Micros
from data.spine import NEVER, positions
from training.judge import SMALLEST


@dataclass(frozen=True)
class Probe:
    """Open leads that nobody has called since the opening, at one moment, and the truth about each."""

    history: History
    spine: pa.Table
    uncalled: Floats
    called: Floats


def probes(untouched: Course, trainings: int) -> list[Probe]:
    """One for each training, of the market in which nobody calls."""
    moments = [untouched.opening.at + place * EVERY for place in range(trainings + 1)]
    return [_probe(untouched, moment) for moment in moments]


def _probe(untouched: Course, moment: int) -> Probe:
    seen, leads = able_at(untouched, moment)
    return Probe(seen.history, spine_of(seen, leads), *chances(untouched.opening, seen, leads))


def able_at(course: Course, moment: int) -> tuple[Seen, Micros]:
    """What the company knew at a moment of a course, and whom it could call: open leads that had rested."""
    history = course.history.upto(moment)
    closed = np.zeros(len(history.leads), bool)
    closed[positions(history.outcomes["lead_id"], history.leads["lead_id"])] = True
    called = np.full(len(course.opening.leads), -NEVER, np.int64)
    before = course.at < moment
    np.maximum.at(called, course.lead[before], course.at[before])
    seen = Seen(moment, history, np.flatnonzero(~closed), called[: len(history.leads)])
    return seen, seen.open[seen.called[seen.open] <= moment - REST]


def chances(opening: Opening, seen: Seen, leads: Micros) -> tuple[Floats, Floats]:
    """(n,) P(won within the primary horizon) when nobody calls, and when each is called now and nobody later."""
    rates, horizon = rates_of(opening.world), opening.world.primary
    record, rows, odds = states_of(opening, seen, leads)
    uncalled, gain = np.empty((len(leads), 1)), np.empty(len(leads))
    forecast_leads(rates, record, rows, np.array([horizon], np.int64), 0, len(rows.start) - 1, odds, uncalled)
    touch_gains(rates, record, rows, CALL, horizon, odds, gain)
    return uncalled[:, 0], np.clip(uncalled[:, 0] + gain, 0.0, 1.0)


def judged(model: Learned, probe: Probe, capacity: int, *, called_only: bool) -> dict[str, float]:
    """How near the model comes to the truth that it could learn, and what its call list would add there.

    AUC and log loss are expected under the exact chance, so the luck of outcomes is not in them; ``excess`` is the log
    loss beyond that of the exact chance itself, in thousandths. ``list_gain``: deals that calling its best adds.
    """
    told = model.predict(probe.history, probe.spine)
    truth = probe.called if called_only else probe.uncalled
    best = np.argsort(-told, kind="stable")[:capacity]
    most = np.sort(probe.called - probe.uncalled)[::-1][:capacity].sum()
    gain = float((probe.called - probe.uncalled)[best].sum())
    return {
        "auc": expected_auc(truth, told),
        "excess": 1_000.0 * (expected_log_loss(truth, told) - expected_log_loss(truth, truth)),
        "list_gain": gain,
        "list_share": gain / most if most > 0.0 else float("nan"),
    }


def expected_auc(truth: Floats, told: Floats) -> float:
    """The AUC of ``told`` when each of n leads has the outcome with chance ``truth``; ties count half."""
    order = np.argsort(told, kind="stable")
    _, tied = np.unique(told[order], return_inverse=True)
    hit, miss = (np.bincount(tied, one[order]) for one in (truth, 1.0 - truth))
    below = np.cumsum(miss) - miss
    return float((hit * (below + miss / 2)).sum() / (hit.sum() * miss.sum()))


def expected_log_loss(truth: Floats, told: Floats) -> float:
    """The mean log loss of ``told`` under the chance ``truth``."""
    chance = np.clip(told, SMALLEST, 1.0 - SMALLEST)
    return float(-(truth * np.log(chance) + (1.0 - truth) * np.log1p(-chance)).mean())
