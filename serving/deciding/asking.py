"""A stored lead asked about: scored as it is known now, never stale.

A score that moves nothing is read without a lock and kept by the recorder. One that would move its lead is made anew
in the writer's transaction, under the lead's lock, so that the answer and the crossing are one.
"""

from dataclasses import dataclass, replace

from sqlalchemy import Connection, bindparam, select

from data.clock import iso, wall_clock
from data.errors import ReadinessError
from models.reasons import REASONS
from models.states import DECISIONS, Standing, resume, step
from serving.deciding.decide import decide
from serving.deciding.histories import LongHistory, Read, read_history
from serving.deciding.looking import Decided
from serving.deciding.needs import needs_of
from serving.deciding.owners import that_counts
from serving.deciding.recorder import Recorder
from serving.deciding.rules import rules_of
from serving.deciding.score_rows import Made, new_id
from serving.deciding.standings import Kept, kept, new
from serving.deciding.words import closings_of, heard, words_of
from serving.live.loading import Loaded
from serving.store.store import Store
from serving.store.tables import transitions

TRIES = 3
"""So often somebody else may be the first to look at the lead."""
INLINE = 2_000
"""A lead with more events than this is read and scored in a thread: others are answered meanwhile."""
_BEFORE = (
    select(transitions.c.after, transitions.c.at)
    .where(transitions.c.lead_id == bindparam("lead_id"), transitions.c.at < bindparam("as_of"))
    .order_by(transitions.c.at.desc())
    .limit(1)
)


class ClosedLead(ReadinessError):  # noqa: N818 - what it is, not what went wrong
    """Readiness is asked of open leads only."""

    def __init__(self, lead_id: str, state: str, since: int) -> None:
        super().__init__(
            f"Lead {lead_id[:200]!r} is {state} since {iso(since)}. Readiness is asked of open leads only: skip it."
        )


@dataclass(frozen=True)
class Question:
    """Which lead, at which moment (None: now), with how many reasons, and why it is asked."""

    lead_id: str
    as_of: int | None = None
    reasons: int = REASONS
    cause: str = "lead"


@dataclass(frozen=True)
class Answer:
    """A score, and since when (microseconds) its lead stands where it says."""

    made: Made
    since: int


async def score_stored(store: Store, recorder: Recorder, loaded: Loaded, question: Question) -> Answer:
    """The score of a stored lead, kept with all that it was made from; by an id that was linked to it too.

    Raises UnknownLead, ClosedLead, and ReadinessError for a moment at which the lead was not there.
    """
    now = wall_clock()
    if question.as_of is not None and question.as_of > now:
        raise ReadinessError(
            f"as_of is {iso(question.as_of)}, now is {iso(now)}. Expected a moment of the past: the rest is not known."
        )
    for _ in range(TRIES):
        try:
            answer = await store.aread(lambda connection: ask(connection, loaded, question, now, INLINE))
        except LongHistory:
            answer = await store.aread(lambda connection: ask(connection, loaded, question, now), long=True)
        if answer is not None:
            await recorder.add(answer.made, loaded)
            return answer
        decided = await store.awrite(lambda connection: _decided(connection, loaded, question, now))
        if decided:
            return _answer(loaded, decided[0])
    return await store.aread(lambda connection: _not_there(connection, question, now))


def _decided(connection: Connection, loaded: Loaded, question: Question, now: int) -> list[Decided]:
    lead_id = that_counts(connection, question.lead_id)
    return decide(connection, loaded, [lead_id], now, question.cause, reasons=question.reasons > 0)


def ask(
    connection: Connection, loaded: Loaded, question: Question, now: int, at_most: int | None = None
) -> Answer | None:
    """The answer, unless it has to be written together with where the lead then stands.

    Raises like ``score_stored``, and LongHistory when the lead has more than ``at_most`` events.
    """
    row = kept(connection, question.lead_id)
    if row is None:
        question = replace(question, lead_id=that_counts(connection, question.lead_id))
        row = kept(connection, question.lead_id)
    if question.as_of is not None:
        return _then(connection, loaded, question, row, now, at_most)
    if row is None:
        return None
    if not row.is_open:
        raise ClosedLead(row.lead_id, row.state, row.since)
    as_of = max(now, row.decided_at) + 1
    read = read_history(connection, row.lead_id, as_of, needs_of(loaded.bundle), at_most=at_most)
    looked = loaded.scorer.look(read.lead, as_of)
    standing, transition = step(loaded.bundle.policy, row.standing, looked.look, as_of)
    if transition is not None:
        return None
    score = loaded.scorer.told(looked, standing, question.reasons)
    loaded.drift.seen(score, read.lead.events, read.lead.attributes)
    made = Made(new_id(now), score, read.inputs, read.used, read.ignored, now, question.cause)
    loaded.told(made.score_id, read.lead, as_of, row.standing, stored=True)
    return Answer(made, standing.since)


def _then(
    connection: Connection, loaded: Loaded, question: Question, row: Kept | None, now: int, at_most: int | None
) -> Answer:
    """As known then; nothing moves."""
    assert question.as_of is not None  # noqa: S101 - the caller looked; this tells the type checker
    read = read_history(connection, question.lead_id, question.as_of, needs_of(loaded.bundle), at_most=at_most)
    standing = standing_then(connection, loaded, read, row, question.as_of)
    if standing.state not in DECISIONS:
        raise ClosedLead(question.lead_id, standing.state, standing.since)
    score = loaded.scorer.score(read.lead, question.as_of, question.reasons, standing)
    since = standing.since if score.state == standing.state else question.as_of
    made = Made(new_id(now), score, read.inputs, read.used, read.ignored, now, question.cause)
    loaded.told(made.score_id, read.lead, question.as_of, standing, stored=True)
    return Answer(made, since)


def standing_then(connection: Connection, loaded: Loaded, read: Read, row: Kept | None, as_of: int) -> Standing:
    """Where a lead stood just before a moment: where it stands, if nothing moved it since; else by its transitions.

    Where nobody looked at it yet: by what sales had said.
    """
    if row is not None and row.decided_at <= as_of:
        return row.standing
    rules, lead = rules_of(loaded.bundle, loaded.version), read.lead
    first = new(rules, lead.lead_id, lead.created_at)
    if row is not None:
        found = connection.execute(_BEFORE, {"lead_id": lead.lead_id, "as_of": as_of}).first()
        return first.standing if found is None else resume(rules.policy, found[0], found[1], lead.created_at)
    known = [one for one in closings_of(connection, [lead.lead_id]).get(lead.lead_id, ()) if one[2] < as_of]
    for said in words_of(rules, lead.lead_id, lead.events, known):
        first = heard(rules, first, said, [])
    return first.standing


def _answer(loaded: Loaded, one: Decided) -> Answer:
    if one.made is None:
        raise ClosedLead(one.row.lead_id, one.row.state, one.row.since)
    loaded.drift.seen(one.made.score)
    return Answer(one.made, one.row.since)


def _not_there(connection: Connection, question: Question, now: int) -> Answer:
    """Why nothing could be decided about a lead. Raises UnknownLead or ReadinessError."""
    lead = read_history(connection, that_counts(connection, question.lead_id), now).lead
    raise ReadinessError(
        f"Lead {lead.lead_id[:200]!r} is created at {iso(lead.created_at)}, now is {iso(now)}. Ask at a later moment."
    )
