"""Who is signed in: a random token in a browser, of which the store keeps the hash, and whose key it was.

A session ends after half a day, when it is signed out of, and with the key that began it.
"""

import secrets
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, delete, insert, select

from data.clock import HOUR
from serving.deciding.statements import Quick
from serving.keys import fingerprint
from serving.store.tables import sessions

LASTS = 12 * HOUR
_ONE = Quick(
    select(sessions.c.key_sha256, sessions.c.expires_at).where(sessions.c.sha256 == bindparam("sha256")),
)


@dataclass(frozen=True)
class Begun:
    """A new session: the token that the browser keeps, and until when (microseconds)."""

    token: str
    expires_at: int


def begin(connection: Connection, key: str, name: str, now: int) -> Begun:
    """Sign in the holder of a key that was found valid; sessions that are over are forgotten."""
    begun = Begun(new_token(), now + LASTS)
    connection.execute(delete(sessions).where(sessions.c.expires_at <= now))
    row = {"sha256": fingerprint(begun.token), "key_sha256": fingerprint(key), "name": name, "made_at": now}
    connection.execute(insert(sessions), [{**row, "expires_at": begun.expires_at}])
    return begun


def key_of(connection: Connection, token: str, now: int) -> str | None:
    """The SHA-256 of the key that began the session of a token; None when there is none, or it is over."""
    rows = _ONE(connection, sha256=fingerprint(token))
    return rows[0][0] if rows and rows[0][1] > now else None


def end(connection: Connection, token: str) -> None:
    """Sign out."""
    connection.execute(delete(sessions).where(sessions.c.sha256 == fingerprint(token)))


def new_token() -> str:
    """256 random bits."""
    return secrets.token_urlsafe(32)
