"""Two services on one database are told the same at once: the store is what one of them alone would have made."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np

from data.clock import MINUTE
from serving.ingest.items import AccountItem, EraseItem, EventItem, LeadItem, LinkItem, OutcomeItem
from serving.store.store import Store

T0 = 1_700_000_000_000_000


def _items(seed):
    """News of few leads, all with their own moments of knowledge, so that the moment of receipt does not matter."""
    chance = np.random.default_rng(seed)
    items = []
    for k in range(120):
        lead, at = f"L-{chance.integers(6)}", T0 + int(chance.integers(50)) * MINUTE
        known = {"lead_id": lead, "known_at": at + MINUTE}
        items.append(EventItem(kind="page", occurred_at=at, event_id=f"e{k}", **known))
        items.append(LeadItem(attributes={f"f{chance.integers(3)}": f"{k}"}, said_at=at, **known))
        if k % 10 == 0:
            items.append(OutcomeItem(kind="won", occurred_at=at, **known))
            items.append(AccountItem(account_id="a", attributes={"tier": f"{k}"}, known_at=at))
    return items


def _told_by(store, tell, items, seed):
    """Everything in an order of its own, in calls of uneven size; returns how much was new."""
    chance, new = np.random.default_rng(seed), 0
    rest = [items[k] for k in chance.permutation(len(items))]
    while rest:
        size = int(chance.integers(1, 40))
        new += tell(store, *rest[:size]).taken
        rest = rest[size:]
    return new


def test_what_two_are_told_is_stored_once(store, store_url, tell, contents, emptied):
    """Four senders, two services, every one in another order: each thing is new to exactly one of them."""
    items = _items(1)
    alone = _told_by(store, tell, items, 0)
    expected = contents(store)
    emptied(store)
    other = Store.open(store_url)
    with ThreadPoolExecutor(4) as pool:
        told = [pool.submit(_told_by, one, tell, items, seed) for seed, one in enumerate([store, other] * 2)]
        new = [one.result() for one in told]
    other.close()
    assert contents(store) == expected
    happened = sum(isinstance(item, EventItem | OutcomeItem) for item in items)
    assert sum(new) >= happened
    assert alone >= happened


def test_links_and_news_at_once_lose_nothing(store, store_url, tell, contents):
    """While an id becomes part of another one, news of both arrive at both services: every event ends at the new id."""
    other = Store.open(store_url)
    events = [
        EventItem(lead_id=("old", "new")[k % 2], kind="page", occurred_at=T0 + k, known_at=T0 + k, event_id=f"{k}")
        for k in range(200)
    ]
    link = LinkItem(other_id="old", lead_id="new", said_at=T0, known_at=T0)
    sent = [[*events[:50], link], events[50:100], [*events[100:150], link], events[150:]]
    with ThreadPoolExecutor(4) as pool:
        told = [pool.submit(_told_by, one, tell, items, 1) for one, items in zip([store, other] * 2, sent, strict=True)]
        assert sum(one.result() for one in told) >= 200
    tell(store, link)
    other.close()
    found = contents(store)
    assert sorted(dict(row)["event_id"] for row in found["events"]) == sorted(event.event_id for event in events)
    assert {dict(row)["lead_id"] for row in found["leads"]} == {"new"}


def test_an_erasure_among_news_leaves_a_whole_lead_or_none(store, store_url, tell, contents):
    """A lead is erased again and again at one service while the other hears of it: no call fails, the last one wins."""
    other = Store.open(store_url)

    def send(start):
        event = {"lead_id": "a", "kind": "page", "occurred_at": T0}
        items = [EventItem(**event, event_id=f"{start + k}") for k in range(5)]
        return tell(store, *items, LeadItem(lead_id="a", attributes={"n": f"{start}"})).refused

    with ThreadPoolExecutor(2) as pool:
        told = [pool.submit(send, start) for start in range(0, 200, 5)]
        gone = [pool.submit(tell, other, EraseItem(lead_id="a")) for _ in range(20)]
        assert [one.result() for one in told] == [()] * 40
        assert all(one.result().refused == () for one in gone)
    tell(other, EraseItem(lead_id="a"))
    other.close()
    assert {name for name, rows in contents(store).items() if rows} == set()
