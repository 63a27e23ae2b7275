"""One row for each lead: its features at one of its cutoffs, drawn at random, and whether the outcome followed.

Everything is as known before the split, so that no test row takes part. The columns of the leads table are what they
are: values of today.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from data.contract import Contract
from data.errors import NotMaturedError
from data.history import History
from data.labels import label
from data.spine import build_spine, micros, positions
from features.catalog import default_catalog
from features.feature_set import FeatureSet
from features.levels import learn
from features.local import compute
from features.profile import profile
from models.numerics import Matrix
from training.leaks.auc import Mask
from training.leaks.strength import LEAST_OUTCOMES
from training.splits import choose_test_from

MOST_LEADS = 20_000


@dataclass(frozen=True, eq=False)
class Rows:
    """n rows in the order of time (equal times at random): which lead each is of, its features, its outcome."""

    spine: pa.Table
    matrix: Matrix
    feature_set: FeatureSet
    outcome: Mask

    @property
    def outcomes(self) -> int:
        """How many rows have the outcome."""
        return int(self.outcome.sum())

    @property
    def tells(self) -> bool:
        """Whether there are enough outcomes, and enough rows without one, to tell how much a field knows."""
        return LEAST_OUTCOMES <= self.outcomes <= len(self.outcome) - LEAST_OUTCOMES


def draw_leads(history: History, seed: int) -> History:
    """The facts of all leads, or of a seeded draw of MOST_LEADS of them."""
    if len(history.leads) <= MOST_LEADS:
        return history
    few = np.random.default_rng(seed).choice(len(history.leads), MOST_LEADS, replace=False)
    leads = history.leads.take(pa.array(np.sort(few)))
    mine = {
        name: (table := getattr(history, name)).filter(pc.is_in(table["lead_id"], leads["lead_id"].combine_chunks()))
        for name in ("events", "outcomes", "changes")
    }
    return replace(history, leads=leads, **mine)


def draw_rows(contract: Contract, history: History, tell: Callable[[float], None]) -> Rows:
    """The rows of ``history``. Raises NotMaturedError when none has matured before the split."""
    ready, seed = contract.ready, contract.model.seed
    spine = build_spine(contract.spine, ready, history, contract.folder)
    cutoffs = micros(spine["cutoff"])
    test_from = choose_test_from(contract.backtest, cutoffs, label(history, spine, ready), ready.primary)
    past = history.upto(test_from)
    spine = spine.filter(pa.array(cutoffs < test_from))
    labels = label(past, spine, ready)
    matured = np.flatnonzero(labels.matured(ready.primary))
    if not len(matured):
        raise NotMaturedError("No row has matured before the split. Shorten the horizon, or bring a longer history.")
    lead = positions(spine["lead_id"], past.leads["lead_id"])
    rows = matured[_one_each(lead[matured], np.random.default_rng(seed))]
    rows = rows[np.argsort(micros(spine["cutoff"])[rows], kind="stable")]
    few = spine.take(pa.array(rows))
    feature_set = default_catalog(profile(history, test_from))
    table = compute(
        history,
        few,
        feature_set,
        learn(history, feature_set, test_from),
        threads=contract.model.threads,
        progress=lambda done, total: tell(done / max(total, 1)),
    )
    return Rows(few, table.matrix, feature_set, labels.take(rows).outcome(ready.primary))


def _one_each(lead: pa.Array, generator: np.random.Generator) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """The place of one row of each lead, drawn at random, in random order."""
    order = generator.permutation(len(lead))
    found = order[np.unique(lead[order], return_index=True)[1]]
    return np.asarray(generator.permutation(found))
