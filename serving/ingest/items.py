"""What every door makes of what it is sent: one small value for each thing that is told.

Moments are microseconds since 1970, UTC. A ``known_at`` of None is not said: it is then when we receive it. Values of
attributes and of further columns are scalars as JSON has them; ``data.sources.spoken.text_of`` writes one as text.
"""

import msgspec

from data.sources.spoken import Scalar


class EventItem(msgspec.Struct, frozen=True, kw_only=True):
    """Something that a lead, marketing or sales did. With the actor sales it is a sales touch.

    ``event_id`` None: the sender has none, its content tells it apart. ``given_back``: a touch by which sales returns
    the lead. ``extra``: further flat columns.
    """

    lead_id: str
    kind: str
    occurred_at: int
    known_at: int | None = None
    event_id: str | None = None
    actor: str = "lead"
    value: float | None = None
    item: str | None = None
    extra: dict[str, Scalar] = {}
    given_back: bool = False


class LinkItem(msgspec.Struct, frozen=True, kw_only=True):
    """A visitor, or an earlier id of a lead, turns out to be ``lead_id``; both the same: a visitor is a lead itself.

    ``said_at`` is when it was said, ``known_at`` when we could know.
    """

    other_id: str
    lead_id: str
    said_at: int
    known_at: int | None = None


class LeadItem(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a lead. Attributes that it does not name stay as they are; a null takes one away.

    ``created_at`` None: not said. A lead that is new to us is then created at ``said_at``, else when we receive this.
    ``keep_account``: an account that the lead has already stays.
    """

    lead_id: str
    created_at: int | None = None
    account_id: str | None = None
    attributes: dict[str, Scalar | None] = {}
    known_at: int | None = None
    said_at: int | None = None
    keep_account: bool = False


class AccountItem(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of an account. Attributes that it does not name stay as they are; a null takes one away."""

    account_id: str
    attributes: dict[str, Scalar | None] = {}
    known_at: int | None = None


class OutcomeItem(msgspec.Struct, frozen=True, kw_only=True):
    """What sales recorded about a lead. ``outcome_id`` None: the sender has none, its content tells it apart."""

    lead_id: str
    kind: str
    occurred_at: int
    known_at: int | None = None
    outcome_id: str | None = None
    value: float | None = None


class VisitItem(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody did who has not said yet who it is: ``event.lead_id`` is the id of the visitor, not of a lead."""

    event: EventItem | OutcomeItem


class EraseItem(msgspec.Struct, frozen=True, kw_only=True):
    """A person who wants to be forgotten: everything under this id, and under every id that was linked to it."""

    lead_id: str


Item = EventItem | VisitItem | LinkItem | LeadItem | AccountItem | OutcomeItem | EraseItem


class Placed(msgspec.Struct, frozen=True):
    """An item, and the place (from 0) in the request of what it was made of: one message may make several."""

    index: int
    item: Item


class Rejected(msgspec.Struct, frozen=True):
    """What was refused: its place in the request, and what was found, was expected and is to do."""

    index: int
    reason: str


class Told(msgspec.Struct, frozen=True):
    """Everything that a request tells, in its order."""

    items: list[Placed]
    rejected: list[Rejected] = []
