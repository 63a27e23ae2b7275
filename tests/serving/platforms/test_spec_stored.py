"""Messages that were sent one by one train like the same messages in a file: visitors, aliases and all."""

import json
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from data.check import check
from data.clock import to_micros
from data.contract import parse_contract
from serving.ingest.take import take
from serving.platforms.spec import Words, read_spec
from serving.store.store import Store

READY = '[ready]\noutcome = ["won"]\nterminal = ["won", "lost"]\nhorizons = ["30d"]\nprimary = "30d"\n'
WORDS = Words(outcomes={"Order Completed": "won", "Churned": "lost"}, may_erase=True)
OWNER = {"v": "a", "w": "b", "x": None}
"""Whose each visitor turns out to be, if it does; a shared computer is another matter: a file knows the future."""


@st.composite
def spoken(draw):
    """Messages in the order of time, as a site sends them: visits, sign-ins, orders, groups, aliases, an erasure."""
    first = {"type": "track", "userId": "b", "event": "x", "messageId": "first", "properties": {}}
    messages = [first | dict.fromkeys(("timestamp", "receivedAt"), "2025-12-31T00:00:00Z")]
    for number in range(draw(st.integers(2, 12))):
        at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=number)
        visitor, user = draw(st.sampled_from(sorted(OWNER))), draw(st.sampled_from(["a", "b", "old"]))
        kind = draw(st.sampled_from(["visit", "sign in", "track", "track", "group", "alias"]))
        told = {"messageId": f"m{number}", "timestamp": at.isoformat(), "properties": {"value": number}}
        told["receivedAt"] = (at + timedelta(seconds=draw(st.integers(0, 5)))).isoformat()
        if kind == "visit":
            told |= {"type": "page", "anonymousId": visitor}
        elif kind == "sign in" and OWNER[visitor]:
            told |= {"type": "identify", "anonymousId": visitor, "userId": OWNER[visitor]}
            told["traits"] = draw(st.fixed_dictionaries({}, optional={"plan": st.sampled_from(["p", "q", 3, None])}))
        elif kind == "group":
            told |= {"type": "group", "userId": user, "groupId": "g", "traits": {"industry": "steel"}}
        elif kind == "alias":
            told |= {"type": "alias", "userId": "a", "previousId": "old"}
        else:
            told |= {"type": "track", "userId": user, "event": draw(st.sampled_from(["x", "Order Completed"]))}
        messages.append(told)
    return messages


def from_file(messages, folder):
    """The history of a file with these messages."""
    (folder / "m.jsonl").write_text("\n".join(map(json.dumps, messages)))
    source = '[source]\nkind = "segment"\npath = "m.jsonl"\nwon = ["Order Completed"]\nlost = ["Churned"]\n'
    return check(parse_contract(READY + source, folder)).history


def from_store(messages, url, folder):
    """The history of a store to which they were sent, each when it was received."""
    store = Store.open(url)
    for message in messages:
        at = to_micros(datetime.fromisoformat(message["receivedAt"]))
        told = read_spec([message], WORDS)
        assert told.rejected == []
        account = store.write(lambda connection, told=told, at=at: take(connection, told, at))
        assert account.refused == ()
    store.close()
    return check(parse_contract(f"{READY}[source]\nkind = 'store'\nurl = '{url}'\n", folder)).history


def rows(table, *names):
    """The rows of a table, in any order."""
    return sorted(map(str, zip(*(table[name].to_pylist() for name in names), strict=True)))


@settings(max_examples=25, deadline=None)
@given(spoken())
def test_a_store_trains_like_a_file(tmp_path_factory, messages):
    """The same leads since the same moments, the same events known at the same moments, the same outcomes."""
    folder = tmp_path_factory.mktemp("m")
    file, stored = from_file(messages, folder), from_store(messages, f"sqlite:///{folder / 's.db'}", folder)
    assert rows(stored.leads, "lead_id", "created_at", "account_id") == rows(
        file.leads, "lead_id", "created_at", "account_id"
    )
    names = ("lead_id", "kind", "occurred_at", "known_at", "event_id", "value", "item")
    assert rows(stored.events, *names) == rows(file.events, *names)
    names = ("lead_id", "kind", "occurred_at", "known_at", "value")
    assert rows(stored.outcomes, *names) == rows(file.outcomes, *names)
