"""Visitors who turn out to be leads, and ids that turn out to be one lead."""

import json

from data.clock import DAY
from serving.ingest.items import EventItem, LeadItem, LinkItem, OutcomeItem, VisitItem

T0 = 1_700_000_000_000_000


def test_a_visitor_becomes_a_lead(store, tell, contents, now):
    """What a visitor did is the lead's with the link, known from then on; what it does later at once."""
    visit = VisitItem(event=EventItem(lead_id="anon", kind="page", occurred_at=T0, event_id="v1", extra={"p": "x"}))
    assert tell(store, visit).taken == 1
    assert tell(store, visit).duplicates == 1
    assert contents(store)["leads"] == []
    tell(store, LinkItem(other_id="anon", lead_id="a", said_at=T0 + DAY), at=now + 1)
    tell(
        store,
        visit,
        VisitItem(event=OutcomeItem(lead_id="anon", kind="won", occurred_at=T0, outcome_id="o")),
        at=now + 2,
    )
    stored = contents(store)
    assert [(r["lead_id"], r["known_at"], r["extra"]) for r in map(dict, stored["events"])] == [
        ("a", now + 1, '{"p": "x"}')
    ]
    assert [(r["lead_id"], r["known_at"]) for r in map(dict, stored["outcomes"])] == [("a", now + 2)]
    assert stored["visits"] == []
    assert dict(stored["leads"][0])["created_at"] == T0 + DAY  # it is a lead since it said who it is


def test_a_link_alone_makes_no_lead_but_what_follows_does(store, tell, contents, now):
    """An alias of an id that did nothing yet; what its visitor does then is a lead's, and known from then on."""
    tell(store, LinkItem(other_id="anon", lead_id="a", said_at=T0))
    assert contents(store)["leads"] == []
    tell(store, VisitItem(event=EventItem(lead_id="anon", kind="page", occurred_at=T0 - DAY)), at=now + 5)
    [lead] = map(dict, contents(store)["leads"])
    assert (lead["lead_id"], lead["created_at"], lead["implied"]) == ("a", now + 5, True)
    assert [dict(row)["lead_id"] for row in contents(store)["events"]] == ["a"]


def test_a_visitor_who_names_nobody_is_a_lead_itself(store, tell, contents):
    """A link to itself makes the visitor's id the lead's."""
    tell(
        store,
        VisitItem(event=EventItem(lead_id="anon", kind="page", occurred_at=T0)),
        LinkItem(other_id="anon", lead_id="anon", said_at=T0 + 1),
    )
    tell(store, VisitItem(event=EventItem(lead_id="anon", kind="page", occurred_at=T0 + 2)))
    assert [dict(row)["lead_id"] for row in contents(store)["events"]] == ["anon", "anon"]


def test_two_ids_of_one_lead_become_one(store, tell, contents):
    """An alias moves everything, and later news of the old id is the new one's; chains end at the last id."""
    tell(
        store,
        EventItem(lead_id="old", kind="page", occurred_at=T0, event_id="1"),
        LeadItem(lead_id="old", attributes={"x": "p", "y": 2.0}, known_at=T0),
    )
    tell(store, LeadItem(lead_id="new", created_at=T0 + 5, attributes={"x": "q"}, known_at=T0 + 9))
    tell(store, LinkItem(other_id="old", lead_id="new", said_at=T0 + 10))
    tell(store, LinkItem(other_id="new", lead_id="newest", said_at=T0 + 20))
    tell(store, EventItem(lead_id="old", kind="page", occurred_at=T0 + 1, event_id="2"))
    stored = contents(store)
    [lead] = map(dict, stored["leads"])
    assert (lead["lead_id"], lead["created_at"], json.loads(lead["attributes"])) == ("newest", T0, {"x": "q", "y": 2.0})
    assert {dict(row)["lead_id"] for row in stored["events"]} == {"newest"}
    assert {(r["field"], r["known_at"], r["value"]) for r in map(dict, stored["changes"])} == {
        ("x", T0, "p"),
        ("y", T0, "2"),
        ("x", T0 + 9, "q"),
    }
    assert {(r["other_id"], r["lead_id"]) for r in map(dict, stored["links"])} == {("old", "newest"), ("new", "newest")}
    assert [dict(row)["lead_id"] for row in stored["looks"]] == ["newest"]
