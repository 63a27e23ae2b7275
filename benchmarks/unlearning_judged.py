"""What the calls of a loop say of its readiness, plainly and weighed by their propensity, beside the truth."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from benchmarks.policy_callers import spine_of
from benchmarks.unlearning_learner import EVERY
from benchmarks.unlearning_loop import Loop
from benchmarks.unlearning_truth import able_at, chances, expected_auc, expected_log_loss
from data.contract import Contract
from data.labels import label
from data.simulation.loop import Course
from data.spine import SPINE
from data.tables import TIME
from training.judge import judge
from training.weighted import judge_weighted


@dataclass(frozen=True)
class Judged:
    """AUC and log loss of the readiness that was told: by the calls as they are, weighed, and exact over all leads.

    ``calls`` matured, ``explored`` of them, and the effective size.
    """

    plain: dict[str, float]
    weighed: dict[str, float]
    intervals: dict[str, list[float]]
    exact: dict[str, float]
    calls: int
    explored: int
    effective: float


def judged_by_calls(contract: Contract, course: Course, loop: Loop) -> Judged:
    """Every call whose horizon has passed, and the truth of all leads that could have been called, every four weeks."""
    ids = course.opening.leads["lead_id"].combine_chunks()
    leads = np.concatenate([call.leads for call in loop.calls])
    at = np.repeat([call.moment for call in loop.calls], [len(call.leads) for call in loop.calls])
    told = np.concatenate([call.told for call in loop.calls])
    propensity = np.concatenate([call.propensity for call in loop.calls])
    spine = pa.table([ids.take(pa.array(leads)), pa.array(at, TIME)], schema=SPINE)
    labels = label(course.history, spine, contract.ready)
    ripe = np.flatnonzero(labels.matured(contract.ready.primary))
    outcome = labels.outcome(contract.ready.primary)[ripe]
    found = judge_weighted(outcome, told[ripe], propensity[ripe], leads[ripe])
    plain = judge(outcome, told[ripe])
    names = ("auc", "log_loss")
    return Judged(
        {name: plain[name] for name in names},
        {name: found.figures[name] for name in names},
        {name: found.intervals[name] for name in names},
        _exact(course, loop, int(at[ripe].max())),
        found.rows,
        found.explored,
        found.effective,
    )


def _exact(course: Course, loop: Loop, until: int) -> dict[str, float]:
    """The figures expected when every lead that could be called had been, one by one."""
    told, truth = [], []
    for moment in range(course.opening.at, until + 1, EVERY):
        seen, able = able_at(course, moment)
        # The model of that week, asked as it was asked then.
        model = loop.models[min((moment - course.opening.at) // EVERY, len(loop.models) - 1)]
        told.append(model.predict(seen.history, spine_of(seen, able)))
        truth.append(chances(course.opening, seen, able)[1])
    pooled = np.concatenate(truth), np.concatenate(told)
    return {"auc": expected_auc(*pooled), "log_loss": expected_log_loss(*pooled)}
