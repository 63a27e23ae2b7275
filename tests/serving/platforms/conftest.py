"""Recorded payloads, in the shapes that the platforms document."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import Table, select

from serving.app import create_app
from serving.platforms.settings import PlatformSettings
from serving.settings import Settings
from serving.store.store import Store

FOLDER = Path(__file__).parent / "payloads"


@pytest.fixture(scope="session")
def payload() -> Callable[[str], Any]:
    """The body of a recorded payload: ``shape_from`` says where its shape comes from, ``body`` is what is sent."""

    def read(name: str) -> Any:
        told = json.loads((FOLDER / name).read_text(encoding="utf-8"))
        assert set(told) == {"shape_from", "body"}
        return told["body"]

    return read


@pytest.fixture(scope="session")
def score() -> dict[str, Any]:
    """A score as the service tells it, flat, and its horizons."""
    return {
        "lead_id": "614",
        "as_of": "2026-05-12T08:00:00Z",
        "readiness": 0.2125,
        "horizons": {"30d": 0.1, "90d": 0.2125},
        "index": 86.6,
        "decision": "hand off",
        "decision_reason": "readiness 21 % is at or above the agreed 20 %",
        "state": "ready",
        "reason_1": "3 pricing views since 2 May 2026",
        "reason_2": "",
        "reason_3": "",
        "model_version": "7",
    }


PLATFORMS = PlatformSettings(
    public_url="https://scores.example.com",
    secrets={"segment": "segment-secret", "mautic": "mautic-secret", "hubspot": "hubspot-secret"},
    former={"segment": "segment-before", "mautic": "mautic-before", "hubspot": "hubspot-before"},
    outcomes={"Order Completed": "won"},
    mautic_api="https://mautic.example.com",
    mautic_group=3,
)
KEYS = {"ingest": "k-ingest", "score": "k-score", "admin": "k-admin", "read": "k-read"}


@dataclass(frozen=True)
class Door:
    """A running service with a store, and a second look into that store."""

    client: httpx.Client
    store: Store

    def rows(self, table: Table, **where: Any) -> list[dict[str, Any]]:
        """The rows of a table with these values."""
        asked = select(table).where(*(table.c[name] == value for name, value in where.items()))
        return [dict(row) for row in self.store.read(lambda c: c.execute(asked).mappings().all())]


@pytest.fixture(scope="module")
def door(trained, served, until, module_store_url) -> Iterator[Door]:
    """The service of a real model on each kind of database, with secrets for each platform and a key for each scope."""
    keys = tuple(f"{scope}:{scope}={key}" for scope, key in KEYS.items())
    settings = Settings(trained.bundle, keys=keys, version=trained.said["version"], store=module_store_url)
    app = create_app(settings, platforms=PLATFORMS)
    with served(app) as client:
        until(lambda: client.get("/readyz").status_code == 200)
        until(lambda: client.post("/v1/segment", json=[], headers=bearer("ingest")).status_code != 503)
        store = Store.open(module_store_url)
        yield Door(client, store)
        store.close()


def bearer(scope: str) -> dict[str, str]:
    """The header of the key with this scope."""
    return {"authorization": f"Bearer {KEYS[scope]}"}
