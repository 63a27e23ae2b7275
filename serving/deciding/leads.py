"""All that the store says of one lead."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, bindparam, select

from data.store.tables import leads
from serving.deciding.explaining import Row, last_scores
from serving.deciding.histories import UnknownLead
from serving.deciding.owners import that_counts
from serving.deciding.standings import Kept, kept
from serving.store.tables import transitions

LAST = 50
"""So many crossings and scores are told with a lead; the timeline has all."""
_LEAD = select(leads).where(leads.c.lead_id == bindparam("lead_id"))
_CROSSINGS = (
    select(transitions)
    .where(transitions.c.lead_id == bindparam("lead_id"))
    .order_by(transitions.c.at.desc())
    .limit(LAST)
)


@dataclass(frozen=True)
class Story:
    """A lead, where it stands (None: nobody has looked at it), its crossings and its scores, latest first."""

    lead: Row
    attributes: dict[str, Any]
    row: Kept | None
    crossings: Sequence[Row]
    scores: Sequence[Row]


def story(connection: Connection, lead_id: str) -> Story:
    """What the store says of a lead, by its id or one that was linked to it. Raises UnknownLead."""
    lead = lead_row(connection, lead_id)
    lead_id = lead["lead_id"]
    crossings = [dict(row) for row in connection.execute(_CROSSINGS, {"lead_id": lead_id}).mappings()]
    held = json.loads(lead["attributes"])
    return Story(lead, held, kept(connection, lead_id), crossings, last_scores(connection, lead_id, LAST))


def lead_row(connection: Connection, lead_id: str) -> Row:
    """The row of a lead, by its id or one that was linked to it. Raises UnknownLead."""
    for one in (lead_id, that_counts(connection, lead_id)):
        found = connection.execute(_LEAD, {"lead_id": one}).mappings().first()
        if found is not None:
            return dict(found)
    raise UnknownLead(lead_id)
