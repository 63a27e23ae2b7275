"""An alarm of ``readiness watch`` as a CloudEvent 1.0 of the type readiness.watch.alarm, written to the outbox.

``data`` holds kind, subject, text (one plain sentence), since, as_of, version and watch_id. Moments are ISO 8601, UTC.
The message is of no lead: platforms that are written back to have nothing to do with it.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from sqlalchemy import Connection

from data.clock import from_micros, iso
from serving.outbox.kinds import ALARM
from serving.outbox.messages import queue

_IDS = uuid5(NAMESPACE_URL, "urn:readiness:alarms")
_FORMAT = JSONFormat()


def tell_alarms(
    connection: Connection, product: str, alarms: Sequence[Mapping[str, Any]], about: Mapping[str, Any], now: int
) -> list[str]:
    """Write a message for each alarm (kind, subject, text, since), and a delivery for each subscriber that wants it.

    ``about``: as_of, version and watch_id of the look. Returns the message ids; the same alarm since the same moment is
    one message.
    """
    told = [{**alarm, **about, "since": iso(alarm["since"]), "as_of": iso(about["as_of"])} for alarm in alarms]
    rows = [
        _row(product, one, alarm["since"], now + at) for at, (one, alarm) in enumerate(zip(told, alarms, strict=True))
    ]
    queue(connection, rows)
    return [row["message_id"] for row in rows]


def _row(product: str, told: Mapping[str, Any], since: int, made_at: int) -> dict[str, Any]:
    message_id = str(uuid5(_IDS, f"{product}\n{told['kind']}\n{told['subject']}\n{since}"))
    attributes = {
        "id": message_id,
        "source": f"/readiness/{product}",
        "type": ALARM,
        "subject": f"{told['kind']}: {told['subject']}",
        "time": from_micros(since),
        "datacontenttype": "application/json",
    }
    body = _FORMAT.write(CloudEvent(attributes, dict(told))).decode()
    return {"message_id": message_id, "kind": ALARM, "lead_id": "", "made_at": made_at, "body": body}
