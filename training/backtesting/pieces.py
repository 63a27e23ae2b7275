"""One piece of a backtest: a training as of one origin, and what it says of the rows after it."""

import time
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from data.clock import format_duration, iso
from data.contract import Contract
from data.history import History
from data.spine import micros
from training.backtesting.origins import Origin
from training.reporting import importance
from training.sample import Progress, Sample
from training.shift import shifts
from training.testrows import TestRows
from training.trial import Learned, learn_and_answer

SHARES = (8, 4, 2)
"""The learning curve learns from one lead in so many, beside all of them."""
PARTS = 2
"""How many such portions of the leads are tried, each with other leads."""
LEAST_WINS = 4
"""A portion with fewer wins than this to learn from is not worth a training."""


@dataclass(frozen=True)
class Piece:
    """Learn from one lead in ``every``, the ``part``-th such portion, before ``origin``; answer for the rows after it.

    It answers for the rows until ``reach`` (microseconds), which may be later than the span that the origin is judged
    on: the learning curve needs more wins to judge by than a single span has.
    """

    origin: Origin
    reach: int
    every: int = 1
    part: int = 0

    @property
    def key(self) -> str:
        """A file name that no other piece has."""
        return f"{self.origin.moment}-{self.reach}-{self.part + 1}of{self.every}"

    def keeps(self, leads: Sequence[str] | npt.NDArray[np.object_], seed: int) -> npt.NDArray[np.bool_]:
        """Which of ``leads`` are in the portion, by a seeded hash of the id: the halves hold the quarters."""
        return np.array([zlib.crc32(f"{seed}:{lead}".encode()) % self.every == self.part for lead in leads], bool)


@dataclass(frozen=True, eq=False)
class Judged:
    """A finished piece: the n rows it was judged on, and the facts of its training as JSON holds them.

    ``met`` (n,): whether earlier rows of the same lead were learned from.
    """

    piece: Piece
    rows: TestRows
    met: npt.NDArray[np.bool_]
    facts: dict[str, Any]

    def of_origin(self) -> "Judged":
        """The rows of the origin's own span alone."""
        kept = np.flatnonzero(micros(self.rows.cutoff) < self.piece.origin.until)
        rows = TestRows(
            self.rows.lead_id.take(pa.array(kept)),
            self.rows.cutoff.take(pa.array(kept)),
            self.rows.outcome[kept],
            self.rows.matured[kept],
            {name: said[kept] for name, said in self.rows.predictions.items()},
        )
        return Judged(self.piece, rows, self.met[kept], self.facts)


def curve_origin(origins: Sequence[Origin]) -> Origin:
    """Where the learning curve is trained: the last origin but one, so that two spans are left to judge on."""
    return origins[max(len(origins) - 2, 0)]


def plan_pieces(origins: Sequence[Origin], wins: int | None) -> list[Piece]:
    """A piece for each origin and, at ``curve_origin``, those of the learning curve.

    ``wins``: how many were known before that; None: no curve is asked for.
    """
    curve, end = curve_origin(origins), origins[-1].until
    pieces = [Piece(origin, end if origin == curve else origin.until) for origin in origins]
    if wins is None:
        return pieces
    worth = [every for every in SHARES if wins >= LEAST_WINS * every]
    return [*pieces, *(Piece(curve, end, every, part) for every in worth for part in range(PARTS))]


def run_piece(contract: Contract, history: History, piece: Piece, tell: Progress) -> Judged:
    """Train as `readiness train` would have at the origin, on one thread. Raises what ``run_trial`` raises."""
    began = time.perf_counter()
    split = {"test_from": piece.origin.moment, "test_until": piece.reach}
    settings = {
        "backtest": contract.backtest.model_copy(update=split),
        "model": contract.model.model_copy(update={"threads": 1}),
    }

    def portion(sample: Sample) -> Sample:
        if piece.every == 1:
            return sample
        return sample.learning_from(piece.keeps(sample.leads[sample.train], contract.model.seed))

    learned = learn_and_answer(contract.model_copy(update=settings), history, tell, portion=portion)
    seen = set(learned.sample.leads[learned.sample.train])
    met = np.array([lead in seen for lead in learned.test.lead_id.to_pylist()], bool)
    facts = _facts(contract, learned, time.perf_counter() - began)
    facts["drift"] = drift(learned) if piece.every == 1 else {}
    return Judged(piece, learned.test, met, facts)


def drift(learned: Learned) -> dict[str, list[float]]:
    """Of each feature by name: how far it moved from the rows learned from to those judged, and its mean push there."""
    sample = learned.sample
    matrix, feature_set = sample.table.matrix, sample.table.feature_set
    categorical = np.array([dtype == "category" for dtype in feature_set.dtypes], bool)
    moved = shifts(matrix[sample.train], matrix[sample.test], categorical)
    pushes = {row["feature"]: row["mean_abs_push"] for row in importance(sample, learned.fitted)}
    return {name: [float(at), pushes[name]] for name, at in zip(feature_set.names, moved, strict=True)}


def _facts(contract: Contract, learned: Learned, seconds: float) -> dict[str, Any]:
    sample, choice, ready = learned.sample, learned.fitted.choice, contract.ready
    matured = sample.known.matured(ready.primary)
    calibration = learned.fitted.model.calibration
    return {
        "share": sample.share,
        "train_rows": len(sample.train),
        "train_leads": len(np.unique(sample.leads[sample.train])),
        "train_wins": learned.wins,
        "train_rate": float(sample.known.outcome(ready.primary)[matured].mean()) if matured.any() else None,
        "train_from": iso(int(sample.cutoffs[sample.train].min())) if len(sample.train) else None,
        "features": len(sample.table.feature_set),
        "left_out": sorted(learned.left_out),
        "weight": choice.weight,
        "calibration": {
            format_duration(horizon): [slope, intercept]
            for horizon, slope, intercept in zip(
                ready.horizons, calibration.slopes, calibration.intercepts, strict=True
            )
        },
        "notes": list(choice.notes),
        "seconds": round(seconds, 1),
    }
