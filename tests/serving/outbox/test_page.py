"""docs/webhooks.md: what it shows is what happens."""

import json
import re
import time
from pathlib import Path

import pytest
from sqlalchemy import select

from data.clock import SECOND, from_micros
from serving.outbox.delivery import Pace
from serving.outbox.kinds import KINDS, PING
from serving.outbox.schedule import REFUSED_TRIES, WAITS
from serving.outbox.webhooks import signed_headers
from serving.store.tables import messages

PAGE = (Path(__file__).parents[3] / "docs" / "webhooks.md").read_text(encoding="utf-8")


def _block(language):
    return re.search(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)[1]


@pytest.fixture
def receive():
    """The function that the page gives to those who receive."""
    names = {}
    exec(_block("python"), names)  # noqa: S102 - the block of our own page
    return names["receive"]


def test_the_code_of_the_page_verifies_what_is_sent(receive, subscribe, tell, store):
    """A message is taken once, a second time it is known, a forged or an old one is refused."""
    secret = subscribe("crm", "https://example.org/").secret
    (message,) = tell("a")
    body = store.read(lambda c: c.execute(select(messages.c.body)).scalar_one())
    now, seen = time.time_ns() // 1_000, set()
    headers = signed_headers([secret], message, body, now)
    assert receive(secret, headers, body.encode(), seen) == (204, json.loads(body))
    assert receive(secret, headers, body.encode(), seen) == (204, None)
    assert receive(secret, headers, body.replace('"a"', '"b"').encode(), set()) == (401, None)
    old = signed_headers([secret], message, body, now - 301 * SECOND)
    assert receive(secret, old, body.encode(), set()) == (401, None)


def test_the_example_of_the_page_has_the_fields_of_a_message(tell, store):
    """Neither more nor fewer."""
    tell("a")
    sent = json.loads(store.read(lambda c: c.execute(select(messages.c.body)).scalar_one()))
    shown = json.loads(_block("json"))
    assert set(shown) == set(sent)
    assert set(shown["data"]) == set(sent["data"])


def test_the_page_names_every_kind():
    """In its table, and no other."""
    assert set(re.findall(r"^\| `(readiness\.[a-z._]+)`", PAGE, re.MULTILINE)) == {*KINDS, PING}


def test_the_page_tells_the_schedule():
    """The waits, the tries and the lease are those of the code."""
    told = [f"{wait // SECOND} s" if wait < 60 * SECOND else f"{wait // (60 * SECOND)} min" for wait in WAITS[:3]]
    hours = [str(wait // (3_600 * SECOND)) for wait in WAITS[3:]]
    assert f"again after {', '.join([*told, *hours[:-1]])} and {hours[-1]} h" in PAGE
    assert (REFUSED_TRIES, len(WAITS) + 1, Pace().at_once, Pace().lease) == (3, 10, 8, 20 * SECOND)
    assert "three tries" in PAGE
    assert "ten tries" in PAGE
    assert "claimed by one of them for 20 seconds" in PAGE
    assert f"webhook-timestamp: {int(from_micros(1_769_765_520_000_000).timestamp())}" in PAGE
