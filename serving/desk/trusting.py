"""What became of what was told: the last look of ``readiness watch`` as the page shows it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

from serving.desk.drawing import Frame, ticks, top_of
from serving.desk.words import on_axis, percent
from serving.store.tables import watched

WIDE, HIGH = 420.0, 380.0
_NEWEST = select(watched.c.body).order_by(watched.c.at.desc(), watched.c.watch_id.desc()).limit(1)
_HUNDRED = 100


@dataclass(frozen=True)
class Said:
    """What was told to leads of one band, and what came of them, per hundred."""

    told: str
    happened: str
    between: str
    scores: int
    holds: bool


@dataclass(frozen=True)
class Dot:
    """A band in the chart: told across, happened up, its interval, and how large it is drawn."""

    x: float
    y: float
    low: float
    high: float
    radius: float


@dataclass(frozen=True)
class Reliability:
    """One line of the ledger: a version, and its bands in words and as a chart."""

    row: Mapping[str, Any]
    said: tuple[Said, ...]
    frame: Frame
    dots: tuple[Dot, ...]
    ticks: tuple[tuple[float, float, str], ...]


@dataclass(frozen=True)
class Trusting:
    """All that the page shows; ``body`` is None where nobody has watched yet. ``moved``: what alarms first."""

    body: Mapping[str, Any] | None
    versions: tuple[Reliability, ...]
    segments: tuple[Mapping[str, Any], ...]
    moved: tuple[Mapping[str, Any], ...]


def newest(connection: Connection) -> dict[str, Any] | None:
    """What the last look found; None when nobody looked."""
    text = connection.execute(_NEWEST).scalar()
    return None if text is None else json.loads(text)


def trusting(connection: Connection) -> Trusting:
    """The page, from the newest look."""
    body = newest(connection)
    if body is None:
        return Trusting(None, (), (), ())
    ledger: Sequence[dict[str, Any]] = body.get("ledger", [])
    whole = [row for row in ledger if row["segment"] == "all" and row["horizon"] == body["horizon"]]
    parts = [row for row in ledger if row["segment"] != "all" and row["horizon"] == body["horizon"]]
    ordered = sorted(whole, key=lambda row: _number(row["version"]), reverse=True)
    moved = sorted(body.get("drift", []), key=lambda one: (not one["alarm"], one["p"], -one["distance"]))
    return Trusting(body, tuple(_reliability(row) for row in ordered), tuple(parts), tuple(moved))


def _number(version: str) -> tuple[int, str]:
    """Versions in the order in which they were made: the registry counts them."""
    return (int(version), "") if version.isdecimal() else (-1, version)


def _reliability(row: Mapping[str, Any]) -> Reliability:
    bins = [one for one in row["bins"] if one["scores"]]
    edges = [one[name] for one in bins for name in ("told", "happened_high")]
    top = min(1.0, top_of(edges, 0.05))
    frame = Frame(52.0, WIDE - 26.0, 14.0, HIGH - 46.0, (0.0, top), (0.0, top))
    most = max((one["scores"] for one in bins), default=1)
    return Reliability(
        row,
        tuple(_said(one) for one in bins),
        frame,
        tuple(_dot(frame, one, most) for one in bins),
        tuple((frame.across(value), frame.up(value), on_axis(value)) for value in ticks(top)),
    )


def _said(one: Mapping[str, Any]) -> Said:
    low, high = one["happened_low"], one["happened_high"]
    holds = low <= one["told"] <= high
    between = f"{_count(low)} to {_count(high)}"
    return Said(percent(one["told"]), _count(one["happened"]), between, one["scores"], holds)


def _count(share: float) -> str:
    """How many of a hundred: whole from ten on, and where that is all there is to say."""
    count = _HUNDRED * share
    return f"{count:.0f}" if count >= 9.95 or count == round(count) else f"{count:.1f}"


def _dot(frame: Frame, one: Mapping[str, Any], most: int) -> Dot:
    x = frame.across(one["told"])
    edges = (frame.up(one[name]) for name in ("happened", "happened_low", "happened_high"))
    y, low, high = edges
    return Dot(x, y, low, high, round(3.0 + 5.0 * (one["scores"] / most) ** 0.5, 1))
