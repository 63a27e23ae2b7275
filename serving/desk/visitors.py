"""Who asks for a page: somebody with a key in the request, or somebody who signed in with one."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from data.clock import wall_clock
from serving.access import ANYBODY, admit, must_may
from serving.desk import sessions
from serving.desk.cookies import must_be_ours, must_prove, proof_of, token_of
from serving.desk.forms import read_form
from serving.heads import headers_of
from serving.hot import presented_key
from serving.keys import Caller
from serving.problems import Refusal
from serving.service import Service, ServiceDep

SCOPE = "read"


@dataclass(frozen=True)
class Visitor:
    """Who it is; ``token`` is what the browser holds, "" for a program that brings its key with each request."""

    caller: Caller
    token: str = ""

    @property
    def name(self) -> str:
        """The name of the key; "" where the service asks for none."""
        return self.caller.name

    @property
    def may_agree(self) -> bool:
        """Whether they may save a policy."""
        return self.caller.may("admin")

    @property
    def proof(self) -> str:
        """What their forms bring."""
        return proof_of(self.token)


async def visitor_of(request: Request, service: ServiceDep) -> Visitor:
    """Who asks. Raises Refusal: 401 for nobody, 403 for a key that may not read, 404 and 503 without a store."""
    presented = presented_key(headers_of(request.scope))
    if not service.settings.require_key:
        visitor = Visitor(ANYBODY, token_of(request) or sessions.new_token())
    elif presented:
        visitor = Visitor(await admit(service, presented, SCOPE))
    else:
        visitor = await _signed_in(service, token_of(request))
    request.state.caller = visitor.name
    return visitor


VisitorDep = Annotated[Visitor, Depends(visitor_of)]


async def form_of(request: Request, visitor: VisitorDep) -> dict[str, str]:
    """The fields of a form that this visitor sent from a page of ours. Raises Refusal."""
    if visitor.token:
        must_be_ours(request)
    form = await read_form(request)
    if visitor.token:
        must_prove(form, visitor.token)
    return form


FormDep = Annotated[dict[str, str], Depends(form_of)]


async def _signed_in(service: Service, token: str) -> Visitor:
    """Raises Refusal: 401 unless the token is of a session whose key is still valid."""
    store, now = service.store, wall_clock()
    key = await store.aread(lambda connection: sessions.key_of(connection, token, now)) if token else None
    caller = await service.keys.holder(key) if key else None
    if caller is None:
        found = "The session is over." if token else "Nobody is signed in."
        raise Refusal(
            401,
            "unauthorized",
            f"{found} Sign in at / with an API key, or send one as Authorization: Bearer <key>.",
            {"www-authenticate": 'Bearer realm="readiness"'},
        )
    must_may(caller, SCOPE)
    return Visitor(caller, token)
