"""The work list: leads by where they stand, those that matter most first, page by page."""

import math
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import ColumnElement, Connection, Select, and_, func, or_, select

from data.clock import DAY
from data.store.tables import leads
from models.states import OPEN_STATES, State
from serving.deciding.cursors import cursor, place
from serving.store.tables import standings

Sort = Literal["readiness", "next_date", "lead_id"]
_AFTER_ALL = (1 << 63) - 1


@dataclass(frozen=True)
class Wanted:
    """Which leads: in these states (none: any), due for a nurture touch today, never contacted; in which order.

    ``day`` is the beginning of the day (microseconds, UTC) for ``due``, ``cadence`` how often nurtured leads are due.
    ``search``: a text that the id, the account or an attribute contains, whatever its case ("": any).
    """

    states: tuple[State, ...] = ()
    sort: Sort = "readiness"
    never_contacted: bool = False
    due: bool = False
    day: int = 0
    cadence: int = DAY
    search: str = ""

    @property
    def name(self) -> str:
        """Of the list that a cursor belongs to."""
        day = self.day if self.due else 0
        return f"{self.sort}|{','.join(self.states)}|{self.never_contacted}|{day}|{self.search}"


def work_list(connection: Connection, wanted: Wanted, limit: int, after: str = "") -> tuple[list[dict[str, Any]], str]:
    """The next ``limit`` leads, and the cursor of the page after them ("" when there is none).

    A lead that moves between two pages is seen where it then stands; no other is left out or told twice. Raises
    Refusal for a cursor of another list.
    """
    statement = _chosen(wanted)
    if after:
        statement = statement.where(_beyond(wanted, after))
    rows = connection.execute(_ordered(statement, wanted).limit(limit + 1)).mappings().all()
    page = [_due(wanted, dict(row)) for row in rows[:limit]]
    return page, cursor(wanted.name, _place(wanted.sort, rows[limit - 1])) if len(rows) > limit else ""


def how_many(connection: Connection, wanted: Wanted) -> int:
    """How many leads there are in a list."""
    return int(connection.execute(select(func.count()).select_from(_chosen(wanted).subquery())).scalar_one())


def _chosen(wanted: Wanted) -> "Select[Any]":
    statement = select(*standings.c, leads.c.created_at, leads.c.account_id, leads.c.attributes).join(leads)
    if wanted.states:
        statement = statement.where(standings.c.state.in_(wanted.states))
    if wanted.never_contacted:
        statement = statement.where(standings.c.touched_at.is_(None))
    if wanted.due:
        statement = statement.where(_is_due(wanted))
    if wanted.search:
        searched = (leads.c.lead_id, leads.c.account_id, leads.c.attributes)
        statement = statement.where(or_(*(one.icontains(wanted.search, autoescape=True) for one in searched)))
    return statement


def _is_due(wanted: Wanted) -> ColumnElement[bool]:
    """Nurtured leads one of whose touches falls on the day, and that marketing has not touched on it yet.

    Touches are every ``cadence`` from the moment on at which a lead came into its state.
    """
    last = wanted.day + DAY - 1
    done_before = (wanted.day - 1 - standings.c.since) // wanted.cadence
    return and_(
        standings.c.state == "nurture",
        standings.c.since < wanted.day,
        (last - standings.c.since) // wanted.cadence > done_before,
        or_(standings.c.nurtured_at.is_(None), standings.c.nurtured_at < wanted.day),
    )


def _due(wanted: Wanted, row: dict[str, Any]) -> dict[str, Any]:
    """The row; in a list of what is due today its next date is today's, also after it was looked at again."""
    if wanted.due:
        touches = (wanted.day + DAY - 1 - row["since"]) // wanted.cadence
        row["next_at"] = row["since"] + touches * wanted.cadence
    return row


def _ordered(statement: "Select[Any]", wanted: Wanted) -> "Select[Any]":
    if wanted.sort == "readiness":
        return statement.order_by(_readiness(wanted).desc(), standings.c.lead_id)
    return statement.order_by(*([_next()] if wanted.sort == "next_date" else []), standings.c.lead_id)


def _readiness(wanted: Wanted) -> ColumnElement[float]:
    """What is sorted by: an open lead always has a readiness, of a closed one there may be none."""
    if wanted.states and set(wanted.states) <= set(OPEN_STATES):
        return standings.c.readiness
    return func.coalesce(standings.c.readiness, -1.0)


def _next() -> ColumnElement[int]:
    return func.coalesce(standings.c.next_at, _AFTER_ALL)


def _beyond(wanted: Wanted, after: str) -> ColumnElement[bool]:
    lead_id = standings.c.lead_id
    if wanted.sort == "lead_id":
        (last,) = place(after, wanted.name, (str,))
        return and_(lead_id > last)
    if wanted.sort == "readiness":
        readiness, last = place(after, wanted.name, (float, str))
        value, key = readiness if math.isfinite(readiness) else -1.0, _readiness(wanted)
        return or_(key < value, and_(key == value, lead_id > last))
    next_at, last = place(after, wanted.name, (int, str))
    bounded, due = max(min(next_at, _AFTER_ALL), -_AFTER_ALL), _next()
    return or_(due > bounded, and_(due == bounded, lead_id > last))


def _place(sort: Sort, row: Any) -> list[Any]:
    if sort == "lead_id":
        return [row["lead_id"]]
    if sort == "readiness":
        return [-1.0 if row["readiness"] is None else float(row["readiness"]), row["lead_id"]]
    return [_AFTER_ALL if row["next_at"] is None else row["next_at"], row["lead_id"]]
