"""The agreed policy as JSON: flat, absent where there is nothing to say, never null."""

from pydantic import BaseModel, ConfigDict, Field

from data.clock import DAY, iso
from models.agreement import Choice, curve_of
from serving.agreeing.versions import Agreement
from serving.deciding.schemas import Number
from serving.live.loading import Loaded


class PolicyIn(BaseModel):
    """What is to be agreed on."""

    model_config = ConfigDict(extra="forbid")

    capacity_per_week: float | None = Field(
        default=None, gt=0, le=1e6, description="Hand-offs a week; without it, what the bundle brings decides again."
    )
    why: str = Field(min_length=1, max_length=500, description="Why, in a sentence; kept with the version.")
    version: int = Field(ge=0, description="The version that was looked at; 0 when none was saved yet.")


class VersionOut(BaseModel):
    """What was agreed once."""

    version: int = Field(description="Counted from 1.")
    at: str = Field(description="Since when, UTC.")
    by: str = Field(description="The name of the key that saved it.")
    why: str = Field(description="What was said about it.")
    capacity_per_week: Number = Field(default=None, description="Absent: what the bundle brings.")
    threshold: float = Field(description="The threshold as it then was.")
    bundle_id: str = Field(description="The bundle that was in use then.")


class ChoiceOut(BaseModel):
    """What a capacity would have meant on the later rows of the bundle's training, a week."""

    capacity_per_week: float = Field(description="Hand-offs a week.")
    threshold: float = Field(description="The readiness from which a lead is handed off.")
    wins: float = Field(description="Wins that such a week would have brought.")
    wins_low: float = Field(description="The middle 95 % of bootstrap samples of leads.")
    wins_high: float = Field(description="Its upper end.")
    premature: float = Field(description="Hand-offs without the outcome within the horizon.")
    caught: float = Field(description="The share of all wins.")
    points_wins: Number = Field(default=None, description="By the customer's points at the same capacity.")
    points_premature: Number = Field(default=None, description="Likewise.")
    points_caught: Number = Field(default=None, description="Likewise.")


class PolicyOut(BaseModel):
    """The policy that decides, and what else could be agreed on."""

    version: int = Field(description="0: nobody saved one, the bundle's own decides.")
    at: str = Field(description="Since when, UTC; empty for the bundle's own.")
    by: str = Field(description="The name of the key that saved it; empty for the bundle's own.")
    why: str = Field(description="What was said about it.")
    capacity_per_week: Number = Field(default=None, description="Absent where none is agreed.")
    threshold: float = Field(description="A lead is handed off at or above this readiness.")
    exit_below: float = Field(description="A ready lead falls back below this one.")
    decides_within_days: float = Field(description="The horizon of the readiness that decides.")
    bundle_threshold: float = Field(description="The threshold that the bundle brings.")
    bundle_id: str = Field(description="The bundle in use.")
    model_version: str = Field(description="Its number in the registry; empty when it has none.")
    choices: list[ChoiceOut] = Field(description="Empty for a bundle that was trained without them.")
    versions: list[VersionOut] = Field(description="What was agreed, latest first.")


def policy_out(loaded: Loaded, versions: list[Agreement]) -> PolicyOut:
    """The policy by which a bundle decides; ``versions`` latest first."""
    policy, curve = loaded.bundle.policy, curve_of(loaded.bundle)
    last = versions[0] if versions else None
    return PolicyOut(
        version=last.version if last else 0,
        at=iso(last.at) if last else "",
        by=last.by if last else "",
        why=last.why if last else "",
        capacity_per_week=policy.capacity_per_week,
        threshold=policy.threshold,
        exit_below=policy.exit,
        decides_within_days=(policy.horizon or loaded.bundle.model.primary) / DAY,
        bundle_threshold=loaded.brought.threshold,
        bundle_id=loaded.bundle.bundle_id,
        model_version=loaded.version,
        choices=[_choice(one) for one in curve.choices] if curve else [],
        versions=[_version(one) for one in versions],
    )


def _choice(one: Choice) -> ChoiceOut:
    low, high = one.told.intervals["wins"]
    by_points = one.points
    return ChoiceOut(
        capacity_per_week=one.per_week,
        threshold=one.threshold,
        wins=one.told.wins,
        wins_low=low,
        wins_high=high,
        premature=one.told.premature,
        caught=one.told.caught,
        points_wins=by_points.wins if by_points else None,
        points_premature=by_points.premature if by_points else None,
        points_caught=by_points.caught if by_points else None,
    )


def _version(one: Agreement) -> VersionOut:
    return VersionOut(
        version=one.version,
        at=iso(one.at),
        by=one.by,
        why=one.why,
        capacity_per_week=one.capacity,
        threshold=one.policy.threshold,
        bundle_id=one.bundle_id,
    )
