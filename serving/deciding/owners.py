"""Whose an id is: one that was linked to a lead means that lead, whoever asks by it."""

from collections.abc import Iterable

from sqlalchemy import Connection, bindparam, select

from data.store.tables import links

_LINKS = select(links.c.other_id, links.c.lead_id, links.c.known_at).where(
    links.c.other_id.in_(bindparam("ids", expanding=True))
)
_AT_MOST = 10_000
"""Both databases bound how many values one statement may have."""


def owners(connection: Connection, ids: Iterable[str]) -> dict[str, tuple[str, int]]:
    """Of those ``ids`` that mean another one: which, and since when that is known."""
    wanted = sorted(set(ids))
    if not wanted:
        return {}
    return {other: (lead, known) for other, lead, known in connection.execute(_LINKS, {"ids": wanted})}


def that_counts(connection: Connection, lead_id: str) -> str:
    """The id of the lead that ``lead_id`` means: its own, unless it was linked to another one."""
    return owners(connection, [lead_id]).get(lead_id, (lead_id, 0))[0]


def those_that_count(connection: Connection, lead_ids: Iterable[str]) -> set[str]:
    """The ids of the leads that ``lead_ids`` mean."""
    asked = sorted(set(lead_ids))
    known = [owners(connection, asked[k : k + _AT_MOST]) for k in range(0, len(asked), _AT_MOST)]
    linked = {other: lead for part in known for other, (lead, _) in part.items()}
    return {linked.get(one, one) for one in asked}
