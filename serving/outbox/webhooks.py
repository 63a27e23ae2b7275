"""A message as a webhook: signed as Standard Webhooks says, sent once."""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from standardwebhooks import Webhook

from data.clock import from_micros
from data.errors import ContractError, ReadinessError
from serving import egress
from serving.egress import UnreachableError
from serving.outbox.schedule import Answer, retry_after

_SHOWN = 200


class Sends(Protocol):
    """What can make a call: ``serving.egress.Egress``."""

    async def send(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> egress.Answer:
        """Make the call."""
        ...


def signed_headers(secrets: Sequence[str], message_id: str, body: str, moment: int) -> dict[str, str]:
    """The headers of a CloudEvent that is signed at ``moment`` (microseconds), with each of the secrets."""
    at = from_micros(moment)
    return {
        "content-type": "application/cloudevents+json; charset=utf-8",
        "accept-encoding": "identity",
        "user-agent": "readiness",
        "webhook-id": message_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(Webhook(secret).sign(message_id, at, body) for secret in secrets),
    }


async def post_webhook(calls: Sends, url: str, secrets: Sequence[str], message_id: str, body: str, now: int) -> Answer:
    """Sign and send once; what a network may do is an answer too."""
    return await asked(calls, "POST", url, signed_headers(secrets, message_id, body, now), body.encode(), now)


async def asked(
    calls: Sends,
    method: str,
    url: str,
    headers: Mapping[str, str],
    body: bytes,
    now: int,
    fault: Callable[[int, bytes], str | None] | None = None,
) -> Answer:
    """What was answered to a request that is made once; ``now`` in microseconds.

    ``fault`` says of an answer, by its status and body, why it was none; by default what is not 2xx.
    """
    try:
        got = await calls.send(method, url, headers, body)
    except ReadinessError as error:
        return failed(error)
    well = 200 <= got.status < 300
    said = got.body[: 4 * _SHOWN].decode("utf-8", "replace")
    found = fault(got.status, got.body) if fault and well else None if well else f"{got.status}: {said}"
    asked_for = retry_after(got.headers.get("retry-after"), now)
    return Answer(got.status, None if found is None else shown(found), asked_for, refused=well and found is not None)


def failed(error: ReadinessError) -> Answer:
    """A call that was not made: it may work later where nobody was there, or a variable is not set yet."""
    return Answer(None, shown(str(error)), refused=not isinstance(error, (UnreachableError, ContractError)))


def shown(text: str) -> str:
    """The beginning of what somebody else wrote, without what a terminal would obey."""
    return "".join(c if c.isprintable() else " " for c in text)[:_SHOWN].strip()
