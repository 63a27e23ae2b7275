"""Features that need no event: attributes of the lead and its account, its age, and the day of the question."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from features.feature import Dtype, Feature, slug

LOGGED = ("changes", "account_changes")
"""Sources whose values have a history; the others are as known from the start."""


@dataclass(frozen=True, kw_only=True)
class Attribute(Feature):
    """An attribute of the lead or its account, as of the cutoff.

    ``type``: ``number``; ``category`` (a level of the vocabulary); ``time`` (days from that moment to the cutoff,
    negative when it lies ahead). It is part of the definition, so that a value of another type is parsed or null, but
    never changes what the feature means. ``source``:

    - ``leads``: the column of the leads table, as known at creation.
    - ``changes``: only the changes with ``known_at < cutoff``, the latest wins; before the first one the attribute is
      null and the leads column is *not* looked at. That defeats fields that were filled in later. It holds for all
      leads as soon as the history logs changes of the field for any of them, and is frozen here so that a cut history,
      a partition and one lead alone are read alike.
    - ``accounts``: the column of the accounts table, joined by account_id.
    - ``account_changes``: the like of ``changes`` for accounts.
    """

    column: str
    type: Literal["number", "category", "time"] = "category"
    source: Literal["leads", "changes", "accounts", "account_changes"] = "leads"

    null: ClassVar[str] = "not known"

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require(isinstance(self.column, str) and bool(self.column), f"column {self.column!r}", "a name")
        self.require(self.type in ("number", "category", "time"), f"type {self.type!r}", "number, category or time")
        sources = ("leads", "changes", "accounts", "account_changes")
        self.require(self.source in sources, f"source {self.source!r}", f"one of {sources}")

    @property
    def dtype(self) -> Dtype:
        """A category, or a number."""
        return "category" if self.type == "category" else "number"

    @property
    def of_account(self) -> bool:
        """Whether it is the account's."""
        return self.source in ("accounts", "account_changes")

    @property
    def derived_name(self) -> str:
        """Such as ``industry``, ``account_size``, ``days_since_renewal``."""
        words = ("days_since" if self.type == "time" else "", "account" if self.of_account else "")
        return "_".join(word for word in (*words, slug(self.column)) if word)

    @property
    def unit(self) -> str:
        """A level, days, or the unit of the column."""
        return {"category": "level", "time": "days", "number": f"unit of {self.column}"}[self.type]

    @property
    def group(self) -> str:
        """Such as ``profile: industry``."""
        return f"profile: {'account ' if self.of_account else ''}{self.column}"


@dataclass(frozen=True, kw_only=True)
class Tenure(Feature):
    """Days from the lead's creation to the cutoff."""

    derived_name: ClassVar[str] = "tenure_days"
    unit: ClassVar[str] = "days"
    group: ClassVar[str] = "time since creation"


@dataclass(frozen=True, kw_only=True)
class Calendar(Feature):
    """A part of the cutoff in UTC: ``month`` 1 to 12, ``weekday`` 0 (Monday) to 6, ``hour`` 0 to 23."""

    part: Literal["month", "weekday", "hour"]

    group: ClassVar[str] = "season"

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require(self.part in ("month", "weekday", "hour"), f"part {self.part!r}", "month, weekday or hour")

    @property
    def derived_name(self) -> str:
        """Such as ``cutoff_month``."""
        return f"cutoff_{self.part}"

    @property
    def unit(self) -> str:
        """The part."""
        return self.part
