"""A lead with a very long history is looked at like any other, and nobody waits for it."""

import time

import pytest
from sqlalchemy import select

from data.clock import DAY, MINUTE
from data.store.tables import events, leads
from features.lead import Event
from serving.deciding import waiting
from serving.deciding.decide import decide
from serving.deciding.marks import mark, marked
from serving.deciding.standings import kept
from serving.deciding.waiting import PUT_OFF, look_at_marked
from serving.store.tables import looks, scores


def now():
    """The wall clock in microseconds."""
    return time.time_ns() // 1_000


@pytest.fixture
def twins(store, rows, monkeypatch):
    """Two leads with the same long past, both marked: what is long is said to be so from 20 events on."""
    monkeypatch.setattr(waiting, "LONG", 20)
    born = now() - 40 * DAY
    told = [Event(("reply", "pricing_view")[k % 2], born + k * DAY, born + k * DAY) for k in range(1, 39)]

    def write(connection):
        connection.execute(leads.insert(), [rows.lead(one, born) for one in ("long", "twin")])
        found = [rows.event(one, k, event) for one in ("long", "twin") for k, event in enumerate(told)]
        connection.execute(events.insert(), found)
        mark(connection, ["long"], born)

    store.write(write)
    return store


def standing(store, lead_id):
    """Where a lead stands."""
    return store.read(lambda connection: kept(connection, lead_id))


def marks(store):
    """The marks that there are."""
    return store.read(lambda c: dict(map(tuple, c.execute(select(looks.c.lead_id, looks.c.since)))))


def test_it_comes_out_as_a_look_in_one_transaction_does(twins, loaded):
    """The same state and readiness as its twin, a score for it, and its mark is gone."""
    assert look_at_marked(twins, loaded) == 1
    moment = standing(twins, "long").decided_at - 1
    twins.write(lambda connection: decide(connection, loaded, ["twin"], moment, "event"))
    one, other = standing(twins, "long"), standing(twins, "twin")
    same = ("state", "since", "next_at", "reason", "readiness", "index", "decided_at")
    assert [getattr(one, name) for name in same] == [getattr(other, name) for name in same]
    told = twins.read(lambda c: c.execute(select(scores.c.lead_id, scores.c.cause)).all())
    assert sorted(map(tuple, told)) == [("long", "event"), ("twin", "event")]
    assert marks(twins) == {}


def while_it_is_scored(monkeypatch, what):
    """Do something between the reading of a lead and the writing of what follows."""
    real = waiting.see

    def see(*arguments):
        seen = real(*arguments)
        monkeypatch.setattr(waiting, "see", real)
        what()
        return seen

    monkeypatch.setattr(waiting, "see", see)


def test_others_write_meanwhile_and_no_news_goes_unseen(twins, loaded, rows, monkeypatch):
    """News of the very lead arrives while it is scored: the writer takes it, and the lead is looked at once more."""
    late = Event("reply", now(), now())

    def news(connection):
        connection.execute(events.insert(), [rows.event("long", 99, late)])
        mark(connection, ["long"], now())

    while_it_is_scored(monkeypatch, lambda: twins.write(news))
    assert look_at_marked(twins, loaded) == 2
    told = twins.read(lambda c: c.execute(select(scores.c.events_used).order_by(scores.c.as_of)).scalars().all())
    assert (told, marks(twins)) == ([38, 39], {})


def test_a_lead_that_moved_meanwhile_is_looked_at_again(twins, loaded, monkeypatch):
    """Somebody asked about it while it was scored: what was seen is dropped, and nothing is decided twice."""
    moved = []

    def ask():
        twins.write(lambda connection: decide(connection, loaded, ["long"], now(), "lead"))
        moved.append(standing(twins, "long"))

    while_it_is_scored(monkeypatch, ask)
    assert look_at_marked(twins, loaded) == 2
    told = twins.read(lambda c: c.execute(select(scores.c.cause).order_by(scores.c.as_of)).scalars().all())
    assert (told, standing(twins, "long").since) == (["lead", "event"], moved[0].since)


def test_a_look_that_ends_in_the_middle_is_made_again(twins, loaded, monkeypatch):
    """Its mark is not gone but put off: due again some minutes later, for whoever works then."""

    def killed():
        raise KeyboardInterrupt

    while_it_is_scored(monkeypatch, killed)
    with pytest.raises(KeyboardInterrupt):
        look_at_marked(twins, loaded)
    assert standing(twins, "long") is None
    at = (now(), now() + PUT_OFF + MINUTE)
    assert [twins.read(lambda c, at=one: marked(c, at, 10)) for one in at] == [[], ["long"]]
