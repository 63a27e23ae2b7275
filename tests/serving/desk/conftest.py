"""A desk on a live service: a store of some hundred leads whose past ends now, looked at for some weeks."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from html.parser import HTMLParser
from itertools import count

import httpx
import pytest
from sqlalchemy import select

from benchmarks.desk_market import later, look_weekly
from data.clock import wall_clock
from data.store.tables import leads
from serving.app import create_app
from serving.desk.attempts import WITHIN_S, Attempts
from serving.settings import Settings
from serving.store.store import Store
from serving.store.tables import standings, watched

KEYS = {"admin": "key-of-ann", "read": "key-of-rita", "score": "key-of-sam"}
ENVIRONMENT = tuple(
    f"{name}:{scope}={KEYS[scope]}" for name, scope in (("ann", "admin"), ("rita", "read"), ("sam", "score"))
)
HOSTILE = """<img src=x onerror=alert(1)>"'&<script>alert(2)</script>/../x?y#z"""


class Seen(HTMLParser):
    """What a browser would make of a page: its tags with their attributes, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        """One tag."""
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        """One text."""
        self.words.append(data)

    @property
    def forms(self) -> list[dict[str, str]]:
        """The fields of every form, as they stand."""
        found: list[dict[str, str]] = []
        for tag, attributes in self.tags:
            if tag == "form":
                found.append({"action": attributes.get("action") or ""})
            elif tag == "input" and found:
                found[-1][attributes["name"]] = attributes.get("value") or ""
        return found

    @property
    def text(self) -> str:
        """The text, with single spaces."""
        return " ".join(" ".join(self.words).split())

    def form(self, action: str, field: str = "") -> dict[str, str]:
        """The fields of the first form that goes to an address and has a field of that name."""
        for one in self.forms:
            if one["action"] == action and (not field or field in one):
                return {name: value for name, value in one.items() if name != "action"}
        raise AssertionError(f"there is no form to {action}: {self.forms}")


@pytest.fixture(scope="session")
def seen():
    """A page as a browser sees it."""
    return Seen


@pytest.fixture(scope="session")
def hostile() -> str:
    """An id that would be markup if anybody forgot to escape it."""
    return HOSTILE


@dataclass(frozen=True)
class Desk:
    """The service, its store, and how to be somebody there."""

    client: httpx.Client
    store: Store
    keys: dict[str, str]

    @property
    def origin(self) -> dict[str, str]:
        """What a browser says of a form from a page of ours."""
        return {"origin": str(self.client.base_url).rstrip("/")}

    @contextmanager
    def visitor(self, scope: str | None = None) -> Iterator[httpx.Client]:
        """A browser; with a scope, signed in with a key that has it."""
        headers = {"accept": "text/html"}
        with httpx.Client(base_url=self.client.base_url, headers=headers, timeout=60) as browser:
            if scope is not None:
                told = browser.post("/desk/sign-in", data={"key": KEYS[scope]}, headers=self.origin)
                assert told.status_code == 303, told.text
            yield browser


@pytest.fixture(scope="session")
def desk_file(tmp_path_factory, filling, trained, loaded):
    """A store with the market's past, moved so that it ends now, looked at as of each of the last weeks."""
    file = tmp_path_factory.mktemp("desk") / "store.db"
    store = Store.open(f"sqlite:///{file}")
    store.write(filling(later(trained.history, wall_clock() - trained.history.ends_at)))
    look_weekly(store, loaded, 2)
    with store.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    store.close()
    return file


@pytest.fixture(scope="session")
def body_of_a_watch():
    """What ``readiness watch`` leaves in the store, in its agreed form."""
    bands = [(0.0, 0.05, 0.03, 400, 0.025), (0.05, 0.3, 0.2, 100, 0.19), (0.3, 1.0, 0.6, 20, 0.2)]
    bins = [
        {
            "low": low,
            "high": high,
            "told": told,
            "scores": count,
            "happened": happened,
            "happened_low": max(0.0, happened - 0.08),
            "happened_high": happened + 0.08,
        }
        for low, high, told, count, happened in bands
    ]
    row = {"horizon": "90d", "scores": 520, "leads": 300, "told": 0.09, "happened": 0.064, "bins": bins}
    row |= {"happened_low": 0.05, "happened_high": 0.08, "log_loss": 0.2, "log_loss_base": 0.25, "lift": 3.9}
    alarm = {"kind": "calibration", "subject": "version 3", "text": "It tells too much <b>above</b> 30 %.", "since": 1}
    return {
        "at": 1_700_000_000_000_000,
        "as_of": 1_700_000_000_000_000,
        "horizon": "90d",
        "ledger": [
            {**row, "version": "2", "segment": "all"},
            {**row, "version": "10", "segment": "all"},
            {**row, "version": "10", "segment": "industry=<i>law</i>", "bins": []},
        ],
        "drift": [{"what": "readiness", "version": "10", "distance": 0.31, "noise": 0.02, "p": 0.001, "alarm": True}],
        "contact": {
            "ready": 30,
            "never_contacted": 12,
            "bins": [{"low": 0.3, "high": 1.0, "scores": 20, "contacted": 0.6}],
            "explored": 0,
            "besides": 2,
        },
        "replay": {"scores": 50, "differ": 0, "first": None},
        "alarms": [alarm],
    }


@pytest.fixture(scope="session")
def desk(tmp_path_factory, trained, served, until, desk_file, rows) -> Iterator[Desk]:
    """The desk of a service with a store of some hundred leads, one of them hostile."""
    url = f"sqlite:///{shutil.copy(desk_file, tmp_path_factory.mktemp('served') / 'store.db')}"
    store = Store.open(url)
    now = wall_clock()
    some = select(standings).where(standings.c.state == "nurture").limit(1)

    def change(connection):
        connection.execute(leads.insert(), [rows.lead(HOSTILE, now - 10**9, HOSTILE, {HOSTILE: HOSTILE})])
        row = dict(connection.execute(some).mappings().one())
        hostile = {"lead_id": HOSTILE, "state": "ready", "readiness": 1.0, "reason": HOSTILE, "score_id": None}
        connection.execute(standings.insert(), [{**row, **hostile, "decided_at": now}])

    store.write(change)
    app = create_app(Settings(trained.bundle, keys=ENVIRONMENT, store=url, version="7"))
    minutes = count(0.0, WITHIN_S)  # the tests fail to sign in far more often than people in a minute
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("serving.app.Attempts", lambda: Attempts(lambda: next(minutes)))
        with served(app) as client:
            until(lambda: client.get("/readyz").status_code == 200)
            patched.undo()
            yield Desk(client, store, KEYS)
    store.close()


@pytest.fixture
def watched_once(desk, body_of_a_watch):
    """The desk of somebody who watches."""
    row = {"watch_id": "w1", "at": body_of_a_watch["at"], "body": json.dumps(body_of_a_watch)}
    desk.store.write(lambda connection: connection.execute(watched.insert(), [row]))
    yield desk
    desk.store.write(lambda connection: connection.execute(watched.delete()))
