"""Readiness out of core: Parquet to Parquet, leads in hash buckets, memory bounded whatever the size.

This is the only place that knows the out-of-core entry of the engine.
"""

import importlib.util
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow.parquet as pq

from benchmarks.feature_questions import VOCABULARY, questions

ENTRY = "features.spill"


@dataclass(frozen=True)
class Written:
    """How much was written."""

    rows: int
    size: int


def available() -> bool:
    """Whether the engine has an out-of-core entry."""
    return importlib.util.find_spec(ENTRY) is not None


def compute(folder: Path, threads: int) -> Written:
    """From the three files of ``folder`` to one more beside them, which is measured and thrown away."""
    spill = importlib.import_module(ENTRY)
    with TemporaryDirectory(dir=folder) as scratch:
        out = Path(scratch) / "features.parquet"
        spill.compute_files(folder, out, questions(), VOCABULARY, threads=threads)
        return Written(pq.read_metadata(out).num_rows, out.stat().st_size)
