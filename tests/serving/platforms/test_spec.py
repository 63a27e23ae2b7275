"""Segment and RudderStack messages become items, and mean the same as in a file that is read for training."""

import json
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.check import check
from data.clock import to_micros
from data.contract import parse_contract
from data.sources.spoken import text_of
from serving.ingest.items import AccountItem, EraseItem, EventItem, LeadItem, LinkItem, OutcomeItem, VisitItem
from serving.platforms.spec import Words, read_spec

READY = '[ready]\noutcome = ["won"]\nterminal = ["won", "lost"]\nhorizons = ["30d"]\nprimary = "30d"\n'
SOURCE = '[source]\nkind = "segment"\npath = "."\nwon = ["Order Completed"]\nlost = ["Churned"]\n'
WORDS = Words(outcomes={"Order Completed": "won", "Churned": "lost"})
AT = "2026-05-12T08:00:00.000Z"
T = to_micros(datetime(2026, 5, 12, 8, tzinfo=UTC))


def items(*messages, words=WORDS):
    """The items of messages of which none is rejected."""
    told = read_spec(messages, words)
    assert told.rejected == []
    return [placed.item for placed in told.items]


def reason(message, words=WORDS):
    """Why one message is rejected."""
    told = read_spec([{"type": "page", "userId": "u", "timestamp": AT}, message], words)
    assert [placed.index for placed in told.items] == [0]
    assert [one.index for one in told.rejected] == [1]
    return told.rejected[0].reason


def test_the_recorded_messages(payload):
    """A batch as Segment and RudderStack send it: each message is what it says, nothing else."""
    told = read_spec(payload("segment_batch.json"), Words(outcomes={"Order Completed": "won"}, may_erase=True))
    assert told.rejected == []
    found = [placed.item for placed in told.items]
    assert found == [
        LinkItem(other_id="anon-1", lead_id="u-1", said_at=T, known_at=T + 1_000_000),
        LeadItem(
            lead_id="u-1",
            attributes={"industry": "software", "employees": 250, "trial": True, "plan": None},
            known_at=T + 1_000_000,
            said_at=T,
        ),
        EventItem(
            lead_id="u-1",
            kind="Demo Requested",
            occurred_at=T + 60_000_000,
            known_at=T + 61_000_000,
            event_id="m-2",
            value=12.5,
            item="/demo",
        ),
        OutcomeItem(
            lead_id="u-1", kind="won", occurred_at=T + 120_000_000, known_at=None, outcome_id="m-3", value=990.0
        ),
        VisitItem(
            event=EventItem(
                lead_id="anon-2",
                kind="page",
                occurred_at=T + 180_000_000,
                known_at=T + 181_000_000,
                event_id="m-4",
                item="https://example.com/pricing",
            )
        ),
        AccountItem(
            account_id="g-1",
            attributes={"account_industry": "steel", "account_employees": 50},
            known_at=T + 241_000_000,
        ),
        LeadItem(lead_id="u-1", account_id="g-1", known_at=T + 241_000_000, said_at=T + 240_000_000, keep_account=True),
        LinkItem(other_id="u-0", lead_id="u-1", said_at=T + 300_000_000, known_at=T + 301_000_000),
        EraseItem(lead_id="u-9"),
    ]


def test_who_identifies_without_a_user_id_is_a_lead_itself():
    """RudderStack writes an empty user id; the visitor's own id is then the lead's."""
    link, lead = items({"type": "identify", "anonymousId": "v", "userId": "", "traits": {"plan": "x"}, "timestamp": AT})
    assert link == LinkItem(other_id="v", lead_id="v", said_at=T)
    assert (lead.lead_id, lead.attributes) == ("v", {"plan": "x"})


def test_only_the_traits_that_are_wanted():
    """Without a list, those that do not say who somebody is; with one, those of the list."""
    message = {"type": "identify", "userId": "u", "timestamp": AT, "traits": {"email": "a@b.c", "plan": "x", "b": [1]}}
    assert items(message)[0].attributes == {"plan": "x"}
    assert items(message, words=Words(traits=frozenset({"email"})))[0].attributes == {"email": "a@b.c"}


def test_an_erasure_needs_to_be_allowed():
    """A key that may only bring events erases nobody."""
    assert "scope admin" in reason({"type": "delete", "userId": "u"})
    assert items({"type": "delete", "userId": "u"}, words=Words(may_erase=True)) == [EraseItem(lead_id="u")]


def test_received_before_it_happened():
    """A clock that runs ahead: it was known when it happened, not before."""
    received = "2026-05-12T07:59:59Z"
    assert items({"type": "page", "userId": "u", "timestamp": AT, "receivedAt": received})[0].known_at == T


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ([], "not a JSON object"),
        ({"event": "x"}, "a message without a type"),
        ({"type": "shout", "userId": "u"}, "type is 'shout'"),
        ({"type": "page", "timestamp": AT}, "neither userId nor anonymousId"),
        ({"type": "page", "userId": "u"}, "timestamp is missing"),
        ({"type": "page", "userId": "u", "timestamp": "soon"}, "'soon' is not an ISO 8601 time"),
        ({"type": "page", "userId": "u", "timestamp": "2026-05-12T08:00:00"}, "no time zone"),
        ({"type": "page", "userId": "u", "timestamp": "9999-05-12T08:00:00Z"}, "outside the years"),
        ({"type": "track", "userId": "u", "timestamp": AT}, "event is missing"),
        ({"type": "track", "userId": "u" * 201, "event": "x", "timestamp": AT}, "userId has 201 characters"),
        ({"type": "track", "userId": "u\x00", "event": "x", "timestamp": AT}, "NUL"),
        ({"type": "track", "userId": "u", "event": "x", "timestamp": AT, "properties": {"value": "12 €"}}, "12 €"),
        ({"type": "track", "userId": "u", "event": "x", "timestamp": AT, "properties": {"value": "1e999"}}, "finite"),
        ({"type": "group", "userId": "u", "timestamp": AT}, "groupId is missing"),
        ({"type": "alias", "userId": "u", "timestamp": AT}, "previousId is missing"),
        ({"type": "alias", "userId": "u", "previousId": "u", "timestamp": AT}, "previousId is the userId"),
        ({"type": "identify", "userId": "u", "timestamp": AT, "traits": {"n": 10**400}}, "finite"),
        ({"type": "identify", "userId": "u", "timestamp": AT, "traits": dict.fromkeys(map(str, range(501)))}, "501"),
    ],
)
def test_what_is_wrong_is_rejected_with_its_reason(message, expected):
    """One bad message costs none of the others."""
    assert expected in reason(message)


texts = st.sampled_from(["", " x ", "9", "true", "steel", "Größe"])
scalars = st.one_of(texts, st.booleans(), st.none(), st.integers(-9, 10**6), st.floats(allow_nan=False, width=32))
traits = st.dictionaries(
    st.sampled_from(["industry", "plan", "employees", "email", "firstName", "list"]),
    st.one_of(scalars.filter(lambda value: value not in {float("inf"), float("-inf")}), st.just([1])),
)
properties = st.fixed_dictionaries(
    {},
    optional={
        "value": st.sampled_from([1, "2.5", 0.0, None]),
        "revenue": st.sampled_from([7, "8"]),
        "url": texts,
        "name": texts,
        "plan": texts,
    },
)


@st.composite
def spoken(draw):
    """Messages of users, each with an id and a moment of its own, received a while later."""
    messages = []
    for number in range(draw(st.integers(1, 8))):
        at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=number, microseconds=draw(st.integers(0, 10**6)))
        message = {
            "type": draw(st.sampled_from(["identify", "track", "page", "screen", "group", "Track"])),
            "userId": draw(st.sampled_from(["a", "b", 7])),
            "messageId": f"m{number}",
            "timestamp": at.isoformat(),
            "receivedAt": (at + timedelta(seconds=draw(st.integers(0, 9)))).isoformat().replace("+00:00", "Z"),
            "properties": draw(properties),
            "traits": draw(traits),
            "event": draw(st.sampled_from(["x", " y ", "Order Completed", "Churned"])),
            "groupId": draw(st.sampled_from(["g1", 2])),
            "context": {"page": {"url": draw(texts)}},
        }
        messages.append(message)
    return messages


@settings(max_examples=40, deadline=None)
@given(spoken())
def test_the_same_message_means_the_same_as_in_a_file(messages):
    """Read from a file for training or sent to the service: the same events, outcomes and attributes."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "m.jsonl"
        file.write_text("\n".join(json.dumps(message) for message in messages))
        history = check(parse_contract(READY + SOURCE, Path(folder))).history
    sent = items(*messages)
    events = [
        (one.lead_id, one.kind, one.occurred_at, one.known_at, one.event_id, one.value, one.item)
        for one in sent
        if isinstance(one, EventItem)
    ]
    names = ("lead_id", "kind", "occurred_at", "known_at", "event_id", "value", "item")
    assert sorted(events, key=str) == sorted(rows(history.events, names), key=str)
    outcomes = [(o.lead_id, o.kind, o.occurred_at, o.known_at, o.value) for o in sent if isinstance(o, OutcomeItem)]
    names = ("lead_id", "kind", "occurred_at", "known_at", "value")
    assert sorted(outcomes, key=str) == sorted(rows(history.outcomes, names), key=str)
    said: dict[tuple[str, str], list[tuple[int, str | None]]] = {}
    for lead in (one for one in sent if isinstance(one, LeadItem)):
        for name, value in lead.attributes.items():
            said.setdefault((lead.lead_id, name), []).append((lead.known_at, text_of(value)))
    changes = rows(history.changes, ("lead_id", "field", "known_at", "value")) if history.changes is not None else []
    assert sorted(changes, key=str) == sorted(new_values(said), key=str)
    leads = {row[0]: row[1] for row in rows(history.leads, ("lead_id", "account_id"))}
    groups = [one for one in sent if isinstance(one, LeadItem) and one.account_id]
    first = {lead: next((g.account_id for g in groups if g.lead_id == lead), None) for lead in leads}
    assert leads == first


def new_values(said):
    """Those of the values, in the order in which they were known, that are not what was known already."""
    for (lead, name), values in said.items():
        before = object()
        for known, value in sorted(values, key=lambda pair: pair[0]):
            if value != before:
                yield lead, name, known, value
            before = value


def rows(table, names):
    """The rows of an Arrow table as tuples, moments in microseconds."""
    return [
        tuple(to_micros(row[name]) if isinstance(row.get(name), datetime) else row.get(name) for name in names)
        for row in table.to_pylist()
    ]
