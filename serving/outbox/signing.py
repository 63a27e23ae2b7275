"""What signs the messages of a subscriber: its secret, or two while one is exchanged for another.

Receivers take a message that one of their secrets has signed, so both sign for a while: no message is lost whenever the
receiver changes over. In the store, and in a variable, the new secret stands first and the one before it after a space.
"""

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import replace

from sqlalchemy import Connection, select, update

from data.clock import iso
from data.errors import ContractError
from serving.outbox.subscribers import PREFIX, Subscriber, find, new_secret, note, subscriber_of
from serving.store.tables import subscribers

_UNTIL = "former_until"
"""Among the settings: until when (microseconds) the secret before signs too."""


def secrets_of(subscriber: Subscriber, environment: Mapping[str, str], now: int) -> list[str]:
    """What signs the messages of a subscriber at ``now`` (microseconds): one secret, or two while they are exchanged.

    Raises ContractError when its variable is missing or holds no secret.
    """
    variable = subscriber.settings.get("secret_env")
    if variable is None:
        found = subscriber.secret.split()
        return found if now < subscriber.settings.get(_UNTIL, 0) else found[:1]
    found = environment.get(str(variable), "").split()
    if not found or not all(map(_usable, found)):
        raise ContractError(
            f"The environment variable {variable} holds no signing secret for subscriber {subscriber.name!r}. "
            f"Expected {PREFIX} and at least 16 bytes in base64. Set it where the worker runs."
        )
    return found


def _usable(secret: str) -> bool:
    try:
        return len(base64.b64decode(secret.removeprefix(PREFIX), validate=True)) >= 16
    except (binascii.Error, ValueError):
        return False


def rotate(connection: Connection, name: str, now: int, keep: int, by: str) -> Subscriber:
    """Give a subscriber a new secret; the one before it signs too for ``keep`` microseconds from ``now`` on.

    Returns it as it then is. Raises UnknownSubscriberError, and ContractError where its secret is not kept here.
    """
    before = find(connection, name)
    variable = before.settings.get("secret_env")
    if variable is not None:
        raise ContractError(
            f"The secret of {name!r} is in the environment variable {variable}. Put the new one before the old one "
            "there, with a space between: both sign until you take the old one away."
        )
    if not before.secret:
        raise ContractError(f"{name!r} is a subscriber of {before.platform}, which is told with its own credentials.")
    made = new_secret()
    settings = {**before.settings, _UNTIL: now + keep}
    values = {"secret": f"{made} {before.secret.split()[0]}", "settings": json.dumps(settings)}
    connection.execute(update(subscribers).where(subscribers.c.name == name).values(values))
    note(connection, now, "subscriber secret rotated", name, by, {"both_until": iso(now + keep)})
    forget_former(connection, now)
    return replace(before, secret=made, settings=settings)


def forget_former(connection: Connection, now: int) -> None:
    """Drop the secrets that were exchanged and sign no more."""
    for one in map(subscriber_of, connection.execute(select(subscribers)).mappings().all()):
        if " " in one.secret and one.settings.get(_UNTIL, 0) <= now:
            values = {"secret": one.secret.split()[0]}
            connection.execute(update(subscribers).where(subscribers.c.name == one.name).values(values))
