"""A small market on disk, and contracts for it."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest

from data.check import Checked, check
from data.contract import Contract, parse_contract

READY = '[ready]\noutcome = ["won"]\nterminal = ["won", "lost"]\nhorizons = ["30d"]\nprimary = "30d"\n'


@pytest.fixture
def contract_of(tmp_path: Path) -> Callable[..., Contract]:
    """A contract over the files of ``tmp_path``: ``source`` is its [source] section as TOML, or a file format."""

    def make(source: str = "csv") -> Contract:
        if source in {"csv", "parquet"}:
            names = ["leads", "events", "outcomes"]
            source = "\n".join(f'{name} = {{table = "{name}.{source}"}}' for name in names)
        return parse_contract(f"{READY}[source]\n{source}\n", tmp_path)

    return make


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., None]:
    """Writes text (given by table name) as CSV files into ``tmp_path``; the three tables have a header at least."""
    headers = {
        "leads": "lead_id,created_at\na,2024-01-01T00:00:00Z\n",
        "events": "lead_id,kind,occurred_at\n",
        "outcomes": "lead_id,kind,occurred_at\n",
    }

    def make(**tables: str) -> None:
        for name, text in {**headers, **tables}.items():
            (tmp_path / f"{name}.csv").write_bytes(text.encode())

    return make


def moments(*texts: str) -> pa.Array:
    """UTC times from ISO text."""
    return pa.array([datetime.fromisoformat(text).replace(tzinfo=UTC) for text in texts], pa.timestamp("us", "UTC"))


@pytest.fixture
def facts() -> dict[str, pa.Table]:
    """Three leads, five events (one of an unknown lead, one told twice), two outcomes (one too early)."""
    return {
        "leads": pa.table(
            {
                "lead_id": pa.array([1, 2, 3]),
                "created_at": moments("2024-01-01", "2024-01-02 10:30:00.000001", "2024-03-01"),
                "industry": ["steel", None, 'paper, "fine"'],
                "employees": pa.array([10.0, 250.5, None]),
                "partner": pa.array([True, False, None]),
                "since": moments("1999-01-01", "2001-02-03 04:05:06", "2020-01-01"),
            }
        ),
        "events": pa.table(
            {
                "lead_id": pa.array([1, 1, 2, 9, 1]),
                "kind": ["open", "click", "open", "open", "open"],
                "occurred_at": moments(
                    "2024-01-05", "2024-01-06 23:59:59.999999", "2023-12-31", "2024-01-09", "2024-01-05 01:00:00"
                ),
                "known_at": moments(
                    "2024-01-05", "2024-01-07 12:00:00", "2024-01-02 10:30:00", "2024-01-09", "2024-01-05 02:00:00"
                ),
                "event_id": ["e1", "e2", "e3", "e4", "e1"],
                "actor": ["lead", "sales", "marketing", "lead", "lead"],
                "value": pa.array([1.5, None, -3.25, 0.0, 7.0]),
                "item": ["Zürich", "page\nbreak", None, "p", "p"],
                "depth": pa.array([1, 2, 3, 4, 5]),
            }
        ),
        "outcomes": pa.table(
            {
                "lead_id": pa.array([1, 3]),
                "kind": ["won", "lost"],
                "occurred_at": moments("2024-02-01", "2024-02-01"),
                "value": pa.array([9.99, None]),
            }
        ),
    }


@pytest.fixture
def save(tmp_path: Path) -> Callable[[Mapping[str, pa.Table], str], None]:
    """Saves tables as Parquet or CSV into ``tmp_path``."""

    def make(tables: Mapping[str, pa.Table], form: str) -> None:
        for name, table in tables.items():
            writer: Any = pq.write_table if form == "parquet" else pacsv.write_csv
            writer(table, tmp_path / f"{name}.{form}")

    return make


@pytest.fixture
def imported(tmp_path: Path) -> Callable[..., Checked]:
    """Lands tables (CSV text by name) in a folder ``export`` and checks what the importer ``kind`` makes of them.

    ``more`` are further lines of [source].
    """

    def make(kind: str, more: str = "", **tables: str) -> Checked:
        folder = tmp_path / "export"
        folder.mkdir(exist_ok=True)
        for name, text in tables.items():
            (folder / f"{name}.csv").write_bytes(text.encode())
        return check(parse_contract(f'{READY}[source]\nkind = "{kind}"\npath = "export"\n{more}\n', tmp_path))

    return make


def account_of(checked: Checked, fact: str | None = None) -> dict[str, dict[str, int]]:
    """What was left out of each table of an export, by reason; the counts of every table have to add up.

    ``fact``: only what was left out of that one.
    """
    for table in checked.report.tables:
        for part in table.parts:
            assert part.read == part.used + sum(part.left_out.values()), part
            assert part.made == part.good + part.bad, part
        assert table.read == sum(part.made for part in table.parts) == table.accepted + table.rejected
    tables = [table for table in checked.report.tables if fact in {None, table.table}]
    return {part.origin: part.left_out for table in tables for part in table.parts if part.left_out}


def events_of(checked: Checked) -> list[tuple[str, ...]]:
    """lead, kind, actor, occurred_at and known_at of every good event, in the order of time."""
    rows = sorted(checked.history.events.to_pylist(), key=lambda row: (row["occurred_at"], row["kind"], row["lead_id"]))
    return [
        (r["lead_id"], r["kind"], r["actor"], f"{r['occurred_at']:%m-%d %H:%M}", f"{r['known_at']:%m-%d %H:%M}")
        for r in rows
    ]


def outcomes_of(checked: Checked) -> list[tuple[Any, ...]]:
    """lead, kind, day and value of every good outcome, in the order of time."""
    rows = sorted(
        checked.history.outcomes.to_pylist(), key=lambda row: (row["occurred_at"], row["kind"], row["lead_id"])
    )
    return [(row["lead_id"], row["kind"], f"{row['occurred_at']:%Y-%m-%d}", row["value"]) for row in rows]


@pytest.fixture
def accounts_for() -> Callable[..., dict[str, dict[str, int]]]:
    """``account_of``."""
    return account_of


@pytest.fixture
def told_events() -> Callable[[Checked], list[tuple[str, ...]]]:
    """``events_of``."""
    return events_of


@pytest.fixture
def told_outcomes() -> Callable[[Checked], list[tuple[Any, ...]]]:
    """``outcomes_of``."""
    return outcomes_of
