"""The ground of the pages' commands, made once, and what has to run beside some of them."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.docs.ground import copy_of, make_ground
from tests.docs.receivers import receiving
from tests.docs.servers import Staying, answer

KEY = "a-key-of-the-pages"


@contextmanager
def _as_on_the_pages() -> Iterator[None]:
    """No keys from outside; messages may go to this machine."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("READINESS_API_KEYS", raising=False)
        patch.setenv("READINESS_OUTGOING_PRIVATE", "127.0.0.0/8")
        patch.setenv("READINESS_OUTGOING_HTTP", "1")
        yield


@pytest.fixture(scope="module", autouse=True)
def outside() -> Iterator[None]:
    """The environment that the pages' commands meet; other tests of this process have theirs."""
    with _as_on_the_pages():
        yield


@pytest.fixture(scope="session")
def ground(tmp_path_factory) -> Path:
    """The ground; whoever changes it takes a copy."""
    with _as_on_the_pages():
        return make_ground(tmp_path_factory.mktemp("ground"))


@pytest.fixture
def own_ground(ground, tmp_path) -> Path:
    """A copy of the ground for one test."""
    return copy_of(ground, tmp_path / "ground")


@pytest.fixture(scope="session")
def key() -> str:
    """A key that the service takes."""
    return KEY


@pytest.fixture(scope="session")
def service(ground, tmp_path_factory) -> Iterator[str]:
    """The address of a service on a copy of the ground, a process like any other."""
    folder = copy_of(ground, tmp_path_factory.mktemp("service") / "ground")
    with _as_on_the_pages():
        begun = Staying(folder, ["serve", "--port", "0", "--no-worker"], {"READINESS_API_KEYS": KEY})
    try:
        url = begun.line("http://")
        answer(f"{url}/readyz", 200)
        yield url
    finally:
        begun.stop()


@pytest.fixture(scope="session")
def receiver() -> Iterator[str]:
    """The address of somebody who takes every message."""
    with receiving() as url:
        yield url
