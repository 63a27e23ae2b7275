"""Who may ask: the key of a request."""

from typing import Annotated

from fastapi import Security
from fastapi.security import APIKeyHeader, HTTPAuthorizationCredentials, HTTPBearer

from serving.problems import Refusal
from serving.service import ServiceDep

_BEARER = HTTPBearer(auto_error=False, scheme_name="bearer", description="Authorization: Bearer <key>")
_HEADER = APIKeyHeader(name="X-Api-Key", auto_error=False, scheme_name="apiKey", description="X-Api-Key: <key>")


async def require_key(
    service: ServiceDep,
    bearer: Annotated[HTTPAuthorizationCredentials | None, Security(_BEARER)],
    header: Annotated[str | None, Security(_HEADER)],
) -> None:
    """Let a request pass that carries a valid key. Raises Refusal (401)."""
    if not service.settings.require_key:
        return
    presented = bearer.credentials if bearer else header
    if presented and service.keys.allows(presented):
        return
    found = "The key is not valid." if presented else "There is no key."
    raise Refusal(
        401,
        "unauthorized",
        f"{found} Send one as Authorization: Bearer <key> or X-Api-Key: <key>; `readiness keys create` makes one.",
        {"www-authenticate": 'Bearer realm="readiness"'},
    )
