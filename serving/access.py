"""Who may ask: the key of a request, and what it may do."""

from collections.abc import Awaitable, Callable
from functools import cache
from typing import Annotated

from fastapi import Request, Security
from fastapi.security import APIKeyHeader, HTTPAuthorizationCredentials, HTTPBearer

from serving.keys import SCOPES, Caller
from serving.problems import Refusal
from serving.service import Service, ServiceDep

_BEARER = HTTPBearer(auto_error=False, scheme_name="bearer", description="Authorization: Bearer <key>")
_HEADER = APIKeyHeader(name="X-Api-Key", auto_error=False, scheme_name="apiKey", description="X-Api-Key: <key>")
ANYBODY = Caller("", frozenset(SCOPES))
"""Who asks a service that was started without keys, which only this machine reaches."""


async def admit(service: Service, presented: str | None, scope: str) -> Caller:
    """Who presents this key, if it may do what needs ``scope``. Raises Refusal: 401 for no valid key, 403 for less."""
    if not service.settings.require_key:
        return ANYBODY
    caller = await service.keys.find(presented) if presented else None
    if caller is None:
        if presented and service.opening:
            _ = service.store  # refuses: whether the key is valid is not known yet
        found = "The key is not valid." if presented else "There is no key."
        raise Refusal(
            401,
            "unauthorized",
            f"{found} Send one as Authorization: Bearer <key> or X-Api-Key: <key>; `readiness keys create` makes one.",
            {"www-authenticate": 'Bearer realm="readiness"'},
        )
    must_may(caller, scope)
    return caller


def admit_now(service: Service, presented: str | None, scope: str) -> Caller | None:
    """The same at once; None where keys must be asked for, and where ``admit`` would refuse."""
    if not service.settings.require_key:
        return ANYBODY
    caller = service.keys.find_now(presented) if presented else None
    return caller if caller is not None and caller.may(scope) else None


def must_may(caller: Caller, scope: str) -> None:
    """Raises Refusal (403) when the caller may not do what needs ``scope``."""
    if not caller.may(scope):
        may = ", ".join(name for name in SCOPES if name in caller.scopes)
        raise Refusal(
            403,
            "forbidden",
            f"The key {caller.name!r} may {may}. This needs the scope {scope!r}: `readiness keys create NAME --scope "
            f"{scope}` makes a key that has it.",
        )


@cache
def require(scope: str) -> Callable[..., Awaitable[Caller]]:
    """The dependency of a route that needs ``scope``: ``Depends(require("ingest"))``; it gives the Caller."""
    if scope not in SCOPES:
        raise ValueError(f"{scope!r} is not a scope")

    async def admitted(
        request: Request,
        service: ServiceDep,
        bearer: Annotated[HTTPAuthorizationCredentials | None, Security(_BEARER)],
        header: Annotated[str | None, Security(_HEADER)],
    ) -> Caller:
        caller = await admit(service, bearer.credentials if bearer else header, scope)
        request.state.caller = caller.name
        return caller

    return admitted
