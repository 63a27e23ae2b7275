"""Errors of the service: ``application/problem+json`` (RFC 9457), a sentence for the caller, nothing of the inside."""

from difflib import get_close_matches
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field, ValidationError
from starlette.exceptions import HTTPException

from serving.store.failures import StoreDown, StoreFull

MEDIA_TYPE = "application/problem+json"
_SHOWN = 3
_NO_OBJECT = frozenset({"model_type", "model_attributes_type", "dict_type"})
"""What pydantic calls a value that is no JSON object; its own words name classes of ours."""


class Problem(BaseModel):
    """Why a request was not answered (RFC 9457)."""

    type: str = Field(description="A name for this kind of problem, for programs.")
    title: str = Field(description="The kind of problem, for people.")
    status: int = Field(description="The HTTP status.")
    detail: str = Field(description="What was found, what was expected, what to do.")


class Refusal(Exception):  # noqa: N818 - a refusal is an answer of the service, not a failure of it
    """A request that is answered with a problem."""

    def __init__(self, status: int, name: str, detail: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.name = name
        self.detail = detail
        self.headers = headers or {}


def answer(status: int, name: str, detail: str, headers: dict[str, str] | None = None) -> JSONResponse:
    """The HTTP answer that tells of a problem."""
    problem = Problem(
        type=f"urn:readiness:problem:{name}", title=name.replace("-", " ").capitalize(), status=status, detail=detail
    )
    return JSONResponse(problem.model_dump(), status, headers, MEDIA_TYPE)


def documented(*statuses: int) -> dict[int | str, dict[str, object]]:
    """These statuses as OpenAPI responses."""
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {status: {"description": HTTPStatus(status).phrase, "content": content} for status in statuses}


def document_the_gate(document: dict[str, Any]) -> None:
    """Add to every operation of an OpenAPI document what is answered before its route is asked, or in its place."""
    for operations in document["paths"].values():
        for operation in operations.values():
            answers = documented(414, 431, 500, 503)
            operation["responses"] = {**{str(one): told for one, told in answers.items()}, **operation["responses"]}


def install(app: FastAPI) -> None:
    """Let every error of ``app`` leave as a problem."""
    app.add_exception_handler(Refusal, _refused)
    app.add_exception_handler(StoreDown, _store_down)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(Exception, _unexpected)


async def _refused(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, Refusal)  # noqa: S101 - the registration above says so; this tells the type checker
    return answer(error.status, error.name, error.detail, error.headers)


async def _store_down(_: Request, error: Exception) -> JSONResponse:
    return store_down(error)


def store_down(error: Exception) -> JSONResponse:
    """The answer while the store cannot be used: what was not acknowledged was not stored."""
    if isinstance(error, StoreFull):
        detail = "The store has no room left; nothing of this was stored. Expected free space: its operator makes it."
        return answer(507, "store-full", detail, {"retry-after": "60"})
    detail = "The store does not answer now; nothing of this was stored. Send it again in a few seconds."
    return answer(503, "store-down", detail, {"retry-after": "5"})


async def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101 - likewise
    phrase = HTTPStatus(error.status_code).phrase
    if error.status_code == HTTPStatus.NOT_FOUND:
        detail = f"There is nothing at {request.url.path[:200]}. GET /openapi.json lists what there is."
    elif error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        detail = f"{request.method} is not for {request.url.path[:200]}. GET /openapi.json says what is."
    else:
        detail = f"{phrase}."
    return answer(error.status_code, phrase.lower().replace(" ", "-"), detail, dict(error.headers or {}))


async def _unexpected(request: Request, _: Exception) -> JSONResponse:
    return failed(request.scope.get("state", {}).get("request_id", ""))


def failed(request_id: str) -> JSONResponse:
    """The answer when the service failed in a way that nobody expected; the gate writes the reason to the log."""
    detail = f"The service failed. Its log has the reason under the request id {request_id}."
    return answer(500, "internal-error", detail)


async def _invalid(_: Request, error: Exception) -> JSONResponse:
    """What FastAPI found wrong in a path or a query."""
    assert isinstance(error, RequestValidationError)  # noqa: S101 - likewise
    said = [_sentence(tuple(one["loc"][1:]), one["type"], one["msg"]) for one in error.errors()[:_SHOWN]]
    return answer(422, "invalid-request", " ".join(said))


def answer_to(error: Exception) -> JSONResponse | None:
    """The answer to an error that says what is wrong; None for one that nobody expected."""
    if isinstance(error, Refusal):
        return answer(error.status, error.name, error.detail, error.headers)
    return store_down(error) if isinstance(error, StoreDown) else None


def sentences(error: ValidationError) -> str:
    """The findings of pydantic as a few short sentences: where, what, and what to do."""
    found = error.errors(include_url=False, include_context=False, include_input=False)
    lines = [_sentence(tuple(one["loc"]), one["type"], one["msg"]) for one in found[:_SHOWN]]
    if len(found) > _SHOWN:
        lines.append(f"And {len(found) - _SHOWN} more.")
    return " ".join(lines)


def _sentence(location: tuple[int | str, ...], kind: str, message: str) -> str:
    where = ".".join(str(part)[:60] for part in location) or "the body"
    if kind == "missing":
        return f"{where} is missing. Add it."
    if kind == "extra_forbidden":
        return f"Unknown field {where}. {near(str(location[-1]))}"
    if kind in _NO_OBJECT:
        return f"{where}: expected an object, such as {{...}} in JSON."
    message = message.removeprefix("Value error, ")
    return f"{where}: {message[:1].lower()}{message[1:]}" + ("" if message.endswith(".") else ".")


FIELDS = ("lead_id", "created_at", "as_of", "attributes", "events", "outcomes", "leads", "kind", "occurred_at")


def near(name: str) -> str:
    """What could have been meant by an unknown field."""
    match = get_close_matches(name, FIELDS, n=1)
    return f"Did you mean {match[0]!r}?" if match else "Remove it."
