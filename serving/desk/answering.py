"""How a page is answered when it cannot be: as a page for a browser, as a problem for a program."""

from collections.abc import Callable, Coroutine
from http import HTTPStatus
from typing import Any

from fastapi import Request, Response
from fastapi.responses import RedirectResponse
from fastapi.routing import APIRoute

from serving.desk.cookies import hold, root_of, token_of
from serving.desk.pages import HEADERS, page
from serving.desk.visitors import Visitor
from serving.problems import Refusal
from serving.store.failures import StoreDown, StoreFull

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class Page(APIRoute):
    """A route whose refusals a browser can show: nobody signed in is shown where to, everything else one sentence."""

    def get_route_handler(self) -> Handler:
        """The handler of FastAPI, and what becomes of what it raises."""
        handler = super().get_route_handler()

        async def answered(request: Request) -> Response:
            try:
                return await handler(request)
            except (Refusal, StoreDown) as error:
                if not wants_page(request):
                    raise
                return _page_of(request, error)

        return answered


def wants_page(request: Request) -> bool:
    """Whether who asks would rather have a page than JSON."""
    return "text/html" in request.headers.get("accept", "")


def shown(request: Request, visitor: Visitor, name: str, **context: Any) -> Response:
    """A page for a visitor, whose browser then holds the token that goes with its forms."""
    told = page(name, {"visitor": visitor, "root": root_of(request), **context})
    if visitor.token and token_of(request) != visitor.token:
        hold(request, told, visitor.token)
    return told


def sign_in_page(
    request: Request, problem: str, following: str, status: int, headers: dict[str, str] | None = None
) -> Response:
    """Where to sign in; ``following`` is the page that was asked for."""
    context = {"visitor": None, "root": root_of(request), "here": "", "problem": problem, "next": own_path(following)}
    return page("sign_in", context, status, headers)


def see_other(request: Request, path: str) -> Response:
    """The browser goes on to a page of the desk."""
    return RedirectResponse(root_of(request) + path, HTTPStatus.SEE_OTHER, HEADERS)


def own_path(text: str) -> str:
    """The path of a page of the desk; the work list for anything else, however it is spelt."""
    plain = text.isascii() and text.isprintable() and "\\" not in text
    return text if plain and (text == "/" or text.startswith(("/?", "/desk/"))) else "/"


def _page_of(request: Request, error: Refusal | StoreDown) -> Response:
    if isinstance(error, StoreDown):
        status = 507 if isinstance(error, StoreFull) else 503
        detail = "The store does not answer now; nothing was changed. Try again in a few seconds."
        return _problem(request, status, detail, {"retry-after": "5"})
    if error.status == HTTPStatus.UNAUTHORIZED:
        path = request.url.path.removeprefix(root_of(request))
        asked = path + (f"?{request.url.query}" if request.url.query else "")
        return sign_in_page(request, "", asked if request.method == "GET" else "/", error.status, error.headers)
    return _problem(request, error.status, error.detail, error.headers)


def _problem(request: Request, status: int, detail: str, headers: dict[str, str]) -> Response:
    context = {"visitor": None, "root": root_of(request), "here": "", "detail": detail}
    return page("problem", {**context, "title": HTTPStatus(status).phrase}, status, headers)
