"""The rows that a trained version was not learned from, once more, with what was known before them.

They are the rows of its trial as far as the facts are the same; where newer facts are there, later rows come along. All
begin at or after the first row that the version was judged on.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from data.clock import to_micros
from data.contract import Contract
from data.errors import ContractError
from data.history import History
from features.feature_set import FeatureSet
from features.local import FeatureTable, compute
from features.vocabulary import Vocabulary
from models.model import ReadinessModel
from models.numerics import Floats
from training.sample import Progress, Sample, draw_sample


class Made(Protocol):
    """What a trial and a bundle both have."""

    @property
    def contract(self) -> Contract:
        """The contract that it was trained by."""

    @property
    def judged(self) -> ReadinessModel:
        """The model that was judged: it has learned nothing from the split on."""

    @property
    def feature_set(self) -> FeatureSet:
        """The columns of its matrix."""

    @property
    def vocabulary(self) -> Vocabulary:
        """The levels of its categories."""

    @property
    def report(self) -> Mapping[str, Any]:
        """The report of its trial."""


@dataclass(frozen=True, eq=False)
class HeldOut:
    """A sample split where the version was, and its judged model; ``table`` has the features of that model."""

    contract: Contract
    history: History
    sample: Sample
    table: FeatureTable
    model: ReadinessModel

    def readiness(self, rows: npt.NDArray[np.int64]) -> Floats:
        """(len(rows),) what the model says of rows of the sample on the primary horizon."""
        said = self.model.predict(np.ascontiguousarray(self.table.matrix[rows]))
        return np.ascontiguousarray(said[:, self.model.horizons.index(self.model.primary)])


def hold_out(contract: Contract, history: History, made: Made, tell: Progress) -> HeldOut:
    """The rows around the split of ``made``. Raises ContractError when ``contract`` asks another question."""
    if contract.ready != made.contract.ready:
        raise ContractError(
            "The trained version answers another question than the contract does now ([ready] differs). Expected the "
            "same definition of ready. Train again: readiness train."
        )
    split = contract.backtest.model_copy(update={"test_from": _test_from(made.report)})
    sample = draw_sample(contract.model_copy(update={"backtest": split}), history, tell)
    unused = set(sample.table.feature_set.names) - set(made.feature_set.names)
    table = sample.without(unused).table
    same = table.feature_set.fingerprint == made.feature_set.fingerprint
    if not same or table.vocabulary.to_json() != made.vocabulary.to_json():
        table = compute(
            history,
            sample.table.spine,
            made.feature_set,
            made.vocabulary,
            threads=contract.model.threads,
            progress=lambda done, total: tell("computing the features of the version", done / max(total, 1)),
        )
    return HeldOut(contract, history, sample, table, made.judged)


def _test_from(report: Mapping[str, Any]) -> int:
    return to_micros(datetime.fromisoformat(report["rows"]["test_from"]))
