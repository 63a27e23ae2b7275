"""What a world is made of. Every number that the truth depends on is in these frozen values.

Rates are events or moves per 30 days. A tuple of five rates is for the states unaware, interested, evaluating, ready
and dead (a silent lead behaves like a dead one).
"""

from dataclasses import dataclass

from data.clock import DAY
from data.simulation.points import PointsTable

MONTH = 30 * DAY

ByState = tuple[float, float, float, float, float]


@dataclass(frozen=True)
class Signal:
    """One kind and item of event: a Poisson process whose rate depends on the hidden state.

    ``seconds`` is the median of the event's ``value`` in each state (log-normal, standard deviation ``spread`` of the
    logarithm); None leaves the value empty. A share ``late`` of the rows becomes known ``delay`` microseconds after
    it occurred, such as an attendance list that is uploaded.
    """

    kind: str
    item: str | None
    per_month: ByState
    actor: str = "lead"
    seconds: ByState | None = None
    spread: float = 0.9
    late: float = 0.0
    delay: int = 0


@dataclass(frozen=True)
class Move:
    """A change of state without anybody's doing, so often in 30 days for a lead whose multipliers are 1."""

    before: str
    after: str
    per_month: float


@dataclass(frozen=True)
class Jump:
    """Where a sales touch takes a lead that is in state ``before``: P(after). What is missing to 1 stays."""

    before: str
    after: str
    probability: float


@dataclass(frozen=True)
class Touch:
    """A kind of sales touch; ``per_month`` of them happen at random, whatever the lead does."""

    kind: str
    per_month: float
    jumps: tuple[Jump, ...]


@dataclass(frozen=True)
class Regime:
    """The rates from ``starts_at`` (microseconds since 1970) until the next regime.

    Every regime of a world has the same signals and touches in the same order; only their numbers differ.
    ``sources`` are the shares of the leads created in it.
    """

    starts_at: int
    signals: tuple[Signal, ...]
    moves: tuple[Move, ...]
    touches: tuple[Touch, ...]
    sources: tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class Level:
    """A value of an attribute: its share, and the logarithms of what it multiplies.

    ``pace`` multiplies the moves forward and the purchase, ``loss`` the deaths, ``activity`` all events.
    """

    name: str
    share: float
    pace: float = 0.0
    loss: float = 0.0
    activity: float = 0.0


@dataclass(frozen=True)
class Category:
    """A categorical attribute, of the account when ``shared``, else of the lead.

    The shares of ``source`` are those of the regime instead.
    """

    field: str
    levels: tuple[Level, ...]
    shared: bool = False


@dataclass(frozen=True)
class Number:
    """A log-normal attribute; the effects are per standard deviation of its logarithm from the median."""

    field: str
    median: float
    spread: float
    pace: float = 0.0
    loss: float = 0.0
    activity: float = 0.0
    shared: bool = False


@dataclass(frozen=True)
class Entry:
    """Where leads of a source start: probabilities of unaware, interested, evaluating and ready."""

    source: str
    states: tuple[float, float, float, float]


@dataclass(frozen=True)
class Company:
    """A company that obeys its points.

    At ``first_at`` (microseconds since 1970) and every ``period`` after it, the open leads whose points have reached
    the threshold and that were not called within ``rest`` are called, the highest first, ``capacity`` of them for every
    1,000 leads that the market creates in all.
    """

    first_at: int
    period: int
    rest: int
    capacity: float
    touch: str = "call"


@dataclass(frozen=True)
class World:
    """A market's parameters. ``recorded`` is the share of the dead that sales will record as lost.

    ``recording_lag`` is the longest time from an outcome to its known_at, ``repeated`` the share of event rows that
    arrive twice, ``deal`` the median deal size. ``planted_leaks`` names the fields of leads that are filled after
    contact or outcome. ``horizons``, ``primary`` and ``every`` suit the product and go into its contract.
    """

    name: str
    about: str
    starts_at: int
    ends_at: int
    regimes: tuple[Regime, ...]
    categories: tuple[Category, ...]
    numbers: tuple[Number, ...]
    entries: tuple[Entry, ...]
    points: PointsTable
    horizons: tuple[int, ...]
    primary: int
    every: int
    company: Company | None = None
    recorded: float = 0.75
    recording_lag: int = 2 * DAY
    repeated: float = 0.01
    deal: float = 24_000.0
    calls_per_week: float = 6.0
    """Hand-offs a week that sales can work, for every 1,000 leads."""
    planted_leaks: tuple[str, ...] = ("deal_size_band", "decision_maker", "last_call_result", "lost_reason")

    @property
    def attributes(self) -> tuple[str, ...]:
        """The honest fields of leads."""
        return (*(c.field for c in self.categories), *(n.field for n in self.numbers))
