"""One bucket of leads at a time: whatever cuts and carries the facts, this is what happens to a bucket.

The leads of one key are computed together; ``partition_keys`` alone decides what the key is. A bucket is a History of
its own: all facts of its leads, and the end of the whole. So the spine of a bucket, its labels and its features are
those of the whole, row for row and bit for bit.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from data.errors import SchemaError
from data.facts import conformed
from data.history import History
from data.sections import Ready, Spine
from data.spine import SPINE, build_spine, positions
from data.tables import TIME, empty
from features.buckets import Buckets, bucket_of
from features.feature_set import FeatureSet
from features.local import FeatureTable, compute
from features.vocabulary import Vocabulary, levels_key

FINGERPRINT, VOCABULARY = "readiness.fingerprint", "readiness.vocabulary"
"""Where the schema of a feature table says which definitions and levels it was made with."""


def spans_accounts(feature_set: FeatureSet | None) -> bool:
    """Whether a feature asks about the other leads of an account, so that they must be computed together."""
    return feature_set is not None and any(getattr(feature, "per", "lead") == "account" for feature in feature_set)


def partition_keys(leads: pa.Table, feature_set: FeatureSet | None) -> pa.ChunkedArray:
    """The key (n,) of each lead: what has one key is computed together.

    The lead itself, unless features span accounts: then its account, where it has one.
    """
    if not spans_accounts(feature_set):
        return leads["lead_id"]
    return pc.coalesce(leads["account_id"], leads["lead_id"])


@dataclass(frozen=True)
class Keys:
    """Which of ``count`` buckets a row is in: by its lead_id, or by what ``key_of`` (lead_id, key) says for it."""

    count: int
    key_of: pa.Table | None = None

    @classmethod
    def of(cls, count: int, feature_set: FeatureSet | None, leads: Callable[[], pa.Table]) -> "Keys":
        """The keys for these features; the ``leads`` (lead_id, account_id) are asked for only where they matter."""
        if not spans_accounts(feature_set):
            return cls(count)
        known = leads()
        return cls(count, pa.table({"lead_id": known["lead_id"], "key": partition_keys(known, feature_set)}))

    def buckets(self, lead_ids: pa.ChunkedArray) -> Buckets:
        """The bucket (n,) of each row. Raises SchemaError for leads that are not known."""
        if self.key_of is None:
            return bucket_of(lead_ids, self.count)
        return bucket_of(self.key_of["key"].take(pa.array(positions(lead_ids, self.key_of["lead_id"]))), self.count)


class Rows(Protocol):
    """Which rows of a bucket are asked about."""

    def of(self, bucket: History, listed: pa.Table) -> pa.Table:
        """The spine (lead_id, cutoff) of a bucket; ``listed`` are the rows that were given for its leads."""


@dataclass(frozen=True)
class Listed:
    """The rows that were given."""

    def of(self, bucket: History, listed: pa.Table) -> pa.Table:
        """``listed`` as it is."""
        del bucket
        return listed


@dataclass(frozen=True)
class Laid:
    """The rows that a contract's spine lays out; its grid must start at a moment that does not depend on the bucket."""

    spine: Spine
    ready: Ready

    def of(self, bucket: History, listed: pa.Table) -> pa.Table:
        """The spine of the bucket's own leads; a file's rows come as ``listed``."""
        return build_spine(self.spine, self.ready, bucket, Path(), listed if self.spine.file else None)


@dataclass(frozen=True)
class Open:
    """Every lead that was open at one moment (microseconds), by the outcomes that were known before it."""

    at: int
    ready: Ready

    def of(self, bucket: History, listed: pa.Table) -> pa.Table:
        """One row for each such lead."""
        del listed
        return open_leads(bucket, self.ready, self.at)


def open_leads(history: History, ready: Ready, at: int) -> pa.Table:
    """The spine of every lead that was open at ``at`` (microseconds), by the outcomes that were known before it."""
    known = history.outcomes.filter(pc.less(history.outcomes["known_at"], pa.scalar(at, TIME)))
    return build_spine(Spine(at=(at,)), ready, replace(history, outcomes=known), Path())


OF_ACCOUNTS = ("accounts", "account_changes")
"""The tables of accounts. They are small: every bucket sees them whole and keeps its own rows."""


def make_bucket(
    tables: Mapping[str, pa.Table], shared: Mapping[str, pa.Table], ends_at: int
) -> tuple[History, pa.Table]:
    """(history, listed rows) of a bucket from its tables in any order of rows; absent ones are empty.

    Of the ``shared`` tables, those of OF_ACCOUNTS, the bucket keeps the rows of its leads' accounts.
    """
    leads = conformed("leads", tables.get("leads", empty("leads")))
    known = pc.drop_null(leads["account_id"])
    own = {name: table.filter(pc.is_in(table["account_id"], value_set=known)) for name, table in shared.items()}
    others = {name: conformed(name, tables.get(name, empty(name))) for name in ("events", "outcomes", "changes")}
    listed = tables.get("spine", SPINE.empty_table()).select(SPINE.names).cast(SPINE)
    return History(leads=leads, ends_at=ends_at, **own, **others), listed


@dataclass(frozen=True)
class FeatureWork:
    """What is done to a bucket to get its feature table."""

    feature_set: FeatureSet
    vocabulary: Vocabulary
    rows: Rows

    def __call__(self, bucket: History, listed: pa.Table) -> pa.Table:
        """The feature table of the bucket, sorted by lead_id and cutoff."""
        return feature_table(bucket, self.rows.of(bucket, listed), self.feature_set, self.vocabulary)


def feature_table(history: History, spine: pa.Table, feature_set: FeatureSet, vocabulary: Vocabulary) -> pa.Table:
    """The features of ``spine`` over a bucket's ``history``, on one thread, sorted by lead_id and cutoff.

    The schema's metadata carries the fingerprint of the features and the vocabulary (``labelled``).
    """
    ordered = spine.sort_by([("lead_id", "ascending"), ("cutoff", "ascending")])
    return labelled(compute(history, ordered, feature_set, vocabulary, threads=1, buckets=1))


def labelled(table: FeatureTable) -> pa.Table:
    """``table.to_arrow()`` with FINGERPRINT and VOCABULARY in the metadata of its schema."""
    said = {FINGERPRINT: table.feature_set.fingerprint, VOCABULARY: table.vocabulary.to_json()}
    return table.to_arrow().replace_schema_metadata(said)


def from_labelled(table: pa.Table, feature_set: FeatureSet, vocabulary: Vocabulary) -> FeatureTable:
    """The FeatureTable that was written by ``labelled``, for the features and levels of a model.

    Raises SchemaError when it was made with other definitions or levels, or does not say with which.
    """
    said = {key.decode(): value.decode() for key, value in (table.schema.metadata or {}).items()}
    check_label(said, feature_set, vocabulary)
    matrix = np.empty((len(table), len(feature_set)), np.float32)
    for position, feature in enumerate(feature_set):
        column, key = table[feature.name], levels_key(feature)
        if key is not None:
            texts = column.cast(pa.string())
            column = pc.index_in(texts, value_set=pa.array(vocabulary.words(key), pa.string()))
            column = pc.if_else(pc.is_null(texts), None, column).cast(pa.float32())
        matrix[:, position] = column.to_numpy()
    return FeatureTable(table.select(["lead_id", "cutoff"]).cast(SPINE), matrix, feature_set, vocabulary)


def check_label(said: Mapping[str, str], feature_set: FeatureSet, vocabulary: Vocabulary) -> None:
    """Raises SchemaError unless the label of a feature table is that of these features and levels."""
    found = said.get(FINGERPRINT)
    if found is None:
        raise SchemaError(
            "The table does not say with which features it was made. Expected one that `readiness features --output` "
            "wrote. Write it again."
        )
    if found != feature_set.fingerprint:
        raise SchemaError(
            f"The feature table has the fingerprint {found[:12]}. Expected {feature_set.fingerprint[:12]}, the "
            "features that the model was trained on. Write it with `readiness features --output` and the same "
            "--version or --bundle."
        )
    if said.get(VOCABULARY) != vocabulary.to_json():
        raise SchemaError(
            "The feature table has the model's features but other category levels, so that codes would mean something "
            "else. Write it with `readiness features --output` and the same --version or --bundle."
        )
