"""The facts as SQL tables: leads, events, outcomes, changes, accounts, and visitors who may become leads.

Moments are whole microseconds since 1970 (UTC). ``known_at`` is what the sender says, ``received_at`` when this service
took it in: nothing that was scored before ``received_at`` can have seen the row. Columns in JSON are kept as the text
that was written, so that both kinds of database hold the same bytes.
"""

from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, Double, ForeignKey, LargeBinary, MetaData, Table, Text

METADATA = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def moment(name: str, *, nullable: bool = False, **more: Any) -> "Column[int]":
    """A column of microseconds since 1970."""
    return Column(name, BigInteger, nullable=nullable, **more)


def text(name: str, *more: Any, nullable: bool = False, **other: Any) -> "Column[str]":
    """A column of text."""
    return Column(name, Text, *more, nullable=nullable, **other)


leads = Table(
    "leads",
    METADATA,
    text("lead_id", primary_key=True),
    moment("created_at"),
    text("account_id", nullable=True, index=True),
    Column("implied", Boolean, nullable=False),  # made by its first event; nobody has described it yet
    text("attributes"),  # JSON object: the present values; ``changes`` has their history
    moment("received_at"),
    moment("updated_at"),
    sqlite_with_rowid=False,
)

events = Table(
    "events",
    METADATA,
    text("lead_id", ForeignKey("leads.lead_id"), primary_key=True),
    moment("occurred_at", primary_key=True),
    text("event_id", primary_key=True, unique=True),
    text("kind"),
    moment("known_at"),
    text("actor"),
    Column("value", Double),
    text("item", nullable=True),
    text("extra", nullable=True),  # JSON object of further columns
    Column("content", LargeBinary, nullable=False),  # 16 bytes of the SHA-256 of what was sent
    moment("received_at", index=True),
    sqlite_with_rowid=False,
)
"""Kept by lead and time, which is how they are read. An ``event_id`` of the store's own begins with ``sha256:``."""

outcomes = Table(
    "outcomes",
    METADATA,
    text("outcome_id", primary_key=True),
    text("lead_id", ForeignKey("leads.lead_id"), index=True),
    text("kind"),
    moment("occurred_at"),
    moment("known_at"),
    Column("value", Double),
    Column("content", LargeBinary, nullable=False),
    moment("received_at", index=True),
)

changes = Table(
    "changes",
    METADATA,
    text("lead_id", ForeignKey("leads.lead_id"), primary_key=True),
    text("field", primary_key=True),
    moment("known_at", primary_key=True),
    text("value", nullable=True),
    moment("received_at"),
    sqlite_with_rowid=False,
)
"""Every value that an attribute ever had, the first one too: an attribute is read as of the cutoff."""

accounts = Table(
    "accounts",
    METADATA,
    text("account_id", primary_key=True),
    text("attributes"),
    moment("received_at"),
    moment("updated_at"),
)

account_changes = Table(
    "account_changes",
    METADATA,
    text("account_id", primary_key=True),
    text("field", primary_key=True),
    moment("known_at", primary_key=True),
    text("value", nullable=True),
    moment("received_at"),
    sqlite_with_rowid=False,
)

links = Table(
    "links",
    METADATA,
    text("other_id", primary_key=True),
    text("lead_id", index=True),
    moment("said_at"),
    moment("known_at"),
    moment("received_at"),
    sqlite_with_rowid=False,
)
"""Who a visitor, or an earlier id of a lead, turned out to be; never a chain: ``lead_id`` is the id that counts."""

visits = Table(
    "visits",
    METADATA,
    text("visitor_id", primary_key=True),
    moment("occurred_at", primary_key=True),
    text("event_id", primary_key=True, unique=True),
    text("told"),  # JSON of the event or outcome as it came
    Column("content", LargeBinary, nullable=False),
    moment("known_at"),
    moment("received_at", index=True),
    sqlite_with_rowid=False,
)
"""What visitors did who have not said yet who they are; with the link they become events of a lead."""
