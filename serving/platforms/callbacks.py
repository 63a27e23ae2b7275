"""Answers that a platform waits for: what is stored of them, and the request that gives one.

A row of ``callbacks`` is written before the platform is told that it was accepted. Whoever delivers it scores
``lead_ids`` and asks ``callback_request`` for the request. The same question asked again is the same row.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, RowMapping, select, update

from data.errors import ReadinessError
from serving.platforms import hubspot, marketo
from serving.platforms.hubspot import Action
from serving.platforms.marketo import Chunk, Person
from serving.platforms.mautic_campaign import points_url, set_points
from serving.platforms.settings import PlatformSettings
from serving.platforms.writeback import Outgoing
from serving.store.tables import callbacks
from serving.store.upsert import insert_new

Scores = Mapping[str, Mapping[str, Any] | str]
"""For each lead id its score, flat, or the sentence that says why it has none."""


def keep_action(connection: Connection, action: Action, settings: PlatformSettings, now: int) -> None:
    """Remember that HubSpot waits for an execution of its action (``now`` in microseconds)."""
    url = hubspot.completion_url(settings.hubspot_api, action.callback_id)
    asked = {"token_env": settings.hubspot_token_env}
    _keep(connection, f"hubspot:{action.callback_id}", "hubspot", url, {}, asked, [action.lead_id], now)


def keep_chunk(connection: Connection, chunk: Chunk, now: int) -> int:
    """Remember the leads of a chunk that this batch has not brought yet; how many there are (``now``: microseconds).

    A chunk that comes again while its results wait goes to the address and with the secrets of the last time.
    """
    same = callbacks.c.callback_id.startswith(chunk.batch_key, autoescape=True) & (callbacks.c.state != "dead")
    known: set[int] = set()
    for row in connection.execute(select(callbacks).where(same)).mappings():
        told = [number for number, *_ in json.loads(row["asked"])["people"]]
        known |= set(told)
        if row["state"] == "pending" and set(told) <= {person.number for person in chunk.people}:
            fresh = {"url": chunk.callback_url, "headers": json.dumps(chunk.headers)}
            connection.execute(update(callbacks).where(callbacks.c.callback_id == row["callback_id"]).values(**fresh))
    new = [person for person in chunk.people if person.number not in known]
    if not new:
        return 0
    rest = Chunk(chunk.batch_id, chunk.munchkin_id, chunk.callback_url, tuple(new), chunk.token, chunk.api_key)
    people = [[person.number, person.lead_id, person.horizon] for person in new]
    asked = {"munchkinId": chunk.munchkin_id, "people": people}
    leads = list(dict.fromkeys(person.lead_id for person in new))
    _keep(connection, rest.callback_id, "marketo", chunk.callback_url, chunk.headers, asked, leads, now)
    return len(new)


def keep_points(connection: Connection, lead_id: str, index: float, settings: PlatformSettings, now: int) -> None:
    """Remember that Mautic is to be told the score of a contact; one that waits already is enough."""
    url = points_url(settings.mautic_api, settings.mautic_group, lead_id)
    waits = select(callbacks.c.callback_id).where(callbacks.c.platform == "mautic", callbacks.c.url == url)
    if connection.execute(waits.where(callbacks.c.state == "pending")).first() is None:
        asked = {"token_env": "READINESS_MAUTIC_TOKEN", "auth": "basic", "index": index}
        _keep(connection, f"mautic:{lead_id}:{now}", "mautic", url, {}, asked, [lead_id], now)


def _keep(
    connection: Connection,
    callback_id: str,
    platform: str,
    url: str,
    headers: Mapping[str, str],
    asked: Mapping[str, Any],
    lead_ids: Sequence[str],
    now: int,
) -> None:
    row = {
        "callback_id": callback_id,
        "platform": platform,
        "url": url,
        "headers": json.dumps(dict(headers)),
        "asked": json.dumps(dict(asked)),
        "lead_ids": json.dumps(list(lead_ids)),
        "state": "pending",
        "attempts": 0,
        "made_at": now,
        "due_at": now,
        "claimed_until": None,
        "last_status": None,
        "last_error": None,
    }
    insert_new(connection, callbacks, [row])


def callback_request(row: RowMapping | Mapping[str, Any], scores: Scores) -> tuple[Outgoing, dict[str, Any]]:
    """The request that answers a row of ``callbacks``, and the settings of its credentials (see ``tokens``)."""
    asked = json.loads(row["asked"])
    if row["platform"] == "hubspot":
        (lead,) = json.loads(row["lead_ids"]) or ("",)
        score = scores.get(lead, "The lead is not known.")
        answer = hubspot.not_answered(score) if isinstance(score, str) else hubspot.answered(score)
        return hubspot.completion(row["url"], answer), {"token_env": asked["token_env"]}
    if row["platform"] == "marketo":
        people = [Person(*told) for told in asked["people"]]
        body = marketo.results(asked["munchkinId"], people, scores)
        return marketo.callback(row["url"], json.loads(row["headers"]), body), {}
    if row["platform"] == "mautic":
        (lead,) = json.loads(row["lead_ids"]) or ("",)
        score = scores.get(lead, "")
        index = asked["index"] if isinstance(score, str) else score["index"]
        return set_points(row["url"], index), {name: asked[name] for name in ("token_env", "auth")}
    raise ReadinessError(f"{row['platform']!r} waits for no answer. Expected hubspot, marketo or mautic.")
