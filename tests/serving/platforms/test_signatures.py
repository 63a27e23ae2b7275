"""The signatures of the platforms: values that others published or computed, and nothing else passes."""
# ruff: noqa: S105, S106 - secrets of tests are none

import json
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.platforms import signatures

SECRET = "yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy"
ADDRESS = "https://www.example.com/webhook_uri"
NOW = 1_700_000_000_000


def openssl(digest, message, *, secret=None, base64=False):
    """A digest by another program than the one under test."""
    command = ["openssl", "dgst", f"-{digest}", "-binary"]
    command += ["-mac", "HMAC", "-macopt", f"hexkey:{secret.encode().hex()}"] if secret else []
    raw = subprocess.run(command, input=message, capture_output=True, check=True).stdout
    if not base64:
        return raw.hex()
    coded = subprocess.run(["openssl", "base64", "-A"], input=raw, capture_output=True, check=True)
    return coded.stdout.decode()


@pytest.mark.parametrize(
    ("method", "body", "published"),
    [
        ("GET", b"", "eee2dddcc73c94d699f5e395f4b9d454a069a6855fbfa152e91e88823087200e"),
        (
            "POST",
            b'{"example_field":"example_value"}',
            "9569219f8ba981ffa6f6f16aa0f48637d35d728c7e4d93d0d52efaa512af7900",
        ),
    ],
)
def test_hubspot_v2_as_hubspot_published_it(method, body, published):
    """The two examples of HubSpot's page on version 2."""
    headers = {"x-hubspot-signature": published, "x-hubspot-signature-version": "v2"}
    assert signatures.check_hubspot(SECRET, method, ADDRESS, body, headers, NOW) is None
    assert "does not fit" in signatures.check_hubspot(SECRET, method, ADDRESS + "/", body, headers, NOW)


def test_hubspot_v3_as_hubspots_own_library_tests_it():
    """The value in the tests of HubSpot's client for Python."""
    published = "K36dawei4A+QBNolUOqo7s91KQDWQ5MXZ/QufNYuk/Y="
    body = b"{'example_field':'example_value'}"
    headers = {"x-hubspot-signature-v3": published, "x-hubspot-request-timestamp": "1693657560000"}
    at = 1_693_657_560_000
    assert signatures.check_hubspot(SECRET, "POST", ADDRESS, body, headers, at + 1_000) is None
    for now in (at + 300_001, at - 300_001):
        assert "five minutes" in signatures.check_hubspot(SECRET, "POST", ADDRESS, body, headers, now)


def test_hubspot_v3_signs_the_address_decoded():
    """Twelve escapes are decoded before it is signed; a space, an ampersand and an equals sign stay escaped."""
    called = ADDRESS + "?to=a%40b.c%2Fd&x=%27%28%29%2A%2C%3B%3a%21%24%3F&kept=%20%26%3D%25"
    signed = ADDRESS + "?to=a@b.c/d&x='()*,;:!$?&kept=%20%26%3D%25"
    headers = {
        "x-hubspot-signature-v3": openssl("sha256", f"POST{signed}{{}}{NOW}".encode(), secret=SECRET, base64=True),
        "x-hubspot-request-timestamp": str(NOW),
    }
    assert signatures.check_hubspot(SECRET, "POST", called, b"{}", headers, NOW) is None


def test_a_wrong_v3_is_not_rescued_by_a_right_v2():
    """Where there is a version 3, it decides: an old request cannot be replayed by leaving it wrong."""
    headers = {
        "x-hubspot-signature-v3": "wrong",
        "x-hubspot-request-timestamp": str(NOW),
        "x-hubspot-signature": signatures.hubspot_v2(SECRET, "POST", ADDRESS, b""),
        "x-hubspot-signature-version": "v2",
    }
    assert "does not fit" in signatures.check_hubspot(SECRET, "POST", ADDRESS, b"", headers, NOW)


@pytest.mark.parametrize("stamp", ["", "now", "-5", "1" * 400, "1693657560000.0", "१६९३६५७५६००००"])
def test_a_timestamp_that_is_none(stamp):
    """No timestamp, no signature."""
    headers = {"x-hubspot-signature-v3": "x", "x-hubspot-request-timestamp": stamp}
    assert "five minutes" in signatures.check_hubspot(SECRET, "POST", ADDRESS, b"", headers, NOW)


@pytest.mark.parametrize("headers", [{}, {"x-hubspot-signature": "x", "x-hubspot-signature-version": "v1"}])
def test_version_1_and_none_are_refused(headers):
    """Version 1 signs no address; it is not asked for anywhere here."""
    assert "no HubSpot signature" in signatures.check_hubspot(SECRET, "POST", ADDRESS, b"", headers, NOW)


bodies = st.binary(max_size=200)
secrets = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=20)


@given(bodies, secrets)
def test_the_four_schemes_by_the_book(body, secret):
    """Each is what RFC 2104 says with Python's own blocks, and a changed byte breaks it."""
    import base64
    import hashlib

    def by_hand(digest, message):
        key = secret.encode()
        block = (key if len(key) <= 64 else hashlib.new(digest, key).digest()).ljust(64, b"\0")
        inner = hashlib.new(digest, bytes(byte ^ 0x36 for byte in block) + message).digest()
        return hashlib.new(digest, bytes(byte ^ 0x5C for byte in block) + inner).digest()

    mautic = {"webhook-signature": base64.b64encode(by_hand("sha256", body)).decode()}
    segment = {"x-signature": by_hand("sha1", body).hex()}
    assert signatures.check_mautic(secret, body, mautic) is None
    assert signatures.check_segment(secret, body, segment) is None
    assert signatures.check_mautic(secret, body + b" ", mautic) is not None
    assert signatures.check_segment(secret, body + b" ", segment) is not None
    assert signatures.check_mautic(secret + "x", body, mautic) is not None


def test_segment_and_mautic_by_openssl():
    """The same by another program."""
    body = '{"type":"track","event":"Größe"}'.encode()
    assert signatures.check_segment("s3", body, {"x-signature": openssl("sha1", body, secret="s3")}) is None
    mautic = openssl("sha256", body, secret="s3", base64=True)
    assert signatures.check_mautic("s3", body, {"webhook-signature": mautic}) is None


def test_a_batch_of_segment_is_signed_by_its_first_event():
    """Only that one: the second can be changed, so an API key is needed beside the signature."""
    events = [{"type": "track", "event": "é", "n": 1.5}, {"type": "page"}]
    first = json.dumps(events[0], ensure_ascii=False, separators=(",", ":")).encode()
    batch = json.dumps(events, ensure_ascii=False, separators=(",", ":")).encode()
    headers = {"x-signature": openssl("sha1", first, secret="s3")}
    assert signatures.first_of_batch(batch) == first
    assert signatures.check_segment("s3", batch, headers) is None
    assert signatures.check_segment("s3", batch.replace("é".encode(), b"e"), headers) is not None


@pytest.mark.parametrize("body", [b"", b"[", b"[]", b"{}", b"\xff", b"[\xff]", b"[" * 100_000])
def test_what_is_no_batch_has_no_first_event(body):
    """Whatever is sent, looking for the first event fails nothing."""
    assert signatures.first_of_batch(body) is None


def test_missing_and_strange_signatures_are_refused():
    """A missing one and one that is not ASCII are wrong, not an error."""
    for check, name in ((signatures.check_segment, "x-signature"), (signatures.check_mautic, "webhook-signature")):
        assert "There is no" in check("s", b"", {})
        assert "does not fit" in check("s", b"", {name: "é\udcff"})
