"""Keys are shown once, kept as hashes, and checked without haste or guesswork."""

import json
import stat

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.errors import ContractError
from serving.keys import KeyRing, create_key, fingerprint, read_keys, revoke_key


def test_a_key_opens_and_others_do_not(tmp_path):
    """A created key is allowed; a changed, cut off or empty one is not."""
    file = tmp_path / "keys.json"
    key = create_key(file, "marketo")
    ring = KeyRing(file)
    assert ring.allows(key)
    assert not any(ring.allows(wrong) for wrong in ("", key[:-1], key + "x", key.swapcase(), fingerprint(key)))


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


def test_a_revoked_key_stops_at_once(tmp_path):
    """A running key ring notices creation and revocation without a restart."""
    file = tmp_path / "keys.json"
    ring = KeyRing(file)
    key = create_key(file, "one")
    other = create_key(file, "two")
    assert ring.allows(key)
    revoke_key(file, "one")
    assert not ring.allows(key)
    assert ring.allows(other)
    file.unlink()
    assert not ring.allows(other)


def test_a_damaged_file_opens_nothing(tmp_path):
    """A key file that is not one is a clear error for people and an empty ring for requests."""
    file = tmp_path / "keys.json"
    key = create_key(file, "one")
    ring = KeyRing(file)
    assert ring.allows(key)
    file.write_text('{"keys": [{"name": 1}]}')
    assert not ring.allows(key)
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
    assert KeyRing(None, (key,)).allows(presented) == (presented == key)
