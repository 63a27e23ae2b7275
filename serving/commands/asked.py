"""A lead of a history as the service is asked about it."""

from typing import Any

from data.clock import iso
from data.history import History
from features.lead import Event, LeadHistory
from models.histories import lead_histories


def lead_request(history: History, lead_id: str, as_of: int) -> dict[str, Any]:
    """The body of ``POST /v1/score`` for a lead as it was known just before ``as_of`` (microseconds)."""
    (lead,) = lead_histories(history.upto(as_of), [lead_id])
    return {
        "lead_id": lead_id,
        "created_at": iso(lead.created_at),
        "as_of": iso(as_of),
        "attributes": _present(lead, set(history.changes["field"].to_pylist())),
        "events": [_event(event) for event in lead.events],
    }


def _event(event: Event) -> dict[str, Any]:
    """An event as flat columns; what is null is left out, and whose it is: the lead's own."""
    flat = {**event._asdict(), **event.extra, "occurred_at": iso(event.occurred_at), "known_at": iso(event.known_at)}
    return {name: value for name, value in flat.items() if name not in ("extra", "lead_id") and value is not None}


def _present(lead: LeadHistory, logged: set[str]) -> dict[str, Any]:
    """The attributes as a CRM shows them: a field whose changes are logged is what it last became."""
    fixed = {name: value for name, value in lead.attributes.items() if name not in logged}
    became = {change.field: change.value for change in sorted(lead.changes, key=lambda change: change.known_at)}
    return {name: value for name, value in {**fixed, **became}.items() if value is not None}
