"""The store as a folder of facts, a batch at a time: for stores that memory does not hold.

What ``check`` would say of the rows of a store is known beforehand: every rule but two was asked when they were taken
in. Those two are asked here by the database.
"""

import json
from collections.abc import Callable, Iterable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import sqlalchemy as sa

from data.contract import Contract
from data.errors import SchemaError
from data.facts import HEAD, ROWS_OF_A_GROUP, VERSION, Facts, open_facts
from data.sources.stored import TABLES, Stored, opened
from data.store.tables import leads, outcomes

Progress = Callable[[str, float], None]
_CLOCKS = {"leads": "created_at", **dict.fromkeys(("events", "outcomes", "changes", "account_changes"), "known_at")}


def write_stored(contract: Contract, folder: Path, progress: Progress | None = None) -> Facts:
    """Write the facts of the contract's store to ``folder`` (made when absent), and open them.

    The same facts as ``check`` gives, whatever their number. Raises SchemaError when there is no store, or no lead.
    """
    tell = progress or (lambda _label, _share: None)
    folder.mkdir(parents=True, exist_ok=True)
    with opened(contract) as tables:
        ends_at = contract.source.history_end
        ends_at = _end(tables[0].connection) if ends_at is None else ends_at
        for place, one in enumerate(tables):
            tell(f"reading the {one.name} of the store", place / len(tables))
            written = _write(one.schema, one.batches(*_good(one, contract)), folder / f"{one.name}.parquet")
            if one.name == "leads" and not written:
                raise SchemaError(
                    "The store has 0 leads. Expected at least one: send events, or `readiness store load`."
                )
    (folder / HEAD).write_text(json.dumps({"version": VERSION, "ends_at": ends_at}), encoding="utf-8")
    return open_facts(str(folder))


def _good(one: Stored, contract: Contract) -> Iterable[sa.ColumnElement[bool]]:
    """The rules of ``check`` that a row of the store may still break."""
    table, end = TABLES[one.name], contract.source.history_end
    if end is not None and one.name in _CLOCKS:
        yield table.c[_CLOCKS[one.name]] < end
    if one.name == "leads" or "lead_id" not in table.c:
        return
    there = sa.select(leads.c.lead_id)
    if end is not None:
        there = there.where(leads.c.created_at < end)
    if one.name == "outcomes":
        there = there.where(leads.c.lead_id == outcomes.c.lead_id, leads.c.created_at <= outcomes.c.occurred_at)
        yield there.exists()
    elif end is not None:
        yield table.c.lead_id.in_(there)


def _end(connection: sa.Connection) -> int:
    """Just after the last thing that was known; without any, just after the last lead."""
    latest = [
        _latest(connection, table, "known_at") for name, table in TABLES.items() if _CLOCKS.get(name) == "known_at"
    ]
    return max(latest) or _latest(connection, leads, "created_at")


def _latest(connection: sa.Connection, table: sa.Table, clock: str) -> int:
    last = connection.execute(sa.select(sa.func.max(table.c[clock]))).scalar()
    return 0 if last is None else int(last) + 1


def _write(schema: pa.Schema, batches: Iterable[pa.Table], path: Path) -> int:
    """The batches as one Parquet file, in groups of many rows; returns how many rows."""
    waiting, count, written = [], 0, 0
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for batch in batches:
            waiting.append(batch)
            count += len(batch)
            if count >= ROWS_OF_A_GROUP:
                writer.write_table(pa.concat_tables(waiting))
                waiting, count, written = [], 0, written + count
        writer.write_table(pa.concat_tables([schema.empty_table(), *waiting]))
    return written + count
