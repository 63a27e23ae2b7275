"""How subscribers are told: webhooks are signed, platforms get the request of their own shape."""

import json
from collections.abc import Mapping
from functools import partial
from typing import Any

from data.errors import ReadinessError
from serving.outbox.queue import Claim
from serving.outbox.schedule import Answer
from serving.outbox.signing import secrets_of
from serving.outbox.subscribers import Subscriber
from serving.outbox.webhooks import Sends, asked, failed, post_webhook
from serving.platforms.tokens import Tokens
from serving.platforms.writeback import Outgoing, fault_of, request_for

_UNAUTHORIZED = 401


class Telling:
    """Sends through ``calls``, with credentials and secrets of ``environment``."""

    def __init__(self, calls: Sends, environment: Mapping[str, str]) -> None:
        self._calls, self._environment = calls, environment
        self._tokens = Tokens(calls, environment)

    async def subscriber(self, subscriber: Subscriber, claim: Claim, now: int) -> Answer:
        """Tell a subscriber of a message, once. Raises ReadinessError where that cannot be."""
        if subscriber.platform == "webhook":
            secrets = secrets_of(subscriber, self._environment, now)
            return await post_webhook(self._calls, subscriber.url, secrets, claim.message_id, claim.body, now)
        settings = subscriber.settings
        outgoing = request_for(subscriber.platform, subscriber.url, settings, json.loads(claim.body))
        if outgoing is None:
            return Answer(204)  # there is nothing to tell it of this message
        return await self.platform(subscriber.platform, outgoing, settings, now)

    async def platform(self, platform: str, outgoing: Outgoing, settings: Mapping[str, Any], now: int) -> Answer:
        """Send a request to a platform, once; a token that is refused is not used again."""
        try:
            headers = {**outgoing.headers, **await self._tokens.headers(settings)}
        except ReadinessError as error:
            return failed(error)
        fault = partial(fault_of, platform)
        answer = await asked(self._calls, outgoing.method, outgoing.url, headers, outgoing.body, now, fault)
        if answer.status == _UNAUTHORIZED or answer.refused:  # Marketo says in a 200 that a token has expired
            self._tokens.forget(settings)
        return answer
