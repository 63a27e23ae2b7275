"""Bodies for form builders such as Salesforce's: one level, plain values, nothing null."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

from serving.schemas import MaybeNumber, Moment, Name

Given = Annotated[bool, Field(description="True: sales returns the lead to marketing; it rests for a while.")]


def _no_default(schema: dict[str, Any]) -> None:
    schema.pop("default", None)


class _Flat(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, coerce_numbers_to_str=True)


class FlatLeadIn(_Flat):
    """The lead that is asked about."""

    lead_id: Name = Field(description="The id of the lead.", examples=["00Q5g00000ABCDE"])


class FlatTouchIn(_Flat):
    """Something that sales did with a lead: a call, a meeting."""

    lead_id: Name = Field(description="The id of the lead.", examples=["00Q5g00000ABCDE"])
    kind: Name = Field(description="What was done, in the words of the training data.", examples=["call"])
    occurred_at: Moment = Field(description="When it was done: ISO 8601 with a zone.")
    given_back: Given = False


class FlatOutcomeIn(_Flat):
    """What sales recorded about a lead."""

    lead_id: Name = Field(description="The id of the lead.", examples=["00Q5g00000ABCDE"])
    kind: Name = Field(description="The outcome, in the words of the contract.", examples=["won"])
    occurred_at: Moment = Field(description="When it happened: ISO 8601 with a zone.")
    value: Annotated[MaybeNumber, WithJsonSchema({"type": "number"})] = Field(
        default=None, description="What it is worth.", json_schema_extra=_no_default
    )


class FlatTakenOut(BaseModel):
    """What became of what was sent."""

    taken: int = Field(description="1 when it was stored now, 0 when it was there already.")
    duplicates: int = Field(description="1 when it was there already.")


class FlatScoreOut(BaseModel):
    """How ready a lead is, flat."""

    lead_id: str = Field(description="The id of the lead.")
    as_of: str = Field(description="The moment asked about, UTC.", examples=["2026-01-31T09:30:00Z"])
    readiness: float = Field(description="Calibrated probability of the outcome within the horizon.", examples=[0.124])
    horizon_days: float = Field(description="The horizon of readiness, in days.", examples=[90])
    index: int = Field(description="Readiness on a scale of 0 to 100: the same odds in every version.", examples=[61])
    state: str = Field(description="Where the lead stands: nurture, ready, working, recycled or let go.")
    decision: str = Field(description="Whose it is: hand off, nurture, recycle or let go.")
    decision_reason: str = Field(description="Why, in one sentence.")
    next_date: str = Field(description="When it is due, UTC; empty where it is not.")
    reason_1: str = Field(description="The strongest dated evidence; empty when there is none.")
    reason_2: str = Field(description="The next; empty when there is none.")
    reason_3: str = Field(description="The next; empty when there is none.")
    model_version: str = Field(description="The version that scored.")
