"""Who may come in by a platform's own path: an API key, the platform's signature, or both.

segment, rudderstack   a key, and the signature too once its secret is set: of a batch only one event is signed
mautic, hubspot        the signature, once its secret is set, or a key: these platforms cannot send one
"""

import time
from collections.abc import Mapping

from fastapi import Request

from serving.access import admit
from serving.body import read_body
from serving.keys import Caller
from serving.platforms.settings import PlatformSettings
from serving.platforms.signatures import check_hubspot, check_mautic, check_segment
from serving.problems import Refusal
from serving.service import Service

_SIGNED = {"hubspot": "x-hubspot-signature", "mautic": "webhook-signature"}
"""Platforms whose signature is enough, and the header that shows it."""


async def enter(
    request: Request, service: Service, settings: PlatformSettings, platform: str, scope: str
) -> tuple[Caller, bytes]:
    """Who asks, and the raw body. Raises Refusal: 401 and 403 for who may not, else as ``read_body`` does."""
    limit = service.settings.max_body_bytes
    presented = presented_key(request.headers)
    if platform not in _SIGNED or presented or not settings.secret(platform):
        caller = await admit(service, presented, scope)
        body = await read_body(request.scope, request.receive, limit)
        if settings.secret(platform) and (platform not in _SIGNED or _shows_signature(platform, request.headers)):
            _must_be_signed(request, settings, platform, body)
    else:
        body = await read_body(request.scope, request.receive, limit)
        _must_be_signed(request, settings, platform, body)
        # Whoever knows the secret speaks for the platform: it may also say that somebody wants to be forgotten.
        caller = Caller(platform, frozenset({scope, "erase"}))
    request.state.caller = caller.name
    return caller, body


def may_erase(caller: Caller) -> bool:
    """Whether an erasure may come by this caller."""
    return caller.may("erase")


def presented_key(headers: Mapping[str, str]) -> str | None:
    """The API key of a request, None where it has none."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" and token.strip() else headers.get("x-api-key")


def _shows_signature(platform: str, headers: Mapping[str, str]) -> bool:
    name = _SIGNED[platform]
    return any(one.startswith(name) for one in headers)


def _must_be_signed(request: Request, settings: PlatformSettings, platform: str, body: bytes) -> None:
    """Raises Refusal (401) unless one of the secrets that are valid now has signed the request."""
    faults = [_fault(secret, request, settings, platform, body) for secret in settings.valid(platform)]
    if None not in faults:
        raise Refusal(401, "bad-signature", str(faults[0]))


def _fault(secret: str, request: Request, settings: PlatformSettings, platform: str, body: bytes) -> str | None:
    if platform == "hubspot":
        now_ms = time.time_ns() // 1_000_000
        address = called_address(request, settings)
        return check_hubspot(secret, request.method, address, body, request.headers, now_ms)
    check = check_mautic if platform == "mautic" else check_segment
    return check(secret, body, request.headers)


def called_address(request: Request, settings: PlatformSettings) -> str:
    """The address that the caller called, as far as it can be known: a proxy may stand before this service."""
    path = request.scope.get("raw_path", b"").partition(b"?")[0].decode("latin-1") or request.url.path
    query = request.scope.get("query_string", b"").decode("latin-1")
    base = public_url(request, settings)
    return f"{base}{path}?{query}" if query else f"{base}{path}"


def public_url(request: Request, settings: PlatformSettings) -> str:
    """How the outside calls this service: as it was told, else as this request did."""
    here = f"{request.url.scheme}://{request.headers.get('host', '')}{request.scope.get('root_path', '')}"
    return settings.public_url or here
