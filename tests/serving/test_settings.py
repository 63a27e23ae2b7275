"""The service never stands open to other machines."""

from pathlib import Path

import pytest

from data.errors import ContractError
from serving.settings import Settings, is_loopback, keys_from_environment


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.1", "::1", "localhost"])
def test_no_auth_is_for_this_machine(host):
    """Without keys the service may listen on a loopback host."""
    assert is_loopback(host)
    assert not Settings(Path(), require_key=False, host=host).require_key


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "example.org", "", "127.0.0.1.example.org"])  # noqa: S104 - refused, not bound
def test_no_auth_is_refused_elsewhere(host):
    """Without keys the service may not listen where others reach it, and one sentence says so."""
    with pytest.raises(ContractError, match="--no-auth"):
        Settings(Path(), require_key=False, host=host)


def test_keys_are_never_printed():
    """A printed setting shows no key."""
    shown = f"{Settings(Path(), keys=('very-secret',))!r} {Settings(Path(), keys=('very-secret',))}"
    assert "very-secret" not in shown


def test_keys_of_the_environment():
    """READINESS_API_KEYS holds keys separated by commas or white space; absent means none."""
    assert keys_from_environment(" a, b\nc ") == ("a", "b", "c")
    assert keys_from_environment(None) == ()
