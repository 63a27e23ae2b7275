"""Readiness itself, asked as the trainer asks it: three Parquet files read, one matrix in memory."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.feature_market import ENDS_AT
from benchmarks.feature_questions import VOCABULARY, questions
from data.history import History
from data.tables import empty
from features.local import FeatureTable
from features.local import compute as compute_features

TEXTS = ["lead_id", "kind", "actor", "item", "channel"]
"""Read as dictionaries, as Parquet holds them."""


def compute(folder: Path, threads: int, count: int = 0) -> FeatureTable:
    """The answers to the questions, or to ``count`` of them, as a float32 matrix in the order of the spine."""
    leads = pq.read_table(folder / "leads.parquet")
    spine = pq.read_table(folder / "spine.parquet", read_dictionary=["lead_id"])
    events = pq.read_table(folder / "events.parquet", read_dictionary=TEXTS)
    history = History(leads, events, empty("outcomes"), ENDS_AT)
    return compute_features(history, spine, questions(count), VOCABULARY, threads=threads)


def as_arrow(answer: FeatureTable) -> pa.Table:
    """With the position in the spine."""
    return answer.to_arrow().append_column("row", pa.array(range(len(answer.spine))))
