"""Training on a Dask cluster: settings chosen on a sample of the leads, the booster grown from every cell there is.

The client draws whole leads, as many as one machine holds, and runs the trial on them as always: split, definitions,
levels, folds, linear model, blend, calibration, judgement. The last booster alone is grown elsewhere: the workers lay
out their own training rows, compute their features, and LightGBM's Dask interface grows one booster from all of them.
"""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from data.check import Checked
from data.contract import Contract
from data.errors import ContractError
from data.facts import Facts
from data.history import History
from data.labels import label
from data.report import Report
from data.spine import micros
from features.dask_feed import cut, sample
from features.draw import EVENTS_OF_A_SAMPLE
from features.feature_set import FeatureSet
from features.local import compute
from features.vocabulary import Vocabulary
from training.agreement import of_all
from training.cells import cells
from training.dask_gbm import Taught, grow_booster
from training.fit import Grow, Grown
from training.folds import Ground
from training.gbm import GbmSettings, cell_matrix
from training.sample import Progress, Sample, known_before
from training.search import Budget
from training.selection import Choice
from training.splits import judged_on, learned_from
from training.trial import Trial, run_trial

if TYPE_CHECKING:
    from distributed import Client

MOST_EVENTS = EVENTS_OF_A_SAMPLE
"""So many events of whole leads come to the client at the most."""


@dataclass(frozen=True)
class Lesson:
    """What a worker has to know to make the cells of its leads; moments and durations in microseconds.

    ``known_at`` is the moment of learning: the split, or later, and then the rows from ``test_from`` on teach too.
    ``newest`` is the latest cutoff of the sample that teaches anything: at which a row weighs 1.
    """

    contract: Contract
    feature_set: FeatureSet
    vocabulary: Vocabulary
    test_from: int
    known_at: int
    edges: tuple[int, ...]
    half_life: int | None
    newest: int

    def __call__(self, bucket: History, listed: pa.Table) -> Taught:
        """The cells of the bucket's rows to learn from, as known then: those that a trial of all would have."""
        given = listed if self.contract.spine.file else None
        rows = known_before(self.contract, bucket, self.known_at, given)
        bounds, cutoffs = self.contract.backtest, micros(rows["cutoff"])
        teaching = learned_from(bounds, cutoffs, self.test_from) | judged_on(bounds, cutoffs, self.test_from)
        rows = rows.filter(pa.array(teaching))
        known = label(bucket.upto(self.known_at), rows, self.contract.ready)
        matrix = compute(bucket, rows, self.feature_set, self.vocabulary, threads=1).matrix
        of = cells(np.arange(len(rows)), known, self.edges, known.watched)
        age = micros(rows["cutoff"])[of.rows] - self.newest
        weights = of.weights if self.half_life is None else np.exp2(age / self.half_life)
        return cell_matrix(matrix, of, len(self.edges)), of.outcome, weights


@dataclass(frozen=True)
class ClusterGrower:
    """Grows the last booster of a trial on a cluster, from the ``facts`` of all leads."""

    client: "Client"
    facts: Facts
    scratch: str
    contract: Contract
    buckets: int | None = None
    listed: pa.Table | None = None

    def __call__(self, drawn: Sample, known_at: int | None = None) -> Grow:
        """How the booster of the trial with this sample is grown, by what was known at its split or at ``known_at``."""

        def grow(ground: Ground, gbm: GbmSettings, choice: Choice, tell: Progress) -> Grown:
            table = drawn.table
            every = ground.cells(np.arange(len(ground.cutoffs)))
            newest = int(ground.cutoffs[every.rows].max())
            lesson = Lesson(
                self.contract,
                table.feature_set,
                table.vocabulary,
                drawn.test_from,
                drawn.test_from if known_at is None else known_at,
                ground.edges,
                choice.shape.half_life,
                newest,
            )
            more: dict[str, Any] = {"feature_set": table.feature_set, "buckets": self.buckets, "listed": self.listed}
            with cut(self.client, self.facts, self.scratch, progress=tell, **more) as cut_facts:
                return grow_booster(self.client, cut_facts, lesson, len(ground.edges), gbm, choice, tell)

        return grow


def train_on_cluster(
    client: "Client",
    contract: Contract,
    facts: Facts,
    scratch: str,
    *,
    buckets: int | None = None,
    listed: pa.Table | None = None,
    progress: Progress | None = None,
    budget: Budget | None = None,
) -> Trial:
    """The trial of ``contract`` over all of ``facts``; the contract's grid must start where it starts for all leads.

    ``listed`` are the rows of a spine file. Raises what ``run_trial`` raises.
    """
    history, share = sample(client, facts, seed=contract.model.seed, most=MOST_EVENTS, progress=progress)
    if listed is not None and share < 1:
        raise ContractError(
            f"The spine is a file, and only {share:.1%} of the leads fit the client. Expected a spine by `every`, `at` "
            "or `after`. Change [spine]."
        )
    policy, capacity = contract.policy, contract.policy.capacity_per_week
    scaled = policy.model_copy(update={"capacity_per_week": None if capacity is None else capacity * share})
    grower = ClusterGrower(client, facts, scratch, contract, buckets, listed)
    checked = Checked(history, {}, Report((), facts.ends_at))
    trial = run_trial(
        contract.model_copy(update={"policy": scaled}), checked, progress=progress, grower=grower, budget=budget
    )
    _tell_the_whole(trial.report, facts, share)
    return replace(trial, contract=contract, policy=replace(trial.policy, capacity_per_week=capacity))


def _tell_the_whole(report: dict[str, Any], facts: Facts, share: float) -> None:
    """The report, and the card that shares its history, speak of all facts; a note says what was drawn."""
    report["history"] |= {name: facts.rows(name) for name in ("leads", "events", "outcomes")}
    if share < 1:
        report["agreement"] = report["agreement"] and of_all(report["agreement"], share)
        report["notes"].append(
            f"Settings were chosen and judged on a seeded draw of {share:.1%} of the leads, whose fingerprint this is; "
            "the booster learned from all."
        )
