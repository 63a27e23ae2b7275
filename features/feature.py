"""What all features share: a derived name, a type, a unit, what nothing means, and the question they answer.

A feature is a question about a lead's past at a cutoff *c*. It sees the events with ``c - window <= occurred_at < c``
and ``known_at < c`` (``data.clock.in_window``), also those from before the lead's creation. NULL, None, NaN and
infinities are one thing: null. An event whose column is null is not there for a feature over that column.
"""

import math
import re
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Literal

from data.clock import SECOND, format_duration
from data.errors import ContractError

Dtype = Literal["number", "category"]
Per = Literal["lead", "account"]
"""Whose events: those of the lead itself, or those of all the leads of its account."""

ACTORS = ("lead", "marketing", "sales")
"""As in ``data.tables``, restated because the service reads this module without pyarrow; a test compares the two."""


def slug(text: str) -> str:
    """``text`` as part of a name: lower case, runs of other signs become one underscore."""
    return re.sub(r"\W+", "_", text.lower()).strip("_") or "blank"


@dataclass(frozen=True)
class Where:
    """Only events whose ``column`` is one of ``values`` (all texts, compared as text, or all numbers), or in a range.

    A range is of numbers: from ``at_least`` on, up to but without ``below``; either side may be open. An event whose
    column is null is never meant.
    """

    column: str
    values: tuple[str, ...] | tuple[float, ...] = ()
    at_least: float | None = None
    below: float | None = None

    def __post_init__(self) -> None:
        text = all(isinstance(value, str) for value in self.values)
        number = all(_is_number(value) for value in self.values)
        ends = [end for end in (self.at_least, self.below) if end is not None]
        if not (text or number) or bool(self.values) == bool(ends) or not all(map(_is_number, ends)):
            raise ContractError(
                f"where {self.column} has values {self.values!r} and a range {self.at_least!r} to {self.below!r}. "
                "Expected all texts, all numbers, or a range of numbers."
            )
        if number and self.values:
            object.__setattr__(self, "values", tuple(float(value) for value in self.values))
        for name in ("at_least", "below"):
            if (end := getattr(self, name)) is not None:
                object.__setattr__(self, name, float(end))

    @property
    def is_text(self) -> bool:
        """Whether the column is read as text."""
        return bool(self.values) and isinstance(self.values[0], str)

    def holds(self, number: float) -> bool:
        """Whether a number (NaN where null) is one of the values or in the range."""
        if self.values:
            return number in self.values
        return (
            (-math.inf if self.at_least is None else self.at_least)
            <= number
            < (math.inf if self.below is None else self.below)
        )

    @property
    def words(self) -> str:
        """The condition as part of a name."""
        among = " or ".join(f"{value:g}" if isinstance(value, float) else value for value in self.values)
        low = "" if self.at_least is None else f" from {_worded(self.at_least)}"
        high = "" if self.below is None else f" below {_worded(self.below)}"
        return slug(f"{self.column} {among}{low}{high}")


def _worded(number: float) -> str:
    """A number as part of a name, its sign and its point spelled out."""
    return f"{number:g}".replace("-", "minus ").replace(".", " point ")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


@dataclass(frozen=True, kw_only=True)
class Feature(ABC):
    """One question. ``alias`` replaces the derived name where two would be equal.

    ``sign`` is +1 or -1 where the readiness can only grow or only fall with the feature, all else equal, and 0 where
    that is not certain: the trees are bound by it.
    """

    alias: str = ""
    sign: int = 0

    null: ClassVar[str] = "never null"

    @property
    def per(self) -> Per:
        """Whose events it looks at."""
        return "lead"

    def __post_init__(self) -> None:
        self.require(self.sign in (-1, 0, 1), f"sign {self.sign!r}", "-1, 0 or 1")
        self.require(isinstance(self.alias, str), f"alias {self.alias!r}", "text")

    def require(self, holds: bool, found: str, expected: str) -> None:
        """Raises ContractError unless ``holds``."""
        if not holds:
            raise ContractError(f"A {type(self).__name__} feature has {found}. Expected {expected}.")

    @property
    def name(self) -> str:
        """The alias, or the name that follows from the definition."""
        return self.alias or self.derived_name

    @property
    def dtype(self) -> Dtype:
        """A number, unless said otherwise."""
        return "number"

    @property
    @abstractmethod
    def derived_name(self) -> str:
        """The name that follows from the definition."""

    @property
    @abstractmethod
    def unit(self) -> str:
        """What one step of the number is."""

    @property
    @abstractmethod
    def group(self) -> str:
        """The question the feature helps to answer: reasons are told by group."""


@dataclass(frozen=True, kw_only=True)
class OverEvents(Feature):
    """A feature over some of the events.

    ``kinds``: of these kinds; empty means any. ``actor``: by this actor; None means by anyone except sales, because
    sales touches are never engagement. ``where``: which also hold; several must all hold. ``window``: how far back, in
    microseconds; None reaches back for ever. ``per``: of the lead itself, or of all the leads of its account that were
    created before the cutoff (a lead without account_id is an account of its own).
    """

    kinds: tuple[str, ...] = ()
    actor: str | None = None
    where: Where | tuple[Where, ...] | None = None
    window: int | None = None
    per: Per = "lead"

    subject: ClassVar[str] = "engagement"

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require(self.per in ("lead", "account"), f"per {self.per!r}", "lead or account")
        kinds = isinstance(self.kinds, tuple) and all(isinstance(kind, str) for kind in self.kinds)
        self.require(kinds, f"kinds {self.kinds!r}", "a tuple of texts")
        if len(set(self.kinds)) != len(self.kinds):
            self.require(holds=False, found=f"kinds {self.kinds!r}", expected="each kind once")
        self.require(self.actor is None or self.actor in ACTORS, f"actor {self.actor!r}", f"one of {ACTORS} or None")
        where = isinstance(self.conditions, tuple) and all(isinstance(one, Where) for one in self.conditions)
        self.require(where, f"where {self.where!r}", "a Where, several of them, or None")
        if isinstance(self.where, tuple) and len(self.where) < 2:
            object.__setattr__(self, "where", self.where[0] if self.where else None)
        require_span(self, "window", self.window)

    @property
    def conditions(self) -> tuple[Where, ...]:
        """What else must hold of an event."""
        if isinstance(self.where, Where):
            return (self.where,)
        return () if self.where is None else self.where

    def worded(self, what: str, column: str | None = None) -> str:
        """The derived name: whose events, which column, how summarised, how far back."""
        return "_".join(part for part in (*self._whose(), *self._subject(column), what, *self._reach()) if part)

    def _whose(self) -> tuple[str, ...]:
        return ("account",) if self.per == "account" else ()

    def _subject(self, column: str | None) -> tuple[str, ...]:
        who = "sales_touch" if self.actor == "sales" else self.actor or ""
        kinds = "_or_".join(slug(kind) for kind in self.kinds)
        where = "where_" + "_and_".join(one.words for one in self.conditions) if self.conditions else ""
        nobody = not (who or kinds or where or column)
        return (self.subject if nobody else who, kinds, where, slug(column) if column else "")

    def _reach(self) -> tuple[str, ...]:
        return () if self.window is None else (format_duration(self.window),)

    @property
    def question(self) -> str:
        """The question asked when no single kind names it."""
        return "engagement"

    @property
    def group(self) -> str:
        """Sales touches, the one kind, or the question that the summary asks; of the account where it is one's."""
        of = "account: " if self.per == "account" else ""
        if self.actor == "sales":
            return f"{of}sales touches"
        return of + (self.kinds[0] if len(self.kinds) == 1 else self.question)


def require_span(feature: Feature, name: str, span: int | None, *, needed: bool = False) -> None:
    """Raises ContractError unless ``span`` is a whole number of seconds above 0 (or None where not ``needed``)."""
    if span is None and not needed:
        return
    whole = isinstance(span, int) and not isinstance(span, bool) and span > 0 and span % SECOND == 0
    feature.require(whole, f"{name} {span!r}", "whole seconds above 0, in microseconds")
