"""What the attributes of a lead or an account were, and when that was known: the log, and the values that hold now.

Every value is logged, the first one too, so that an attribute can be read as of any cutoff. A value that says what
holds already is nothing new, unless its moment is given: then it is kept, for what comes later may lie before it. Of
two values known at one moment the greatest text counts, as features read them.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Column, Connection, Table, bindparam, select

from data.sources.spoken import Scalar
from features.reading import read_text
from serving.store.upsert import upsert


class Said(NamedTuple):
    """What is said of an attribute: its value (None: it has none any more) as of a moment, given or assumed."""

    name: str
    value: Scalar | None
    known_at: int
    given: bool


@dataclass
class Attributes:
    """The attributes of one entity: ``present`` values; the ``log`` of texts by name and moment; what is new in it."""

    present: dict[str, Scalar]
    log: dict[str, dict[int, str | None]] = field(default_factory=lambda: defaultdict(dict))
    new: dict[tuple[str, int], str | None] = field(default_factory=dict)

    def say(self, said: Said) -> bool:
        """Take in what is said; whether it is news."""
        log, text = self.log[said.name], read_text(said.value)
        if said.known_at in log:
            if _rank(log[said.known_at]) >= _rank(text):
                return False
        elif not said.given and _as_of(log, said.known_at) == text:
            return False
        log[said.known_at] = self.new[said.name, said.known_at] = text
        if said.known_at == max(log):
            self.present.pop(said.name, None)
            if text is not None and said.value is not None:
                self.present[said.name] = said.value
        return True

    def json(self) -> str:
        """The present values, in the order of their names."""
        return msgspec.json.encode(dict(sorted(self.present.items()))).decode()


def _rank(text: str | None) -> tuple[bool, str]:
    return text is not None, text or ""


def _as_of(log: Mapping[int, str | None], moment: int) -> str | None:
    before = [known for known in log if known <= moment]
    return log[max(before)] if before else None


class Log:
    """The table in which changes are kept, by the id of the entity."""

    def __init__(self, table: Table, entity: "Column[str]") -> None:
        self.table, self.entity = table, entity
        columns = (entity, table.c.field, table.c.known_at, table.c.value)
        self._read = select(*columns).where(entity.in_(bindparam("ids", expanding=True)))

    def read(self, connection: Connection, entities: Mapping[str, Attributes]) -> None:
        """Fill in the logs of ``entities``."""
        if entities:
            for entity, name, known_at, value in connection.execute(self._read, {"ids": sorted(entities)}):
                entities[entity].log[name][known_at] = value

    def write(self, connection: Connection, entities: Iterable[tuple[str, Attributes]], received_at: int) -> None:
        """Keep what is new in them."""
        rows: list[dict[str, Any]] = [
            {
                self.entity.name: entity,
                "field": name,
                "known_at": known_at,
                "value": value,
                "received_at": received_at,
            }
            for entity, attributes in sorted(entities, key=lambda pair: pair[0])
            for (name, known_at), value in attributes.new.items()
        ]
        upsert(connection, self.table, rows)
