"""The work list as the page shows it: who is to be called, how ready, since when, and why."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import Connection

from data.clock import DAY
from models.wording import phrase
from serving.deciding.work_list import Wanted, how_many, work_list
from serving.desk.trends import Trend, Why, reasons, trends
from serving.desk.words import plain

PAGE = 25
LONGEST_SEARCH = 100
FACTS = 3
VIEWS = ("ready", "never contacted", "working", "due today", "all")
"""What can be looked at; of all but the last it is said how many there are."""


@dataclass(frozen=True)
class Asked:
    """Which view of the list, what is searched for in it, and where the page begins."""

    view: str = "ready"
    search: str = ""
    cursor: str = ""

    def link(self, **other: str) -> str:
        """The address of the same list, otherwise; a page of another list begins at its top."""
        asked = replace(self, **{"cursor": "", **other})
        told = {"view": asked.view, "search": asked.search, "cursor": asked.cursor}
        return "/?" + urlencode({name: value for name, value in told.items() if value})


@dataclass(frozen=True)
class Lead:
    """A line of the list; moments in microseconds."""

    row: Mapping[str, Any]
    href: str
    facts: str
    trend: Trend | None
    why: Why | None


@dataclass(frozen=True)
class Tab:
    """A view, and how many leads are in it (None: nobody counted)."""

    name: str
    href: str
    count: int | None


@dataclass(frozen=True)
class Listed:
    """A page of the list."""

    tabs: tuple[Tab, ...]
    leads: tuple[Lead, ...]
    following: str


def wanted_of(asked: Asked, now: int, cadence: int) -> Wanted:
    """What the store is asked for."""
    plain = Wanted(day=now - now % DAY, cadence=cadence, search=asked.search)
    match asked.view:
        case "never contacted":
            return replace(plain, states=("ready",), never_contacted=True)
        case "due today":
            return replace(plain, due=True)
        case "all":
            return plain
        case "working":
            return replace(plain, states=("working",))
        case _:
            return replace(plain, states=("ready",))


def listed(connection: Connection, asked: Asked, now: int, cadence: int) -> Listed:
    """The page. Raises Refusal for the cursor of another list."""
    rows, following = work_list(connection, wanted_of(asked, now, cadence), PAGE, asked.cursor)
    ids = [row["lead_id"] for row in rows]
    readiness = {row["lead_id"]: row["readiness"] for row in rows if row["readiness"] is not None}
    moved, why = trends(connection, readiness, now), reasons(connection, ids)
    found = tuple(
        Lead(row, lead_link(one), facts_of(row["attributes"]), moved.get(one), why.get(one))
        for one, row in zip(ids, rows, strict=True)
    )
    return Listed(_tabs(connection, asked, now, cadence), found, asked.link(cursor=following) if following else "")


def _tabs(connection: Connection, asked: Asked, now: int, cadence: int) -> tuple[Tab, ...]:
    counts = {view: how_many(connection, wanted_of(Asked(view), now, cadence)) for view in VIEWS if view != "all"}
    return tuple(Tab(view, asked.link(view=view), counts.get(view)) for view in VIEWS)


def lead_link(lead_id: str) -> str:
    """The address of a lead's page."""
    return "/desk/lead?" + urlencode({"id": lead_id})


def facts_of(attributes: str) -> str:
    """A few of a lead's attributes in a line."""
    found: dict[str, Any] = json.loads(attributes)
    told = [f"{phrase(name)}: {plain(value)}" for name, value in found.items() if value is not None]
    return " · ".join(told[:FACTS])
