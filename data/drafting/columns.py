"""Which column of a file is what, and which further columns are worth asking."""

import polars as pl

from data.drafting.look import Look
from data.drafting.words import CHANGED, COLUMNS, find, late_reason
from data.naming import personal_reason, plain
from data.sources.mapping import CLOCK
from data.tables import ACTORS

_OWN = 0.5
"""More distinct texts than this share of the rows, and they say nothing about the next lead."""
_MANY = 200
"""Kinds are fewer."""
_LOADED = ("synced", "updated", "modified", "deleted", "loaded")


def find_column(name: str, ours: str, look: Look, key: str | None, taken: set[str]) -> str | None:
    """The column of a file that is ours in the table ``name``; ``key`` is what the leads file calls lead_id."""
    free = [column for column in look.names if column not in taken]
    if ours == "lead_id":
        return find_id(look, key)
    if name == "accounts" and ours == "account_id":
        return find(free, (*COLUMNS[ours], "id"), look.is_unique)
    if name == "changes" and ours in CHANGED:
        return find(free, CHANGED[ours], lambda column: ours == "value" or look.is_time(column, numbers=True))
    found = find(free, COLUMNS[ours], lambda column: _fits(ours, look, column))
    if found is None and ours == CLOCK.get(name):
        own = (column for column in free if not any(word in column for word in _LOADED))
        return next((column for column in own if look.is_time(column)), None)
    return found


def find_id(look: Look, key: str | None) -> str | None:
    """The column of the lead: the one that the leads file has, or a usual name; ``id`` only where leads are kept."""
    if key is not None and key in look.names and plain(key) != "id":
        return key
    words = COLUMNS["lead_id"] if key is not None else (*COLUMNS["lead_id"], "id")
    return find(look.names, words, lambda column: not look.cells(column).dtype.is_temporal())


def unfit(name: str, look: Look, column: str) -> str | None:
    """Why a further column of the table ``name`` should not be asked; None where nothing speaks against it."""
    cells = look.cells(column)
    if cells.is_empty() or cells.dtype.is_nested():
        return "it is empty" if cells.is_empty() else "it holds lists"
    reason = personal_reason(column) or (late_reason(column) if name != "events" else None)
    if reason is None and cells.dtype == pl.String and not look.is_number(column):
        return "nearly every row has its own value" if cells.n_unique() > max(_MANY, _OWN * len(cells)) else None
    return reason


def _fits(ours: str, look: Look, column: str) -> bool:
    """Whether the cells of a column can be what its name promises."""
    if ours in {"created_at", "occurred_at", "known_at"}:
        return look.is_time(column, numbers=True)
    if ours == "value":
        return look.is_number(column)
    if ours == "event_id":
        return plain(column) == "event_id" or look.is_unique(column)
    if ours == "actor":
        return {value.lower() for value in look.values(column)} <= set(ACTORS)
    if ours == "account_id":
        return late_reason(column) is None
    return not (ours == "kind" and (look.is_time(column) or len(look.values(column)) > _MANY))
