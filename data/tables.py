"""The fact tables: which columns they have, of which type, and which may be empty.

Times are ``timestamp[us, UTC]``, identifiers and kinds are strings. ``leads`` and ``accounts`` carry any further
columns as attributes; ``events`` carries any further columns for features to look at. A further column is normalised
to one of three types: ``float64`` (numbers and booleans), ``timestamp[us, UTC]`` or ``string`` (everything else).
"""

import pyarrow as pa

TIME = pa.timestamp("us", "UTC")

ACTORS = ("lead", "marketing", "sales")
"""Who did it. A sales touch is an event whose actor is ``sales``; it is never counted as engagement."""

LEADS = pa.schema(
    [
        pa.field("lead_id", pa.string(), nullable=False),
        pa.field("created_at", TIME, nullable=False),
        pa.field("account_id", pa.string()),
    ]
)
EVENTS = pa.schema(
    [
        pa.field("lead_id", pa.string(), nullable=False),
        pa.field("kind", pa.string(), nullable=False),
        pa.field("occurred_at", TIME, nullable=False),
        pa.field("known_at", TIME, nullable=False),
        pa.field("event_id", pa.string()),
        pa.field("actor", pa.string(), nullable=False),
        pa.field("value", pa.float64()),
        pa.field("item", pa.string()),
    ]
)
OUTCOMES = pa.schema(
    [
        pa.field("lead_id", pa.string(), nullable=False),
        pa.field("kind", pa.string(), nullable=False),
        pa.field("occurred_at", TIME, nullable=False),
        pa.field("known_at", TIME, nullable=False),
        pa.field("value", pa.float64()),
    ]
)
CHANGES = pa.schema(
    [
        pa.field("lead_id", pa.string(), nullable=False),
        pa.field("field", pa.string(), nullable=False),
        pa.field("value", pa.string()),
        pa.field("known_at", TIME, nullable=False),
    ]
)
ACCOUNTS = pa.schema([pa.field("account_id", pa.string(), nullable=False)])
ACCOUNT_CHANGES = pa.schema(
    [
        pa.field("account_id", pa.string(), nullable=False),
        pa.field("field", pa.string(), nullable=False),
        pa.field("value", pa.string()),
        pa.field("known_at", TIME, nullable=False),
    ]
)

SCHEMAS: dict[str, pa.Schema] = {
    "leads": LEADS,
    "events": EVENTS,
    "outcomes": OUTCOMES,
    "changes": CHANGES,
    "accounts": ACCOUNTS,
    "account_changes": ACCOUNT_CHANGES,
}


def empty(name: str) -> pa.Table:
    """A table of the given name without rows."""
    return SCHEMAS[name].empty_table()


def extra_columns(name: str, table: pa.Table) -> list[str]:
    """The columns of ``table`` beyond the fixed ones of its schema: attributes, or further event columns."""
    fixed = set(SCHEMAS[name].names)
    return [column for column in table.column_names if column not in fixed]
