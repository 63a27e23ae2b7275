"""The JSON of a request, read by hand: after the key was checked, within its limits, strictly.

FastAPI would parse a body before it asks who sent it, and its parser takes NaN, Infinity and lone surrogates for JSON.
"""

from typing import Any, TypeVar

from fastapi import Request
from pydantic import BaseModel, ValidationError
from pydantic_core import from_json

from serving.problems import Refusal, sentences

M = TypeVar("M", bound=BaseModel)


async def read_json(request: Request, limit: int) -> Any:
    """The body as Python values. Raises Refusal: 415 for another type, 413 beyond ``limit`` bytes, 400 when broken."""
    media = request.headers.get("content-type", "application/json").split(";")[0].strip().lower()
    if media != "application/json" and not (media.startswith("application/") and media.endswith("+json")):
        raise Refusal(415, "unsupported-media-type", f"The body is {media[:80]!r}. Send it as application/json.")
    body = await _within(request, limit)
    try:
        return from_json(body, allow_inf_nan=False, cache_strings="keys")
    except ValueError as error:
        raise Refusal(400, "not-json", f"The body is not JSON: {error}. Mend it there.") from None


async def _within(request: Request, limit: int) -> bytes:
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared[:20]) > limit:
        raise _too_large(limit)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise _too_large(limit)
    return bytes(body)


def _too_large(limit: int) -> Refusal:
    return Refusal(
        413, "content-too-large", f"The body has more than {limit:,} bytes. Send fewer leads, or fewer events of each."
    )


def parse(model: type[M], raw: Any) -> M:
    """``raw`` as a value of ``model``. Raises Refusal (422) with a sentence for each thing that is wrong."""
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        raise Refusal(422, "invalid-request", sentences(error)) from None
