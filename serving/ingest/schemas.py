"""What the doors of ingest are told and what they answer, as OpenAPI shows it."""

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, WithJsonSchema, model_validator

from serving.ingest.judging import EVENT_ID_LENGTH, ID_LENGTH
from serving.schemas import (
    MAX_COLUMNS,
    Asked,
    EventIn,
    MaybeMoment,
    Name,
    OutcomeIn,
    column_value,
    optional,
    plain_text,
)

MAX_ITEMS = 10_000


def _attributes(told: dict[str, Any]) -> dict[str, Any]:
    """Flat values by name; a null is kept, for it takes a value away."""
    if len(told) > MAX_COLUMNS:
        raise ValueError(f"{len(told)} attributes. Expected {MAX_COLUMNS} at the most.")
    flat = {}
    for name, value in told.items():
        _column_name(name)
        try:
            flat[name] = None if value is None else column_value(value)
        except ValueError as error:
            raise ValueError(f"{name[:60]!r} is {error}") from None
    return flat


def _column_name(name: str) -> None:
    plain_text(name)
    if not 0 < len(name) <= ID_LENGTH:
        raise ValueError(f"a name of {len(name):,} characters. Expected 1 to {ID_LENGTH}.")


_ID = {"type": "string", "minLength": 1, "maxLength": EVENT_ID_LENGTH}
OwnId = Annotated[
    Annotated[str, Field(min_length=1, max_length=EVENT_ID_LENGTH), AfterValidator(plain_text)] | None,
    WithJsonSchema(_ID),
]
Attributes = Annotated[
    dict[str, Any], AfterValidator(_attributes), WithJsonSchema({"type": "object", "additionalProperties": True})
]


class EventTold(EventIn):
    """Something that a lead, marketing or sales did. Further flat columns are kept as they are."""

    lead_id: Name = Field(description="Whose event it is. An unknown lead is made.", examples=["L-1042"])
    event_id: OwnId = optional("Your id of it, by which it counts once. Without one its content tells it apart.")
    given_back: bool = Field(default=False, description="With the actor sales: sales gives the lead back.")

    @model_validator(mode="after")
    def _is_whole(self) -> "EventTold":
        if self.given_back and self.actor != "sales":
            raise ValueError(f"given_back is what sales does, but actor is {self.actor!r}. Set actor to sales.")
        for name in self.model_extra or ():
            _column_name(name)
        return self


class TouchTold(EventTold):
    """Something that sales did: a call, a meeting. It is never counted as engagement."""

    actor: Annotated[str, WithJsonSchema({"type": "string", "const": "sales"})] = Field(
        default="sales", description="sales, or nothing."
    )

    @model_validator(mode="after")
    def _is_of_sales(self) -> "TouchTold":
        if self.actor != "sales":
            raise ValueError(f"actor is {self.actor!r}. A touch is what sales does: send the others to /v1/events.")
        return self


class OutcomeTold(OutcomeIn):
    """What sales recorded about a lead: an opportunity, won, lost."""

    lead_id: Name = Field(description="Whose outcome it is. An unknown lead is made.", examples=["L-1042"])
    outcome_id: OwnId = optional("Your id of it, by which it counts once. Without one its content tells it apart.")


class LeadDescribed(Asked):
    """What is known of a lead. Attributes that are not named stay as they are; a null takes one away."""

    created_at: MaybeMoment = optional("When the lead was created: ISO 8601 with a zone. Without it: a guess.")
    account_id: Annotated[Name | None, WithJsonSchema({"type": "string", "minLength": 1, "maxLength": ID_LENGTH})] = (
        optional("The account that it belongs to.")
    )
    attributes: Attributes = Field(
        default={},
        description="Flat attributes by name: texts, numbers, true/false, or null to take one away.",
        examples=[{"industry": "software", "employees": 250}],
    )
    known_at: MaybeMoment = optional("When this was known: now, when absent. For loading a history.")


class LeadTold(LeadDescribed):
    """A lead among many: its id, and what is known of it."""

    lead_id: Name = Field(description="Your id of the lead.", examples=["L-1042"])


class AccountDescribed(Asked):
    """What is known of an account. Attributes that are not named stay as they are; a null takes one away."""

    attributes: Attributes = Field(
        default={}, description="Flat attributes by name, like those of a lead.", examples=[{"tier": "gold"}]
    )
    known_at: MaybeMoment = optional("When this was known: now, when absent. For loading a history.")


class AccountTold(AccountDescribed):
    """An account among many: its id, and what is known of it."""

    account_id: Name = Field(description="Your id of the account.", examples=["A-17"])


class EventsTold(BaseModel):
    """Many events."""

    model_config = ConfigDict(extra="forbid")
    events: list[EventTold] = Field(max_length=MAX_ITEMS)


class RejectedOut(BaseModel):
    """Something that was sent and not taken."""

    position: int = Field(description="Its place in the request, from 0.")
    reason: str = Field(description="What was found, what was expected, what to do.")


class TakenOut(BaseModel):
    """What became of a call, told once it is durable: `taken + duplicates + refused` is what was sent."""

    taken: int = Field(description="How many were new, and are stored.")
    duplicates: int = Field(description="How many said what is stored already.")
    refused: list[RejectedOut] = Field(
        description="Those that are wrong, each with its reason; send them again mended."
    )


class ErasedOut(BaseModel):
    """What an erasure removed."""

    erased: int = Field(description="How many rows are gone; 0 when nothing was known of the lead.")
    rows: dict[str, int] = Field(description="How many of each table.", examples=[{"events": 214, "scores": 12}])
