"""Finished pieces on disk: what a killed run goes on from.

A folder for each combination of facts, contract and code, ``<state folder>/backtest/<fingerprint>``, holds one Parquet
file for each finished piece, its facts as JSON in the file's metadata. A file is written beside its place, flushed to
the disk and renamed, so it is there whole or not at all. Nothing in it is code.
"""

import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from data.contract import Contract
from training.backtesting.pieces import Judged, Piece
from training.testrows import TestRows

FACTS = b"readiness"
RESULT = "result.json"
ROOMS = ("data", "features", "models", "training")


def backtest_folder(contract: Contract, facts: str) -> Path:
    """Where the pieces of ``contract`` over the facts of fingerprint ``facts`` are kept."""
    return contract.state_folder / "backtest" / _fingerprint(contract, facts)


def _fingerprint(contract: Contract, facts: str) -> str:
    """16 hex digits of all that decides what a piece says: the contract, the facts, the code that learns."""
    agreed = contract.model_dump(mode="json", exclude={"source", "policy", "index", "mlflow", "gate"})
    agreed["backtest"].pop("segments")  # how the answers are grouped changes none of them
    agreed["model"].pop("threads")
    files = [path for path in (contract.points and contract.points.file, contract.spine.file) if path]
    named = {path: hashlib.sha256(contract.resolve(path).read_bytes()).hexdigest() for path in files}
    told = json.dumps([facts, agreed, named, _code()], sort_keys=True)
    return hashlib.sha256(told.encode()).hexdigest()[:16]


def _code() -> str:
    """The sha256 of the rooms' sources: pieces of different code are not mixed."""
    root, seen = Path(__file__).resolve().parents[2], hashlib.sha256()
    for path in sorted(path for room in ROOMS for path in (root / room).rglob("*.py")):
        seen.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    return seen.hexdigest()


@dataclass(frozen=True)
class Store:
    """The pieces of one fingerprint."""

    folder: Path

    def fresh(self) -> None:
        """Forget every piece and the result, and what a killed run had half written."""
        for path in [*self.folder.glob("*.parquet"), *self.folder.glob(".*"), self.folder / RESULT]:
            path.unlink(missing_ok=True)

    def save(self, judged: Judged) -> None:
        """Keep a finished piece."""
        self._write(f"{judged.piece.key}.parquet", lambda path: pq.write_table(_table(judged), path))

    def load(self, piece: Piece) -> Judged | None:
        """The piece as it was kept; None when it is not there, or not readable and so to be made again."""
        path = self.folder / f"{piece.key}.parquet"
        try:
            return _judged(piece, pq.read_table(path))
        except (FileNotFoundError, pa.ArrowException, KeyError, ValueError):
            return None

    def save_result(self, text: str) -> None:
        """Keep the figures of the finished backtest."""
        self._write(RESULT, lambda path: path.write_text(text, encoding="utf-8"))

    def result(self) -> dict[str, Any] | None:
        """The figures of the last finished backtest; None when there is none."""
        try:
            found: dict[str, Any] = json.loads((self.folder / RESULT).read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            return None
        return found

    def _write(self, name: str, write: Callable[[Path], object]) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        beside = self.folder / f".{os.getpid()}-{name}"
        write(beside)
        with beside.open("rb") as written:
            os.fsync(written.fileno())
        beside.rename(self.folder / name)


def _table(judged: Judged) -> pa.Table:
    """The rows as columns: what came and what each model said, one column for each horizon."""
    rows = judged.rows
    columns: dict[str, Any] = {"lead_id": rows.lead_id, "cutoff": rows.cutoff, "met": judged.met}
    for at in range(rows.outcome.shape[1]):
        columns |= {f"outcome {at}": rows.outcome[:, at], f"matured {at}": rows.matured[:, at]}
        columns |= {f"said {at} {name}": said[:, at] for name, said in rows.predictions.items()}
    return pa.table(columns).replace_schema_metadata({FACTS: json.dumps(judged.facts).encode()})


def _judged(piece: Piece, table: pa.Table) -> Judged:
    facts = json.loads(table.schema.metadata[FACTS])
    names = table.column_names
    horizons = sum(name.startswith("outcome ") for name in names)

    def columns(prefix: str, suffix: str = "") -> Any:
        return np.column_stack([table[f"{prefix} {at}{suffix}"].to_numpy() for at in range(horizons)])

    models = [name.removeprefix("said 0 ") for name in names if name.startswith("said 0 ")]
    rows = TestRows(
        table["lead_id"].combine_chunks(),
        table["cutoff"].combine_chunks(),
        columns("outcome").astype(bool),
        columns("matured").astype(bool),
        {name: columns("said", f" {name}") for name in models},
    )
    return Judged(piece, rows, table["met"].to_numpy().astype(bool), facts)
