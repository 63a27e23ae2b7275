"""CloudEvents become items, whether structured, batched or binary."""

from datetime import UTC, datetime

import pytest
from cloudevents.core.bindings.http import to_binary_event, to_structured_event
from cloudevents.core.v1.event import CloudEvent
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import from_json

from data.clock import to_micros
from serving.ingest.items import EventItem, LeadItem, OutcomeItem
from serving.platforms.cloud_events import from_headers, read_cloud_events

NOON = datetime(2026, 5, 12, 12, tzinfo=UTC)
T = to_micros(NOON)


def event(kind="com.example.webinar", data=None, **more):
    """A CloudEvent in structured form."""
    told = {"specversion": "1.0", "id": "1", "source": "/web", "type": kind, "time": "2026-05-12T12:00:00Z"}
    return {**told, "subject": "L-1", **more, **({} if data is None else {"data": data})}


def item(*told):
    """The item of the last of these events; none is rejected."""
    read = read_cloud_events(told)
    assert read.rejected == []
    return read.items[-1].item


def test_an_event_of_a_type_of_ones_own():
    """The subject is the lead, the time when it happened; the data gives value, item and further columns."""
    data = {"value": 3, "item": "Q2", "seats": 5, "email": "a@b.c", "nested": {"a": 1}}
    assert item(event(data=data)) == EventItem(
        lead_id="L-1",
        kind="com.example.webinar",
        occurred_at=T,
        event_id="/web 1",
        value=3.0,
        item="Q2",
        extra={"seats": 5},
    )


def test_our_own_types():
    """What the endpoints take, as events: their data decides, the attributes fill in."""
    data = {"kind": "pricing_view", "value": 48, "seats": 5, "event_id": "e", "known_at": "2026-05-12T12:00:01Z"}
    made = item(event("readiness.event", data))
    assert made == EventItem(
        lead_id="L-1",
        kind="pricing_view",
        occurred_at=T,
        known_at=T + 1_000_000,
        event_id="e",
        value=48.0,
        extra={"seats": 5},
    )
    back = item(event("readiness.touch", {"kind": "call", "given_back": True, "lead_id": "L-2"}))
    assert (back.lead_id, back.actor, back.given_back, back.kind) == ("L-2", "sales", True, "call")
    assert item(event("readiness.outcome", {"kind": "won", "value": 9.5})) == OutcomeItem(
        lead_id="L-1", kind="won", occurred_at=T, outcome_id="/web 1", value=9.5
    )
    described = {
        "created_at": "2026-05-12T12:00:00Z",
        "account_id": "A",
        "attributes": {"industry": "steel", "x": None},
    }
    assert item(event("readiness.lead", described)) == LeadItem(
        lead_id="L-1", created_at=T, account_id="A", attributes={"industry": "steel", "x": None}, said_at=T
    )


@pytest.mark.parametrize("subject", ["L-1", "Zoë 1%", 'a"b'])
def test_structured_and_binary_say_the_same(subject):
    """An event that the CloudEvents library wrote in either mode is the same item."""
    attributes = {"id": "1", "source": "/web", "type": "x.y", "subject": subject, "time": NOON}
    made = CloudEvent({**attributes, "specversion": "1.0", "datacontenttype": "application/json"}, {"value": 2})
    structured, binary = to_structured_event(made), to_binary_event(made)
    headers = {name.lower(): value for name, value in binary.headers.items()}
    one = item(from_json(structured.body))
    assert one == item(from_headers(headers, from_json(binary.body)))
    assert (one.lead_id, one.occurred_at, one.value) == (subject, T, 2.0)


def test_long_ids_are_told_apart():
    """Two ids that begin alike stay two."""
    first, second = (item(event(id="x" * 300 + end)) for end in "ab")
    assert first.event_id != second.event_id
    assert len(first.event_id) < 200


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (3, "not an object"),
        (event(specversion="0.3"), "specversion"),
        ({"specversion": "1.0"}, "no CloudEvent 1.0"),
        (event(id=""), "no CloudEvent 1.0"),
        (event(time="yesterday"), "not an ISO 8601 time"),
        (event(data=[1]), "not an object"),
        (event(data_base64="AAAA"), "binary"),
        (event(subject=None), "subject"),
        (event("readiness.lead.ready"), "readiness.event"),
        (event("readiness.event", {}), "kind is missing"),
        (event("readiness.event", {"kind": "x", "actor": "robot"}), "actor is 'robot'"),
        (event("readiness.event", {"kind": "x", "known_at": "2026-05-12T11:00:00Z"}), "before occurred_at"),
        (event("readiness.touch", {"kind": "x", "given_back": "yes"}), "given_back"),
        (event("readiness.outcome", {"kind": "won", "amount": 1}), "'amount'"),
        (event("readiness.lead", {"attributes": [1]}), "attributes"),
        ({key: value for key, value in event().items() if key != "time"}, "time"),
    ],
)
def test_what_is_wrong_is_rejected_with_its_reason(told, expected):
    """One bad event costs none of the others."""
    read = read_cloud_events([event(), told])
    assert [placed.index for placed in read.items] == [0]
    assert expected in read.rejected[0].reason


junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=4,
)
names = st.sampled_from(["id", "source", "type", "specversion", "time", "subject", "data", "Upper", "dataschema", ""])


@given(st.dictionaries(names, junk), st.sampled_from(["x", "readiness.event", "readiness.lead", "readiness.outcome"]))
def test_whatever_is_sent_it_is_read_or_rejected(changes, kind):
    """An event with anything in any place is one item or one reason."""
    read = read_cloud_events([{**event(kind, {"kind": "k"}), **changes}])
    assert len(read.items) + len(read.rejected) == 1
