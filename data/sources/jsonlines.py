"""Messages of Segment and RudderStack, one JSON object a line, as columns of text."""

import gzip
import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from data.contract import Contract
from data.errors import SchemaError

ENDINGS = (".jsonl", ".ndjson", ".jsonl.gz", ".ndjson.gz", ".json.gz")
"""What files of such messages are called."""
_VALUES = ("revenue", "value", "total", "price", "amount")
_ITEMS = ("url", "path", "product_id", "sku", "form_id", "form_name", "name", "title", "item", "plan", "category")
_WIDTH = 2_000
"""How much of a broken line is kept, in characters."""

_DAMAGED = (OSError, EOFError, zlib.error)

Trait = tuple[int, str, str | None]
"""The number of a line, the name of a trait, and its value as text."""


class Message(NamedTuple):
    """One line. Every cell is text or null."""

    number: int
    type: str | None = None
    user: str | None = None
    anonymous: str | None = None
    previous: str | None = None
    group: str | None = None
    id: str | None = None
    name: str | None = None
    at: str | None = None
    received: str | None = None
    value: str | None = None
    item: str | None = None
    broken: str | None = None
    """Why the line is no message."""
    line: str | None = None
    """The line, where it is no message."""


@dataclass
class Messages:
    """The messages of one file, and what identify and group messages say."""

    rows: list[Message] = field(default_factory=list)
    traits: list[Trait] = field(default_factory=list)


def message_files(contract: Contract) -> list[Path]:
    """The files that ``path`` (a file, a folder or a glob) names, by name. Raises SchemaError where there are none."""
    text = contract.source.path
    place = contract.resolve(text)
    if place.is_file():
        return [place]
    if place.is_dir():
        found = [path for path in place.rglob("*") if path.name.lower().endswith(ENDINGS) and path.name[0] not in "._"]
    else:
        found = list(Path(place.anchor).glob(str(place.relative_to(place.anchor)))) if "*" in text else []
    files = sorted(path for path in found if path.is_file())
    if not files:
        raise SchemaError(
            f"There are no messages at {place}. Expected a file, a folder or a glob of {', '.join(ENDINGS[:4])}: one "
            "JSON object a line. Mend path in [source]."
        )
    return files


def read_file(path: Path) -> Messages:
    """Every line of a file that is not empty; what is no JSON object says so. Raises SchemaError for a damaged file."""
    found = Messages()
    try:
        for number, line in enumerate(_lines(path), start=1):
            if line.strip():
                _take(found, number, line)
    except _DAMAGED as error:
        raise _cut_off(path, error) from None
    return found


def read_head(path: Path, lines: int = 5_000) -> tuple[Messages, bool]:
    """The first lines of a file, and whether RudderStack wrote them. Raises SchemaError for a damaged file."""
    found, rudder = Messages(), False
    try:
        for number, line in zip(range(1, lines + 1), _lines(path), strict=False):
            rudder = rudder or "rudder" in line.lower()
            _take(found, number, line)
    except _DAMAGED as error:
        raise _cut_off(path, error) from None
    return found, rudder


def _cut_off(path: Path, error: Exception) -> SchemaError:
    return SchemaError(f"{path} cannot be read ({error}): it may be cut off. Copy or write it again.")


def _lines(path: Path) -> Iterator[str]:
    packed = path.suffix.lower() == ".gz"
    with gzip.open(path, "rb") if packed else path.open("rb") as file:
        for at, line in enumerate(file):
            yield line.decode("utf-8-sig" if at == 0 else "utf-8", errors="replace")


def _take(found: Messages, number: int, line: str) -> None:
    try:
        told = json.loads(line)
    except (ValueError, RecursionError):
        found.rows.append(Message(number, broken="not JSON", line=line.strip()[:_WIDTH]))
        return
    if not isinstance(told, dict) or not isinstance(told.get("type"), str):
        reason = "a message without a type" if isinstance(told, dict) else "not a JSON object"
        found.rows.append(Message(number, broken=reason, line=line.strip()[:_WIDTH]))
        return
    message = _message(number, told)
    found.rows.append(message)
    if message.type in {"identify", "group"}:
        found.traits += [
            (number, name, text) for name, value in _dict(told, "traits").items() for text in _scalar(value)
        ]


def _message(number: int, told: dict[str, Any]) -> Message:
    properties = _dict(told, "properties")
    page = _dict(_dict(told, "context"), "page")
    kind = told["type"].strip().lower()
    item = _first(properties, _ITEMS) or (_first(page, ("url", "path")) if kind in {"page", "screen"} else None)
    return Message(
        number=number,
        type=kind,
        user=_text(told.get("userId")),
        anonymous=_text(told.get("anonymousId")),
        previous=_text(told.get("previousId")),
        group=_text(told.get("groupId")),
        id=_text(told.get("messageId")),
        name=_text(told.get("event")) if kind == "track" else kind,
        at=_first(told, ("timestamp", "originalTimestamp", "sentAt", "receivedAt")),
        received=_first(told, ("receivedAt",)),
        value=_first(properties, _VALUES),
        item=item,
    )


def _dict(told: dict[str, Any], name: str) -> dict[str, Any]:
    found = told.get(name)
    return found if isinstance(found, dict) else {}


def _first(told: dict[str, Any], names: tuple[str, ...]) -> str | None:
    return next((text for name in names if (text := _text(told.get(name))) is not None), None)


def _text(value: object) -> str | None:
    """A scalar as text; an empty one, a list or an object is none."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value).strip() or None if isinstance(value, str | int | float) else None


def _scalar(value: object) -> list[str | None]:
    """The value of a trait as one text, none where it is a list or an object."""
    return [] if isinstance(value, dict | list) else [_text(value)]
