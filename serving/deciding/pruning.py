"""Old scores taken away, with those of the shadow beside them: those that nothing points at any more.

What stays however old it is: the score that a lead's standing or a crossing names, for it explains where the lead
stands and how it came there; and one that the ledger of ``readiness watch`` still compares with what came.
"""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, Select, and_, delete, func, or_, select

from serving.store.store import Store
from serving.store.tables import scores, shadow_scores, standings, transitions

AT_ONCE = 2_000
"""So many are deleted in one change, so that others need not wait long."""


@dataclass(frozen=True)
class Old:
    """Which scores are old: told before ``before``; the ledger needs those told from ``judged`` on (microseconds)."""

    before: int
    judged: int


@dataclass(frozen=True)
class Found:
    """How many old scores ``go``, are ``named`` by a standing or a crossing, or still ``judged`` by the ledger."""

    go: int
    named: int
    judged: int


def find_old(connection: Connection, old: Old) -> Found:
    """What pruning would take away, and what it would leave."""

    def count(*conditions: ColumnElement[bool]) -> int:
        asked = select(func.count()).select_from(scores).where(scores.c.scored_at < old.before, *conditions)
        return int(connection.execute(asked).scalar_one())

    needed = scores.c.scored_at >= old.judged
    return Found(count(_goes(old)), count(~needed, _is_named()), count(needed))


def prune(store: Store, old: Old) -> int:
    """Take the old scores away, some at a time; returns how many went. Safe to break off and to repeat."""
    chosen = select(scores.c.score_id).where(scores.c.scored_at < old.before, _goes(old)).limit(AT_ONCE)
    gone = 0
    while count := store.write(lambda connection: _drop(connection, chosen)):
        gone += count
    return gone


def _drop(connection: Connection, chosen: "Select[tuple[str]]") -> int:
    """Drop the chosen scores, with what the shadow said of them."""
    ids = list(connection.execute(chosen).scalars())
    if not ids:
        return 0
    connection.execute(delete(shadow_scores).where(shadow_scores.c.score_id.in_(ids)))
    return connection.execute(delete(scores).where(scores.c.score_id.in_(ids))).rowcount


def _goes(old: Old) -> ColumnElement[bool]:
    return and_(scores.c.scored_at < old.judged, ~_is_named())


def _is_named() -> ColumnElement[bool]:
    names = (select(table.c.score_id).where(table.c.score_id.is_not(None)) for table in (standings, transitions))
    return or_(*(scores.c.score_id.in_(one) for one in names))
