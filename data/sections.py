"""The sections of a contract that say what is asked, how it is learned and where it is kept."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from data.clock import DAY, format_duration
from data.terms import Duration, Moment, Name, Section, Span


class Ready(Section):
    """The definition of ready that sales and marketing agreed on."""

    product: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")] = "leads"
    """What the readiness is for: the name of the model in the registry."""
    version: int = Field(default=1, ge=1)
    """The version of this definition: ``readiness define --write`` counts it up and keeps the one before."""
    outcome: tuple[Name, ...] = Field(min_length=1)
    """The outcomes that we hope for, as their kinds."""
    terminal: tuple[Name, ...] = ()
    """The outcomes that close a lead: nothing is asked about it afterwards."""
    repeatable: bool = False
    """Whether the outcome may come again, as a next order does; it closes nothing then."""
    horizons: tuple[Span, ...] = Field(min_length=1)
    """How far ahead the answers reach, from the shortest to the longest."""
    primary: Span
    """The horizon of the readiness that is shown first, one of them."""
    reporting_lag: Duration = 0
    """How long an outcome may take to be recorded: so long nothing counts as a no."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if list(self.horizons) != sorted(set(self.horizons)):
            raise ValueError("horizons must grow from left to right without repeats, such as ['30d', '90d'].")
        if self.primary not in self.horizons:
            horizons = [format_duration(h) for h in self.horizons]
            raise ValueError(f"primary is {format_duration(self.primary)}, which is not among the horizons {horizons}.")
        if self.repeatable and set(self.outcome) & set(self.terminal):
            raise ValueError("an outcome cannot be both repeatable and terminal: take it out of terminal.")
        if not self.repeatable and not set(self.outcome) <= set(self.terminal):
            raise ValueError(
                "outcomes that are not repeatable close the lead: add them to terminal, or set repeatable."
            )
        return self


class Spine(Section):
    """When the question is asked: exactly one of ``every``, ``at``, ``after`` or ``file``."""

    every: Span | None = None
    """Periodic cutoffs, at ``from`` and every so often after it."""
    start: Moment | None = Field(default=None, alias="from")
    """No cutoff before this moment. Default: the first midnight after the first lead."""
    until: Moment | None = None
    """No cutoff at or after this moment."""
    at: tuple[Moment, ...] = ()
    """Snapshots at these moments."""
    after: tuple[Duration, ...] = ()
    """Cutoffs so long after a moment of the lead itself."""
    after_column: str = "created_at"
    """That moment: created_at, or a time among the attributes of leads."""
    file: str | None = None
    """A Parquet or CSV file of lead_id, cutoff."""
    seen: tuple[Name, ...] = ()
    """Ask only about leads of whom an event of one of these kinds was known before the cutoff. Empty: about all."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        ways = [
            name
            for name, given in (("every", self.every), ("at", self.at), ("after", self.after), ("file", self.file))
            if given
        ]
        if len(ways) > 1:
            raise ValueError(f"{' and '.join(ways)} are given; a spine is made in one way.")
        return self

    @property
    def period(self) -> int:
        """The period of a periodic spine: a week unless the contract says otherwise."""
        return self.every or 7 * DAY


class Backtest(Section):
    """Which rows are for judging only."""

    test_from: Moment | None = None
    """Cutoffs from here on are test rows. Default: the latest matured cutoffs, ``test_share`` of the rows."""
    test_until: Moment | None = None
    """No test row at or after this moment."""
    test_share: float = Field(default=0.25, gt=0, lt=1)
    """The share of the matured rows, the latest, that are test rows."""
    train_from: Moment | None = None
    """Nothing is learned from cutoffs before this moment."""
    train_until: Moment | None = None
    """Nor from cutoffs at or after this one."""
    folds: int = Field(default=4, ge=2, le=20)
    """How many moments of the past a backtest trains as of, and how many blocks validate within a training."""
    serves_for: Span | None = None
    """How long a model serves before the next one takes over: the blocks that settings are chosen by are as long, and
    at least 16 where there are rows for them. Default: the blocks tile the later part of the training rows."""
    segments: tuple[Name, ...] = ()
    """Attributes of leads by whose levels the figures are shown apart. Empty: up to three with few levels."""


class ModelSettings(Section):
    """How the model is made."""

    seed: int = 0
    """The same seed, facts and code give the same model."""
    threads: int = Field(default=0, ge=0)
    """Threads for training; 0 means all cores."""
    max_rows: int = Field(default=2_000_000, ge=1_000)
    """Of more rows than this a seeded draw is used, and the report says so."""
    refit: bool = True
    """Whether the judged settings are learned once more from everything known, and that model serves. Otherwise the
    model that was judged serves, which has learned nothing from the split on."""
    bins: int = Field(default=6, ge=1, le=30)
    """Into how many periods the longest horizon is cut, at the most, for the discrete-time hazard."""


class Points(Section):
    """The hand-made rules that the model replaces."""

    file: str
    """A points table, a TOML file (docs/points.md)."""
    threshold: float | None = None
    """The points at which a lead is handed off today."""


class IndexScale(Section):
    """The 0-100 index: fixed here so that it means the same odds in every version."""

    odds_at_50: float = Field(default=0.1, gt=0)
    """The odds that an index of 50 means."""
    points_to_double: float = Field(default=10.0, gt=0)
    """So many points more mean twice the odds."""


class LeakSettings(Section):
    """What is done about fields that know too much: by default the suspects are left out, with the reasons."""

    check: bool = True
    """Whether to look for them."""
    trust: tuple[Name, ...] = ()
    """Fields that are never left out, whatever the evidence says."""
    quarantine: tuple[Name, ...] = ()
    """Fields that are always left out."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        both = sorted(set(self.trust) & set(self.quarantine))
        if both:
            raise ValueError(f"{both[0]!r} is both trusted and quarantined: take it out of one of them.")
        return self


class MlflowSettings(Section):
    """Where versions are kept. Without a uri, SQLite under ``.readiness/`` beside the contract."""

    uri: str | None = None
    """A tracking server or a database; a password belongs into the environment."""
    experiment: str | None = None
    """Default: ``readiness/<product>``."""
