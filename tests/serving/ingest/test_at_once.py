"""News of a few leads is decided about in its own transaction; of many, of a past, or without a model later."""

import time

import pytest
from sqlalchemy import select

from data.clock import DAY, HOUR
from models.bundle import read_bundle
from models.scorer import Scorer
from serving.deciding.decide import AT_ONCE
from serving.ingest.items import EventItem, LeadItem
from serving.ingest.take import QUICK_EVENTS
from serving.live.loading import Loaded
from serving.store.tables import looks, scores, standings


@pytest.fixture(scope="module")
def loaded(trained):
    """A trained bundle, as a service holds it."""
    bundle = read_bundle(trained.bundle)
    scorer = Scorer(bundle)
    scorer.warm()
    return Loaded(bundle, scorer, "7")


def _events(lead, now):
    kinds = ("asset_download", "pricing_view", "email_click")
    return [EventItem(lead_id=lead, kind=kinds[k % 3], occurred_at=now - k * DAY - HOUR) for k in range(6)]


def _rows(store, *columns):
    return [tuple(row) for row in store.read(lambda c: c.execute(select(*columns).order_by(columns[0])).all())]


def test_a_few_leads_are_decided_about_with_their_news(store, tell, loaded):
    """After one call there is a score of all that it brought, a standing, and no mark."""
    now = time.time_ns() // 1_000
    tell(store, LeadItem(lead_id="a", created_at=now - 9 * DAY), *_events("a", now), at=now, loaded=loaded)
    [(lead, used, as_of, cause)] = _rows(store, scores.c.lead_id, scores.c.events_used, scores.c.as_of, scores.c.cause)
    assert (lead, used, as_of, cause) == ("a", 6, now + 1, "event")
    [(_, readiness)] = _rows(store, standings.c.lead_id, standings.c.readiness)
    assert 0 < readiness < 1
    assert _rows(store, looks.c.lead_id) == []


def test_what_is_known_already_is_not_decided_about_again(store, tell, loaded):
    """The same call again changes nothing, and scores nothing."""
    now = time.time_ns() // 1_000
    for _ in range(2):
        tell(store, *_events("a", now), at=now, loaded=loaded)
    assert len(_rows(store, scores.c.lead_id)) == 1


def test_many_leads_and_a_past_wait_for_the_worker(store, tell, loaded):
    """Their marks stay, nothing is scored within the call."""
    now = time.time_ns() // 1_000
    many = [EventItem(lead_id=f"{k:03}", kind="page", occurred_at=now - HOUR) for k in range(AT_ONCE + 1)]
    tell(store, *many, at=now, loaded=loaded)
    tell(store, *_events("past", now), at=now, loaded=loaded, backfill=True)
    assert _rows(store, scores.c.lead_id) == []
    assert len(_rows(store, looks.c.lead_id)) == AT_ONCE + 2


def test_a_very_long_history_is_left_to_the_worker(store, tell, loaded):
    """Nobody waits for the score of a lead with thousands of events: its mark stays."""
    now = time.time_ns() // 1_000
    many = [EventItem(lead_id="a", kind="page", occurred_at=now - DAY - k) for k in range(QUICK_EVENTS + 1)]
    tell(store, *many, at=now, loaded=loaded)
    assert _rows(store, scores.c.lead_id) == []
    assert _rows(store, looks.c.lead_id) == [("a",)]
