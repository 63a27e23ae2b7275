"""What is answered about stored leads. Absent where there is nothing to say, never null."""

from typing import Annotated, Any

from pydantic import BaseModel, Field, WithJsonSchema

Number = Annotated[float | None, WithJsonSchema({"type": "number"})]
_CHANCE = "With which chance the policy decided so: 1 by the threshold, less by exploration; absent otherwise."


class ReasonOut(BaseModel):
    """One dated piece of evidence."""

    text: str = Field(description="What is known, in a sentence.", examples=["3 pricing views since 12 May 2026"])
    push: float = Field(description="How much it moves the log-odds away from their base.")
    since: str = Field(description="The first event that it speaks of, UTC; empty when it has no date.")
    until: str = Field(description="The last one; empty when it has no date.")


class CrossingOut(BaseModel):
    """A lead that moved from one state to another."""

    at: str = Field(description="When, UTC.")
    before: str = Field(description="The state before.", examples=["nurture"])
    after: str = Field(description="The state after.", examples=["ready"])
    reason: str = Field(description="Why, in one sentence.")
    cause: str = Field(description="What brought it about: event, touch, outcome, lead, night or model.")
    score_id: str = Field(description="The score behind it; empty when sales said so.")
    propensity: Number = Field(default=None, description=_CHANCE)


class PastScoreOut(BaseModel):
    """A score in short."""

    score_id: str = Field(description="GET /v1/scores/{score_id} explains it.")
    as_of: str = Field(description="The moment asked about, UTC.")
    readiness: float = Field(description="Calibrated probability of the outcome within the horizon.")
    index: float = Field(description="Readiness on the contract's 0-100 scale.")
    decision: str = Field(description="Whose it was: hand off, nurture, recycle or let go.")
    model_version: str = Field(description="The version that scored; empty for a bundle from elsewhere.")
    cause: str = Field(description="Why it was made: lead, payload, event, night, model, policy or job.")


class StandingOut(BaseModel):
    """Where a lead stands."""

    lead_id: str = Field(description="The lead.", examples=["L-1042"])
    account_id: str = Field(description="Its account; empty when there is none.")
    created_at: str = Field(description="When it was created, UTC.")
    state: str = Field(description="nurture, ready, working, recycled, won, lost or let go.", examples=["ready"])
    state_since: str = Field(description="Since when, UTC.")
    decision: str = Field(description="Whose it is: hand off, nurture, recycle or let go; empty when it is closed.")
    decision_reason: str = Field(description="Why, in one sentence.")
    next_date: str = Field(description="When it is due, UTC; empty when it is ready, closed or let go.")
    last_touch: str = Field(description="The last touch by sales, UTC; empty when it was never contacted.")
    last_nurture: str = Field(description="The last touch by marketing, UTC; empty when there was none.")
    readiness: Number = Field(default=None, description="At its last look; absent when it was closed before any.")
    index: Number = Field(default=None, description="The same on the contract's 0-100 scale.")
    score_id: str = Field(description="The score of its last look; empty when there was none.")
    decided_at: str = Field(description="When it was last looked at, UTC.")
    propensity: Number = Field(default=None, description=_CHANCE)


class WorkListOut(BaseModel):
    """A page of leads."""

    leads: list[StandingOut]
    next_cursor: str = Field(description="Send it as `cursor` for the next page; empty on the last one.")


class LeadOut(StandingOut):
    """A lead with its score as of now, and its past."""

    attributes: dict[str, Any] = Field(description="What is known of it.")
    as_of: str = Field(description="The moment of the score, UTC; empty when it is closed.")
    horizon_days: Number = Field(default=None, description="The horizon of `readiness`, in days.")
    horizons: dict[str, float] = Field(description="Readiness by horizon.", examples=[{"30d": 0.051, "90d": 0.124}])
    reasons: list[ReasonOut] = Field(description="The strongest evidence first.")
    model_version: str = Field(description="The version that scored.")
    bundle_id: str = Field(description="The bundle that scored: its SHA-256.")
    states: list[CrossingOut] = Field(description="How it came there, latest first; 50 at the most.")
    scores: list[PastScoreOut] = Field(description="Its scores, latest first; 50 at the most.")


class EntryOut(BaseModel):
    """Something in the life of a lead."""

    at: str = Field(description="When, UTC.")
    type: str = Field(description="event, outcome, attribute, score or crossing.", examples=["event"])
    what: str = Field(description="The kind of event or outcome, the attribute, the decision, the crossing.")
    who: str = Field(default="", description="Who did it, or what caused it.")
    detail: str = Field(default="", description="What else is known of it.")
    known_at: str = Field(default="", description="When it could have been known, UTC.")
    id: str = Field(default="", description="The id of a score or a crossing.")


class TimelineOut(BaseModel):
    """A page of what happened, latest first."""

    entries: list[EntryOut]
    next_cursor: str = Field(description="Send it as `cursor` for the next page; empty on the last one.")


class ReplayOut(BaseModel):
    """The same score computed again."""

    verdict: str = Field(description="equal, different or not possible.")
    why: str = Field(description="In one sentence.")
    readiness: Number = Field(default=None, description="What came out; absent when it was not possible.")
    reasons: list[ReasonOut] = Field(description="What the model would say now of that moment.")


class KeptScoreOut(BaseModel):
    """A score as it was told, and whether it comes out the same today."""

    score_id: str = Field(description="Its id.")
    lead_id: str = Field(description="The lead.")
    as_of: str = Field(description="The moment asked about, UTC.")
    scored_at: str = Field(description="When it was made, UTC.")
    cause: str = Field(description="Why it was made: lead, payload, event, night, model, policy or job.")
    readiness: float = Field(description="Calibrated probability of the outcome within the horizon.")
    horizon_days: float = Field(description="The horizon of `readiness`, in days.")
    horizons: dict[str, float] = Field(description="Readiness by horizon.")
    base_rate: float = Field(description="The share of test rows with the outcome.")
    index: float = Field(description="Readiness on the contract's 0-100 scale.")
    decision: str = Field(description="Whose the lead was: hand off, nurture, recycle or let go.")
    decision_reason: str = Field(description="Why, in one sentence.")
    state: str = Field(description="Where the lead stood after it.")
    next_date: str = Field(description="When it was due, UTC; empty when it was ready or let go.")
    reasons: list[ReasonOut] = Field(description="As they were told; none where nobody was told any.")
    events_used: int = Field(description="Events that happened and were known before `as_of`.")
    events_ignored: int = Field(description="Events at or after `as_of`, or known only then.")
    inputs: str = Field(description="The SHA-256 of all that was scored.")
    model_version: str = Field(description="The version that scored; empty for a bundle from elsewhere.")
    bundle_id: str = Field(description="The bundle that scored: its SHA-256.")
    propensity: Number = Field(default=None, description=_CHANCE)
    replayed: ReplayOut
