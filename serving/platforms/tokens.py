"""The credentials of calls to platforms: from the environment, or fetched with an OAuth client's own.

A subscriber's settings name variables and never hold a secret:

    token_env                             the variable with a token
    auth                                  "bearer" (default) or "basic": the variable then holds user:password
    token_url, client_id_env, client_secret_env, scope    an OAuth 2 client credentials grant: Marketo, Salesforce,
                                          Dynamics, Mautic; the token is kept until it expires
"""

import json
import time
from base64 import b64encode
from collections.abc import Callable, Mapping
from typing import Any, Protocol
from urllib.parse import urlencode

from data.errors import ContractError
from serving.egress import Answer, UnreachableError

_EARLY_S = 60.0
"""So long before it expires a token is not used any more."""


class Sends(Protocol):
    """What can make a call: ``serving.egress.Egress``."""

    async def send(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Make the call."""
        ...


class Tokens:
    """Credentials by subscriber's settings. ``clock`` is in seconds."""

    def __init__(
        self, egress: Sends, environment: Mapping[str, str], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._egress = egress
        self._environment = environment
        self._clock = clock
        self._kept: dict[tuple[str, str, str], tuple[str, float]] = {}

    async def headers(self, settings: Mapping[str, Any]) -> dict[str, str]:
        """The headers that let a call in; none where the settings name no credentials.

        Raises ContractError when a variable is not set, UnreachableError when no token could be fetched.
        """
        if settings.get("token_url"):
            return {"authorization": f"Bearer {await self._fetched(settings)}"}
        if not settings.get("token_env"):
            return {}
        token = self._variable(settings["token_env"])
        if settings.get("auth", "bearer") == "basic":
            return {"authorization": f"Basic {b64encode(token.encode()).decode()}"}
        return {"authorization": f"Bearer {token}"}

    def forget(self, settings: Mapping[str, Any]) -> None:
        """A token was refused: fetch another one next time."""
        self._kept.pop(_key(settings), None)

    async def _fetched(self, settings: Mapping[str, Any]) -> str:
        kept, until = self._kept.get(_key(settings), ("", 0.0))
        if kept and self._clock() < until:
            return kept
        asked = {
            "grant_type": "client_credentials",
            "client_id": self._variable(settings.get("client_id_env", "")),
            "client_secret": self._variable(settings.get("client_secret_env", "")),
            **({"scope": settings["scope"]} if settings.get("scope") else {}),
        }
        headers = {"content-type": "application/x-www-form-urlencoded", "accept": "application/json"}
        answer = await self._egress.send("POST", settings["token_url"], headers, urlencode(asked).encode())
        token, lasts = _read(answer)
        self._kept[_key(settings)] = (token, self._clock() + max(lasts - _EARLY_S, 0.0))
        return token

    def _variable(self, name: str) -> str:
        found = self._environment.get(name, "")
        if not found:
            raise ContractError(f"The variable {name!r} is not set. It has to hold the credentials of this subscriber.")
        return found


def _key(settings: Mapping[str, Any]) -> tuple[str, str, str]:
    return (str(settings.get("token_url")), str(settings.get("client_id_env")), str(settings.get("scope")))


def _read(answer: Answer) -> tuple[str, float]:
    """The token of an answer and the seconds that it lasts."""
    try:
        told = json.loads(answer.body)
        token, lasts = told["access_token"], float(told.get("expires_in", 300))
    except (ValueError, KeyError, TypeError, RecursionError):
        token, lasts = "", 0.0
    if answer.status != 200 or not isinstance(token, str) or not token:
        raise UnreachableError(f"No token was given: the token_url answered {answer.status}. Check the credentials.")
    return token, lasts
