"""What sales says moves leads in the transaction of its news."""

import pytest
from sqlalchemy import select

from data.clock import DAY
from models.policy import Policy
from serving.deciding.histories import read_history
from serving.deciding.rules import Rules, remember
from serving.deciding.standings import claim, new
from serving.deciding.words import words_of
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


@pytest.mark.parametrize(
    ("told", "back"),
    [(True, True), ("true", True), ("Yes", True), (1.0, True), (False, False), ("false", False), ("", False)],
)
def test_a_column_that_gives_back_means_the_same_with_the_news_and_at_the_first_look(looked_at, tell, told, back):
    """A loaded touch has `given_back` as a further column: a lead that was looked at and a new one hear the same."""
    touches = [
        EventItem(lead_id=lead, kind="call", occurred_at=T0 + k, actor="sales", extra={"given_back": told} if k else {})
        for lead in ("a", "later")
        for k in (0, 1)
    ]
    tell(looked_at, *touches, backfill=True)
    with_the_news = [move[2] for move in _moves(looked_at) if move[0] == "a"]
    events = looked_at.read(lambda c: read_history(c, "later", T0 + DAY)).lead.events
    assert with_the_news == (["working", "recycled"] if back else ["working"])
    assert [said.word for said in words_of(RULES, "later", events, [])] == ["taken", "given back" if back else "taken"]


def test_words_that_fail_take_the_news_with_them(looked_at, tell, contents, monkeypatch):
    """News and what follows from it are one transaction: both or neither."""
    before = contents(looked_at)

    def broken(*_):
        raise ValueError("no more")

    monkeypatch.setattr("serving.deciding.words.write_crossings", broken)
    with pytest.raises(ValueError, match="no more"):
        tell(looked_at, OutcomeItem(lead_id="b", kind="won", occurred_at=T0 + 3))
    assert contents(looked_at) == before
