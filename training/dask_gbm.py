"""The booster on a Dask cluster: LightGBM's Dask interface over the cells that the workers made of their buckets."""

import io
import re
import time
import warnings
from collections.abc import Callable
from concurrent.futures import CancelledError
from contextlib import redirect_stdout
from dataclasses import replace
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from data.history import History
from features.dask_feed import each
from features.shuffle import Shuffled
from models.numerics import Floats, Matrix
from training.fit import Grown, last_rounds
from training.gbm import GbmSettings, parameters
from training.sample import Progress
from training.selection import Choice
from training.staying import Staying

if TYPE_CHECKING:
    from distributed import Client, Future

Taught = tuple[Matrix, npt.NDArray[np.int8], Floats]
"""Person-period cells: features (c, features [+ 1]), outcomes (c,) and weights (c,)."""

Lesson = Callable[[History, pa.Table], Taught]
"""How the cells of a bucket are made, from its history and the rows listed for it."""

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
LOOK = 1.0
"""Seconds between two looks at which workers are there."""
NOTICE = 10
"""So many looks after an error until it is no loss of a worker."""
SETTLED = 5
"""So many looks without a change until the workers are those that will stay."""
PATIENCE = 300
"""Seconds until the first worker must be back; without any the fit ends with an error."""
SILENCE = 15
"""Minutes that LightGBM waits for a peer that says nothing, in place of its two hours."""
ATTEMPTS = 3
"""A fit whose workers were lost begins again, so many times in all."""


def grow_booster(
    client: "Client",
    cut_facts: Shuffled,
    lesson: Lesson,
    bins: int,
    gbm: GbmSettings,
    choice: Choice,
    tell: Progress,
) -> Grown:
    """One booster from the cells that ``lesson`` makes of every bucket. A fit that loses a worker begins again."""
    shared = client.submit(_same, lesson, pure=False)
    taught = [client.submit(_taught, cut_facts, number, shared, pure=False) for number in range(cut_facts.count)]
    looked = [client.submit(_look, part, pure=False) for part in taught]
    for _ in each(client, looked, "computing features on the workers", tell):
        pass
    parts, there = _filled(taught, [look.result() for look in looked])
    gbm = replace(gbm, categorical=gbm.categorical & there[: len(gbm.categorical)])
    total = sum(count for _, count in parts)
    tell("fitting the booster", 0.0)
    for attempt in range(1, ATTEMPTS + 1):
        watch = Watch(client)
        try:
            with watch:
                text = _fit(client, parts, len(there), gbm, choice, bins)
        except (Exception, CancelledError):  # a cancelled future's error is no Exception
            if attempt == ATTEMPTS or not watch.lost_one():
                raise
            tell(f"fitting the booster again: a worker was lost ({attempt})", 0.0)
            _settled(client)
        else:
            return Grown(text, total, total)
    raise AssertionError  # the last attempt returns or raises


class Watch:
    """Looks after the workers while they fit together.

    When one is lost, LightGBM on the others waits for it for hours, and its network cannot be set up again in their
    processes. So what was asked of them meanwhile is cancelled, which ends the wait here, and they are started anew.
    """

    def __init__(self, client: "Client") -> None:
        self._client, self._seen = client, _workers(client)
        self._asked = set(client.futures)
        self._over, self._lost, self._anew = Event(), Event(), Lock()

    def __enter__(self) -> None:
        Thread(target=self._look, name="watch-workers", daemon=True).start()

    def __exit__(self, *_: object) -> None:
        self._over.set()

    def lost_one(self) -> bool:
        """Whether a worker is gone; the scheduler may hear of it after those that talked to it."""
        for _ in range(NOTICE):
            if self._lost.is_set():
                return True
            if self._misses_one():
                self._begin_anew()
                return True
            time.sleep(LOOK)
        return False

    def _misses_one(self) -> bool:
        there = _workers(self._client)
        self._seen |= there
        return self._seen > there

    def _look(self) -> None:
        while not self._over.wait(LOOK):
            if self._misses_one():
                self._begin_anew()
                return

    def _begin_anew(self) -> None:
        """Done once, by whoever notices first; the other waits, so that nothing of the next attempt is cancelled."""
        from distributed import Future  # noqa: PLC0415 - an extra

        with self._anew:
            if self._lost.is_set():
                return
            asked: list[Any] = [Future(key, self._client) for key in set(self._client.futures) - self._asked]
            self._client.cancel(asked, force=True)
            self._client.restart_workers(list(_workers(self._client)), raise_for_error=False)
            self._lost.set()


def _settled(client: "Client") -> None:
    """Wait until no worker has come or gone for some looks, so that those who begin are those who end."""
    client.wait_for_workers(1, timeout=PATIENCE)
    before, quiet = _workers(client), 0
    while quiet < SETTLED:
        time.sleep(LOOK)
        there = _workers(client)
        before, quiet = there, quiet + 1 if there and there == before else 0


def _workers(client: "Client") -> set[str]:
    return set(client.scheduler_info(n_workers=-1)["workers"])


def _fit(
    client: "Client",
    parts: "list[tuple[Future[Taught], int]]",
    width: int,
    gbm: GbmSettings,
    choice: Choice,
    bins: int,
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

    known: dict[str, Any] = parameters(gbm, choice.shape, sum(count for _, count in parts), bins)
    known.pop("num_threads")  # each worker uses its own
    known["time_out"] = SILENCE
    known = {SKLEARN.get(name, name): value for name, value in known.items()}
    rounds = last_rounds(choice)
    # a regressor with a binary objective: the classifier would recode the outcomes that one worker happens to see
    served: Any = Staying(client)
    model = DaskLGBMRegressor(client=served, n_estimators=rounds, **known)
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


def _filled(
    taught: "list[Future[Taught]]", seen: list[tuple[int, npt.NDArray[np.bool_]]]
) -> "tuple[list[tuple[Future[Taught], int]], npt.NDArray[np.bool_]]":
    """The parts that have cells, with how many, and which columns have values in every one of them.

    LightGBM's workers crash over a category that is null wherever one of them looks (as of 4.7); a column that is null
    in some part is read as a number, the code of its level.
    """
    parts = [(part, count) for part, (count, _) in zip(taught, seen, strict=True) if count]
    return parts, np.asarray(np.all([there for count, there in seen if count], axis=0))


def _nth(taught: Taught, at: int) -> Any:
    return taught[at]
