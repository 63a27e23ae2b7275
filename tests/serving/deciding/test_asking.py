"""A stored lead asked about: never stale, kept as it was told, explained later exactly so."""

import asyncio
import json
import time
from dataclasses import replace

import pytest
from sqlalchemy import select

from data.clock import DAY, HOUR
from data.errors import ReadinessError
from data.store.tables import events, leads, outcomes
from features.lead import Event
from models.policy import Policy
from models.scorer import Scorer
from serving.deciding import asking
from serving.deciding import recorder as recorder_module
from serving.deciding.asking import ClosedLead, Question, score_stored
from serving.deciding.decide import decide
from serving.deciding.explaining import kept_score, replay
from serving.deciding.histories import UnknownLead
from serving.deciding.recorder import Recorder
from serving.deciding.rules import rules_of
from serving.deciding.standings import kept
from serving.deciding.words import Said, tell
from serving.ingest.erasing import erase
from serving.store.failures import StoreDown
from serving.store.tables import scores, transitions


def now():
    """The wall clock in microseconds."""
    return time.time_ns() // 1_000


@pytest.fixture
def ask(store, loaded):
    """Asks as the service does, and waits until everything is kept."""

    def put(*questions, loaded=loaded):
        async def both():
            recorder = Recorder(lambda: store)
            found = [await score_stored(store, recorder, loaded, question) for question in questions]
            await recorder.close()
            return found

        return asyncio.run(both())

    return put


@pytest.fixture
def lively(store, rows):
    """A lead that was created 40 days ago and has been busy since."""
    born = now() - 40 * DAY
    happened = [
        Event(kind, born + day * DAY, born + day * DAY)
        for day in range(1, 39)
        for kind in ("pricing_view", "reply", "email_open")
    ]

    def write(connection):
        connection.execute(leads.insert(), [rows.lead("busy", born), rows.lead("quiet", born)])
        connection.execute(events.insert(), [rows.event("busy", k, event) for k, event in enumerate(happened)])

    store.write(write)
    return happened


def kept_rows(store):
    """The stored scores by id."""
    found = store.read(lambda connection: connection.execute(select(scores)).mappings().all())
    return {row["score_id"]: row for row in found}


def test_every_answer_is_kept_as_it_was_told(store, ask, lively):
    """The first question begins the standing, the next ones move nothing: each has its row, with all it said."""
    answers = ask(*[Question("busy")] * 3)
    rows = kept_rows(store)
    for answer in answers:
        row, score = rows[answer.made.score_id], answer.made.score
        assert (row["readiness"], row["as_of"], row["state"]) == (score.readiness, score.as_of, score.state)
        assert json.loads(row["horizons"]) == score.horizons
        assert [one["text"] for one in json.loads(row["reasons"])] == [reason.text for reason in score.reasons]
        assert (row["events_used"], row["cause"]) == (len(lively), "lead")
    assert len(rows) == 3
    assert answers[0].made.inputs == answers[2].made.inputs


@pytest.mark.usefixtures("lively")
def test_answers_about_stored_leads_are_watched_for_drift(ask, loaded):
    """Each answer counts once: the first, which writes where the lead stands, and the later ones, which only read."""
    before = sum(loaded.drift.states.values())
    answers = ask(*[Question("busy")] * 3, Question("quiet"))
    assert sum(loaded.drift.states.values()) - before == len(answers)
    assert 0.0 <= loaded.drift.mean <= 1.0


def test_a_read_that_finds_a_lead_ready_moves_it(store, ask, lively, loaded, rows):
    """What a look would cross is crossed by the question itself, in the transaction that keeps its score."""
    readily = replace(loaded.bundle, policy=Policy(threshold=1e-6))
    loaded = replace(loaded, bundle=readily, scorer=Scorer(readily))
    store.write(lambda connection: decide(connection, loaded, ["quiet"], now() - 30 * DAY, "night"))
    before = store.read(lambda connection: kept(connection, "quiet"))
    told = [event._replace(event_id=f"late-{k}") for k, event in enumerate(lively)]
    store.write(
        lambda connection: connection.execute(
            events.insert(), [rows.event("quiet", k, event) for k, event in enumerate(told)]
        )
    )
    (answer,) = ask(Question("quiet"), loaded=loaded)
    after = store.read(lambda connection: kept(connection, "quiet"))
    assert (before.state, after.state, answer.made.score.state) == ("nurture", "ready", "ready")
    crossed = store.read(lambda connection: connection.execute(select(transitions)).mappings().all())
    assert [(row["after"], row["score_id"], row["cause"]) for row in crossed] == [
        ("ready", answer.made.score_id, "lead")
    ]


def test_a_moment_of_the_past_is_answered_as_it_was_known_and_moves_nothing(store, ask, lively, loaded):
    """At a moment of the past the later events are not there, and the state is the one of then."""
    moment = lively[0].occurred_at + 5 * DAY
    ask(Question("busy"))
    rules = rules_of(loaded.bundle)
    store.write(lambda connection: tell(connection, rules, [Said("busy", "taken", now(), "touch")]))
    before = store.read(lambda connection: kept(connection, "busy"))
    (answer,) = ask(Question("busy", moment))
    assert answer.made.score.as_of == moment
    assert answer.made.used == sum(event.occurred_at < moment for event in lively)
    assert answer.made.ignored == len(lively) - answer.made.used
    assert answer.made.score.state != "working"
    assert ask(Question("busy", now()))[0].made.score.state == "working"
    assert store.read(lambda connection: kept(connection, "busy")) == before


def test_without_a_standing_the_past_hears_what_sales_had_said(store, ask, rows):
    """A loaded lead that nobody has looked at yet: its state of then follows from its touches."""
    born = now() - 40 * DAY
    touch = Event("call", born + 10 * DAY, born + 10 * DAY, "sales")

    def write(connection):
        connection.execute(leads.insert(), [rows.lead("a", born)])
        connection.execute(events.insert(), [rows.event("a", 0, touch)])
        connection.execute(outcomes.insert(), [rows.outcome("a", "lost", born + 20 * DAY)])

    store.write(write)
    states = [ask(Question("a", born + day * DAY))[0].made.score.state for day in (9, 11)]
    assert states == ["nurture", "working"]
    with pytest.raises(ClosedLead, match="is lost since"):
        ask(Question("a", born + 21 * DAY))
    with pytest.raises(ClosedLead, match="is lost since"):
        ask(Question("a"))


@pytest.mark.usefixtures("lively")
@pytest.mark.parametrize(
    ("question", "error", "words"),
    [
        (lambda: Question("nobody"), UnknownLead, "no lead 'nobody'"),
        (lambda: Question("busy", now() + HOUR), ReadinessError, "Expected a moment of the past"),
        (lambda: Question("busy", 10 * DAY), ReadinessError, "was created at"),
    ],
)
def test_questions_that_do_not_apply(ask, question, error, words):
    """One sentence each, and nothing is kept."""
    with pytest.raises(error, match=words):
        ask(question())


@pytest.mark.usefixtures("lively")
def test_a_very_long_history_is_read_beside_the_loop(ask, monkeypatch):
    """The same answer, to the last bit, from the thread that reads leads with many events."""
    ask(Question("busy"))
    moment = now() - DAY
    (short,) = ask(Question("busy", moment))
    monkeypatch.setattr(asking, "INLINE", 10)
    (long,) = ask(Question("busy", moment))
    assert (long.made.score, long.made.inputs) == (short.made.score, short.made.inputs)


def test_a_kept_score_is_computed_again_to_the_last_bit(store, ask, lively, loaded, rows):
    """Equal while the facts are; once something arrives that counts at its moment, that is said."""
    (answer,) = ask(Question("busy", now() - DAY))

    def again():
        return store.read(
            lambda connection: replay(connection, loaded, kept_score(connection, answer.made.score_id) or {})
        )

    found = again()
    assert (found.verdict, found.score.readiness) == ("equal", answer.made.score.readiness)
    assert found.score.reasons == answer.made.score.reasons
    late = Event("demo", lively[0].occurred_at, lively[0].known_at + HOUR)
    store.write(lambda connection: connection.execute(events.insert(), [rows.event("busy", 999, late)]))
    assert "fingerprint of what was scored differs" in again().why
    assert store.read(lambda c: replay(c, None, kept_score(c, answer.made.score_id) or {})).verdict == "not possible"


class Away:
    """A store that is down for the first writes."""

    def __init__(self, store, failures):
        self.store, self.failures = store, failures

    async def awrite(self, change):
        """A write, once the store is back."""
        self.failures -= 1
        if self.failures >= 0:
            raise StoreDown("The store does not answer.")
        return await self.store.awrite(change)


@pytest.mark.usefixtures("lively")
def test_the_recorder_waits_for_a_store_that_is_away(store, loaded, monkeypatch):
    """Rows that could not be written wait, who brings too many hears of it, and each is written once in the end."""
    monkeypatch.setattr(recorder_module, "AGAIN_S", 0.01)
    away = Away(store, failures=2)

    async def keep():
        steady, shaky = Recorder(lambda: store), Recorder(lambda: away, at_most=2)
        answers = [await score_stored(store, steady, loaded, Question("busy")) for _ in range(4)]
        made = [one.made for one in answers[1:]]
        await shaky.add(made[0], loaded)
        await shaky.add(made[1], loaded)
        with pytest.raises(StoreDown):
            await shaky.add(made[2], loaded)
        assert shaky.waiting() == 2
        await asyncio.wait_for(asyncio.shield(shaky._writing), 30)
        assert shaky.waiting() == 0
        await shaky.add(made[2], loaded)
        await shaky.close()
        return {one.score_id for one in made}

    ids = asyncio.run(keep())
    assert away.failures < 0
    assert ids <= set(kept_rows(store))


@pytest.mark.usefixtures("lively")
def test_scores_that_come_while_a_lot_is_written_make_the_next_lot(store, loaded, monkeypatch):
    """Under load there are as few writes as in peace: a lot does not take up what comes meanwhile, one by one."""
    monkeypatch.setattr(recorder_module, "SOON_S", 3_600)
    writes = []

    async def keep():
        recorder = Recorder(lambda: store)
        answers = [await score_stored(store, recorder, loaded, Question("busy", reasons=0)) for _ in range(4)]
        first, *later = [one.made for one in answers[1:]]
        real = store.awrite

        async def while_one_more_comes(change):
            writes.append(recorder.waiting())
            if later:
                await recorder.add(later.pop(), loaded)
            return await real(change)

        monkeypatch.setattr(store, "awrite", while_one_more_comes)
        await recorder.flush()
        left = recorder.waiting()
        await recorder.close()
        return first.score_id, left

    first_id, left = asyncio.run(keep())
    assert (left, writes[0], len(writes)) == (1, 3, 2)
    assert first_id in kept_rows(store)


@pytest.mark.usefixtures("lively")
def test_of_a_lead_that_is_erased_nothing_is_kept_afterwards(store, ask, loaded):
    """Its score waits to be written when the lead is forgotten: it is forgotten too."""
    ask(Question("busy"))

    async def told_then_erased():
        recorder = Recorder(lambda: store)
        await score_stored(store, recorder, loaded, Question("busy"))
        store.write(lambda connection: erase(connection, "busy", "tests", now()))
        await recorder.close()

    asyncio.run(told_then_erased())
    assert kept_rows(store) == {}


@pytest.mark.usefixtures("lively")
def test_scores_told_together_are_written_together(store, ask, monkeypatch):
    """Fifty answers that move nothing take one write once it is their turn."""
    monkeypatch.setattr(recorder_module, "SOON_S", 3_600)
    ask(Question("busy"))
    written = []
    real = store.awrite
    monkeypatch.setattr(store, "awrite", lambda change: written.append(1) or real(change))
    ask(*[Question("busy", reasons=0)] * 50)
    assert (len(kept_rows(store)), len(written)) == (51, 1)
