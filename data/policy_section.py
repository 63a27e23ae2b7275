"""[policy]: when sales is asked to call, when a lead falls back, when it is let go."""

from typing import Self

from pydantic import Field, model_validator

from data.clock import DAY
from data.terms import Duration, Section, Share, Span


class Costs(Section):
    """What a call costs and brings, in one currency."""

    call: float = Field(gt=0)
    """A call by sales."""
    premature: float = Field(default=0.0, ge=0)
    """What is lost besides when the lead was not ready: its patience, its good will."""
    win: float = Field(gt=0)
    """What a call to a lead that is ready brings, on average."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.win <= self.call:
            raise ValueError(
                f"a win brings {self.win:g} and a call costs {self.call:g}: no call would pay. Give as win what a call "
                "to a ready lead brings; it must be more than call."
            )
        return self


class Policy(Section):
    """When sales is asked to call, when a lead falls back, when it is let go.

    The threshold comes from the capacity, from the costs (of both the higher), or it is given (``enter``). Without any
    of them the tenth of the leads that the model holds most ready is handed off.
    """

    horizon: Span | None = None
    """The readiness that decides is on this horizon, one of [ready] horizons. Default: the primary one."""
    capacity_per_week: float | None = Field(default=None, gt=0)
    """Hand-offs a week that sales can work."""
    costs: Costs | None = None
    """What calls cost and bring: a lead is handed off where the call pays for itself."""
    enter: Share | None = None
    """The readiness at or above which a lead is handed off."""
    exit: Share | None = None
    """The readiness below which a ready lead falls back. Default: two thirds of the odds of the threshold."""
    explore: float = Field(default=0.0, ge=0.0, le=0.5)
    """Of the hand-offs, so large a share goes to leads below the threshold that chance draws, so that the loop keeps
    learning about those that it would never call. It is taken from the capacity. 0: none."""
    min_kinds: int = Field(default=2, ge=0)
    """Distinct kinds of engagement before a hand-off, whatever the number says: one download is never enough."""
    min_days: int = Field(default=2, ge=0)
    """Distinct days of engagement before a hand-off."""
    evidence_window: Span = 90 * DAY
    """How far back the engagement is looked at that a hand-off needs."""
    dwell: Duration = 7 * DAY
    """After a crossing there is none the other way for so long."""
    cool_down: Span = 28 * DAY
    """A lead that sales gave back rests for so long."""
    cadence: Span = 14 * DAY
    """A nurtured lead is due this often."""
    answer_within: Span = 21 * DAY
    """A lead that sales took and says nothing about comes back after so long."""
    let_go_after: Span = 180 * DAY
    """A lead that has been silent for so long may be let go ..."""
    let_go_below: Share | None = None
    """... when its readiness is below this. Default: half the mean of all leads."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        for name in ("capacity_per_week", "costs"):
            if self.enter is not None and getattr(self, name) is not None:
                raise ValueError(f"enter and {name} both say when a lead is handed off. Remove one of them.")
        if self.exit is not None and self.enter is None:
            raise ValueError(
                "exit needs enter: a threshold from capacity or costs brings its own exit. Give enter too."
            )
        if self.exit is not None and self.enter is not None and self.exit > self.enter:
            raise ValueError(f"exit is {self.exit:g}, above enter, {self.enter:g}. Expected exit at or below enter.")
        return self
