"""What all features share: a derived name, a type, a unit, what nothing means, and the question they answer.

A feature is a question about a lead's past at a cutoff *c*. It sees the events with ``c - window <= occurred_at < c``
and ``known_at < c`` (``data.clock.in_window``), also those from before the lead's creation. NULL, None, NaN and
infinities are one thing: null. An event whose column is null is not there for a feature over that column.
"""

import re
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Literal

from data.clock import SECOND, format_duration
from data.errors import ContractError

Dtype = Literal["number", "category"]

ACTORS = ("lead", "marketing", "sales")
"""As in ``data.tables``, restated because the service reads this module without pyarrow; a test compares the two."""


def slug(text: str) -> str:
    """``text`` as part of a name: lower case, runs of other signs become one underscore."""
    return re.sub(r"\W+", "_", text.lower()).strip("_") or "blank"


@dataclass(frozen=True)
class Where:
    """Only events whose ``column`` is one of ``values``: all texts (compared as text) or all numbers."""

    column: str
    values: tuple[str, ...] | tuple[float, ...]

    def __post_init__(self) -> None:
        text = all(isinstance(value, str) for value in self.values)
        number = all(isinstance(value, int | float) and not isinstance(value, bool) for value in self.values)
        if not self.values or not (text or number):
            raise ContractError(f"where {self.column} is one of {self.values!r}. Expected all texts or all numbers.")
        if number:
            object.__setattr__(self, "values", tuple(float(value) for value in self.values))

    @property
    def is_text(self) -> bool:
        """Whether the column is read as text."""
        return isinstance(self.values[0], str)

    @property
    def words(self) -> str:
        """The condition as part of a name."""
        return slug(
            f"{self.column} "
            + " or ".join(f"{value:g}" if isinstance(value, float) else value for value in self.values)
        )


@dataclass(frozen=True, kw_only=True)
class Feature(ABC):
    """One question. ``alias`` replaces the derived name where two would be equal.

    ``sign`` is +1 or -1 where the readiness can only grow or only fall with the feature, all else equal, and 0 where
    that is not certain: the trees are bound by it.
    """

    alias: str = ""
    sign: int = 0

    null: ClassVar[str] = "never null"

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
    sales touches are never engagement. ``window``: how far back, in microseconds; None reaches back for ever.
    """

    kinds: tuple[str, ...] = ()
    actor: str | None = None
    where: Where | None = None
    window: int | None = None

    subject: ClassVar[str] = "engagement"

    def __post_init__(self) -> None:
        super().__post_init__()
        kinds = isinstance(self.kinds, tuple) and all(isinstance(kind, str) for kind in self.kinds)
        self.require(kinds, f"kinds {self.kinds!r}", "a tuple of texts")
        if len(set(self.kinds)) != len(self.kinds):
            self.require(holds=False, found=f"kinds {self.kinds!r}", expected="each kind once")
        self.require(self.actor is None or self.actor in ACTORS, f"actor {self.actor!r}", f"one of {ACTORS} or None")
        self.require(self.where is None or isinstance(self.where, Where), f"where {self.where!r}", "a Where or None")
        require_span(self, "window", self.window)

    def worded(self, what: str, column: str | None = None) -> str:
        """The derived name: whose events, which column, how summarised, how far back."""
        return "_".join(part for part in (*self._subject(column), what, *self._reach()) if part)

    def _subject(self, column: str | None) -> tuple[str, ...]:
        who = "sales_touch" if self.actor == "sales" else self.actor or ""
        kinds = "_or_".join(slug(kind) for kind in self.kinds)
        where = f"where_{self.where.words}" if self.where else ""
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
        """Sales touches, the one kind, or the question that the summary asks."""
        if self.actor == "sales":
            return "sales touches"
        return self.kinds[0] if len(self.kinds) == 1 else self.question


def require_span(feature: Feature, name: str, span: int | None, *, needed: bool = False) -> None:
    """Raises ContractError unless ``span`` is a whole number of seconds above 0 (or None where not ``needed``)."""
    if span is None and not needed:
        return
    whole = isinstance(span, int) and not isinstance(span, bool) and span > 0 and span % SECOND == 0
    feature.require(whole, f"{name} {span!r}", "whole seconds above 0, in microseconds")
