"""The rows of a trial: which there are, what they looked like, and on which side of the split they stand."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from data.contract import Contract
from data.errors import NotMaturedError
from data.history import History
from data.labels import Labels, label
from data.spine import Micros, build_spine, micros
from data.tables import TIME
from features.catalog import default_catalog
from features.levels import learn
from features.local import FeatureTable, compute
from features.profile import profile
from features.vocabulary import Vocabulary, levels_key
from training.splits import choose_test_from, split_rows

Progress = Callable[[str, float], None]


@dataclass(frozen=True, eq=False)
class Sample:
    """The rows of a trial: features, cutoffs and leads, split in time at ``test_from`` (microseconds).

    ``known`` are the training labels as they were known at ``test_from``, ``labels`` those of all rows as known now;
    ``asked`` is how many rows there were before any were left out for size.
    """

    table: FeatureTable
    cutoffs: Micros
    leads: npt.NDArray[np.object_]
    labels: Labels
    train: Micros
    known: Labels
    test: Micros
    test_from: int
    asked: int

    @property
    def share(self) -> float:
        """Of the rows that were asked for, how many there are."""
        return len(self.cutoffs) / max(self.asked, 1)

    def without(self, names: Collection[str]) -> "Sample":
        """The same rows without the features of these names; all other numbers stay the same to the last bit."""
        kept = [place for place, name in enumerate(self.table.feature_set.names) if name not in names]
        if len(kept) == len(self.table.feature_set):
            return self
        feature_set = self.table.feature_set.select([self.table.feature_set.names[place] for place in kept])
        keys = {key for feature in feature_set if (key := levels_key(feature)) is not None}
        vocabulary = Vocabulary({key: self.table.vocabulary.levels[key] for key in sorted(keys)})
        matrix = np.ascontiguousarray(self.table.matrix[:, kept])
        return replace(self, table=FeatureTable(self.table.spine, matrix, feature_set, vocabulary))

    def learning_from(self, rows: npt.NDArray[np.bool_]) -> "Sample":
        """The same sample with only those training rows, of all of them in order, that ``rows`` keeps."""
        return replace(self, train=self.train[rows], known=self.known.take(rows))


def draw_sample(contract: Contract, history: History, tell: Progress) -> Sample:
    """Spine, labels, split and features; definitions and category levels are learned from before the split alone."""
    tell("laying out the spine", 0.0)
    spine = build_spine(contract.spine, contract.ready, history, contract.folder)
    if not len(spine):
        raise NotMaturedError(
            "The spine has no rows: no lead was open at any cutoff. Correct [spine] from, until or at."
        )
    labels = label(history, spine, contract.ready)
    cutoffs = micros(spine["cutoff"])
    test_from = choose_test_from(contract.backtest, cutoffs, labels, contract.ready.primary)
    spine = _as_known(contract, history, spine, test_from)
    labels, cutoffs = label(history, spine, contract.ready), micros(spine["cutoff"])
    train, test = split_rows(contract.backtest, cutoffs, test_from)
    asked = len(train) + len(test)
    few = _kept(np.concatenate([train, test]), contract.model.max_rows, contract.model.seed)
    spine, cutoffs, labels = spine.take(pa.array(few)), cutoffs[few], labels.take(few)
    train, test = np.flatnonzero(np.isin(few, train)), np.flatnonzero(np.isin(few, test))
    feature_set = default_catalog(profile(history, test_from))
    vocabulary = learn(history, feature_set, test_from)
    table = compute(
        history,
        spine,
        feature_set,
        vocabulary,
        threads=contract.model.threads,
        progress=lambda done, total: tell("computing features", done / max(total, 1)),
    )
    known = label(history.upto(test_from), spine.take(pa.array(train)), contract.ready)
    leads = np.array(spine["lead_id"].to_pylist(), object)
    return Sample(table, cutoffs, leads, labels, train, known, test, test_from, asked)


def _as_known(contract: Contract, history: History, spine: pa.Table, moment: int) -> pa.Table:
    """``spine``, with the rows before ``moment`` laid out as they would have been just before it."""
    after = pc.greater_equal(spine["cutoff"], pa.scalar(moment, TIME))
    return pa.concat_tables([known_before(contract, history, moment), spine.filter(after)])


def known_before(contract: Contract, history: History, moment: int, listed: pa.Table | None = None) -> pa.Table:
    """The rows of the contract's spine before ``moment``, as they would have been laid out just before it.

    Who was open then is asked of the outcomes known then: one that was recorded later must not close a lead earlier.
    ``listed`` are the rows of a spine file where they were read already.
    """
    limit = pa.scalar(moment, TIME)
    past = replace(history, outcomes=history.outcomes.filter(pc.less(history.outcomes["known_at"], limit)))
    known = build_spine(contract.spine, contract.ready, past, contract.folder, listed)
    return known.filter(pc.less(known["cutoff"], limit))


def _kept(rows: Micros, most: int, seed: int) -> Micros:
    """All ``rows``, or a seeded draw of ``most`` of them, in order."""
    if len(rows) <= most:
        return np.sort(rows)
    return np.sort(np.random.default_rng(seed).choice(rows, most, replace=False))
