"""Where leads stand, as rows that one transaction at a time may change."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from sqlalchemy import Connection, bindparam, select

from models.states import DECISIONS, Standing, begin
from serving.deciding.rules import Rules
from serving.deciding.statements import Quick
from serving.store.tables import standings
from serving.store.upsert import insert_new, upsert

_COLUMNS = tuple(standings.c)
_ONE = Quick(select(*_COLUMNS).where(standings.c.lead_id == bindparam("lead_id")))
_MANY = select(*_COLUMNS).where(standings.c.lead_id.in_(bindparam("lead_ids", expanding=True)))
_LOCKED = _MANY.order_by(standings.c.lead_id).with_for_update()


@dataclass(frozen=True)
class Kept:
    """The row of a lead: its standing, and what was last seen in it (moments in microseconds).

    ``decided_at`` is the moment up to which the lead was looked at. ``touched_at`` and ``nurtured_at`` are the last
    touches by sales and by marketing.
    """

    lead_id: str
    state: Any
    since: int
    free_at: int
    next_at: int | None
    reason: str
    readiness: float | None
    index: float | None
    score_id: str | None
    model_version: str
    decided_at: int
    touched_at: int | None
    nurtured_at: int | None
    propensity: float | None = None

    @property
    def standing(self) -> Standing:
        """The standing alone."""
        return Standing(self.state, self.since, self.free_at, self.next_at, self.reason, self.propensity)

    @property
    def is_open(self) -> bool:
        """Whether readiness is asked of it."""
        return self.state in DECISIONS

    def after(self, standing: Standing, **more: Any) -> "Kept":
        """The row once the lead stands there."""
        return replace(self, **standing._asdict(), **more)


def new(rules: Rules, lead_id: str, created_at: int) -> Kept:
    """The row of a lead that nobody has looked at."""
    standing = begin(rules.policy, created_at)
    return Kept(lead_id, **standing._asdict(), **_NOTHING_SEEN, decided_at=created_at)


_NOTHING_SEEN: Mapping[str, Any] = {
    "readiness": None,
    "index": None,
    "score_id": None,
    "model_version": "",
    "touched_at": None,
    "nurtured_at": None,
}


def kept(connection: Connection, lead_id: str) -> Kept | None:
    """The row of one lead; None: nobody has looked at it."""
    rows = _ONE(connection, lead_id=lead_id)
    return Kept(*rows[0]) if rows else None


def kept_many(connection: Connection, lead_ids: Sequence[str], *, locked: bool = False) -> dict[str, Kept]:
    """The rows of many leads; ``locked``: nobody else changes them before this transaction ends."""
    statement = _LOCKED if locked else _MANY
    return {row[0]: Kept(*row) for row in connection.execute(statement, {"lead_ids": list(lead_ids)})}


def claim(connection: Connection, missing: Iterable[Kept]) -> set[str]:
    """Write first rows, and hold their locks; returns the leads of which there was none yet."""
    rows = [_row(one) for one in sorted(missing, key=lambda one: one.lead_id)]
    return {key for (key,) in insert_new(connection, standings, rows)}


def put(connection: Connection, rows: Iterable[Kept]) -> None:
    """Write rows in the place of those that are there."""
    upsert(connection, standings, [_row(one) for one in rows])


_NAMES = tuple(field.name for field in fields(Kept))


def _row(one: Kept) -> dict[str, Any]:
    return {name: getattr(one, name) for name in _NAMES}
