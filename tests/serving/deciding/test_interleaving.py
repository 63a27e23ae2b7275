"""Whatever comes in whatever order through whichever service: the crossings are those of a replay in plain Python."""

import time
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select

from data.clock import DAY, HOUR
from features.lead import Event, LeadHistory
from models.states import begin, step
from serving.deciding import passing, waiting
from serving.deciding.decide import decide
from serving.deciding.marks import marked
from serving.deciding.passing import begin_pass, run_pass
from serving.deciding.rules import remember, rules_of
from serving.ingest.items import EventItem, LeadItem, OutcomeItem, Placed, Told
from serving.ingest.take import take
from serving.store.store import Store
from serving.store.tables import METADATA, messages, meta, standings, transitions

START = 20_500 * DAY
LEADS = ("a", "b", "c")
WORDS = {"touch": "taken", "back": "given back", "won": "won", "lost": "lost"}
DOINGS = st.lists(
    st.tuples(
        st.sampled_from(["view", "reply", "email_open", "view", *WORDS, "look", "night"]),
        st.sampled_from(LEADS),
        st.integers(1, 30 * 24),  # hours later
        st.booleans(),  # through which service
        st.sampled_from([True, True, False]),  # whether a model is loaded there
    ),
    max_size=18,
)


class Replay:
    """One lead in plain Python: its facts, its standing by ``models.states``, its crossings."""

    def __init__(self, loaded, born):
        self.loaded, self.policy, self.born = loaded, loaded.bundle.policy, born
        self.events, self.words, self.crossed = [], [], []
        self.standing, self.decided_at, self.marked = None, 0, False

    def told(self, kind, moment):
        """A fact arrives; a word moves a lead that somebody has looked at."""
        if kind in WORDS:
            self.words.append((moment, WORDS[kind]))
        if kind not in ("won", "lost"):
            actor = "sales" if kind in WORDS else "lead"
            self.events.append(Event(kind, moment, moment, actor))
        if kind in WORDS and self.standing is not None:
            self._step(WORDS[kind], max(moment, self.standing.since + 1))
        self.marked = True

    def looked(self, moment):
        """Somebody looks just after a moment."""
        self.marked = False
        if self.standing is None:
            self.standing, self.decided_at = begin(self.policy, self.born), self.born
            for at, word in self.words:
                self._step(word, max(at, self.standing.since + 1))
            as_of = moment + 1
        else:
            as_of = max(moment, self.decided_at) + 1
        if self.standing.state not in ("won", "lost"):
            history = LeadHistory("x", self.born, events=tuple(self.events))
            self._step(self.loaded.scorer.look(history, as_of).look, as_of)

    def _step(self, told, at):
        self.standing, moved = step(self.policy, self.standing, told, at)
        self.decided_at = max(self.decided_at, at)
        if moved:
            self.crossed.append((moved.before, moved.after, moved.at))


def ingested(lead, kind, moment, place):
    """What arrives, as an item."""
    told = {"lead_id": lead, "occurred_at": moment}
    if kind in ("won", "lost"):
        return OutcomeItem(kind=kind, outcome_id=f"o{place}", **told)
    actor = "sales" if kind in WORDS else "lead"
    return EventItem(kind=kind, actor=actor, event_id=f"e{place}", given_back=kind == "back", **told)


def send(store, items, at, loaded):
    """Take items in, in one call."""
    told = Told([Placed(k, item) for k, item in enumerate(items)])
    return store.write(lambda connection: take(connection, told, at, loaded=loaded))


def crossed(store):
    """The transitions of each lead, in order."""
    statement = select(transitions).order_by(transitions.c.at)
    found = {lead: [] for lead in LEADS}
    for row in store.read(lambda connection: connection.execute(statement).mappings().all()):
        found.setdefault(row["lead_id"], []).append((row["before"], row["after"], row["at"]))
    return found


@pytest.fixture
def both(store_url):
    """Two services' stores on one database."""
    opened = [Store.open(store_url) for _ in range(2)]
    yield opened
    for store in opened:
        store.close()


def emptied(store, loaded):
    """A store without leads, which knows the rules."""

    def change(connection):
        for table in reversed(METADATA.sorted_tables):
            if table is not meta:
                connection.execute(delete(table))
        connection.execute(delete(meta).where(meta.c.name == "pass"))
        remember(connection, rules_of(loaded.bundle, loaded.version))

    store.write(change)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(DOINGS)
def test_crossings_are_those_of_a_replay(both, loaded, monkeypatch, doings):
    """News, words, looks at the marked and nightly passes, through two services, with and without a model there."""
    emptied(both[0], loaded)
    moment = START
    send(both[0], [LeadItem(lead_id=lead, created_at=START) for lead in LEADS], START, None)
    replays = {lead: Replay(loaded, START) for lead in LEADS}
    for replay in replays.values():
        replay.marked = True
    for room in (passing, waiting):
        monkeypatch.setattr(room, "wall_clock", lambda: moment)
    for place, (kind, lead, hours, second, has_model) in enumerate(doings):
        moment += hours * HOUR
        store, held = both[second], loaded if has_model else None
        if kind == "night":
            _night(store, loaded, moment, replays)
        elif kind == "look":
            _marked(store, loaded, moment, replays)
        else:
            send(store, [ingested(lead, kind, moment, place)], moment, held)
            replays[lead].told(kind, moment)
            if held is not None:
                replays[lead].looked(moment)
    assert crossed(both[0]) == {lead: replay.crossed for lead, replay in replays.items()}
    rows = both[1].read(lambda c: c.execute(select(standings.c.lead_id, standings.c.state)).all())
    assert {row[0]: row[1] for row in rows} == {
        lead: replay.standing.state for lead, replay in replays.items() if replay.standing
    }
    ids = both[0].read(lambda c: c.execute(select(messages.c.message_id)).scalars().all())
    assert len(ids) == len(set(ids)) <= sum(len(replay.crossed) for replay in replays.values())


def _marked(store, loaded, moment, replays):
    """What the worker does with marked leads."""
    ids = store.read(lambda connection: marked(connection, moment, 100))
    assert set(ids) == {lead for lead, replay in replays.items() if replay.marked}
    store.write(lambda connection: decide(connection, loaded, ids, moment, "event"))
    for lead in ids:
        replays[lead].looked(moment)


def _night(store, loaded, moment, replays):
    """The nightly pass: the marked first, then every open lead that was not looked at then."""
    store.write(lambda connection: begin_pass(connection, loaded, "night", moment))
    assert run_pass(store, loaded).finished_at is not None
    for replay in replays.values():
        if replay.marked or replay.standing is None or replay.standing.state not in ("won", "lost"):
            replay.looked(moment)


@pytest.mark.parametrize("seed", range(3))
def test_two_services_at_once_make_one_story_of_each_lead(both, loaded, seed):
    """News, words, looks and passes at the same time from two threads: every lead has one unbroken chain of states."""
    now = time.time_ns() // 1_000
    emptied(both[0], loaded)
    send(both[0], [LeadItem(lead_id=lead, created_at=now - 60 * DAY) for lead in LEADS], now, None)

    def work(number):
        rng = np.random.default_rng([seed, number])
        store = both[number]
        for place in range(25):
            kind = str(rng.choice(["view", "reply", "email_open", "touch", "back", "night", "look"]))
            at = time.time_ns() // 1_000
            if kind == "night":
                store.write(lambda connection, at=at: begin_pass(connection, loaded, "night", at))
                run_pass(store, loaded)
            elif kind == "look":
                store.write(lambda connection, at=at: decide(connection, loaded, LEADS, at, "event"))
            else:
                item = ingested(str(rng.choice(LEADS)), kind, at - int(rng.integers(DAY)), f"{number}-{place}")
                send(store, [item], at, loaded)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(work, range(2)))
    rows = dict(
        tuple(row) for row in both[0].read(lambda c: c.execute(select(standings.c.lead_id, standings.c.state)).all())
    )
    for lead, found in crossed(both[0]).items():
        assert all(one[1] == other[0] and one[2] < other[2] for one, other in pairwise(found)), found
        assert (found[0][0] if found else "nurture") == "nurture"
        assert rows[lead] == (found[-1][1] if found else "nurture")
