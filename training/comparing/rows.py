"""The rows that two versions are judged on: the same for both, and learned by neither."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from data.clock import iso
from data.contract import Contract
from data.errors import NotMaturedError
from data.history import History
from data.labels import label
from data.spine import Micros, build_spine, micros
from features.local import compute
from models.model import ReadinessModel
from models.numerics import Floats
from training.comparing.question import Question
from training.comparing.side import Side
from training.sample import Progress
from training.testrows import TestRows

A, B = "a", "b"
"""The two sides in predictions and in results."""


@dataclass(frozen=True, eq=False)
class CommonRows:
    """n matured rows with what came and what each side says, under ``A`` and ``B`` of ``test.predictions``.

    ``asked`` is how many rows there were before any were left out for size.
    """

    contract: Contract
    history: History
    test: TestRows
    codes: Micros
    asked: int


def common_rows(
    contract: Contract, history: History, question: Question, a: Side, b: Side, tell: Progress
) -> CommonRows:
    """The rows of the contract's spine from ``question.since`` on that have matured for its shortest horizon.

    Raises NotMaturedError when there are none: what one of the two has learned says nothing about it.
    """
    spine = build_spine(contract.spine, question.ready, history, contract.folder)
    cutoffs, labels = micros(spine["cutoff"]), label(history, spine, question.ready)
    later = cutoffs >= question.since
    if contract.backtest.test_until is not None:
        later &= cutoffs < contract.backtest.test_until
    rows = np.flatnonzero(later & labels.matured(question.ready.horizons[0]))
    if not len(rows):
        last = f"the last cutoff is {iso(int(cutoffs.max()))}" if len(cutoffs) else "there is no cutoff at all"
        raise NotMaturedError(
            f"0 matured rows begin at or after {iso(question.since)}, up to when {a.name} or {b.name} has learned "
            f"({last}; the facts end at {iso(history.ends_at)}). Expected rows that neither has learned. "
            "Bring newer facts, or compare older versions."
        )
    asked, most = len(rows), contract.model.max_rows
    if asked > most:
        rows = np.sort(np.random.default_rng(contract.model.seed).choice(rows, most, replace=False))
    spine, labels = spine.take(pa.array(rows)), labels.take(rows)
    said = {
        name: answers(side, side.bundle.judged, question, history, spine, contract.model.threads, tell)
        for name, side in ((A, a), (B, b))
    }
    test = TestRows(
        spine["lead_id"].combine_chunks(),
        spine["cutoff"].combine_chunks(),
        np.column_stack([labels.outcome(horizon) for horizon in question.ready.horizons]),
        np.column_stack([labels.matured(horizon) for horizon in question.ready.horizons]),
        said,
    )
    codes = test.lead_id.dictionary_encode().indices.to_numpy().astype(np.int64)
    return CommonRows(contract.model_copy(update={"ready": question.ready}), history, test, codes, asked)


def answers(
    side: Side,
    model: ReadinessModel,
    question: Question,
    history: History,
    spine: pa.Table,
    threads: int,
    tell: Progress,
) -> Floats:
    """(n, common horizons) what ``model``, the judged or the served one of ``side``, says of the rows of ``spine``."""
    bundle = side.bundle
    what = f"asking {side.name}"
    table = compute(
        history,
        spine,
        bundle.feature_set,
        bundle.vocabulary,
        threads=threads,
        progress=lambda done, total: tell(what, done / max(total, 1)),
    )
    return np.ascontiguousarray(model.predict(table.matrix)[:, question.places(side)])
