"""Events and outcomes into their tables: each id once, a second content under the same id refused."""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, Table, bindparam, select

from data.store.tables import events, outcomes, visits
from serving.ingest.items import EventItem, OutcomeItem
from serving.ingest.judging import News
from serving.ingest.tally import Tally
from serving.store.upsert import insert_new

_KEYS = {events: events.c.event_id, outcomes: outcomes.c.outcome_id, visits: visits.c.event_id}
_CONTENTS = {
    table: select(key, table.c.content).where(key.in_(bindparam("ids", expanding=True))) for table, key in _KEYS.items()
}


def add_happenings(connection: Connection, news: Sequence[News], received_at: int, tally: Tally) -> list[News]:
    """Insert what is not there yet; returns that. The leads must be there."""
    found = []
    for table, kind, row in ((events, EventItem, _event_row), (outcomes, OutcomeItem, _outcome_row)):
        mine = [one for one in news if isinstance(one.item, kind)]
        found += _add(connection, table, {one.id: row(one, received_at) for one in reversed(mine)}, mine, tally)
    return found


def add_visits(connection: Connection, news: Sequence[News], received_at: int, tally: Tally) -> None:
    """Keep what visitors did until somebody says who they are; what a lead has been given already is not kept again."""
    fresh = []
    for table, kind in ((events, EventItem), (outcomes, OutcomeItem)):
        mine = [one for one in news if isinstance(one.item, kind)]
        known = _contents(connection, table, [one.id for one in mine])
        fresh += [one for one in mine if not _is_known(one, known, tally)]
    _add(connection, visits, {one.id: _visit_row(one, received_at) for one in reversed(fresh)}, fresh, tally)


def _add(
    connection: Connection, table: Table, rows: dict[str, dict[str, Any]], news: Sequence[News], tally: Tally
) -> list[News]:
    """Insert ``rows`` (by id) of ``news``; of equal ids the first one counts."""
    if not news:
        return []
    place = [column.name for column in table.primary_key].index(_KEYS[table].name)
    # In the order of ids, so that two services that are told the same wait for each other and do not lock up.
    ordered = [rows[key] for key in sorted(rows)]
    inserted = {key[place] for key in insert_new(connection, table, ordered)}
    first: dict[str, bytes] = {}
    known = _contents(connection, table, rows.keys() - inserted)
    new = []
    for one in news:
        if one.id in inserted and one.id not in first:
            first[one.id] = one.content
            new.append(one)
            tally.new(one.place)
        elif not _is_known(one, known | first, tally):
            tally.refuse(one.place, "It was being erased while it was sent. Send it again if it is still meant.")
    return new


def _contents(connection: Connection, table: Table, ids: Iterable[str]) -> dict[str, bytes]:
    wanted = sorted(ids)
    if not wanted:
        return {}
    return dict(tuple(row) for row in connection.execute(_CONTENTS[table], {"ids": wanted}))


def _is_known(one: News, known: dict[str, bytes], tally: Tally) -> bool:
    """Whether its id is among the known ones, which is then counted: the same again, or a conflict."""
    if one.id not in known:
        return False
    if known[one.id] == one.content:
        tally.known(one.place)
    else:
        tally.refuse(
            one.place,
            f"The id {one.id[:60]!r} is there already with another content. Expected an id for each event: what was "
            "taken is never changed. Send it under a new id, or the same content again.",
        )
    return True


def _event_row(one: News, received_at: int) -> dict[str, Any]:
    item = one.item
    assert isinstance(item, EventItem)  # noqa: S101 - chosen by the caller; this tells the type checker
    extra = {**item.extra, "given_back": True} if item.given_back else item.extra
    return {
        "lead_id": one.lead_id,
        "occurred_at": item.occurred_at,
        "event_id": one.id,
        "kind": item.kind,
        "known_at": one.known_at,
        "actor": item.actor,
        "value": item.value,
        "item": item.item,
        "extra": msgspec.json.encode(extra).decode() if extra else None,
        "content": one.content,
        "received_at": received_at,
    }


def _outcome_row(one: News, received_at: int) -> dict[str, Any]:
    return {
        "outcome_id": one.id,
        "lead_id": one.lead_id,
        "kind": one.item.kind,
        "occurred_at": one.item.occurred_at,
        "known_at": one.known_at,
        "value": one.item.value,
        "content": one.content,
        "received_at": received_at,
    }


def _visit_row(one: News, received_at: int) -> dict[str, Any]:
    what = "event" if isinstance(one.item, EventItem) else "outcome"
    return {
        "visitor_id": one.lead_id,
        "occurred_at": one.item.occurred_at,
        "event_id": one.id,
        "told": msgspec.json.encode({what: one.item}).decode(),
        "content": one.content,
        "known_at": one.known_at,
        "received_at": received_at,
    }
