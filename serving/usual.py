"""A lead as nearly everybody sends it, read in one go: a tenth of what the schema takes.

Whatever is not plainly right is left to ``serving.schemas``, which takes it or says what is wrong with it: what is read
here is read there alike. Further columns of events are read here once they were sent before.
"""

from array import array
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, Literal

from msgspec import Meta, MsgspecError, Struct, defstruct, field
from msgspec.json import Decoder
from msgspec.structs import astuple

from features.event_columns import EventColumns
from features.lead import NOTHING_MORE, LeadHistory, Scalar, told_changes
from features.moments import read_moments
from serving.schemas import MAX_COLUMNS, MAX_EVENTS

MOST_LEARNED = 32
"""So many further columns are read in one go at the most, whoever sends them."""
MOST_LETTERS = 200
_NUL = b"\\u0000"
_ESCAPE = b"\\"
_Name = Annotated[str, Meta(min_length=1, max_length=200)]
_Text = Annotated[str, Meta(max_length=1_000)]
_Flat = _Text | float | bool | None
_OWN = ("kind", "occurred_at", "known_at", "actor", "value", "item", "event_id")


class _Event(Struct, forbid_unknown_fields=True, gc=False):
    """An event without further columns."""

    kind: _Name
    occurred_at: str
    known_at: str | None = None
    actor: Literal["lead", "marketing", "sales"] | None = None
    value: float | None = None
    item: _Text | None = None
    event_id: _Text | None = None


class _Lead(Struct, forbid_unknown_fields=True, gc=False):
    """A lead without its events."""

    lead_id: _Name
    created_at: str
    as_of: str | None = None
    attributes: dict[str, _Flat] | None = None


class Usual(Struct, frozen=True, gc=False):
    """A lead of a request. ``as_of`` is None where it asks about now; ``events`` are all that were sent."""

    lead_id: str
    created_at: int
    as_of: int | None
    attributes: Mapping[str, Scalar]
    events: EventColumns


class Reader:
    """Reads leads, and learns which further columns their events have. Threads may share it."""

    def __init__(self) -> None:
        self._known = _decoding(())

    def read(self, sent: bytes) -> Usual | None:
        """The lead in the JSON of a request; None where anything about it is unusual."""
        decode, further = self._known
        try:
            lead = decode(sent)
        except (MsgspecError, UnicodeDecodeError, RecursionError):
            return None
        attributes: dict[str, Any] = lead.attributes or {}
        events: list[Any] = lead.events or []
        if (_ESCAPE in sent and _NUL in sent) or len(attributes) > MAX_COLUMNS:  # one letter is found much sooner
            return None
        columns = zip(*map(astuple, events), strict=True) if events else _NONE
        kinds, happened, told, actors, values, items, ids, *more = columns
        moments = read_moments([*happened, lead.created_at, lead.created_at if lead.as_of is None else lead.as_of])
        known_at = moments if told in (happened, (None,) * len(told)) else _known(happened, told)
        if moments is None or known_at is None:
            return None
        as_of, created_at = moments.pop(), moments.pop()
        if known_at is not moments and any(map(int.__lt__, known_at, moments)):
            return None
        return Usual(
            lead.lead_id,
            created_at,
            None if lead.as_of is None else as_of,
            {name: float(x) if x is True or x is False else x for name, x in attributes.items() if x is not None},
            EventColumns(
                kinds,
                moments,
                known_at,
                ["lead" if actor is None else actor for actor in actors],
                values,
                items,
                ids=ids,
                further=_columns(further, more) if further else None,
            ),
        )

    def learn(self, raw: dict[str, Any]) -> None:
        """Read leads like this one, which the schema took, in one go from now on if only further columns forbid it."""
        names = self._known[1]
        fresh = {name for event in raw.get("events") or () for name in event} - {*names, *_OWN}
        if fresh and len(names) + len(fresh) <= MOST_LEARNED and max(map(len, fresh)) <= MOST_LETTERS:
            self._known = _decoding((*names, *sorted(fresh)))


_NONE: Sequence[Sequence[Any]] = ((),) * len(_OWN)


def _decoding(further: tuple[str, ...]) -> tuple[Any, tuple[str, ...]]:
    """What decodes leads whose events have these further columns, and the columns."""
    columns = [(f"further_{k}", _Flat, field(name=name, default=None)) for k, name in enumerate(further)]
    event = defstruct("_EventWith", columns, bases=(_Event,), forbid_unknown_fields=True, gc=False)
    events = Annotated[list[event], Meta(max_length=MAX_EVENTS)] | None  # type: ignore[valid-type]  # made just now
    lead = defstruct("_LeadWith", [("events", events, None)], bases=(_Lead,), forbid_unknown_fields=True, gc=False)
    return Decoder(lead).decode, further


def _known(happened: Sequence[str], told: Sequence[str | None]) -> "array[int] | None":
    return read_moments([then if known is None else known for then, known in zip(happened, told, strict=True)])


def _columns(names: Sequence[str], columns: Iterable[Sequence[Scalar]]) -> dict[str, Sequence[Scalar]] | None:
    """Further columns as the tables hold them: booleans are floats, too."""
    found = zip(names, columns, strict=False)  # without events there are no columns
    return {name: [float(x) if x is True or x is False else x for x in column] for name, column in found} or None


def history_of(lead: Usual, as_of: int) -> LeadHistory:
    """The lead as told at ``as_of``, with the events that had happened and were known before it."""
    changes = told_changes(lead.attributes, (), as_of)
    events = lead.events.seen(as_of)
    return LeadHistory(lead.lead_id, lead.created_at, lead.attributes, NOTHING_MORE, changes, events)


READER = Reader()
"""That of this process."""
