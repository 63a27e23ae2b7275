"""One lead: what happened to it, its readiness over time with its crossings, and the reasons then and now."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, select

from data.clock import DAY, WEEK
from data.errors import ReadinessError
from serving.deciding.asking import Answer
from serving.deciding.explaining import kept_score
from serving.deciding.histories import LongHistory, read_history
from serving.deciding.leads import Story, story
from serving.deciding.needs import needs_of
from serving.deciding.stories import Entry, timeline
from serving.desk.drawing import Frame, ticks, top_of
from serving.desk.trends import texts_of
from serving.desk.words import day, on_axis
from serving.live.loading import Loaded
from serving.store.tables import scores

BACK = 26 * WEEK
ENTRIES = 30
MOST_TOLD = 300
LONGEST = 3_000
"""Of a lead with more events than this only what was told is drawn: computing its past takes too long."""
WIDE, HIGH = 720.0, 280.0


@dataclass(frozen=True)
class Then:
    """A crossing (a row of the store), and the reasons behind it, if a score was."""

    row: Mapping[str, Any]
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class Mark:
    """A crossing in the chart: where, and into which state."""

    x: float
    state: str
    low: bool


@dataclass(frozen=True)
class Chart:
    """Readiness over time in an SVG's units: ``computed`` by the model in use, ``told`` as it was told then."""

    frame: Frame
    computed: str
    told: tuple[tuple[float, float], ...]
    marks: tuple[Mark, ...]
    across: tuple[tuple[float, str], ...]
    up: tuple[tuple[float, str], ...]
    threshold: float
    points: tuple[tuple[int, float], ...]
    """The same as moments (microseconds) and readiness, for the table beside it."""


@dataclass(frozen=True)
class LeadPage:
    """All that the page shows of a lead; ``answer`` is None for a closed one. Entries come with how often they are."""

    story: Story
    answer: Answer | None
    crossings: tuple[Then, ...]
    chart: Chart | None
    entries: tuple[tuple[Entry, int], ...]
    following: str


def lead_page(
    connection: Connection, loaded: Loaded, lead_id: str, answer: Answer | None, cursor: str, now: int
) -> LeadPage:
    """The page of a lead, its timeline from a cursor on. Raises UnknownLead, and Refusal for a foreign cursor."""
    told = story(connection, lead_id)
    entries, following = timeline(connection, lead_id, ENTRIES, cursor)
    crossings = tuple(Then(row, _reasons(connection, row["score_id"])) for row in told.crossings)
    chart = _chart(connection, loaded, told, answer, now)
    return LeadPage(told, answer, crossings, chart, tuple(_collapsed(entries)), following)


def _collapsed(entries: Sequence[Entry]) -> Iterator[tuple[Entry, int]]:
    """Each entry, and how often; of scores that say the same one after the other, the latest stands for all."""
    for _, group in groupby(entries, key=lambda one: _same(one) if one["type"] == "score" else id(one)):
        same = list(group)
        yield same[0], len(same)


def _same(score: Entry) -> tuple[str, str]:
    return score["what"], score["detail"]


def _reasons(connection: Connection, score_id: str | None) -> tuple[str, ...]:
    row = kept_score(connection, score_id) if score_id else None
    return () if row is None else texts_of(row["reasons"])


def _chart(connection: Connection, loaded: Loaded, told: Story, answer: Answer | None, now: int) -> Chart | None:
    lead_id = told.lead["lead_id"]
    begins = max(told.lead["created_at"] + 1, now - BACK)
    if begins >= now:
        return None
    ends = now if answer is not None or told.row is None else told.row.since
    computed = _computed(connection, loaded, lead_id, begins, ends)
    if answer is not None:
        computed.append((now, answer.made.score.readiness))
    kept = _told(connection, lead_id, begins)
    if not (computed or kept):
        return None
    policy = loaded.bundle.policy
    top = min(1.0, top_of([*(one for _, one in computed), *(one for _, one in kept), 1.15 * policy.threshold], 0.02))
    frame = Frame(56.0, WIDE - 16.0, 34.0, HIGH - 32.0, (begins, now), (0.0, top))
    moments = [begins + (now - begins) * place // 4 for place in range(5)]
    marks = [row for row in reversed(told.crossings) if row["at"] >= begins]
    return Chart(
        frame,
        frame.line(computed),
        tuple((frame.across(at), frame.up(value)) for at, value in kept),
        tuple(Mark(frame.across(row["at"]), row["after"], bool(place % 2)) for place, row in enumerate(marks)),
        tuple((frame.across(at), day(at)) for at in moments),
        tuple((frame.up(value), on_axis(value)) for value in ticks(top)),
        frame.up(policy.threshold),
        tuple(reversed(computed)),
    )


def _computed(connection: Connection, loaded: Loaded, lead_id: str, begins: int, ends: int) -> list[tuple[int, float]]:
    """Week by week what the model in use says, from what was known then."""
    steps = max((ends - begins) // WEEK, 1)
    step = max((ends - begins) // steps, DAY)
    try:
        reads = [
            (read_history(connection, lead_id, at, needs_of(loaded.bundle), at_most=LONGEST).lead, at)
            for at in range(begins, ends, step)
        ]
        looked = loaded.scorer.look_many(reads)
    except LongHistory:
        return []
    except ReadinessError:
        return []
    primary = loaded.bundle.model.horizons.index(loaded.bundle.model.primary)
    return [(one.as_of, float(one.predicted[primary])) for one in looked]


def _told(connection: Connection, lead_id: str, begins: int) -> Sequence[tuple[int, float]]:
    """What was told of the lead, by whatever version, latest first."""
    statement = (
        select(scores.c.as_of, scores.c.readiness)
        .where(scores.c.lead_id == lead_id, scores.c.as_of >= begins, scores.c.cause != "payload")
        .order_by(scores.c.as_of.desc())
        .limit(MOST_TOLD)
    )
    return [(at, value) for at, value in connection.execute(statement)]
