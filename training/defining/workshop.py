"""The workshop: every candidate definition, what it would have meant, and how far it agrees with sales."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from data.clock import format_duration, iso
from data.contract import Contract
from data.errors import ContractError, NotMaturedError
from data.history import History
from models.numerics import Floats
from models.thresholds import threshold_for_capacity
from training.defining.candidates import VOLUMES, Choices, candidate_outcomes, ready_for, weekly_capacity, weeks_of
from training.defining.labelled import Labelled, agreement
from training.defining.meaning import LaterRows, meaning
from training.defining.quick import Answer, Bench, learn_quick, make_bench
from training.judge import judge
from training.leaks.detect import find_leaks
from training.sample import Progress

Found = dict[str, Any]


def hold_workshop(
    contract: Contract,
    history: History,
    choices: Choices | None = None,
    labelled: Labelled | None = None,
    progress: Progress | None = None,
) -> Found:
    """``candidates``: each outcome, horizon and threshold with its meaning, numbered from 1; and ``notes``.

    Raises ContractError for an outcome that is in no row, NotMaturedError when no candidate can be judged.
    """
    tell = progress or (lambda _what, _share: None)
    choices, notes, found = choices or Choices(), [], []
    leaks = find_leaks(contract, history, tell)
    left_out = {finding.field for finding in leaks.left_out} | set(contract.leaks.quarantine)
    for outcome in candidate_outcomes(contract, history, choices.outcomes):
        ready = ready_for(contract, outcome, choices.horizons)
        tell(f"a quick look at {outcome}", 0.0)
        try:
            bench = make_bench(contract, history, ready, left_out, lambda _what, _share: None)
            for horizon in ready.horizons:
                found += _of_horizon(bench, outcome, horizon, choices, labelled)
        except NotMaturedError as error:
            notes.append(f"{outcome}: {error}")
    if not found:
        raise NotMaturedError(f"No definition can be judged yet. {' '.join(notes)}")
    return {
        "product": contract.ready.product,
        "version": contract.ready.version,
        "facts_end": iso(history.ends_at),
        "candidates": [{"number": number, **one} for number, one in enumerate(found, 1)],
        "labelled": None if labelled is None else len(labelled.ready),
        "notes": notes,
    }


def _of_horizon(bench: Bench, outcome: str, horizon: int, choices: Choices, labelled: Labelled | None) -> list[Found]:
    """Every threshold of one outcome and horizon."""
    answer = learn_quick(bench, horizon)
    places = bench.sample.test[bench.sample.labels.take(bench.sample.test).matured(horizon)]
    if not len(places):
        raise NotMaturedError(f"no later row has matured for {format_duration(horizon)}.")
    spine = bench.sample.table.spine.take(pa.array(places))
    cutoffs, leads = bench.sample.cutoffs[places], bench.sample.leads[places]
    codes = np.unique(leads, return_inverse=True)[1].astype(np.int64)
    time_to = bench.sample.labels.take(places).time_to_outcome
    rows = LaterRows(codes, cutoffs, time_to, bench.enough(spine), horizon)
    readiness = answer(bench.sample.table.matrix[places])
    sure = _agreeing(bench, answer, labelled)
    head = {
        "outcome": outcome,
        "horizon": format_duration(horizon),
        "judged_from": iso(int(cutoffs.min())),
        "judged_until": iso(int(cutoffs.max())),
        "rate": float(rows.came.mean()),
        "auc": _finite(judge(rows.came, readiness)["auc"]),
    }
    return [
        {**head, "asked_per_week": volume, **meaning(rows, readiness, threshold, horizon), "agreement": sure(threshold)}
        for volume, threshold in _thresholds(bench.contract, spine, rows, readiness, choices)
    ]


def _thresholds(
    contract: Contract, spine: pa.Table, rows: LaterRows, readiness: Floats, choices: Choices
) -> list[tuple[float | None, float]]:
    """(hand-offs a week that it is set for, threshold); None for one that was asked for."""
    if choices.thresholds:
        return [(None, threshold) for threshold in choices.thresholds]
    capacity = weekly_capacity(contract, spine["lead_id"], weeks_of(rows.cutoffs))
    volumes = [capacity * share for share in VOLUMES]
    return [
        (volume, threshold_for_capacity(readiness, rows.cutoffs, rows.codes, volume, rows.enough, rows.horizon))
        for volume in volumes
    ]


def _agreeing(bench: Bench, answer: Answer, labelled: Labelled | None) -> Any:
    """What a threshold's agreement with sales is: over the judgements made after what the quick model has learned."""
    if labelled is None:
        return lambda _threshold: None
    leads = pc.is_in(labelled.spine["lead_id"], value_set=bench.history.leads["lead_id"])
    moments = pc.cast(labelled.spine["cutoff"], pa.int64())
    later = pc.and_(pc.greater_equal(moments, bench.sample.test_from), pc.less_equal(moments, bench.history.ends_at))
    kept = np.asarray(pc.and_(leads, later).to_numpy())
    spine = labelled.spine.filter(pa.array(kept)).combine_chunks()
    if not len(spine):
        return lambda _threshold: agreement(np.empty(0, bool), np.empty(0, bool))
    readiness, enough, ready = answer(bench.matrix_of(spine)), bench.enough(spine), labelled.ready[kept]
    return lambda threshold: agreement(ready, (readiness >= threshold) & enough)


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def chosen(found: Mapping[str, Any], number: int) -> Found:
    """The candidate of this number. Raises ContractError when there is none."""
    for one in found["candidates"]:
        if one["number"] == number:
            return dict(one)
    raise ContractError(f"There is no candidate {number}. Expected one from 1 to {len(found['candidates'])}.")
