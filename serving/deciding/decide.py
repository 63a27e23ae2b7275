"""Leads decided about in the transaction that brought the news."""

from collections.abc import Iterable, Mapping

from sqlalchemy import Connection, bindparam, select

from data.store.tables import leads
from serving.deciding.looking import Decided, see, settle
from serving.deciding.marks import mark, unmark
from serving.deciding.standings import Kept, kept_many
from serving.live.loading import Loaded

_CREATED = select(leads.c.lead_id, leads.c.created_at).where(leads.c.lead_id.in_(bindparam("lead_ids", expanding=True)))
AT_ONCE = 64
"""Of so many leads at the most one transaction should decide: others wait for it."""


def decide(
    connection: Connection,
    loaded: Loaded,
    lead_ids: Iterable[str],
    moment: int,
    cause: str,
    *,
    now: int | None = None,
    reasons: bool = False,
) -> list[Decided]:
    """Look at leads as of just after ``moment`` (microseconds), and write what follows from it.

    What is written: a score, the standing, a transition and its messages where something crossed; the mark is taken
    away. ``cause``: event, lead, night, model, policy. ``now``: the wall clock, or ``moment``. Closed, unknown
    and future leads are left out, and a lead that somebody else looks at for the first time just now: it stays marked.
    """
    ids = sorted(set(lead_ids))
    if not ids:
        return []
    written = moment if now is None else now
    unmark(connection, ids)
    rows = kept_many(connection, ids, locked=True)
    seen = see(connection, loaded, ids, rows, moment)
    decided = settle(connection, loaded, seen, cause, written, reasons=reasons)
    mark_again(connection, ids, rows, decided, moment)
    return decided


def mark_again(
    connection: Connection, ids: Iterable[str], rows: Mapping[str, Kept], decided: Iterable[Decided], moment: int
) -> None:
    """Mark the leads of which more becomes known later, and those that were left out although they are there.

    The latter for now, or for when they are created; ``rows`` are those of before the look: closed leads are done with.
    """
    done = set()
    for one in decided:
        done.add(one.row.lead_id)
        if one.pending is not None:
            mark(connection, [one.row.lead_id], one.pending)
    left = [one for one in ids if one not in done and (one not in rows or rows[one].is_open)]
    if left:
        for lead_id, created_at in connection.execute(_CREATED, {"lead_ids": left}):
            mark(connection, [lead_id], max(created_at, moment))
