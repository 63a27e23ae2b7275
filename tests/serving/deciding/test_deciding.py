"""Deciding about leads of the store: the same as `models.states` says in plain Python, each crossing once."""

import json
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import pytest
from sqlalchemy import func, select

from data.clock import DAY, HOUR
from data.store.tables import events, leads, outcomes
from features.lead import Event, LeadHistory
from models.evidence import Evidence
from models.states import Look, begin, step
from serving.deciding.decide import decide
from serving.deciding.marks import mark, marked
from serving.deciding.rules import remember, remembered, rules_of
from serving.deciding.standings import kept
from serving.deciding.words import Said, tell
from serving.store.store import Store
from serving.store.tables import deliveries, looks, messages, scores, subscribers, transitions

BORN = 20_000 * DAY
BUSY = tuple(
    Event(kind, BORN + day * DAY, BORN + day * DAY) for day in range(1, 9) for kind in ("pricing_view", "reply", "demo")
)
"""Enough evidence for any policy."""


@pytest.fixture(scope="module")
def rules(loaded):
    """The rules that come with the bundle."""
    return rules_of(loaded.bundle, loaded.version)


def born(rows, *lead_ids, created_at=BORN):
    """The change that creates leads."""
    return lambda connection: connection.execute(leads.insert(), [rows.lead(one, created_at) for one in lead_ids])


def engaged(rows, lead_id, happened=BUSY):
    """The change that brings events of a lead."""
    return lambda connection: connection.execute(
        events.insert(), [rows.event(lead_id, place, event) for place, event in enumerate(happened)]
    )


def crossed(store, lead_id=None):
    """The transitions as (before, after, at, cause), in order."""
    columns = (transitions.c.before, transitions.c.after, transitions.c.at, transitions.c.cause)
    statement = select(*columns).order_by(transitions.c.at)
    if lead_id:
        statement = statement.where(transitions.c.lead_id == lead_id)
    return [tuple(row) for row in store.read(lambda connection: connection.execute(statement).all())]


def count(store, table):
    """How many rows there are."""
    return store.read(lambda connection: connection.execute(select(func.count()).select_from(table)).scalar())


def test_a_look_writes_its_score_and_standing_and_takes_the_mark_away(store, loaded, rows):
    """The lead stands where the policy puts it, and its score can be told later as it was."""
    store.write(born(rows, "a"))
    store.write(engaged(rows, "a"))
    store.write(lambda connection: mark(connection, ["a"], 1))
    now = BORN + 9 * DAY
    (decided,) = store.write(lambda connection: decide(connection, loaded, ["a"], now, "event"))
    history = LeadHistory("a", BORN, events=BUSY)
    expected = loaded.scorer.score(history, now + 1, 3 if decided.crossed else 0)
    assert decided.score == expected
    row = store.read(lambda connection: kept(connection, "a"))
    assert (row.state, row.readiness, row.reason, row.decided_at) == (
        expected.state,
        expected.readiness,
        expected.decision_reason,
        now + 1,
    )
    (score,) = store.read(lambda connection: connection.execute(select(scores)).mappings().all())
    assert (score["score_id"], score["readiness"], score["as_of"]) == (row.score_id, expected.readiness, now + 1)
    assert json.loads(score["horizons"]) == expected.horizons
    assert count(store, looks) == 0


def test_a_crossing_is_written_and_told_in_the_same_transaction(store, loaded, rows, rules):
    """A word that moves a lead leaves a transition, a message and a delivery for who subscribed; one undone, none."""
    store.write(lambda connection: connection.execute(subscribers.insert(), [_subscriber("crm")]))
    store.write(born(rows, "a"))
    now = BORN + DAY
    store.write(lambda connection: decide(connection, loaded, ["a"], now, "event"))

    def fails(connection):
        tell(connection, rules, [Said("a", "taken", now + HOUR, "touch")], now + HOUR)
        raise ValueError("the ingest failed")

    with pytest.raises(ValueError, match="the ingest failed"):
        store.write(fails)
    assert (crossed(store), count(store, messages)) == ([], 0)
    store.write(lambda connection: tell(connection, rules, [Said("a", "taken", now + HOUR, "touch")], now + HOUR))
    assert crossed(store) == [("nurture", "working", now + HOUR, "touch")]
    assert (count(store, messages), count(store, deliveries)) == (1, 1)


def _subscriber(name):
    return {
        "name": name,
        "platform": "webhook",
        "url": "https://example.org/",
        "secret": "",
        "settings": "{}",
        "kinds": "[]",
        "active": True,
        "made_at": 0,
        "stopped_because": None,
    }


def test_the_first_look_hears_all_that_sales_said_before(store, loaded, rows):
    """A lead loaded with its past stands where its words put it; what is long over is kept and told to nobody."""
    touch = Event("call", BORN + 2 * DAY, BORN + 2 * DAY, "sales")
    back = Event("call", BORN + 5 * DAY, BORN + 5 * DAY, "sales", extra={"given_back": True})
    store.write(born(rows, "a", "b"))
    store.write(engaged(rows, "a", (touch, back)))
    store.write(engaged(rows, "b", (touch._replace(event_id="other"),)))
    closing = rows.outcome("b", "won", BORN + 6 * DAY)
    store.write(lambda connection: connection.execute(outcomes.insert(), [closing]))
    store.write(lambda connection: decide(connection, loaded, ["a", "b"], BORN + 30 * DAY, "event"))
    assert [row[:2] for row in crossed(store, "a")] == [("nurture", "working"), ("working", "recycled")]
    assert crossed(store, "b") == [
        ("nurture", "working", BORN + 2 * DAY, "touch"),
        ("working", "won", BORN + 6 * DAY, "outcome"),
    ]
    assert count(store, messages) == 0
    row = store.read(lambda connection: kept(connection, "a"))
    assert (row.state, row.touched_at) == ("recycled", BORN + 5 * DAY)
    assert store.read(lambda connection: kept(connection, "b")).score_id is None


def test_what_is_not_known_yet_is_looked_at_when_it_is(store, loaded, rows):
    """An event from a clock ahead of ours leaves the lead marked for the moment at which it counts."""
    ahead = Event("reply", BORN + DAY, BORN + DAY)
    store.write(born(rows, "a"))
    store.write(engaged(rows, "a", (ahead,)))
    store.write(lambda connection: decide(connection, loaded, ["a"], BORN + DAY - HOUR, "event"))
    assert store.read(lambda connection: marked(connection, BORN + DAY - 1, 10)) == []
    assert store.read(lambda connection: marked(connection, BORN + DAY, 10)) == ["a"]
    store.write(lambda connection: decide(connection, loaded, ["a"], BORN + DAY, "event"))
    assert count(store, looks) == 0


def test_unknown_closed_and_unborn_leads_are_left_out(store, loaded, rows, rules):
    """Nothing is decided about them; only the lead that will be created stays marked, for then."""
    store.write(born(rows, "closed"))
    store.write(born(rows, "unborn", created_at=BORN + 3 * DAY))
    store.write(lambda connection: decide(connection, loaded, ["closed"], BORN + HOUR, "event"))
    store.write(lambda connection: tell(connection, rules, [Said("closed", "lost", BORN + DAY, "outcome")]))
    ids = ["closed", "nobody", "unborn"]
    store.write(lambda connection: mark(connection, ids, 1))
    assert store.write(lambda connection: decide(connection, loaded, ids, BORN + 2 * DAY, "event")) == []
    left = store.read(lambda connection: connection.execute(select(looks)).all())
    assert [tuple(row) for row in left] == [("unborn", BORN + 3 * DAY)]


def test_two_stores_never_make_the_same_crossing_twice(store_url, loaded, rows, rules):
    """Two services decide about the same leads at once, again and again: each lead begins once and moves once."""
    with ThreadPoolExecutor(2) as pool:
        both = list(pool.map(Store.open, [store_url] * 2))
        ids = [f"lead-{k}" for k in range(12)]
        both[0].write(born(rows, *ids))
        for one in ids:
            both[0].write(engaged(rows, one, tuple(e._replace(event_id=f"{one}-{k}") for k, e in enumerate(BUSY))))
        for day in (9, 10):
            moment = BORN + day * DAY
            list(pool.map(lambda s, m=moment: s.write(lambda c: decide(c, loaded, ids, m, "event")), both))
            said = [Said(one, "taken", moment + HOUR, "touch") for one in ids]
            list(pool.map(lambda s, w=said: s.write(lambda c: tell(c, rules, w)), both))
        per_lead = [crossed(both[0], one) for one in ids]
        for store in both:
            store.close()
    for found in per_lead:
        assert all(one[1] == other[0] for one, other in pairwise(found))
        assert [row[1] for row in found].count("working") == 1
        assert found[0][0] == "nurture"


def test_the_rules_are_remembered(store, rules):
    """What sales says is heard where no bundle is loaded: by the rules that were decided by last."""
    assert store.read(remembered) is None
    store.write(lambda connection: remember(connection, rules))
    assert store.read(remembered) == rules
    assert [rules.word_of(kind) for kind in ("won", "lost", "opened")] == ["won", "lost", None]


def test_a_word_is_heard_by_the_rules_that_the_store_remembers(store, loaded, rows, rules):
    """Without a bundle the word moves the lead all the same; without any rules it waits for the first look."""
    store.write(born(rows, "a"))
    said = [Said("a", "taken", BORN + DAY, "touch")]
    assert store.write(lambda connection: tell(connection, None, said)) == []
    store.write(lambda connection: remember(connection, rules))
    assert store.write(lambda connection: tell(connection, None, said)) == []
    store.write(lambda connection: decide(connection, loaded, ["a"], BORN + HOUR, "event"))
    (moved,) = store.write(lambda connection: tell(connection, None, said))
    assert (moved.before, moved.after) == ("nurture", "working")


def test_the_standing_is_that_of_a_replay(filled, loaded, trained):
    """Leads of the market, looked at week by week: their transitions are those of `models.states` in plain Python."""
    end = trained.history.ends_at
    ids = trained.history.leads["lead_id"].to_pylist()[:40]
    moments = [end - k * 7 * DAY for k in reversed(range(12))]
    for moment in moments:
        filled.write(lambda connection, m=moment: decide(connection, loaded, ids, m, "night"))
    for one in ids:
        assert [row[:3] for row in crossed(filled, one)] == list(_replayed(loaded, trained, one, moments)), one


def _replayed(loaded, trained, lead_id, moments):
    """The transitions of one lead: at each moment what sales has said since the last one, then a look."""
    from models.histories import lead_histories

    (lead,) = lead_histories(trained.history, [lead_id])
    rows = zip(*(trained.history.outcomes[name].to_pylist() for name in ("lead_id", "kind", "known_at")), strict=True)
    closings = [(_micros(at), "won" if kind == "won" else "lost") for one, kind, at in rows if one == lead_id]
    touches = [(event.known_at, "taken") for event in lead.events if event.actor == "sales"]
    policy, waiting = loaded.bundle.policy, sorted((*touches, *closings))
    standing = None
    for moment in moments:
        if lead.created_at > moment:
            continue
        standing = begin(policy, lead.created_at) if standing is None else standing
        while waiting and waiting[0][0] <= moment and standing.state not in ("won", "lost"):
            at, word = waiting.pop(0)
            standing, moved = step(policy, standing, word, max(at, standing.since + 1))
            if moved:
                yield moved.before, moved.after, moved.at
        if standing.state in ("won", "lost"):
            continue
        score = loaded.scorer.look(lead, moment + 1)
        seen = Evidence.seen(lead.events, moment + 1, policy.evidence_window, lead.created_at)
        readiness = float(score.predicted[loaded.bundle.deciding])
        standing, moved = step(policy, standing, Look(readiness, seen), moment + 1)
        if moved:
            yield moved.before, moved.after, moved.at


def _micros(moment):
    from data.clock import to_micros

    return to_micros(moment)
