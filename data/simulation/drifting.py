"""drifting: the steady market until a date, another one after it.

Mail programs begin to open letters by themselves, a chat appears on the site, a new source of leads with habits of its
own takes a third of the market, and buying takes longer.

Everything after ``DRIFTS_AT`` is the second regime; what a model learned before it is no longer quite true.
"""

from dataclasses import replace
from datetime import UTC, datetime

from data.clock import DAY, to_micros
from data.simulation.points import EventRule
from data.simulation.steady import STEADY
from data.simulation.world import ByState, Category, Entry, Level, Move, Regime, Signal

DRIFTS_AT = to_micros(datetime(2025, 1, 6, tzinfo=UTC))

_BEFORE = STEADY.regimes[0]
_CHAT = Signal("chat", "site", (0.0, 0.0, 0.0, 0.0, 0.0))
_AFTER_BY_SYMBOL: dict[tuple[str, str | None], ByState] = {
    ("email_open", "newsletter"): (1.10, 1.20, 1.20, 1.15, 0.90),
    ("page_view", "product"): (0.05, 0.25, 0.60, 0.45, 0.015),
    ("demo_request", "demo"): (0.002, 0.01, 0.05, 0.14, 0.001),
    ("chat", "site"): (0.03, 0.15, 0.35, 0.75, 0.01),
}
_AFTER_BY_MOVE = {("evaluating", "ready"): 0.21, ("ready", "bought"): 0.38, ("ready", "evaluating"): 0.50}


def _signal_after(signal: Signal) -> Signal:
    return replace(signal, per_month=_AFTER_BY_SYMBOL.get((signal.kind, signal.item), signal.per_month))


def _move_after(move: Move) -> Move:
    return replace(move, per_month=_AFTER_BY_MOVE.get((move.before, move.after), move.per_month))


def _with_marketplace(category: Category) -> Category:
    if category.field != "source":
        return category
    return replace(
        category, levels=(*category.levels, Level("marketplace", 0.0, pace=-0.10, loss=0.25, activity=-0.40))
    )


_SIGNALS = (*_BEFORE.signals, _CHAT)

DRIFTING = replace(
    STEADY,
    name="drifting",
    about="The steady market until 6 January 2025; then new habits, a new channel, a new source and slower deals.",
    regimes=(
        replace(_BEFORE, signals=_SIGNALS),
        Regime(
            starts_at=DRIFTS_AT,
            signals=tuple(map(_signal_after, _SIGNALS)),
            moves=tuple(map(_move_after, _BEFORE.moves)),
            touches=_BEFORE.touches,
            sources=(
                ("website", 0.25),
                ("event", 0.10),
                ("content", 0.20),
                ("referral", 0.10),
                ("marketplace", 0.35),
            ),
        ),
    ),
    categories=tuple(map(_with_marketplace, STEADY.categories)),
    entries=(*STEADY.entries, Entry("marketplace", (0.15, 0.45, 0.33, 0.07))),
    points=replace(
        STEADY.points,
        events=(*STEADY.points.events, EventRule("chat", "Chatted with us", "chat", 15, half_life=30 * DAY)),
    ),
)
