"""The two questions that are asked most, without the framework's detours: the same answers and refusals, much cheaper.

``POST /v1/score``, and ``GET /v1/leads/{lead_id}/score`` of now.
"""

from collections.abc import Callable, Mapping
from urllib.parse import parse_qs

from msgspec.json import Encoder
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from models.reasons import REASONS
from serving.access import admit, admit_now
from serving.body import is_json, media_type, read_body
from serving.deciding.answers import NOT_KEPT, told_score
from serving.deciding.asking import Question
from serving.deciding.payloads import made_of
from serving.heads import headers_of
from serving.problems import Refusal
from serving.requests import Now, Shortcut
from serving.scoring import score_one
from serving.service import Service

_NOT_KEPT = [(name.encode(), value.encode()) for name, value in NOT_KEPT.items()]
_ENCODE = Encoder().encode
_BEARER = b"bearer "
_DIGITS = 20
"""A longer number is no length of a body, and costs time to read."""
_BEFORE, _AFTER = "/v1/leads/", "/score"
_STORED = f"{_BEFORE}{{lead_id:path}}{_AFTER}"
_REASONS = {b"": REASONS, **{b"reasons=%d" % count: count for count in range(REASONS + 1)}}


def shortcut(scope: Scope) -> tuple[str, Shortcut] | None:
    """The route of a request and what answers it here; None: the framework does."""
    method, path = scope["method"], scope["path"]
    if method == "POST" and path == "/v1/score":
        return path, score
    if method == "GET" and path.startswith(_BEFORE) and path.endswith(_AFTER) and len(path) > len(_BEFORE + _AFTER):
        return (_STORED, score_lead) if scope["query_string"] in _REASONS else None
    return None


def now(scope: Scope) -> tuple[str, Now] | None:
    """The same for what answers without waiting for anything, once the request has come whole."""
    path = scope["path"]
    return (path, score_now) if path == "/v1/score" and scope["method"] == "POST" else None


async def score_lead(scope: Scope, receive: Receive) -> Response:
    """The answer about a stored lead. Raises Refusal and StoreDown."""
    del receive
    service: Service = scope["state"]["service"]
    caller = await admit(service, presented_key(headers_of(scope)), "score")
    scope["state"]["caller"] = caller.name
    lead_id = scope["path"][len(_BEFORE) : -len(_AFTER)]
    question = Question(lead_id, None, _REASONS[scope["query_string"]])
    return Json(await told_score(service, scope["state"]["recorder"], question), *_NOT_KEPT)


async def score(scope: Scope, receive: Receive) -> Response:
    """The answer to one lead. Raises Refusal."""
    service: Service = scope["state"]["service"]
    caller = await admit(service, presented_key(headers_of(scope)), "score")
    scope["state"]["caller"] = caller.name
    query = scope["query_string"]
    reasons = _REASONS[query] if query in _REASONS else reasons_asked(query)
    media = media_type(scope)
    if not is_json(media):
        raise Refusal(415, "unsupported-media-type", f"The body is {media[:80]!r}. Send it as application/json.")
    body = await read_body(scope, receive, service.settings.max_body_bytes)
    if service.settings.store:
        await scope["state"]["recorder"].make_room()
    return _scored(scope, service, body, reasons)


def score_now(scope: Scope, take: Callable[[], bytes]) -> Response | None:
    """The answer of ``score`` to a plain request; None: whatever is not plain is left to it, and to refuse as well."""
    service: Service = scope["state"]["service"]
    headers, query = headers_of(scope), scope["query_string"]
    length = headers.get(b"content-length", b"")
    if headers.get(b"content-type") != b"application/json" or b"content-encoding" in headers or query not in _REASONS:
        return None
    if not length.isdigit() or len(length) > _DIGITS or int(length) > service.settings.max_body_bytes:
        return None
    caller = admit_now(service, presented_key(headers), "score")
    if caller is None or (service.settings.store and scope["state"]["recorder"].full):
        return None
    scope["state"]["caller"] = caller.name
    return _scored(scope, service, take(), _REASONS[query])


def _scored(scope: Scope, service: Service, body: bytes, reasons: int) -> Response:
    """Score what was sent, and keep what is told where there is a store, which has room. Raises Refusal."""
    loaded = service.loaded
    asked, made, answer = score_one(loaded, body, reasons)
    if not service.settings.store:
        return Json(_ENCODE(answer))
    kept = made_of(made, answer, body)
    scope["state"]["recorder"].keep(kept, loaded)
    loaded.told(kept.score_id, asked.history, asked.as_of, asked.standing, stored=False)
    return Json(_ENCODE(answer), (b"x-score-id", kept.score_id.encode()))


class Json(Response):
    """JSON that is encoded already."""

    def __init__(self, body: bytes, *headers: tuple[bytes, bytes]) -> None:  # what Starlette looks for is known here
        self.status_code, self.background, self.body = 200, None, body
        self.raw_headers = [(b"content-length", b"%d" % len(body)), (b"content-type", b"application/json"), *headers]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        del scope, receive
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": self.body})


def presented_key(headers: Mapping[bytes, bytes]) -> str | None:
    """The key that a request's headers bring: Authorization: Bearer, else X-Api-Key."""
    bearer, plain = headers.get(b"authorization", b""), headers.get(b"x-api-key")
    if bearer[:7].lower() == _BEARER:
        return str(bearer[7:].strip(), "latin-1") or None
    return None if plain is None else str(plain, "latin-1")


def reasons_asked(query: bytes) -> int:
    """``?reasons=0`` to 3: how many are wanted. Raises Refusal (422)."""
    if not query:
        return REASONS
    found = parse_qs(query.decode("latin-1"), keep_blank_values=True).get("reasons", [str(REASONS)])[-1]
    if found not in {"0", "1", "2", "3"}:
        raise Refusal(422, "invalid-request", f"reasons is {found[:40]!r}. Expected 0, 1, 2 or 3.")
    return int(found)
