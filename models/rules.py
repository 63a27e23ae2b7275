"""The grammar of hand-made points: a neutral TOML table of rules, validated, never guessed.

    threshold = 60                                  # from which sales is asked to call

    [[rule]]
    id = "pricing"
    name = "Looked at prices"
    when = { event = "pricing_view", item = "plans", min_count = 2, within = "30d" }   # or actor = "sales"
    # also: item = ["plans", "offer"], item_like = "*/plans*", max_count = 1, returning = { within = "7d" }
    points = 20
    repeat = "always"                               # or "once", or "once_per" with key = "item" or "day"
    max_points = 60                                 # the most that this rule gives (or takes) in all
    decay = { half_life = "30d" }                   # or linear, expire, or step_pct = 50 with every = "30d"
    group = "interest"
    from = 2025-03-01                               # events before it, or at or after until, have no points
    until = 2025-09-01T00:00:00Z

    [[rule]]
    id = "seniority"
    when = { field = "seniority", op = "in", value = ["director", "vp"] }   # eq ne in ge le gt lt
    points = 15

    [inactivity]                                    # or several: [[inactivity]]
    after = "60d"
    points = -20

    [caps.interest]
    max = 80
    [caps.total]
    min = 0

``models.points`` says what the rules mean.
"""

from collections.abc import Iterable
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, FiniteFloat, StrictBool, StrictStr, model_validator

from data.terms import Duration, Moment

Positive = Annotated[Duration, Field(gt=0)]
Points = Annotated[FiniteFloat, Field(strict=True)]
Count = Annotated[int, Field(ge=1, le=1_000_000)]
Scalar = StrictBool | Annotated[FiniteFloat, Field(strict=True)] | StrictStr


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Returning(_Part):
    """How long after an earlier event of the same kind an event must come: no later than, or no sooner than."""

    within: Positive | None = None
    after: Positive | None = None
    to: Literal["item", "any"] = "item"
    """Whether that earlier event is of the rule's own items, or of any item."""
    since: Literal["latest", "first"] = "latest"
    """Whether it is the latest before the event, or the lead's first of all."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.within is None and self.after is None:
            raise ValueError("returning needs within, after, or both, such as { within = '7d' }.")
        return self


class When(_Part):
    """What a rule looks at: events of a kind, or one attribute."""

    event: str | None = None
    item: Annotated[str | tuple[str, ...], Field(min_length=1)] | None = None
    item_like: Annotated[str, Field(min_length=1)] | None = None
    """A pattern as file names have them: ``*`` is any text, ``?`` one character, ``[ab]`` one of these."""
    actor: Literal["lead", "marketing", "sales"] | None = None
    min_count: Count = 1
    max_count: Count | None = None
    within: Positive | None = None
    returning: Returning | None = None
    field: str | None = None
    op: Literal["eq", "ne", "in", "ge", "le", "gt", "lt"] | None = None
    value: Scalar | tuple[Scalar, ...] | None = None

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if (self.event is None) == (self.field is None):
            raise ValueError("a rule looks at an event or at a field: give exactly one of the two.")
        of_fields = {"field", "op", "value"}
        foreign = of_fields if self.event is not None else self.model_fields_set - of_fields
        if found := sorted(foreign & self.model_fields_set):
            raise ValueError(f"{found[0]} does not belong to a rule on {'events' if self.event else 'a field'}.")
        if self.item is not None and self.item_like is not None:
            raise ValueError("item and item_like are two ways to say which items: give one of them.")
        if self.max_count is not None and self.max_count < self.min_count:
            raise ValueError(f"max_count {self.max_count} is below min_count {self.min_count}: no event has points.")
        if self.field is not None:
            _check_comparison(self.op, self.value)
        return self

    @property
    def items(self) -> tuple[str, ...]:
        """The items that an event rule names, none where it takes any or a pattern."""
        return (self.item,) if isinstance(self.item, str) else self.item or ()

    @property
    def values(self) -> tuple[Scalar, ...]:
        """The value or values that a field is compared with."""
        if isinstance(self.value, tuple):
            return self.value
        return () if self.value is None else (self.value,)

    @property
    def numeric(self) -> bool:
        """Whether a field is compared as a number (true and false are 1 and 0)."""
        return not isinstance(self.values[0], str)


def _check_comparison(op: str | None, value: Scalar | tuple[Scalar, ...] | None) -> None:
    if op is None or value is None:
        raise ValueError("a rule on a field needs an op (eq, ne, in, ge, le, gt or lt) and a value.")
    if (op == "in") != isinstance(value, tuple):
        raise ValueError("op = 'in' takes a list of values, every other op takes one value.")
    if isinstance(value, tuple) and (not value or len({isinstance(part, str) for part in value}) > 1):
        raise ValueError("op = 'in' takes a list of texts or a list of numbers, with one entry at least.")
    if op in {"ge", "le", "gt", "lt"} and (isinstance(value, str | bool)):
        raise ValueError(f"op = {op!r} compares numbers, but the value is {value!r}.")


class Decay(_Part):
    """How the points of an event fade with its age: exactly one of the four ways."""

    half_life: Positive | None = None
    linear: Positive | None = None
    expire: Positive | None = None
    step_pct: Annotated[float, Field(gt=0, le=100)] | None = None
    every: Positive | None = None

    @model_validator(mode="after")
    def _fits(self) -> Self:
        ways = [way for way in ("half_life", "linear", "expire", "step_pct") if getattr(self, way) is not None]
        if len(ways) != 1:
            raise ValueError("decay is exactly one of half_life, linear, expire and step_pct (with every).")
        if (self.step_pct is None) != (self.every is None):
            raise ValueError("step_pct and every belong together, such as { step_pct = 50, every = '30d' }.")
        return self


class Rule(_Part):
    """So many points for what a lead did, or for who the lead is."""

    id: Annotated[str, Field(min_length=1)]
    name: str = ""
    when: When
    points: Points
    repeat: Literal["always", "once", "once_per"] = "always"
    key: Literal["item", "day"] | None = None
    max_points: Annotated[Points, Field(gt=0)] | None = None
    decay: Decay | None = None
    group: Annotated[str, Field(min_length=1)] | None = None
    start: Moment | None = Field(default=None, alias="from")
    """From when on events have points; ``min_count`` counts the earlier ones too."""
    until: Moment | None = None

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if (self.repeat == "once_per") != (self.key is not None):
            raise ValueError("repeat = 'once_per' and key = 'item' or 'day' belong together.")
        if self.group == "total":
            raise ValueError("a group cannot be called total: caps.total bounds the whole score.")
        foreign = {"repeat", "key", "max_points", "decay", "start", "until"} & self.model_fields_set
        if self.when.field is not None and foreign:
            found = min(foreign).replace("start", "from")
            raise ValueError(f"{found} belongs to rules on events; a field has its points while it holds.")
        if self.start is not None and self.until is not None and self.start >= self.until:
            raise ValueError("from is not before until: no event has points.")
        return self


class Inactivity(_Part):
    """Points for a lead that has done nothing for so long."""

    after: Positive
    points: Points


class Cap(_Part):
    """The bounds of a group, or of the total."""

    min: Points | None = None
    max: Points | None = None

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.min is None and self.max is None:
            raise ValueError("a cap has a min, a max, or both.")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"min {self.min:g} is above max {self.max:g}.")
        return self


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, dict) else value


class PointsTable(_Part):
    """All rules, and the threshold from which sales is asked to call."""

    threshold: Points | None = None
    rules: Annotated[tuple[Rule, ...], Field(alias="rule", min_length=1)]
    inactivity: Annotated[tuple[Inactivity, ...], BeforeValidator(_listed)] = ()
    caps: dict[str, Cap] = {}

    @model_validator(mode="after")
    def _fits(self) -> Self:
        ids = [rule.id for rule in self.rules]
        if repeated := sorted({name for name in ids if ids.count(name) > 1}):
            raise ValueError(f"{len(repeated)} rule ids are used twice (first: {repeated[0]!r}). Give each its own.")
        if unused := sorted(self.caps.keys() - {"total"} - set(self.groups)):
            raise ValueError(f"caps.{unused[0]} bounds a group that no rule has. Known groups: {list(self.groups)}.")
        return self

    @classmethod
    def of(
        cls, rules: Iterable[Rule], inactivity: Iterable[Inactivity] = (), threshold: float | None = None
    ) -> "PointsTable":
        """A table of rules that are there already. Raises ValueError when they do not fit together."""
        return cls.model_validate({"rule": [*rules], "inactivity": [*inactivity], "threshold": threshold})

    @property
    def groups(self) -> tuple[str, ...]:
        """The names of the groups, in the order of their first rule."""
        return tuple(dict.fromkeys(rule.group for rule in self.rules if rule.group is not None))
