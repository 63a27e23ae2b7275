"""The body of a request, read by hand: after the key was checked, within its limits, strictly.

FastAPI would parse a body before it asks who sent it, and its parser takes NaN, Infinity and lone surrogates for JSON.
"""

import asyncio
import zlib
from dataclasses import dataclass
from typing import Any, TypeVar

from fastapi import Request
from pydantic import BaseModel, ValidationError
from pydantic_core import from_json
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope

from serving.heads import headers_of
from serving.problems import Refusal, sentences
from serving.waiting import at_once_or
from serving.whole import whole_of

M = TypeVar("M", bound=BaseModel)

BODY_S = 20.0
"""So long a body may take to arrive."""
NDJSON = ("application/x-ndjson", "application/ndjson", "application/jsonl", "application/json-lines")
_GZIP = 16 + zlib.MAX_WBITS


@dataclass(frozen=True)
class BadLine:
    """A line that is not JSON, and why."""

    reason: str


async def read_json(request: Request, limit: int) -> Any:
    """The body as Python values. Raises Refusal: 415 for another type, 413 beyond ``limit`` bytes, 400 when broken."""
    media = media_type(request.scope)
    if not is_json(media):
        raise Refusal(415, "unsupported-media-type", f"The body is {media[:80]!r}. Send it as application/json.")
    return json_value(await read_body(request.scope, request.receive, limit))


async def read_lines(request: Request, limit: int, most: int) -> list[Any | BadLine]:
    """The lines of an NDJSON body as Python values, blank ones left out; a broken one is a ``BadLine``, not an error.

    Raises Refusal: 415 for another type, 413 beyond ``limit`` bytes or ``most`` lines.
    """
    media = media_type(request.scope)
    if media not in NDJSON:
        raise Refusal(415, "unsupported-media-type", f"The body is {media[:80]!r}. Send it as {NDJSON[0]}.")
    body = await read_body(request.scope, request.receive, limit)
    lines = [line for line in body.split(b"\n") if line.strip()]
    if len(lines) > most:
        raise Refusal(413, "content-too-large", f"The body has {len(lines):,} lines. Send {most:,} at a time.")
    return [_line(line) for line in lines]


def media_type(scope: Scope) -> str:
    """The media type of a body, without its parameters; JSON when the sender says nothing."""
    told = headers_of(scope).get(b"content-type", b"application/json")
    return str(told.partition(b";")[0].strip().lower(), "latin-1")


def is_json(media: str) -> bool:
    """Whether a media type is JSON."""
    return media == "application/json" or (media.startswith("application/") and media.endswith("+json"))


def json_value(body: bytes) -> Any:
    """JSON as Python values. Raises Refusal (400): NaN, infinities and lone surrogates are not JSON."""
    try:
        return from_json(body, allow_inf_nan=False, cache_strings="keys")
    except ValueError as error:
        raise Refusal(400, "not-json", f"The body is not JSON: {error}. Mend it there.") from None


def parse(model: type[M], raw: Any) -> M:
    """``raw`` as a value of ``model``. Raises Refusal (422) with a sentence for each thing that is wrong."""
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        raise Refusal(422, "invalid-request", sentences(error)) from None


async def read_body(scope: Scope, receive: Receive, limit: int, seconds: float = BODY_S) -> bytes:
    """The bytes of a body, inflated when they are gzip; ``limit`` holds for both.

    Raises Refusal: 413 beyond the limit, 408 when it does not arrive in time, 415 for another encoding, 400 for broken
    gzip.
    """
    headers = headers_of(scope)
    encoding = headers.get(b"content-encoding", b"identity").strip().lower()
    if encoding not in {b"identity", b"gzip", b"x-gzip"}:
        found = str(encoding[:40], "latin-1")
        raise Refusal(415, "unsupported-encoding", f"The body is encoded as {found!r}. Send it plain or gzip.")
    declared = headers.get(b"content-length", b"")
    if declared.isdigit() and int(declared[:20]) > limit:
        raise _too_large(limit)
    whole = whole_of(scope)
    body: bytes | None = None if whole is None else whole["take"]()
    if body is None:
        first = await _next(receive, seconds)
        body = first["body"] if not first["more_body"] else await _rest(first["body"], receive, limit, seconds)
    if len(body) > limit:
        raise _too_large(limit)
    return body if encoding == b"identity" else _inflated(body, limit)


async def _rest(start: bytes, receive: Receive, limit: int, seconds: float) -> bytes:
    """The whole body of which ``start`` came first."""
    body, ends = bytearray(start), asyncio.get_running_loop().time() + seconds
    more = True
    while more and len(body) <= limit:
        message = await _next(receive, ends - asyncio.get_running_loop().time())
        body += message["body"]
        more = message["more_body"]
    return bytes(body)


async def _next(receive: Receive, seconds: float) -> dict[str, Any]:
    try:
        message = await at_once_or(receive(), seconds)
    except TimeoutError:
        raise Refusal(
            408,
            "request-timeout",
            f"The body did not arrive within {BODY_S:g} seconds. Send it again, in smaller parts.",
        ) from None
    if message["type"] == "http.disconnect":
        raise ClientDisconnect
    return {"body": message.get("body", b""), "more_body": message.get("more_body", False)}


def _inflated(body: bytes, limit: int) -> bytes:
    """Gzip, one or several members, inflated no further than ``limit`` bytes."""
    out = bytearray()
    try:
        while body:
            inflater = zlib.decompressobj(_GZIP)
            out += inflater.decompress(body, limit + 1 - len(out))
            if len(out) > limit:
                raise _too_large(limit)
            if not inflater.eof:
                raise zlib.error("it ends too early")
            body = inflater.unused_data
    except zlib.error as error:
        raise Refusal(400, "not-gzip", f"The body is not gzip: {str(error)[:80]}. Send it whole, or plain.") from None
    return bytes(out)


def _line(line: bytes) -> Any | BadLine:
    try:
        return from_json(line, allow_inf_nan=False, cache_strings="keys")
    except ValueError as error:
        return BadLine(f"The line is not JSON: {error}. Mend it there.")


def _too_large(limit: int) -> Refusal:
    return Refusal(
        413, "content-too-large", f"The body has more than {limit:,} bytes. Send fewer leads, or fewer events of each."
    )
