"""Signatures of the platforms, over the raw body, compared in constant time.

    HubSpot v2       hex SHA-256 of secret + method + address + body
    HubSpot v3       base64 HMAC-SHA256 of method + address + body + timestamp, not older than five minutes
    Segment          hex HMAC-SHA1 of the body; of a batch only its first event is signed, so an API key is needed too
    Mautic           base64 HMAC-SHA256 of the body

Every function returns None when the signature is right, else one sentence that says what is wrong.
"""

import hashlib
import hmac
import re
from base64 import b64encode
from collections.abc import Mapping
from json import JSONDecoder

MAX_AGE_MS = 5 * 60 * 1_000
_DECODED = {"3A": ":", "2F": "/", "3F": "?", "40": "@", "21": "!", "24": "$", "27": "'", "28": "(", "29": ")"}
_DECODED |= {"2A": "*", "2C": ",", "3B": ";"}
_ENCODED = re.compile(f"%({'|'.join(_DECODED)})", re.IGNORECASE)
_WRONG = "The {} signature does not fit the request. Check that the secret on both sides is the same{}."


def check_hubspot(
    secret: str, method: str, address: str, body: bytes, headers: Mapping[str, str], now_ms: int
) -> str | None:
    """HubSpot's v3 signature when there is one, else its v2. ``address`` is the whole URL as HubSpot called it."""
    also = ", and READINESS_PUBLIC_URL the address that HubSpot calls"
    given = headers.get("x-hubspot-signature-v3")
    if given is not None:
        stamp = headers.get("x-hubspot-request-timestamp", "")
        if not re.fullmatch(r"[0-9]{1,15}", stamp) or abs(now_ms - int(stamp)) > MAX_AGE_MS:
            return "The HubSpot signature has no timestamp of the last five minutes. Check the clock of this machine."
        right = [hubspot_v3(secret, method, one, body, stamp) for one in (decode_address(address), address)]
        return None if _any_same(given, right) else _WRONG.format("HubSpot v3", also)
    given = headers.get("x-hubspot-signature")
    version = headers.get("x-hubspot-signature-version", "v2")
    if given is None or version != "v2":
        return f"There is no HubSpot signature of version 2 or 3 (found: {'none' if given is None else version[:10]})."
    return None if _any_same(given, [hubspot_v2(secret, method, address, body)]) else _WRONG.format("HubSpot v2", also)


def hubspot_v2(secret: str, method: str, address: str, body: bytes) -> str:
    """HubSpot's signature, version 2."""
    return hashlib.sha256(f"{secret}{method}{address}".encode() + body).hexdigest()


def hubspot_v3(secret: str, method: str, address: str, body: bytes, stamp: str) -> str:
    """HubSpot's signature, version 3; ``stamp`` is its timestamp, milliseconds as text."""
    signed = f"{method}{address}".encode() + body + stamp.encode()
    return _base64(hmac.digest(secret.encode(), signed, hashlib.sha256))


def decode_address(address: str) -> str:
    """An address as HubSpot signs it: twelve escapes are decoded, all others stay."""
    return _ENCODED.sub(lambda found: _DECODED[found[1].upper()], address)


def check_segment(secret: str, body: bytes, headers: Mapping[str, str]) -> str | None:
    """``X-Signature`` of Segment: of the body, or of the first event of a batch."""
    given = headers.get("x-signature")
    if given is None:
        return "There is no X-Signature. Set the shared secret of the webhook to that of this service."
    right = [_hex_sha1(secret, part) for part in (body, first_of_batch(body)) if part is not None]
    return None if _any_same(given.lower(), right) else _WRONG.format("Segment", "")


def first_of_batch(body: bytes) -> bytes | None:
    """The bytes of the first element of a JSON array; None where there is none."""
    text = body.decode("utf-8", "surrogateescape").lstrip()
    if not text.startswith("["):
        return None
    inner = text[1:].lstrip()
    try:
        _, end = JSONDecoder().raw_decode(inner)
    except (ValueError, RecursionError):  # not JSON; a number of thousands of digits; too deep
        return None
    return inner[:end].encode("utf-8", "surrogateescape")


def check_mautic(secret: str, body: bytes, headers: Mapping[str, str]) -> str | None:
    """``Webhook-Signature`` of Mautic."""
    given = headers.get("webhook-signature")
    if given is None:
        return "There is no Webhook-Signature. Give the webhook in Mautic the secret of this service."
    right = _base64(hmac.digest(secret.encode(), body, hashlib.sha256))
    return None if _any_same(given, [right]) else _WRONG.format("Mautic", "")


def _hex_sha1(secret: str, body: bytes) -> str:
    return hmac.digest(secret.encode(), body, "sha1").hex()


def _base64(digest: bytes) -> str:
    return b64encode(digest).decode()


def _any_same(given: str, right: list[str]) -> bool:
    """Whether ``given`` is one of them, in a time that does not depend on how much of it is right."""
    presented = given.strip().encode("utf-8", "surrogateescape")
    same = False
    for one in right:
        same |= hmac.compare_digest(presented, one.encode())
    return same
