"""Messages of Segment and RudderStack, one JSON object a line, as columns of text."""

import gzip
import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from data.contract import Contract
from data.errors import SchemaError
from data.sources.spoken import Message, read_message, text_of, traits_of

ENDINGS = (".jsonl", ".ndjson", ".jsonl.gz", ".ndjson.gz", ".json.gz")
"""What files of such messages are called."""
_WIDTH = 2_000
"""How much of a broken line is kept, in characters."""

_DAMAGED = (OSError, EOFError, zlib.error)

Trait = tuple[int, str, str | None]
"""The number of a line, the name of a trait, and its value as text."""


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
    message = read_message(number, told)
    if message.broken:
        message = message._replace(line=line.strip()[:_WIDTH])
    found.rows.append(message)
    if message.type in {"identify", "group"}:
        found.traits += [(number, name, text_of(value)) for name, value in traits_of(told).items()]
