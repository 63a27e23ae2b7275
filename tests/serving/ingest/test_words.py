"""What sales says moves leads in the transaction of its news."""

import pytest
from sqlalchemy import select

from models.policy import Policy
from serving.deciding.rules import Rules, remember
from serving.deciding.standings import claim, new
from serving.ingest.items import EventItem, OutcomeItem
from serving.store.tables import transitions

T0 = 1_700_000_000_000_000

RULES = Rules("shop", Policy(0.5), ("won",), ("won", "lost"), 90.0, "b")
"""Those that a store was last decided by: what sales says is heard also while no model is loaded."""


@pytest.fixture
def looked_at(store, tell):
    """A store in which somebody has looked at the leads a and b."""

    def change(connection):
        remember(connection, RULES)
        claim(connection, [new(RULES, lead, T0) for lead in "ab"])

    tell(store, *(EventItem(lead_id=lead, kind="page", occurred_at=T0) for lead in "ab"))
    store.write(change)
    return store


def _moves(store):
    columns = (transitions.c.lead_id, transitions.c.before, transitions.c.after, transitions.c.cause)
    rows = store.read(lambda c: c.execute(select(*columns).order_by(transitions.c.lead_id, transitions.c.at)).all())
    return [tuple(row) for row in rows]


def test_words_of_sales_move_leads_in_the_order_in_which_they_were_known(looked_at, tell):
    """A touch takes a lead up, one marked so gives it back, outcomes close it; each word once."""
    items = [
        OutcomeItem(lead_id="b", kind="won", occurred_at=T0 + 3),
        EventItem(lead_id="a", kind="call", occurred_at=T0 + 2, known_at=T0 + 9, actor="sales", given_back=True),
        EventItem(lead_id="a", kind="call", occurred_at=T0 + 1, known_at=T0 + 5, actor="sales"),
        OutcomeItem(lead_id="b", kind="opportunity", occurred_at=T0 + 3),
        EventItem(lead_id="a", kind="page", occurred_at=T0 + 4),
    ]
    moved = [
        ("a", "nurture", "working", "touch"),
        ("a", "working", "recycled", "touch"),
        ("b", "nurture", "won", "outcome"),
    ]
    tell(looked_at, *items)
    assert _moves(looked_at) == moved
    assert tell(looked_at, *items).duplicates == len(items)
    assert _moves(looked_at) == moved


def test_words_that_fail_take_the_news_with_them(looked_at, tell, contents, monkeypatch):
    """News and what follows from it are one transaction: both or neither."""
    before = contents(looked_at)

    def broken(*_):
        raise ValueError("no more")

    monkeypatch.setattr("serving.deciding.words.write_crossings", broken)
    with pytest.raises(ValueError, match="no more"):
        tell(looked_at, OutcomeItem(lead_id="b", kind="won", occurred_at=T0 + 3))
    assert contents(looked_at) == before
