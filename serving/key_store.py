"""API keys in the store. A revoked key stays as a line of history; its name may be given again."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from sqlalchemy import Connection, Row, and_, delete, insert, or_, select, update

from data.clock import wall_clock
from serving.key_file import read_keys
from serving.keys import USUAL, KeyRecord, must_be_known, must_be_new, new_key, record_of
from serving.store.store import Store
from serving.store.tables import audit, keys


def create_key(store: Store, name: str, scopes: Iterable[str] = USUAL) -> str:
    """Make a key, keep its hash, and return the key: it cannot be shown again. Raises ContractError."""
    key = new_key()
    record = record_of(key, name, scopes, wall_clock())

    def change(connection: Connection) -> None:
        must_be_new(name, (known.name for known in valid_keys(connection)))
        connection.execute(delete(keys).where(keys.c.name == name))
        connection.execute(insert(keys), [_row(record)])
        _note(connection, "key created", record.name, record.created_at)

    store.write(change)
    return key


def revoke_key(store: Store, name: str) -> None:
    """End the key of that name. Raises ContractError when there is none."""
    moment = wall_clock()

    def change(connection: Connection) -> None:
        must_be_known(name, (known.name for known in valid_keys(connection)))
        connection.execute(update(keys).where(keys.c.name == name).values(revoked_at=moment))
        _note(connection, "key revoked", name, moment)

    store.write(change)


def valid_keys(connection: Connection) -> list[KeyRecord]:
    """The keys that open now, by name."""
    return [_record(row) for row in connection.execute(_VALID)]


def used(connection: Connection, moments: Mapping[str, int]) -> None:
    """Keep when each key (by its hash) was last used; a later moment that is kept already stays."""
    for sha256, moment in sorted(moments.items()):
        later = or_(keys.c.last_used_at.is_(None), keys.c.last_used_at < moment)
        connection.execute(update(keys).where(and_(keys.c.sha256 == sha256, later)).values(last_used_at=moment))


def import_file(store: Store, file: Path) -> int:
    """Take over the keys of a key file if the store never had a key; returns how many. Raises ContractError."""
    if store.read(_has_keys):
        return 0
    records = read_keys(file)

    def change(connection: Connection) -> int:
        if not records or _has_keys(connection):
            return 0
        connection.execute(insert(keys), [_row(record) for record in records])
        for record in records:
            _note(connection, "key imported", record.name, wall_clock())
        return len(records)

    return store.write(change)


_VALID = select(keys).where(keys.c.revoked_at.is_(None)).order_by(keys.c.name)


def _has_keys(connection: Connection) -> bool:
    return connection.execute(select(keys.c.name).limit(1)).first() is not None


def _row(record: KeyRecord) -> dict[str, object]:
    return {
        "name": record.name,
        "begins": record.begins,
        "sha256": record.sha256,
        "scopes": " ".join(record.scopes),
        "created_at": record.created_at,
    }


def _record(row: Row[tuple[object, ...]]) -> KeyRecord:
    found = row._mapping  # noqa: SLF001 - SQLAlchemy's documented way to columns by name
    scopes = tuple(str(found["scopes"]).split())
    return KeyRecord(
        found["name"], found["begins"], found["sha256"], found["created_at"], scopes, found["last_used_at"]
    )


def _note(connection: Connection, action: str, name: str, moment: int) -> None:
    connection.execute(
        insert(audit), [{"at": moment, "action": action, "subject": name, "by": "readiness keys", "detail": "{}"}]
    )
