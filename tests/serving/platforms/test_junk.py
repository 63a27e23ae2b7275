"""Every place of every recorded message holds, one after the other, every kind of thing that should not be there."""

import copy
import math

import pytest

from serving.ingest.items import Told
from serving.ingest.take import take
from serving.platforms.cloud_events import read_cloud_events
from serving.platforms.hubspot import read_action
from serving.platforms.marketo import CALLBACK_HOSTS, read_chunk
from serving.platforms.mautic import read_mautic
from serving.platforms.spec import Words, read_spec
from serving.store.store import Store

JUNK = [
    *(
        None,
        True,
        False,
        0,
        -1,
        2**70,
        1.5,
        1e308,
        math.inf,
        "",
        "x",
        "..",
        "\x00",
        "2026-01-01T00:00:00Z",
        "é" * 1_100,
    ),
    *([], {}, [[]], [{}], {"a": 1}, {"id": []}, ["x"]),
]
WORDS = Words(outcomes={"Order Completed": "won"}, may_erase=True)
NOW = 1_790_000_000_000_000
DATA = {
    "kind": "k",
    "lead_id": "a",
    "occurred_at": "2026-01-31T09:30:00Z",
    "known_at": "2026-01-31T09:30:00Z",
    "event_id": "e",
    "actor": "lead",
    "value": 1,
    "item": "i",
    "seats": 5,
}
DESCRIBED = {"created_at": "2026-01-31T09:30:00Z", "account_id": "x", "attributes": {"a": 1}, "known_at": None}


def event(kind, data):
    """A CloudEvent."""
    told = {"specversion": "1.0", "id": "1", "source": "/s", "type": kind, "subject": "L"}
    return [{**told, "time": "2026-01-31T09:30:00Z", "data": data}]


def places(told, so_far=()):
    """Every place in a message, the whole included."""
    yield so_far
    inner = told.items() if isinstance(told, dict) else enumerate(told) if isinstance(told, list) else ()
    for key, value in inner:
        yield from places(value, (*so_far, key))


def replaced(told, place, value):
    """A message with another value at a place."""
    if not place:
        return value
    whole = copy.deepcopy(told)
    part = whole
    for key in place[:-1]:
        part = part[key]
    part[place[-1]] = value
    return whole


def variants(told):
    """A message with junk in each of its places."""
    for place in places(told):
        for junk in JUNK:
            yield replaced(told, place, copy.deepcopy(junk))


@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("marketo_submission.json", lambda told: read_chunk(told, CALLBACK_HOSTS).callback_id),
        ("hubspot_action.json", read_action),
    ],
)
def test_a_question_is_read_or_refused(payload, name, read):
    """With a sentence, never with a failure."""
    count = refused = 0
    for told in variants(payload(name)):
        count += 1
        try:
            read(told)
        except ValueError as error:
            refused += 1
            assert str(error)[:1].isalnum()  # noqa: PT017 - most are refused, and each with a sentence
    assert count / 20 < refused < count


@pytest.mark.parametrize("source", ["segment", "mautic", "event", "touch", "outcome", "lead", "x.y"])
def test_what_is_read_can_be_stored(payload, tmp_path, source):
    """Each message is taken, known or refused: nothing that is read makes the store fail."""
    if source == "segment":
        base, read = (
            payload("segment_batch.json"),
            lambda told: read_spec(told if isinstance(told, list) else [told], WORDS),
        )
    elif source == "mautic":
        base, read = (
            payload("mautic_webhook.json"),
            lambda told: read_mautic(told if isinstance(told, dict) else {}, WORDS),
        )
    else:
        data = DESCRIBED if source == "lead" else {k: v for k, v in DATA.items() if source != "outcome" or k in OUTCOME}
        base = event(source if "." in source else f"readiness.{source}", data)
        read = lambda told: read_cloud_events(told if isinstance(told, list) else [told])  # noqa: E731
    store = Store.open(f"sqlite:///{tmp_path / 'store.db'}")
    told = [read(one) for one in variants(base)]
    items = list({repr(placed.item): placed for one in told for placed in one.items}.values())
    again = Told([type(placed)(index, placed.item) for index, placed in enumerate(items)])
    account = store.write(lambda connection: take(connection, again, NOW))
    store.close()
    assert account.taken + account.duplicates + len(account.refused) == len(items)
    assert account.taken > 0
    assert any(one.rejected for one in told)


OUTCOME = {"kind", "lead_id", "occurred_at", "known_at", "value"}
