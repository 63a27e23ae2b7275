"""Checked facts of files into a store: a past, loaded as it was known. Safe to repeat, and to go on with after a stop.

Static attributes become what was known when their lead was created; of a field whose changes are logged only the log is
loaded, as features read it. Events without an id are told apart by their content, and where several are the same to the
letter by their number among these.
"""

import hashlib
import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec

from data.clock import iso, to_micros, wall_clock
from serving.ingest.items import AccountItem, EventItem, Item, LeadItem, OutcomeItem, Placed, Rejected, Told
from serving.ingest.take import take
from serving.store.store import Store

if TYPE_CHECKING:
    import pyarrow as pa

    from data.history import History

PIECE = 2_000
"""Items of one transaction."""
Progress = Callable[[str, float], None]


@dataclass
class Account:
    """What became of the rows of a table."""

    taken: int = 0
    duplicates: int = 0
    refused: list[Rejected] = field(default_factory=list)


def load_history(store: Store, history: "History", progress: Progress | None = None) -> dict[str, Account]:
    """Take in every table of ``history``; returns what became of the items of each."""
    tell = progress or (lambda _label, _share: None)
    sources: dict[str, tuple[int, Iterator[Item]]] = {
        "accounts": (len(history.accounts), _accounts(history)),
        "account_changes": (len(history.account_changes), _changes(history.account_changes, _account_item)),
        "leads": (len(history.leads), _leads(history)),
        "changes": (len(history.changes), _changes(history.changes, _lead_item)),
        "events": (len(history.events), _events(history.events)),
        "outcomes": (len(history.outcomes), _outcomes(history.outcomes)),
    }
    accounts = {name: Account() for name, (count, _) in sources.items() if count}
    for name, (count, items) in sources.items():
        done = 0
        for piece in _batched(items):
            _take(store, piece, done, accounts[name])
            done += len(piece)
            tell(f"loading {name}", min(1.0, done / count))
    return accounts


def _batched(items: Iterator[Item]) -> Iterator[tuple[Item, ...]]:
    while piece := tuple(itertools.islice(items, PIECE)):
        yield piece


def _take(store: Store, piece: Iterable[Item], start: int, account: Account) -> None:
    told = Told([Placed(start + place, item) for place, item in enumerate(piece)])
    at = wall_clock()
    found = store.write(lambda connection: take(connection, told, at, backfill=True))
    account.taken += found.taken
    account.duplicates += found.duplicates
    account.refused += found.refused


def _rows(table: "pa.Table") -> Iterator[dict[str, Any]]:
    for batch in table.to_batches(max_chunksize=PIECE):
        yield from batch.to_pylist()


def _scalar(value: Any) -> Any:
    return iso(to_micros(value)) if isinstance(value, datetime) else value


def _further(row: dict[str, Any], names: Iterable[str]) -> dict[str, Any]:
    return {name: _scalar(row[name]) for name in names if row[name] is not None}


def _names(table: "pa.Table", log: "pa.Table | None", fixed: Iterable[str]) -> list[str]:
    """The further columns of a table, without those whose changes are logged."""
    logged = set() if log is None else set(log["field"].unique().to_pylist())
    return [name for name in table.column_names if name not in {*fixed, *logged}]


def _leads(history: "History") -> Iterator[Item]:
    names = _names(history.leads, history.changes, ("lead_id", "created_at", "account_id"))
    for row in _rows(history.leads):
        yield LeadItem(
            lead_id=row["lead_id"],
            created_at=to_micros(row["created_at"]),
            account_id=row["account_id"],
            attributes=_further(row, names),
        )


def _accounts(history: "History") -> Iterator[Item]:
    """Static attributes of an account were known from the start: before anything else could be."""
    names = _names(history.accounts, history.account_changes, ("account_id",))
    for row in _rows(history.accounts):
        yield AccountItem(account_id=row["account_id"], attributes=_further(row, names), known_at=0)


def _changes(log: "pa.Table", item: Callable[[dict[str, Any]], Item]) -> Iterator[Item]:
    return map(item, _rows(log))


def _lead_item(row: dict[str, Any]) -> Item:
    told = {row["field"]: row["value"]}
    return LeadItem(lead_id=row["lead_id"], attributes=told, known_at=to_micros(row["known_at"]))


def _account_item(row: dict[str, Any]) -> Item:
    told = {row["field"]: row["value"]}
    return AccountItem(account_id=row["account_id"], attributes=told, known_at=to_micros(row["known_at"]))


def _happening(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "lead_id": row["lead_id"],
        "kind": row["kind"],
        "occurred_at": to_micros(row["occurred_at"]),
        "known_at": to_micros(row["known_at"]),
        "value": row["value"],
    }


def _events(table: "pa.Table") -> Iterator[Item]:
    further = _names(table, None, _FIXED)
    seen: Counter[bytes] = Counter()
    for row in _rows(table):
        item = EventItem(
            **_happening(row),
            event_id=row["event_id"],
            actor=row["actor"],
            item=row["item"],
            extra=_further(row, further),
        )
        yield item if row["event_id"] is not None else _told_apart(item, "event_id", seen)


_FIXED = ("lead_id", "kind", "occurred_at", "known_at", "event_id", "actor", "value", "item")


def _outcomes(table: "pa.Table") -> Iterator[Item]:
    seen: Counter[bytes] = Counter()
    for row in _rows(table):
        yield _told_apart(OutcomeItem(**_happening(row)), "outcome_id", seen)


def _told_apart(item: Any, key: str, seen: "Counter[bytes]") -> Item:
    """The item; the second and later ones of the same content get an id that counts them."""
    digest = hashlib.sha256(msgspec.json.encode(item, order="deterministic")).digest()
    seen[digest] += 1
    count = seen[digest]
    told: Item = item if count == 1 else msgspec.structs.replace(item, **{key: f"copy-{count}:{digest.hex()}"})
    return told
