"""A lead of a history as the service is asked about it."""

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from data.clock import iso
from data.history import History
from data.spine import micros
from data.tables import TIME, extra_columns


def lead_request(history: History, lead_id: str, as_of: int) -> dict[str, Any]:
    """The body of ``POST /v1/score`` for a lead as it was known just before ``as_of`` (microseconds)."""
    known = history.upto(as_of)
    lead = _of(known.leads, lead_id).to_pylist()[0]
    return {
        "lead_id": lead_id,
        "created_at": iso(micros(_of(known.leads, lead_id)["created_at"])[0].item()),
        "as_of": iso(as_of),
        "attributes": _attributes(history, lead, known),
        "events": [_plain(row) for row in _times_as_text(_of(known.events, lead_id)).to_pylist()],
    }


def _of(table: pa.Table, lead_id: str) -> pa.Table:
    return table.filter(pc.equal(table["lead_id"], lead_id))


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if value is not None and name != "lead_id"}


def _times_as_text(table: pa.Table) -> pa.Table:
    for position, field in enumerate(table.schema):
        if field.type == TIME:
            text = pa.array([None if m is None else iso(m) for m in pc.cast(table[field.name], pa.int64()).to_pylist()])
            table = table.set_column(position, field.name, text)
    return table


def _attributes(history: History, lead: dict[str, Any], known: History) -> dict[str, Any]:
    """Attributes as they were known: a field that has changes anywhere is read from its changes alone."""
    changing = set(history.changes["field"].to_pylist())
    fixed = {name: lead[name] for name in extra_columns("leads", known.leads) if name not in changing}
    changes = _of(known.changes, lead["lead_id"]).sort_by("known_at").to_pylist()
    found = {**fixed, **{change["field"]: change["value"] for change in changes}}
    return {name: iso_or_value(value) for name, value in found.items() if value is not None}


def iso_or_value(value: Any) -> Any:
    """A time as ISO 8601 text, everything else as it is."""
    return value.isoformat() if hasattr(value, "isoformat") else value
