"""Readiness out of core: Parquet to Parquet, leads in hash buckets, memory bounded whatever the size.

This is the only place that knows the out-of-core entry of the engine.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow.parquet as pq

from benchmarks.feature_market import ENDS_AT
from benchmarks.feature_questions import VOCABULARY, questions
from data.facts import HEAD, open_facts
from data.tables import empty
from features.partition import FeatureWork, Listed
from features.spill import write_buckets


@dataclass(frozen=True)
class Written:
    """How much was written."""

    rows: int
    size: int


def compute(folder: Path, threads: int) -> Written:
    """From the three files of ``folder`` to one more beside them, which is measured and thrown away."""
    pq.write_table(empty("outcomes"), folder / "outcomes.parquet")
    (folder / HEAD).write_text(json.dumps({"version": 1, "ends_at": ENDS_AT}))
    work = FeatureWork(questions(), VOCABULARY, Listed())
    with TemporaryDirectory(dir=folder) as scratch:
        out = Path(scratch) / "features.parquet"
        write_buckets(open_facts(str(folder)), work, out, "computing", feature_set=work.feature_set, threads=threads)
        return Written(pq.read_metadata(out).num_rows, out.stat().st_size)
