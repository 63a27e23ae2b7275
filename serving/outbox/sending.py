"""One message on its way: signed as Standard Webhooks says, sent once, answered with a status or the lack of one."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

import httpx
from standardwebhooks import Webhook

from data.clock import from_micros
from serving.outbox.schedule import Answer, retry_after

AGENT = "readiness"
TIMEOUT_S = 15.0
_READ = 65_536
_SHOWN = 200


@dataclass(frozen=True)
class Outgoing:
    """A request that is ready to go."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes


Send = Callable[[Outgoing], Awaitable[Answer]]
"""Sends a request and says what was answered; raises nothing for what a network may do."""


def signed(url: str, secret: str, message_id: str, body: str, moment: int) -> Outgoing:
    """A CloudEvent as a webhook, signed at ``moment`` (microseconds)."""
    at = from_micros(moment)
    headers = {
        "content-type": "application/cloudevents+json; charset=utf-8",
        "user-agent": AGENT,
        "webhook-id": message_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(secret).sign(message_id, at, body),
    }
    return Outgoing("POST", url, headers, body.encode())


async def send(client: httpx.AsyncClient, outgoing: Outgoing, now: Callable[[], int]) -> Answer:
    """Send once. No redirects are followed, at most 64 KiB of the answer are read, 15 s are waited in all."""
    try:
        async with (
            asyncio.timeout(TIMEOUT_S),
            client.stream(
                outgoing.method,
                outgoing.url,
                headers=dict(outgoing.headers),
                content=outgoing.body,
                follow_redirects=False,
            ) as response,
        ):
            told = await _beginning(response)
    except TimeoutError:
        return Answer(None, f"no answer within {TIMEOUT_S:.0f} s")
    except httpx.HTTPError as error:
        return Answer(None, _printable(f"{type(error).__name__}: {error}"))
    status = response.status_code
    asked = retry_after(response.headers.get("retry-after"), now())
    return Answer(status, None if 200 <= status < 300 else _printable(f"{status}: {told}"), asked)


async def _beginning(response: httpx.Response) -> str:
    """The beginning of the answer, for people; an answer without end is cut off."""
    read = bytearray()
    async for chunk in response.aiter_raw(8_192):
        read += chunk
        if len(read) >= _READ:
            break
    return bytes(read[: 4 * _SHOWN]).decode("utf-8", "replace")


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else " " for c in text)[:_SHOWN].strip()
