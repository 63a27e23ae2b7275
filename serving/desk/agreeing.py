"""What each capacity would have meant, beside what is agreed: the curve of the bundle in use as the page shows it."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

from models.agreement import Choice, Curve, Told, curve_of
from serving.agreeing.versions import Agreement, history
from serving.desk.drawing import Frame, ticks, top_of
from serving.desk.words import on_axis, percent, signed, weekly
from serving.live.loading import Loaded
from serving.store.tables import standings

MOST_COUNTED = 5_000
VERSIONS = 20
WIDE, HIGH = 640.0, 260.0


@dataclass(frozen=True)
class Line:
    """A choice in words, as a line of the table: each cell by the name of its column, and where it is in the chart."""

    place: int
    capacity: float
    cells: dict[str, str]
    x: float


@dataclass(frozen=True)
class Chart:
    """The share of wins caught over the capacity, for the model and for the points, in an SVG's units."""

    frame: Frame
    model: str
    points: str
    across: tuple[tuple[float, str], ...]
    up: tuple[tuple[float, str], ...]
    agreed: float | None


@dataclass(frozen=True)
class Agreeing:
    """All that the page shows. ``lines`` is empty and ``chart`` None for a bundle without a curve.

    ``at`` is the place of the capacity that is looked at; ``versions`` are what was agreed, latest first.
    """

    curve: Curve | None
    lines: tuple[Line, ...]
    at: int
    chart: Chart | None
    versions: tuple[Agreement, ...]
    capacity: float | None
    own: float | None


def agreeing(connection: Connection, loaded: Loaded, asked: float | None) -> Agreeing:
    """The page with the capacity ``asked`` looked at; without one, with that which decides."""
    curve, agreed = curve_of(loaded.bundle), loaded.bundle.policy.capacity_per_week
    versions = tuple(history(connection, VERSIONS))
    if curve is None:
        return Agreeing(None, (), 0, None, versions, agreed, loaded.brought.capacity_per_week)
    waiting = _waiting(connection, loaded, curve.choices)
    chart = _chart(curve, agreed)
    lines = tuple(
        Line(place, choice.per_week, _cells(choice, count), chart.frame.across(choice.per_week))
        for place, (choice, count) in enumerate(zip(curve.choices, waiting, strict=True))
    )
    looked = asked or agreed or curve.own.hand_offs
    return Agreeing(curve, lines, _nearest(curve, looked), chart, versions, agreed, loaded.brought.capacity_per_week)


def _nearest(curve: Curve, capacity: float) -> int:
    return min(range(len(curve.choices)), key=lambda place: abs(curve.choices[place].per_week - capacity))


def _waiting(connection: Connection, loaded: Loaded, choices: Sequence[Choice]) -> list[str]:
    """How many nurtured leads of the store are at or above each threshold now; "" where another horizon decides."""
    policy = loaded.bundle.policy
    if policy.horizon not in {None, loaded.bundle.model.primary}:
        return ["" for _ in choices]
    above = (
        select(standings.c.readiness)
        .where(standings.c.state == "nurture", standings.c.readiness >= min(choice.threshold for choice in choices))
        .order_by(standings.c.readiness.desc())
        .limit(MOST_COUNTED)
    )
    rising = list(connection.execute(above).scalars())[::-1]
    full = len(rising) == MOST_COUNTED
    counts = [len(rising) - bisect_left(rising, choice.threshold) for choice in choices]
    return [f"more than {count:,}" if full and count == MOST_COUNTED else f"{count:,}" for count in counts]


def _cells(choice: Choice, waiting: str) -> dict[str, str]:
    told, by_points = choice.told, choice.points
    cells = {
        "capacity": weekly(choice.per_week),
        "threshold": percent(choice.threshold),
        **_told(told),
        "waiting": waiting,
    }
    if by_points is not None and choice.more_wins is not None:
        cells |= {f"points_{name}": text for name, text in _told(by_points).items()}
        low, high = told.intervals["more_wins"]
        cells |= {"more_wins": signed(choice.more_wins), "more_wins_range": f"{signed(low)} to {signed(high)}"}
    return cells


def _told(told: Told) -> dict[str, str]:
    return {
        "hand_offs": weekly(told.hand_offs),
        "wins": f"{told.wins:.1f}",
        "wins_range": _range(told, "wins"),
        "premature": f"{told.premature:.1f}",
        "premature_range": _range(told, "premature"),
        "caught": percent(told.caught),
        "caught_range": " to ".join(percent(edge) for edge in told.intervals["caught"]),
    }


def _range(told: Told, name: str) -> str:
    return " to ".join(f"{edge:.1f}" for edge in told.intervals[name])


def _chart(curve: Curve, agreed: float | None) -> Chart:
    choices = curve.choices
    shares = [choice.told.caught for choice in choices] + [one.points.caught for one in choices if one.points]
    top, wide = top_of(shares, 0.1), choices[-1].per_week
    frame = Frame(56.0, WIDE - 16.0, 16.0, HIGH - 44.0, (0.0, wide), (0.0, min(top, 1.0)))
    by_points = [(one.per_week, one.points.caught) for one in choices if one.points]
    return Chart(
        frame,
        frame.line((choice.per_week, choice.told.caught) for choice in choices),
        frame.line(by_points),
        tuple((frame.across(value), weekly(value)) for value in ticks(wide)),
        tuple((frame.up(value), on_axis(value)) for value in ticks(frame.y[1])),
        None if agreed is None else frame.across(agreed),
    )


def columns_of(lines: Sequence[Line]) -> list[tuple[str, str]]:
    """The columns of the table: the name of a cell, and what stands above it."""
    every: dict[str, str] = {
        "capacity": "Hand-offs a week",
        "threshold": "Threshold",
        "hand_offs": "Handed off",
        "wins": "Wins a week",
        "premature": "Premature calls a week",
        "caught": "Share of wins caught",
        "points_hand_offs": "Points: handed off",
        "points_wins": "Points: wins",
        "points_premature": "Points: premature",
        "points_caught": "Points: caught",
        "more_wins": "More wins than points",
        "waiting": "Waiting now",
    }
    there: dict[str, Any] = lines[0].cells if lines else {}
    return [(name, head) for name, head in every.items() if there.get(name)]
