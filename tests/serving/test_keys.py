"""Keys are shown once, kept as hashes, open what their scopes say, and are checked without haste or guesswork."""

import asyncio
import json
import stat

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from data.errors import ContractError
from serving import key_store, keyring
from serving.key_file import create_key, read_keys, revoke_key
from serving.keyring import KeyRing
from serving.keys import SCOPES, fingerprint
from serving.store.failures import StoreDown


def scopes_of(ring, key):
    """What a key may do; empty when it opens nothing."""
    found = asyncio.run(ring.find(key))
    return set() if found is None else {scope for scope in SCOPES if found.may(scope)}


def test_a_key_opens_and_others_do_not(tmp_path):
    """A created key is allowed; a changed, cut off or empty one is not."""
    file = tmp_path / "keys.json"
    key = create_key(file, "marketo")
    ring = KeyRing(file)
    assert scopes_of(ring, key) == {"score", "ingest", "read"}
    assert not any(scopes_of(ring, wrong) for wrong in ("", key[:-1], key + "x", key.swapcase(), fingerprint(key)))


def test_the_file_holds_hashes_only(tmp_path):
    """The key cannot be read back from its file, and nobody else on the machine can read that file."""
    file = tmp_path / "deep" / "keys.json"
    key = create_key(file, "marketo")
    text = file.read_text()
    assert key not in text
    assert fingerprint(key) in text
    assert key.startswith(read_keys(file)[0].begins)
    assert len(read_keys(file)[0].begins) < 10
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_revoked_key_of_the_file_stops_at_once(tmp_path):
    """A running key ring notices creation and revocation without a restart."""
    file = tmp_path / "keys.json"
    ring = KeyRing(file)
    key = create_key(file, "one")
    other = create_key(file, "two")
    assert scopes_of(ring, key)
    revoke_key(file, "one")
    assert not scopes_of(ring, key)
    assert scopes_of(ring, other)
    file.unlink()
    assert not scopes_of(ring, other)


@pytest.mark.parametrize("text", ['{"keys": [{"name": 1}]}', "{", "[]", '{"keys": {"a": "b"}}', '{"keys": [7]}'])
def test_a_damaged_file_opens_nothing(tmp_path, text):
    """A key file that is not one is a clear error for people and an empty ring for requests."""
    file = tmp_path / "keys.json"
    key = create_key(file, "one")
    ring = KeyRing(file)
    assert scopes_of(ring, key)
    file.write_text(text)
    assert not scopes_of(ring, key)
    with pytest.raises(ContractError, match="not a key file"):
        read_keys(file)


def test_names_are_unique_and_plain(tmp_path):
    """Two keys cannot share a name, and a name is a plain word."""
    file = tmp_path / "keys.json"
    create_key(file, "one")
    with pytest.raises(ContractError, match="already"):
        create_key(file, "one")
    for name in ("", "../x", "a b", "x" * 64):
        with pytest.raises(ContractError, match="not a key name"):
            create_key(file, name)
    with pytest.raises(ContractError, match="Known keys: 'one'"):
        revoke_key(file, "two")
    assert [entry["name"] for entry in json.loads(file.read_text())["keys"]] == ["one"]


@settings(max_examples=50, deadline=None)
@given(st.text(), st.text(min_size=1))
def test_keys_from_the_environment_open_exactly(presented, key):
    """A key given in clear opens the ring if and only if it is that very text."""
    assume(keyring._SCOPED.fullmatch(key) is None)
    assert bool(scopes_of(KeyRing(None, (key,)), presented)) == (presented == key)


def test_a_key_of_the_environment_may_have_a_name_and_scopes():
    """NAME:score+ingest=KEY may do that and nothing else; a scope that is none is refused."""
    ring = KeyRing(None, ("crm:score+ingest=abc=", "plain"))
    assert asyncio.run(ring.find("abc=")).name == "crm"
    assert scopes_of(ring, "abc=") == {"score", "ingest"}
    assert scopes_of(ring, "plain") == set(SCOPES)
    assert not scopes_of(ring, "crm:score+ingest=abc=")
    with pytest.raises(ContractError, match="'scre' is not a scope"):
        KeyRing(None, ("crm:scre=abc",))


def test_keys_of_the_store(store, monkeypatch):
    """A key of the store opens what its scopes say until it is revoked; its name may then be given again."""
    monkeypatch.setattr(keyring, "FRESH_S", 0.0)
    key = key_store.create_key(store, "one", ("ingest",))
    ring = KeyRing(None, store=store)
    assert scopes_of(ring, key) == {"ingest"}
    with pytest.raises(ContractError, match="already"):
        key_store.create_key(store, "one")
    key_store.revoke_key(store, "one")
    assert not scopes_of(ring, key)
    with pytest.raises(ContractError, match="Known keys: none"):
        key_store.revoke_key(store, "one")
    again = key_store.create_key(store, "one", ("admin",))
    assert scopes_of(ring, again) == set(SCOPES)
    assert not scopes_of(ring, key)
    with pytest.raises(ContractError, match="'all' is not a scope"):
        key_store.create_key(store, "two", ("all",))


def test_the_store_holds_hashes_only(store):
    """What is stored of a key is its hash and how it begins."""
    key = key_store.create_key(store, "one")
    (record,) = store.read(key_store.valid_keys)
    assert record.sha256 == fingerprint(key)
    assert key.startswith(record.begins)
    assert len(record.begins) < 10


def test_last_use_is_kept_but_not_at_every_request(store, monkeypatch):
    """The first use is written, those of the next minute only when the service stops."""
    written = []
    keep = key_store.used
    monkeypatch.setattr(
        keyring, "used", lambda connection, moments: (written.append(moments), keep(connection, moments))
    )
    key = key_store.create_key(store, "one")
    ring = KeyRing(None, store=store)

    async def ask():
        for _ in range(20):
            assert await ring.find(key)
            await asyncio.sleep(0)
        await asyncio.gather(*ring._notes)
        first = store.read(key_store.valid_keys)[0].last_used_at
        await ring.find(key)
        await ring.flush()
        return first

    first = asyncio.run(ask())
    (record,) = store.read(key_store.valid_keys)
    assert record.created_at < first < record.last_used_at
    assert len(written) == 2


def test_keys_are_believed_for_a_minute_while_the_store_is_away(store, monkeypatch):
    """A store that does not answer does not lock anybody out at once, nor lets anybody in for ever."""
    monkeypatch.setattr(keyring, "FRESH_S", 0.0)
    key = key_store.create_key(store, "one")
    ring = KeyRing(None, store=store)
    assert scopes_of(ring, key)

    async def away(_):
        raise StoreDown("away")

    monkeypatch.setattr(store, "aread", away)
    assert scopes_of(ring, key)
    monkeypatch.setattr(keyring, "BELIEVED_S", 0.0)
    with pytest.raises(StoreDown, match="keys cannot be read"):
        asyncio.run(ring.find(key))


def test_the_keys_of_a_file_are_taken_over_once(store, tmp_path):
    """A store without keys takes those of the older version's file; one that ever had a key does not."""
    file = tmp_path / "keys.json"
    old = create_key(file, "old")
    written = json.loads(file.read_text())
    written["keys"][0].pop("scopes")  # as the version before scopes wrote it
    file.write_text(json.dumps(written))
    assert key_store.import_file(store, file) == 1
    assert scopes_of(KeyRing(None, store=store), old) == {"score", "ingest", "read"}
    key_store.revoke_key(store, "old")
    assert key_store.import_file(store, file) == 0
    assert not scopes_of(KeyRing(None, store=store), old)
