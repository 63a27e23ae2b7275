"""Some leads of a history as values, for golden rows and for scoring by hand."""

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from data.clock import iso
from data.history import History
from data.spine import micros, positions
from data.tables import TIME, extra_columns
from features.lead import Change, Event, LeadHistory, Scalar


def lead_histories(history: History, lead_ids: Sequence[str]) -> list[LeadHistory]:
    """The leads of these ids, in their order, with all that ``history`` holds of them. Raises SchemaError."""
    wanted = pa.array(lead_ids, pa.string())
    places = positions(pa.chunked_array([wanted]), history.leads["lead_id"])
    leads = history.leads.take(pa.array(places))
    events, changes = _by(history.events, "lead_id", wanted), _by(history.changes, "lead_id", wanted)
    others = _others(history.leads, leads)
    theirs = _by(
        history.events, "lead_id", pa.array(sorted({o for group in others.values() for o, _ in group}), pa.string())
    )
    account_changes = _by(history.account_changes, "account_id", leads["account_id"])
    accounts = {row["account_id"]: row for row in _rows(_of(history.accounts, "account_id", leads["account_id"]))}
    created = micros(leads["created_at"]).tolist()
    return [
        LeadHistory(
            row["lead_id"],
            created_at,
            {name: row[name] for name in extra_columns("leads", leads)},
            _without(accounts.get(row["account_id"], {}), "account_id"),
            tuple(Change(c["field"], c["value"], c["known_at"]) for c in changes.get(row["lead_id"], ())),
            tuple(_event(e) for e in events.get(row["lead_id"], ())),
            tuple(_theirs(e, at) for other, at in others[row["lead_id"]] for e in theirs.get(other, ())),
            tuple(
                Change(c["field"], c["value"], c["known_at"]) for c in account_changes.get(row["account_id"] or "", ())
            ),
        )
        for row, created_at in zip(_rows(leads), created, strict=True)
    ]


def _of(table: pa.Table, column: str, values: pa.Array | pa.ChunkedArray) -> pa.Table:
    chosen = pc.is_in(table[column], value_set=pc.drop_null(values))
    return table.filter(chosen)


def _others(every: pa.Table, leads: pa.Table) -> dict[str, list[tuple[str, int]]]:
    """For each of ``leads`` the other leads of its account, and when they were created."""
    of_account: dict[str, list[tuple[str, int]]] = {}
    among = _of(every, "account_id", leads["account_id"])
    created = micros(among["created_at"]).tolist()
    for row, at in zip(among.select(["lead_id", "account_id"]).to_pylist(), created, strict=True):
        of_account.setdefault(row["account_id"], []).append((row["lead_id"], at))
    mine = leads.select(["lead_id", "account_id"]).to_pylist()
    return {
        row["lead_id"]: [other for other in of_account.get(row["account_id"], ()) if other[0] != row["lead_id"]]
        for row in mine
    }


def _theirs(row: Mapping[str, Any], created: int) -> Event:
    """An event of another lead, as its account knows it."""
    return _event(row, row["lead_id"])._replace(known_at=max(row["known_at"], created))


def _by(table: pa.Table, key: str, wanted: pa.Array | pa.ChunkedArray) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    chosen = _of(table, key, wanted)
    clocks = [name for name in ("occurred_at", "known_at") if name in chosen.column_names]
    times = [micros(chosen[name]).tolist() for name in clocks]
    for row, *moments in zip(_rows(chosen), *times, strict=True):
        found.setdefault(row[key], []).append(row | dict(zip(clocks, moments, strict=True)))
    return found


def _rows(table: pa.Table) -> list[dict[str, Any]]:
    """The rows as plain values; a moment is ISO 8601 text."""
    columns = {field.name: _values(table[field.name]) for field in table.schema}
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def _values(column: pa.ChunkedArray) -> list[Any]:
    if column.type != TIME:
        return list(column.to_pylist())
    return [None if moment is None else iso(moment) for moment in column.cast(pa.int64()).to_pylist()]


_EVENT = ("kind", "occurred_at", "known_at", "actor", "value", "item", "event_id")


def _event(row: Mapping[str, Any], lead_id: str = "") -> Event:
    extra = {name: value for name, value in row.items() if name not in {*_EVENT, "lead_id"}}
    return Event(**{name: row[name] for name in _EVENT}, extra=extra, lead_id=lead_id)


def _without(row: Mapping[str, Scalar], name: str) -> dict[str, Scalar]:
    return {key: value for key, value in row.items() if key != name}
