"""What happened to a lead, latest first, page by page: events, outcomes, attributes, scores and crossings."""

import heapq
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Table, and_, or_, select

from data.clock import iso
from data.store.tables import changes, events, outcomes
from serving.deciding.cursors import cursor, place
from serving.store.tables import scores, transitions

LIST = "timeline"
_MOST = (1 << 63) - 1
Entry = dict[str, str]


class _Kind(NamedTuple):
    """A kind of entry: its table, its moment, what tells two of one moment apart, and how it is told."""

    table: Table
    moment: str
    identity: str
    told: Callable[[Mapping[str, Any]], Entry]


def _event(row: Mapping[str, Any]) -> Entry:
    extra = {} if row["extra"] is None else json.loads(row["extra"])
    held = {"value": row["value"], "item": row["item"], **extra}
    detail = ", ".join(f"{name}: {value}" for name, value in held.items() if value is not None)
    return {
        "type": "event",
        "what": row["kind"],
        "who": row["actor"],
        "detail": detail,
        "known_at": iso(row["known_at"]),
    }


def _outcome(row: Mapping[str, Any]) -> Entry:
    detail = "" if row["value"] is None else f"value: {row['value']}"
    return {"type": "outcome", "what": row["kind"], "who": "sales", "detail": detail, "known_at": iso(row["known_at"])}


def _change(row: Mapping[str, Any]) -> Entry:
    return {"type": "attribute", "what": row["field"], "detail": "" if row["value"] is None else row["value"]}


def _score(row: Mapping[str, Any]) -> Entry:
    detail = f"readiness {row['readiness']:.4f}, index {row['index']:.0f}"
    return {"type": "score", "what": row["decision"], "who": row["cause"], "detail": detail, "id": row["score_id"]}


def _crossing(row: Mapping[str, Any]) -> Entry:
    what = f"{row['before']} to {row['after']}"
    return {"type": "crossing", "what": what, "who": row["cause"], "detail": row["reason"], "id": row["transition_id"]}


_KINDS = (
    _Kind(transitions, "at", "transition_id", _crossing),
    _Kind(scores, "as_of", "score_id", _score),
    _Kind(changes, "known_at", "field", _change),
    _Kind(outcomes, "occurred_at", "outcome_id", _outcome),
    _Kind(events, "occurred_at", "event_id", _event),
)
"""In the order in which entries of one moment are told: what followed before what it followed from."""


def timeline(connection: Connection, lead_id: str, limit: int, after: str = "") -> tuple[list[Entry], str]:
    """The next ``limit`` entries, and the cursor of the page after them. Raises Refusal for a foreign cursor."""
    last = tuple(place(after, LIST, (int, int, str))) if after else None
    streams = [_stream(connection, number, lead_id, limit + 1, last) for number in range(len(_KINDS))]
    found = list(heapq.merge(*streams, key=lambda one: (-one[0], one[1])))
    page = found[:limit]
    told = [{"at": iso(at), **entry} for at, _, _, entry in page]
    return told, cursor(LIST, list(page[-1][:3])) if len(found) > limit else ""


def _stream(
    connection: Connection, number: int, lead_id: str, limit: int, last: tuple[int, int, str] | None
) -> Iterator[tuple[int, int, str, Entry]]:
    """Entries of one kind after the last one that was told: moment, kind, identity, and what is told."""
    kind = _KINDS[number]
    moment, identity = kind.table.c[kind.moment], kind.table.c[kind.identity]
    statement = select(kind.table).where(kind.table.c.lead_id == lead_id)
    if last is not None:
        statement = statement.where(_beyond(moment, identity, number, last))
    for row in connection.execute(statement.order_by(moment.desc(), identity).limit(limit)).mappings():
        yield row[kind.moment], number, row[kind.identity], kind.told(dict(row))


def _beyond(
    moment: ColumnElement[int], identity: ColumnElement[str], number: int, last: tuple[int, int, str]
) -> ColumnElement[bool]:
    at, told, name = max(min(last[0], _MOST), -_MOST), last[1], last[2]
    if number < told:
        return and_(moment < at)
    if number > told:
        return and_(moment <= at)
    return or_(moment < at, and_(moment == at, identity > name))
