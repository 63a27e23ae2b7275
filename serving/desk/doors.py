"""Signing in and out, and the two files that pages ask for."""

from fastapi import APIRouter, Request, Response

from data.clock import wall_clock
from serving.access import must_may
from serving.desk import sessions
from serving.desk.answering import Page, own_path, see_other, sign_in_page
from serving.desk.attempts import Attempts
from serving.desk.cookies import drop, hold, must_be_ours, token_of
from serving.desk.forms import read_form
from serving.desk.pages import HEADERS, asset
from serving.desk.visitors import SCOPE, FormDep, VisitorDep
from serving.problems import Refusal
from serving.service import ServiceDep

routes = APIRouter(prefix="/desk", include_in_schema=False, route_class=Page)
_A_YEAR = "public, max-age=31536000, immutable"


@routes.get("/desk.css")
async def style() -> Response:
    """How pages look."""
    return _file("desk.css")


@routes.get("/desk.js")
async def script() -> Response:
    """What a page does in the browser."""
    return _file("desk.js")


def _file(name: str) -> Response:
    found = asset(name)
    return Response(found.body, media_type=found.media, headers={**HEADERS, "cache-control": _A_YEAR})


@routes.get("/sign-in")
async def where_to(request: Request) -> Response:
    """Whoever asks for the form has it on every page of the desk."""
    return see_other(request, "/")


@routes.post("/sign-in")
async def sign_in(request: Request, service: ServiceDep) -> Response:
    """A session for the holder of a key that may read."""
    must_be_ours(request)
    attempts: Attempts = request.state.attempts
    address = request.client.host if request.client else ""
    form = await read_form(request)
    following, key = own_path(form.get("next", "/")), form.get("key", "").strip()
    attempts.must_be_few(address)
    caller = await service.keys.find(key)
    if caller is None:
        attempts.failed(address)
        return sign_in_page(request, "This key is not valid. Check that all of it was copied.", following, 401)
    try:
        must_may(caller, SCOPE)
    except Refusal as error:
        return sign_in_page(request, error.detail, following, error.status)
    request.state.caller = caller.name
    now = wall_clock()
    begun = await service.store.awrite(lambda connection: sessions.begin(connection, key, caller.name, now))
    told = see_other(request, following)
    hold(request, told, begun.token)
    return told


@routes.post("/sign-out")
async def sign_out(request: Request, service: ServiceDep, visitor: VisitorDep, form: FormDep) -> Response:
    """The session is over, in the store and in the browser."""
    del form  # it was ours, or we would not be here
    token = token_of(request)
    if visitor.token:
        await service.store.awrite(lambda connection: sessions.end(connection, token))
    told = see_other(request, "/")
    drop(request, told)
    return told
