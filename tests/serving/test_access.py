"""Who may ask what: no valid key is 401, a key that may less is 403, and no store means no store."""

import pytest

from serving import key_store
from serving.app import create_app
from serving.settings import Settings
from serving.store.store import Store


@pytest.fixture
def door(trained, store_url, served, until):
    """A service with a store, and the keys in it by name."""
    store = Store.open(store_url)
    keys = {name: key_store.create_key(store, name, (name,)) for name in ("score", "ingest", "admin")}
    app = create_app(Settings(trained.bundle, store=store_url))
    with served(app) as client:
        until(lambda: client.get("/readyz").status_code == 200)
        yield client, keys, store
    store.close()


def test_a_scope_is_needed(door):
    """What needs the scope score is answered to a key that has it or is admin's, and refused to another with 403."""
    client, keys, _ = door
    statuses = {name: client.get("/v1/model", headers={"x-api-key": key}).status_code for name, key in keys.items()}
    assert statuses == {"score": 200, "ingest": 403, "admin": 200}
    refused = client.get("/v1/model", headers={"x-api-key": keys["ingest"]}).json()
    assert refused["detail"].startswith("The key 'ingest' may ingest. This needs the scope 'score'")
    assert client.get("/v1/model", headers={"x-api-key": "rdy_nobody"}).status_code == 401


def test_a_key_that_another_process_revoked_opens_nothing_soon(door, until):
    """A revocation through the store reaches a running service without a restart."""
    client, keys, store = door
    headers = {"x-api-key": keys["score"]}
    assert client.get("/v1/model", headers=headers).status_code == 200
    key_store.revoke_key(store, "score")
    until(lambda: client.get("/v1/model", headers=headers).status_code == 401, 5.0)


def test_last_use_is_seen(door, until):
    """Who was let in is noted in the store."""
    client, keys, store = door
    client.get("/v1/model", headers={"x-api-key": keys["score"]})

    def noted():
        return [r.name for r in store.read(key_store.valid_keys) if r.last_used_at is not None]

    until(lambda: noted() == ["score"], 5.0)
