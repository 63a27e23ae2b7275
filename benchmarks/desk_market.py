"""A store that looks as after some weeks of service: a simulated market that ends now, looked at every week."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import Connection, Table, func, insert, literal, select

from data.clock import WEEK, wall_clock
from data.history import History
from data.store.tables import changes, events, leads, outcomes
from serving.deciding.decide import decide
from serving.live.loading import Loaded
from serving.store.store import Store
from serving.store.tables import scores, standings, transitions

CHUNK = 64
_COPIED: dict[Table, tuple[str, ...]] = {
    leads: ("lead_id",),
    changes: ("lead_id",),
    events: ("lead_id", "event_id"),
    outcomes: ("outcome_id", "lead_id"),
    standings: ("lead_id", "score_id"),
    scores: ("score_id", "lead_id"),
    transitions: ("transition_id", "lead_id", "score_id"),
}
"""The tables of leads in the order of their references, and the columns that name a lead or a row."""


def later(history: History, by: int) -> History:
    """The same history, all of it so many microseconds later."""
    tables = ("leads", "events", "outcomes", "changes", "account_changes")
    moved = {name: _moved(getattr(history, name), by) for name in tables}
    return replace(history, **moved, ends_at=history.ends_at + by)


def _moved(table: pa.Table, by: int) -> pa.Table:
    for place, column in enumerate(table.schema):
        if pa.types.is_timestamp(column.type):
            values = pc.add(table[column.name].cast(pa.int64()), by).cast(column.type)
            table = table.set_column(place, column, values)
    return table


def look_weekly(store: Store, loaded: Loaded, weeks: int, tell: Callable[[int], None] = lambda _week: None) -> None:
    """Look at every lead as of each of the last weeks, the last time now, as a service does at night."""
    every = select(leads.c.lead_id).order_by(leads.c.lead_id)
    ids = store.read(lambda connection: connection.execute(every).scalars().all())
    now = wall_clock()
    for week in range(weeks, -1, -1):
        for start in range(0, len(ids), CHUNK):
            _look(store, loaded, ids[start : start + CHUNK], now - week * WEEK)
        tell(week)


def _look(store: Store, loaded: Loaded, ids: Sequence[str], moment: int) -> None:
    store.write(lambda connection: decide(connection, loaded, ids, moment, "night", now=moment))


def copy_leads(store: Store, times: int) -> int:
    """Let there be so many of each lead, with all that belongs to it; returns how many leads there then are."""
    store.write(lambda connection: [_copies(connection, table, names, times) for table, names in _COPIED.items()])
    return store.read(lambda connection: connection.execute(select(func.count()).select_from(leads)).scalar_one())


def _copies(connection: Connection, table: Table, names: tuple[str, ...], times: int) -> None:
    whole = select(table).subquery()
    for number in range(1, times):
        columns: list[Any] = [
            (whole.c[column.name] + literal(f".{number:02d}") if column.name in names else whole.c[column.name])
            for column in table.columns
        ]
        first = whole.c[names[0]].not_like("%.__")
        connection.execute(
            insert(table).from_select([one.name for one in table.columns], select(*columns).where(first))
        )
