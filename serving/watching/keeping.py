"""What a look found, kept in the store with the messages about its new alarms: in one transaction."""

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, select

from serving.deciding.score_rows import new_id
from serving.outbox.alarms import tell_alarms
from serving.store.tables import watched
from training.watching.alarms import Alarm

_LAST = select(watched.c.body).order_by(watched.c.at.desc(), watched.c.watch_id.desc()).limit(1)


def last_look(connection: Connection) -> dict[str, Any] | None:
    """What the last look found; None when there was none."""
    text = connection.execute(_LAST).scalar()
    return None if text is None else dict(json.loads(text))


def keep(connection: Connection, body: dict[str, Any], new: Sequence[Alarm]) -> str:
    """Keep a look (``Watched.to_dict``), and tell subscribers of its ``new`` alarms; returns its id."""
    watch_id = new_id(body["at"])
    row = {"watch_id": watch_id, "at": body["at"], "body": json.dumps(body, ensure_ascii=False)}
    connection.execute(watched.insert(), [row])
    about = {"as_of": body["as_of"], "version": str(body["version"]), "watch_id": watch_id}
    tell_alarms(connection, body["product"], [one.to_dict() for one in new], about, body["at"])
    return watch_id
