"""What makes a row good, declared; the order in which the declarations are asked, and the sentence for each.

One dataframely schema for each fact table. A rule that needs more than its own row (is the lead known? was the lead
there already?) is prepared as a boolean column by ``check`` and declared here like the others. A bad row gets exactly
one reason: the first rule that it breaks, in the order of ``REASONS``.
"""

from functools import partial
from operator import ne
from typing import Any

import dataframely as dy
import polars as pl

from data.tables import ACTORS
from data.times import PROBLEMS


def _code() -> Any:
    """The code of ``data.times`` for a time column: any problem is a rule of its own."""
    return dy.UInt8(check={text: partial(ne, code) for code, text in PROBLEMS.items()})


def _truth(sentence: str) -> Any:
    """A prepared answer: false makes the row bad."""
    return dy.Bool(check={sentence: lambda answer: answer})


AFTER_END = "after the end of the history"
UNKNOWN_LEAD = "unknown lead"
NOT_A_NUMBER = "value is not a number"
BEFORE_LEAD = "outcome before the lead was created"


class _Row(dy.Schema):
    row = dy.UInt32()
    """The position of the row in its raw table."""
    in_history = _truth(AFTER_END)


class _OfLead(_Row):
    lead_id = dy.String(nullable=False)
    lead_known = _truth(UNKNOWN_LEAD)


class _Happening(_OfLead):
    kind = dy.String(nullable=False)
    occurred_at = dy.Datetime(time_zone="UTC", time_unit="us", nullable=True)
    occurred_at_found = _code()
    known_at = dy.Datetime(time_zone="UTC", time_unit="us", nullable=True)
    known_at_found = _code()
    value = dy.Float64(nullable=True)
    value_found = _truth(NOT_A_NUMBER)

    @dy.rule()
    def known_before_it_occurred(cls) -> pl.Expr:  # noqa: N805 - dataframely hands the class over
        """Nothing can be known before it happens."""
        return pl.col("known_at") >= pl.col("occurred_at")


class LeadRows(_Row):
    """A lead has an id and a moment of creation."""

    lead_id = dy.String(nullable=False)
    created_at = dy.Datetime(time_zone="UTC", time_unit="us", nullable=True)
    created_at_found = _code()
    account_id = dy.String(nullable=True)


class EventRows(_Happening):
    """An event belongs to a known lead and was done by a known actor; it may be older than the lead."""

    event_id = dy.String(nullable=True)
    actor = dy.Enum(ACTORS, nullable=False)
    item = dy.String(nullable=True)


class OutcomeRows(_Happening):
    """An outcome belongs to a known lead, and is not older than it."""

    lead_there = _truth(BEFORE_LEAD)


class ChangeRows(_OfLead):
    """A change says which field of a known lead became what, and when we knew."""

    field = dy.String(nullable=False)
    value = dy.String(nullable=True)
    known_at = dy.Datetime(time_zone="UTC", time_unit="us", nullable=True)
    known_at_found = _code()


class AccountRows(_Row):
    """An account has an id."""

    account_id = dy.String(nullable=False)


class AccountChangeRows(_Row):
    """The like of a change for an account."""

    account_id = dy.String(nullable=False)
    field = dy.String(nullable=False)
    value = dy.String(nullable=True)
    known_at = dy.Datetime(time_zone="UTC", time_unit="us", nullable=True)
    known_at_found = _code()


ROWS: dict[str, type[dy.Schema]] = {
    "leads": LeadRows,
    "events": EventRows,
    "outcomes": OutcomeRows,
    "changes": ChangeRows,
    "accounts": AccountRows,
    "account_changes": AccountChangeRows,
}


def _times(column: str) -> dict[str, str]:
    return {f"{column}_found|check__{text}": f"{column} {text}" for text in PROBLEMS.values()}


REASONS: dict[str, str] = {
    **{f"{column}|nullability": f"{column} is missing" for column in ("lead_id", "account_id", "kind", "field")},
    **_times("created_at"),
    **_times("occurred_at"),
    **_times("known_at"),
    f"value_found|check__{NOT_A_NUMBER}": NOT_A_NUMBER,
    "actor|nullability": "unknown actor",
    "known_before_it_occurred": "known_at is before occurred_at",
    f"in_history|check__{AFTER_END}": AFTER_END,
    f"lead_known|check__{UNKNOWN_LEAD}": UNKNOWN_LEAD,
    f"lead_there|check__{BEFORE_LEAD}": BEFORE_LEAD,
}
"""Every rule that a row can break, in the order in which they are asked = the reason that the user reads."""


def judge(name: str, prepared: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The good rows of a prepared table, and ``row``, ``reason`` of the bad ones."""
    good, failure = ROWS[name].filter(prepared)
    broken = failure.details()
    asked = [rule for rule in REASONS if rule in broken.columns]
    reason = pl.coalesce([pl.when(pl.col(rule) == "invalid").then(pl.lit(REASONS[rule])) for rule in asked])
    return pl.DataFrame(good), broken.select("row", reason.alias("reason"))


def first_copies(good: pl.DataFrame, further: dict[str, pl.Series], key: str, clock: str | None) -> pl.Series:
    """Which rows to keep where ``key`` repeats: that known first; among equals the content decides, not the place."""
    repeated = good[key].is_not_null() & good[key].is_duplicated()
    if not repeated.any():
        return ~repeated
    copies = good.filter(repeated)
    extra = [column.gather(copies["row"]).alias(f"further_{at}") for at, column in enumerate(further.values())]
    copies = copies.with_columns(extra)
    order = [*([clock] if clock else []), *(column for column in copies.columns if column not in {clock, "row"})]
    kept = copies.sort(order, nulls_last=True, maintain_order=True).unique(key, keep="first", maintain_order=True)
    return ~repeated | good["row"].is_in(kept["row"].implode())
