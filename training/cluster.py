"""Training on a Dask cluster: settings chosen on a sample of the leads, the booster grown from every cell there is.

The client draws whole leads, as many as one machine holds, and runs the trial on them as always: split, definitions,
levels, folds, linear model, blend, calibration, judgement. The last booster alone is grown elsewhere: the workers lay
out their own training rows, compute their features, and LightGBM's Dask interface grows one booster from all of them.
"""

import io
import re
import time
import warnings
from contextlib import redirect_stdout
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from data.check import Checked
from data.contract import Contract
from data.errors import ContractError
from data.facts import Facts
from data.history import History
from data.labels import label
from data.report import Report
from data.spine import micros
from features.dask_feed import EVENTS_OF_A_SAMPLE, cut, each, sample
from features.feature_set import FeatureSet
from features.local import compute
from features.shuffle import Shuffled
from features.vocabulary import Vocabulary
from models.numerics import Floats, Matrix
from training.cells import cells
from training.fit import Grow, Grown, last_rounds
from training.folds import Ground
from training.gbm import GbmSettings, cell_matrix, parameters
from training.sample import Progress, Sample, known_before
from training.selection import Choice
from training.splits import learned_from
from training.trial import Trial, run_trial

if TYPE_CHECKING:
    from distributed import Client, Future

Taught = tuple[Matrix, npt.NDArray[np.int8], Floats]
"""Person-period cells: features (c, features [+ 1]), outcomes (c,) and weights (c,)."""

SKLEARN = {
    "min_data_in_leaf": "min_child_samples",
    "min_sum_hessian_in_leaf": "min_child_weight",
    "lambda_l2": "reg_lambda",
    "feature_fraction": "colsample_bytree",
    "bagging_fraction": "subsample",
    "bagging_freq": "subsample_freq",
    "seed": "random_state",
}
"""Parameters that LightGBM's estimators call otherwise; given twice, one of the two would be ignored."""
MOST_EVENTS = EVENTS_OF_A_SAMPLE
"""So many events of whole leads come to the client at the most."""
NOTICE = 10
"""Seconds after an error until the loss of a worker is noticed."""
ATTEMPTS = 3
"""A fit whose workers were lost begins again, so many times in all."""


@dataclass(frozen=True)
class Lesson:
    """What a worker has to know to make the cells of its leads; moments and durations in microseconds.

    ``newest`` is the latest cutoff of the sample that teaches anything: at which a row weighs 1.
    """

    contract: Contract
    feature_set: FeatureSet
    vocabulary: Vocabulary
    test_from: int
    edges: tuple[int, ...]
    half_life: int | None
    newest: int

    def __call__(self, bucket: History, listed: pa.Table) -> Taught:
        """The cells of the bucket's training rows, as known at the split: those that a trial of all would have."""
        given = listed if self.contract.spine.file else None
        rows = known_before(self.contract, bucket, self.test_from, given)
        rows = rows.filter(pa.array(learned_from(self.contract.backtest, micros(rows["cutoff"]), self.test_from)))
        known = label(bucket.upto(self.test_from), rows, self.contract.ready)
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

    def __call__(self, drawn: Sample) -> Grow:
        """How the booster of the trial with this sample is grown."""

        def grow(ground: Ground, gbm: GbmSettings, choice: Choice, tell: Progress) -> Grown:
            table = drawn.table
            every = ground.cells(np.arange(len(ground.cutoffs)))
            newest = int(ground.cutoffs[every.rows].max())
            lesson = Lesson(
                self.contract,
                table.feature_set,
                table.vocabulary,
                drawn.test_from,
                ground.edges,
                choice.linear.half_life,
                newest,
            )
            more: dict[str, Any] = {"feature_set": table.feature_set, "buckets": self.buckets, "listed": self.listed}
            with cut(self.client, self.facts, self.scratch, progress=tell, **more) as cut_facts:
                return _grow(self.client, cut_facts, lesson, gbm, choice, tell)

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
    trial = run_trial(contract.model_copy(update={"policy": scaled}), checked, progress=progress, grower=grower)
    _tell_the_whole(trial.report, facts, share)
    return replace(trial, contract=contract, policy=replace(trial.policy, capacity_per_week=capacity))


def _tell_the_whole(report: dict[str, Any], facts: Facts, share: float) -> None:
    """The report, and the card that shares its history, speak of all facts; a note says what was drawn."""
    report["history"] |= {name: facts.rows(name) for name in ("leads", "events", "outcomes")}
    if share < 1:
        report["notes"].append(
            f"Settings were chosen and judged on a seeded draw of {share:.1%} of the leads, whose fingerprint this is; "
            "the booster learned from all."
        )


def _grow(
    client: "Client", cut_facts: Shuffled, lesson: Lesson, gbm: GbmSettings, choice: Choice, tell: Progress
) -> Grown:
    """One booster from the cells of every bucket. A fit that loses a worker begins again."""
    shared = client.submit(_same, lesson, pure=False)
    taught = [client.submit(_taught, cut_facts, number, shared, pure=False) for number in range(cut_facts.count)]
    looked = [client.submit(_look, part, pure=False) for part in taught]
    for _ in each(client, looked, "computing features on the workers", tell):
        pass
    seen = [look.result() for look in looked]
    counts = [count for count, _ in seen]
    parts = [(part, count) for part, count in zip(taught, counts, strict=True) if count]
    gbm = replace(
        gbm, categorical=gbm.categorical & _everywhere([there for count, there in seen if count], len(gbm.categorical))
    )
    width = len(lesson.feature_set) + (len(lesson.edges) > 1)
    tell("fitting the booster", 0.0)
    for attempt in range(1, ATTEMPTS + 1):
        before = _workers(client)
        try:
            text = _fit(client, parts, width, gbm, choice, len(lesson.edges), sum(counts))
        except Exception:
            if attempt == ATTEMPTS or not _lost_one(client, before):
                raise
            tell(f"fitting the booster again: a worker was lost ({attempt})", 0.0)
            client.wait_for_workers(1)
        else:
            return Grown(text, sum(counts), sum(counts))
    raise AssertionError  # the last attempt returns or raises


def _workers(client: "Client") -> set[str]:
    return set(client.scheduler_info(n_workers=-1)["workers"])


def _lost_one(client: "Client", before: set[str]) -> bool:
    """Whether one of the workers is gone; the scheduler may hear of it after those that talked to it."""
    for _ in range(NOTICE):
        if not before <= _workers(client):
            return True
        time.sleep(1)
    return False


def _fit(
    client: "Client",
    parts: "list[tuple[Future[Taught], int]]",
    width: int,
    gbm: GbmSettings,
    choice: Choice,
    bins: int,
    total: int,
) -> bytes:
    from dask import array  # noqa: PLC0415 - an extra
    from dask.delayed import delayed  # noqa: PLC0415 - likewise
    from lightgbm.dask import DaskLGBMRegressor  # noqa: PLC0415 - needs that extra

    def columns(at: int, *width: int) -> Any:
        dtype = (np.float32, np.int8, np.float64)[at]
        pieces = [
            array.from_delayed(delayed(_nth)(part, at), shape=(count, *width), dtype=dtype) for part, count in parts
        ]
        return array.concatenate(pieces)

    known: dict[str, Any] = parameters(gbm, choice.shape, total, bins)
    known.pop("num_threads")  # each worker uses its own
    known = {SKLEARN.get(name, name): value for name, value in known.items()}
    rounds = last_rounds(choice)
    # a regressor with a binary objective: the classifier would recode the outcomes that one worker happens to see
    model = DaskLGBMRegressor(client=client, n_estimators=rounds, **known)
    categories = np.flatnonzero(gbm.categorical).tolist()
    with client.as_current(), redirect_stdout(io.StringIO()), warnings.catch_warnings():  # stdout is for answers
        warnings.filterwarnings("ignore", "Parameter .* will be ignored")
        model.fit(columns(0, width), columns(1), sample_weight=columns(2), categorical_feature=categories)
    return without_addresses(model.booster_.model_to_string(num_iteration=rounds)).encode()


def without_addresses(text: str) -> str:
    """LightGBM's text without the cluster's addresses and ports, which are nobody's business later."""
    return re.sub(
        r"^\[(machines|local_listen_port|num_machines|machine_list_filename): .*\]\n", "", text, flags=re.MULTILINE
    )


def _same(lesson: Lesson) -> Lesson:
    """``lesson`` as a task of its own: one copy goes to each worker."""
    return lesson


def _taught(cut_facts: Shuffled, number: int, lesson: Lesson) -> Taught:
    return lesson(*cut_facts.bucket(number))


def _look(taught: Taught) -> tuple[int, npt.NDArray[np.bool_]]:
    """How many cells there are, and which columns have any value."""
    return len(taught[1]), np.asarray(~np.isnan(taught[0]).all(axis=0))


def _everywhere(there: list[npt.NDArray[np.bool_]], columns: int) -> npt.NDArray[np.bool_]:
    """Which of the first ``columns`` have values in every part.

    LightGBM's workers crash over a category that is null wherever one of them looks (as of 4.7); such a column is read
    as a number, the code of its level.
    """
    return np.asarray(np.all([part[:columns] for part in there], axis=0))


def _nth(taught: Taught, at: int) -> Any:
    return taught[at]
