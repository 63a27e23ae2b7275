"""What a score was made from, as one SHA-256: the same facts give the same, in whatever order they arrived."""

import hashlib
from array import array
from collections.abc import Iterable, Sequence
from typing import Any

Row = tuple[Any, ...]


class Inputs:
    """Facts of one lead, added part by part."""

    def __init__(self, created_at: int) -> None:
        self._digest = hashlib.sha256(created_at.to_bytes(8, "little", signed=True))

    def events(self, contents: Sequence[bytes], known: "array[int]") -> None:
        """Events in the order of occurred_at and event_id: what was sent of each (16 bytes), and when it was known."""
        self._digest.update(len(contents).to_bytes(8, "little"))
        self._digest.update(b"".join(contents))
        self._digest.update(known)

    def values(self, rows: Iterable[Row]) -> None:
        """Attributes and their changes, as rows of plain values without equals."""
        self._digest.update(repr(sorted(rows, key=repr)).encode("utf-8", "surrogatepass"))

    def hex(self) -> str:
        """The SHA-256."""
        return self._digest.hexdigest()
