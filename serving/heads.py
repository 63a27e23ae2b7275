"""The headers of a request by their names, walked once however many are asked for."""

from collections.abc import Mapping

from starlette.types import Scope

_BY_NAME = "readiness.headers"


def headers_of(scope: Scope) -> Mapping[bytes, bytes]:
    """The headers of a request, names in lower case; of several of one name the first."""
    found: Mapping[bytes, bytes] | None = scope.get(_BY_NAME)
    if found is None:
        found = scope[_BY_NAME] = dict(reversed(scope["headers"]))
    return found
