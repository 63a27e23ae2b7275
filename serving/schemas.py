"""What is asked and what is answered.

Times become microseconds at the door; a null is the same as an absent field, for many platforms cannot leave a field
out. The answer to one lead is flat: no unions, no nulls, no nesting, so that every platform's form builder can read it.
"""

import math
from datetime import datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator

from data.clock import to_micros
from features.feature import ACTORS
from models.states import OPEN_STATES

MAX_EVENTS = 10_000
MAX_LEADS = 1_000
MAX_COLUMNS = 500
_YEARS = (1970, 2200)


def moment(value: object) -> int:
    """Microseconds since 1970 of a time as it is sent. Raises ValueError for what is none."""
    if not isinstance(value, str):
        raise ValueError("expected a time as text, such as 2026-01-31T09:30:00Z.")  # noqa: TRY004 - pydantic reads ValueError
    try:
        found = datetime.fromisoformat(value.strip())
    except ValueError:
        raise ValueError(f"{value[:40]!r} is not an ISO 8601 time. Write it like 2026-01-31T09:30:00Z.") from None
    if found.tzinfo is None:
        raise ValueError(f"{value[:40]} has no time zone. Write {found.isoformat()}Z if it is UTC.")
    if not _YEARS[0] <= found.year < _YEARS[1]:
        raise ValueError(f"{value[:40]} is outside the years {_YEARS[0]} to {_YEARS[1]}. Check it.")
    return to_micros(found)


def plain_text(value: str) -> str:
    """``value``, unless it holds what is no text. Raises ValueError."""
    if "\x00" in value:
        raise ValueError("a NUL character is not text. Take it out.")
    return value


def column_value(value: object) -> str | float:
    """A further value as the tables hold it: numbers and booleans are floats, the rest is text."""
    if isinstance(value, str):
        if len(value) > 1_000:
            raise ValueError(f"a text of {len(value):,} characters. Expected 1,000 at the most.")
        return plain_text(value)
    if isinstance(value, bool | int | float):
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        if not math.isfinite(number):
            raise ValueError("a number beyond the floating-point range. Expected a finite number.")
        return number
    raise ValueError("a list or an object. Expected a text, a number or true/false: flatten it into columns.")


def flat_columns(columns: dict[str, Any]) -> dict[str, str | float]:
    """Further columns as the tables hold them, nulls left out. Raises ValueError for what is not flat."""
    if len(columns) > MAX_COLUMNS:
        raise ValueError(f"{len(columns)} columns. Expected {MAX_COLUMNS} at the most.")
    flat = {}
    for name, value in columns.items():
        plain_text(name)
        try:
            if value is not None:
                flat[name] = column_value(value)
        except ValueError as error:
            raise ValueError(f"{name[:60]!r} is {error}") from None
    return flat


def no_default(schema: dict[str, Any]) -> None:
    """Let OpenAPI say that a field may be absent, not that it is null."""
    schema.pop("default", None)


_TIME = {"type": "string", "format": "date-time", "examples": ["2026-01-31T09:30:00Z"]}
Moment = Annotated[int, BeforeValidator(moment), WithJsonSchema(_TIME)]
MaybeMoment = Annotated[int | None, BeforeValidator(moment), WithJsonSchema(_TIME)]
Name = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(plain_text)]
Text = Annotated[str, Field(max_length=1_000), AfterValidator(plain_text)]
MaybeText = Annotated[Text | None, WithJsonSchema({"type": "string", "maxLength": 1_000})]
MaybeNumber = Annotated[float | None, WithJsonSchema({"type": "number"})]
Columns = Annotated[
    dict[str, Any], AfterValidator(flat_columns), WithJsonSchema({"type": "object", "additionalProperties": True})
]


def optional(description: str) -> Any:
    """A field that may be absent."""
    return Field(default=None, description=description, json_schema_extra=no_default)


class Asked(BaseModel):
    """What is sent: unknown fields are refused, a null is the same as nothing."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, coerce_numbers_to_str=True)

    @model_validator(mode="before")
    @classmethod
    def _null_is_absent(cls, raw: Any) -> Any:
        return {name: value for name, value in raw.items() if value is not None} if isinstance(raw, dict) else raw


class EventIn(Asked):
    """Something that a lead, marketing or sales did. Further flat columns are taken as they are."""

    model_config = ConfigDict(extra="allow")

    kind: Name = Field(description="What happened, in the words of the training data.", examples=["pricing_view"])
    occurred_at: Moment = Field(description="When it happened: ISO 8601 with a zone.")
    known_at: MaybeMoment = optional("When it could have been known, if later than it happened.")
    actor: str = Field(default="lead", description="Who did it: lead, marketing or sales.", examples=["lead"])
    value: MaybeNumber = optional("A number that belongs to it, such as seconds on a page or an amount.")
    item: MaybeText = optional("The asset, page or campaign.")
    event_id: MaybeText = optional("An id of its own: an event that comes twice counts once.")

    @model_validator(mode="after")
    def _fits(self) -> "EventIn":
        if self.actor not in ACTORS:
            raise ValueError(f"actor is {self.actor[:40]!r}. Expected lead, marketing or sales.")
        if self.known_at is not None and self.known_at < self.occurred_at:
            raise ValueError("known_at is before occurred_at. An event cannot be known before it happens.")
        if self.model_extra:
            flat = flat_columns(self.model_extra)
            self.model_extra.clear()
            self.model_extra.update(flat)
        return self


class AccountEventIn(EventIn):
    """What another lead of the same account did, or what was done to it."""

    lead_id: Name = Field(description="Whose event it is.", examples=["L-1043"])


class OutcomeIn(Asked):
    """What sales recorded about a lead: only to see that the lead is still open."""

    kind: Name = Field(description="The outcome, in the words of the contract.", examples=["lost"])
    occurred_at: Moment = Field(description="When it happened: ISO 8601 with a zone.")
    known_at: MaybeMoment = optional("When it could have been known, if later than it happened.")
    value: MaybeNumber = optional("What it was worth.")


class LeadIn(Asked):
    """One lead with what is known of it. A null counts as absent."""

    lead_id: Name = Field(description="Your id of the lead; it comes back in the answer.", examples=["L-1042"])
    created_at: Moment = Field(description="When the lead was created: ISO 8601 with a zone.")
    as_of: MaybeMoment = optional("The moment the question is asked at; now, when absent. Later events are ignored.")
    attributes: Columns = Field(
        default={},
        description="Flat attributes by name: texts, numbers, true/false. Names unknown to the model are ignored.",
        examples=[{"industry": "software", "employees": 250}],
    )
    events: list[EventIn] = Field(
        default=[], max_length=MAX_EVENTS, description="What happened, in any order. Without events: the base rate."
    )
    account_attributes: Columns = Field(
        default={},
        description="Flat attributes of the lead's account, like those of the lead.",
        examples=[{"tier": "gold"}],
    )
    account_events: list[AccountEventIn] = Field(
        default=[],
        max_length=MAX_EVENTS,
        description="What the other leads of its account did, for models with features per account.",
    )
    outcomes: list[OutcomeIn] = Field(default=[], max_length=1_000, description="What sales recorded so far.")
    state: Annotated[str | None, WithJsonSchema({"type": "string", "enum": list(OPEN_STATES)})] = optional(
        "The `state` of the last answer, or what sales made of it: dwell, cool-down and fall-back count from it."
    )
    state_since: MaybeMoment = optional("Since when the lead is in `state`; both or none.")

    @model_validator(mode="after")
    def _fits(self) -> "LeadIn":
        if self.state is not None and self.state not in OPEN_STATES:
            raise ValueError(f"state is {self.state[:40]!r}. Expected one of {', '.join(OPEN_STATES)}.")
        if (self.state is None) != (self.state_since is None):
            missing = "state" if self.state is None else "state_since"
            raise ValueError(f"{missing} is missing. Give state and state_since together, or neither.")
        return self


class LeadsIn(BaseModel):
    """Many leads. Each is judged on its own: a bad one is refused with its reason, the others are answered."""

    leads: list[LeadIn] = Field(max_length=MAX_LEADS, description="The leads; the answers keep their order.")


class LeadsRaw(BaseModel):
    """`LeadsIn` before each lead is looked at."""

    model_config = ConfigDict(extra="forbid")

    leads: list[Any] = Field(max_length=MAX_LEADS)


class ScoreOut(BaseModel):
    """How ready one lead is, flat."""

    lead_id: str = Field(description="The id that was sent.", examples=["L-1042"])
    as_of: str = Field(description="The moment asked about, UTC.", examples=["2026-01-31T09:30:00Z"])
    readiness: float = Field(description="Calibrated probability of the outcome within the horizon.", examples=[0.124])
    horizon_days: float = Field(description="The horizon of `readiness`, in days.", examples=[90])
    base_rate: float = Field(description="The share of test rows with the outcome: the readiness of any lead.")
    index: float = Field(description="Readiness on the contract's 0-100 scale: the same odds in every version.")
    decision: str = Field(description="Whose it is: hand off, nurture, recycle or let go.", examples=["hand off"])
    decision_reason: str = Field(description="Why, in one sentence.")
    state: str = Field(description="Where the lead stands: nurture, ready, working, recycled or let go.")
    next_date: str = Field(
        description="When it is due, UTC: the next touch, the end of a cool-down. Empty: ready or let go.",
        examples=["2026-02-14T09:30:00Z"],
    )
    reason_1: str = Field(description="The strongest dated evidence; empty when there is none.")
    reason_2: str = Field(description="The next; empty when there is none.")
    reason_3: str = Field(description="The next; empty when there is none.")
    events_used: int = Field(description="Events that happened and were known before `as_of`.")
    events_ignored: int = Field(description="Events at or after `as_of`, known only then, or sent twice.")
    product: str = Field(description="The product of the contract.")
    model_version: str = Field(description="The registry's version number; empty for a bundle from elsewhere.")
    bundle_id: str = Field(description="The bundle that scored: its SHA-256.")


class ScoreManyOut(ScoreOut):
    """How ready one of many leads is."""

    position: int = Field(description="Its place in the request, from 0.")
    horizons: dict[str, float] = Field(description="Readiness by horizon.", examples=[{"30d": 0.051, "90d": 0.124}])


class RefusedOut(BaseModel):
    """A lead that could not be scored."""

    position: int = Field(description="Its place in the request, from 0.")
    lead_id: str = Field(description="Its id, where one could be read.")
    reason: str = Field(description="What was found, what was expected, what to do.")


class ScoresOut(BaseModel):
    """Answers in the order of the request; leads that could not be scored are in `refused`."""

    scores: list[ScoreManyOut]
    refused: list[RefusedOut]


class StatusOut(BaseModel):
    """The state of the service in one word."""

    status: str = Field(description="alive, or ready.", examples=["ready"])


class ReadyOut(StatusOut):
    """Whether the service is ready, and what is not as it should be all the same."""

    detail: str = Field(description="What needs somebody's attention; empty when nothing does.")


class ModelOut(BaseModel):
    """Which model answers."""

    product: str = Field(description="The product of the contract.")
    model_version: str = Field(description="The registry's version number; empty for a bundle from elsewhere.")
    bundle_id: str = Field(description="The bundle's SHA-256.")
    horizon_days: float = Field(description="The horizon of `readiness`, in days.")
    horizons: list[str] = Field(description="Every horizon that `/v1/scores` answers for.", examples=[["30d", "90d"]])
    base_rate: float = Field(description="The share of test rows with the outcome within the horizon.")
    card: dict[str, Any] = Field(description="The version card, as it was written at training.")
