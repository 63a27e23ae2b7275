"""The requests that the pages show are asked of a real service, and its answers look as the page shows them."""

import json
import re

import httpx
import pytest

from tests.docs.pages import PAGES, blocks

ELSEWHERE = {"docs/webhooks.md"}
"""What is shown there is sent by us, not asked: tests/serving/outbox/test_page.py."""


def shown() -> list:
    """Test cases: (requests as text, the answer that follows as text) of every page with some."""
    found = []
    for name, page in PAGES.items():
        each = blocks(page)
        for at, (language, text) in enumerate(each):
            if language == "http" and name not in ELSEWHERE:
                follows, answer = each[at + 1]
                assert follows == "json", f"{name}: requests without their answer"
                found.append(pytest.param(text, answer, id=f"{name}-{at}"))
    return found


def requests(text: str) -> list[tuple[str, str, str]]:
    """(method, path, body) of each request of a block."""
    parts = re.split(r"\n\s*\n", text.strip())
    return [(*part.partition("\n")[0].split(maxsplit=1), part.partition("\n")[2]) for part in parts]


def keys_of(value) -> set[str]:
    """The names of all keys of an answer, those within lists and objects too."""
    if isinstance(value, list):
        return set().union(*map(keys_of, value))
    if isinstance(value, dict):
        return set(value).union(*map(keys_of, value.values()))
    return set()


@pytest.mark.parametrize(("text", "answer"), shown())
def test_requests_are_answered_as_the_page_shows(text, answer, service, key):
    """One after the other; the last answer has every key that the page shows, and a lead that is known has its own."""
    with httpx.Client(base_url=service, headers={"x-api-key": key}, timeout=60) as client:
        for method, path, body in requests(text):
            got = client.request(method, path, content=body, headers={"content-type": "application/json"})
            assert got.is_success, f"{method} {path}: {got.text}"
    there, expected = got.json(), json.loads(answer)
    assert set(expected) <= set(there)
    if not isinstance(there.get("leads"), list) or there["leads"]:
        assert keys_of(expected) <= keys_of(there)
