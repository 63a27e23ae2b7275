"""Whatever is sent is taken or refused: no value brings a database, a transaction or another caller down."""

import json
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from serving.app import create_app
from serving.ingest.reading import ACCOUNTS, EVENTS, LEADS, OUTCOMES, TOUCHES
from serving.ingest.take import take
from serving.settings import Settings

NOW = 1_780_000_000_000_000
MANY = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))

texts = st.one_of(
    st.text(max_size=20),
    st.sampled_from(
        [
            "",
            "\x00",
            "a\x00b",
            "\\u0000",
            "\U0010ffff",
            "\ufffe",
            "ü" * 300,
            "x" * 1_001,
            "'; DROP TABLE",
            "%s",
            ":lead",
            "?",
        ]
    ),
)
scalars = st.one_of(
    texts,
    st.none(),
    st.booleans(),
    st.sampled_from([0, -1, 2**63, -(2**63) - 1, 2**200, 10**400, 1e308, -1e308, 5e-324, 0.0, -0.0, 1.5]),
)
times = st.sampled_from(
    [
        "2026-01-31T09:30:00Z",
        "2026-01-31 09:30:00+14:00",
        "1970-01-01T00:00:00Z",
        "1969-12-31T23:59:59Z",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        "2199-12-31T23:59:59Z",
        "2026-02-30T00:00:00Z",
        "2026-01-31T24:00:00Z",
        "2016-12-31T23:59:60Z",
        "\uff12\uff10\uff12\uff16-01-31T09:30:00Z",
        1_700_000_000,
    ]
)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3), max_leaves=5
)
NAMES = (
    "lead_id",
    "account_id",
    "kind",
    "actor",
    "value",
    "item",
    "event_id",
    "outcome_id",
    "given_back",
    "attributes",
)
ODD = ("extra", "content", "received_at", "index", "__proto__", "", "x" * 201, "a\x00")
good = {"lead_id": "L", "account_id": "A", "kind": "page", "occurred_at": "2026-01-31T09:30:00Z"}


@st.composite
def things(draw):
    """Something that began as a good item of some door."""
    told = (
        {name: good[name] for name in draw(st.sets(st.sampled_from(sorted(good))))}
        if draw(st.booleans())
        else dict(good)
    )
    for name in ("occurred_at", "known_at", "created_at"):
        if draw(st.integers(0, 3)) == 0:
            told[name] = draw(times)
    for name in draw(st.sets(st.sampled_from(NAMES + ODD), max_size=3)):
        told[name] = draw(values)
    return draw(st.sampled_from([told, told, told, [told], draw(values)]))


@MANY
@given(
    sent=st.lists(things(), max_size=4),
    door=st.sampled_from([EVENTS, TOUCHES, OUTCOMES, LEADS, ACCOUNTS]),
    backfill=st.booleans(),
)
def test_whatever_is_sent_is_taken_or_refused(store, sent, door, backfill):
    """Each thing has exactly one fate and each refusal a sentence; the transaction lives on."""
    told = door.told(sent)
    account = store.write(lambda connection: take(connection, told, NOW, backfill=backfill))
    assert account.taken + account.duplicates + len(account.refused) == len(sent)
    assert all(one.reason.endswith((".", "?")) for one in account.refused), account.refused
    again = store.write(lambda connection: take(connection, door.told(sent), NOW, backfill=backfill))
    assert again.taken == 0
    assert len(again.refused) == len(account.refused)


@pytest.fixture(scope="module")
def http(trained, tmp_path_factory, served, until):
    """A service with a store and a model."""
    store = f"sqlite:///{tmp_path_factory.mktemp('store') / 'store.db'}"
    app = create_app(Settings(trained.bundle, store=store, keys=("a-key",)))
    with served(app, **{"x-api-key": "a-key"}) as client:
        until(lambda: client.get("/readyz").status_code == 200)
        yield client


def _while(http, calls):
    """Small news, stored and scored, for as long as the ``calls`` take; returns how often."""
    small = 0
    while not all(call.done() for call in calls):
        event = {"lead_id": f"s{small % 5}", "kind": "page", "occurred_at": "2026-01-31T09:30:00Z"}
        told = http.post("/v1/events", json=[{**event, "event_id": f"{uuid.uuid4()}"}])
        assert told.json() == {"taken": 1, "duplicates": 0, "refused": []}
        assert http.get(f"/v1/leads/s{small % 5}/score").status_code == 200
        small += 1
    return small


def test_others_are_answered_while_one_sends_very_much(http):
    """A hundred thousand events of one lead, then its score: meanwhile others have their answers."""
    line = '{{"lead_id":"big","kind":"page","occurred_at":"2026-01-31T09:30:00Z","event_id":"{}"}}\n'

    def send(start):
        body = "".join(line.format(k) for k in range(start, start + 10_000))
        return http.post("/v1/events", content=body, headers={"content-type": "application/x-ndjson"}, timeout=120)

    with ThreadPoolExecutor(1) as pool:
        calls = [pool.submit(send, start) for start in range(0, 100_000, 10_000)]
        assert _while(http, calls) >= 10
        assert [call.result().json()["taken"] for call in calls] == [10_000] * 10
        calls = [pool.submit(http.get, "/v1/leads/big/score", timeout=120)]
        assert _while(http, calls) >= 1
    told = calls[0].result()
    assert told.status_code == 200
    assert told.json()["events_used"] == 100_000


def test_doubled_keys_and_wide_objects_have_one_meaning(http):
    """Of a doubled key the last value counts; an object with very many columns is refused, not stored."""
    body = b'[{"lead_id":"a","lead_id":"b","kind":"page","occurred_at":"2026-01-31T09:30:00Z"}]'
    headers = {"content-type": "application/json"}
    assert http.post("/v1/events", content=body, headers=headers).json()["taken"] == 1
    wide = {**{f"c{k}": k for k in range(501)}, "lead_id": "b", "kind": "page", "occurred_at": "2026-01-31T09:30:00Z"}
    [refused] = http.post("/v1/events", content=json.dumps([wide]), headers=headers).json()["refused"]
    assert "501 columns" in refused["reason"]
