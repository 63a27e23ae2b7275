"""What became of each thing that was sent: taken, known already, or refused with a reason."""

from dataclasses import dataclass, field
from typing import NamedTuple

from serving.ingest.items import Rejected


class Refused(Exception):  # noqa: N818 - an answer to the sender, not a failure of ours
    """An item that cannot be stored; the message says what was found, was expected and is to do."""


class Moved(Exception):  # noqa: N818 - likewise: it is seen to within the call
    """While a call was being stored, somebody else made one of its ids mean another id. It is stored anew."""


class Taken(NamedTuple):
    """The account of a call. ``taken + duplicates + len(refused)`` is how many things were sent."""

    taken: int
    duplicates: int
    refused: tuple[Rejected, ...]


@dataclass
class Tally:
    """Counts by the place of what was sent: of one message several items may be made, but it counts once."""

    _new: set[int] = field(default_factory=set)
    _known: set[int] = field(default_factory=set)
    _refused: dict[int, str] = field(default_factory=dict)

    def new(self, index: int) -> None:
        """Something of it was not known."""
        self._new.add(index)

    def known(self, index: int) -> None:
        """Something of it was stored before."""
        self._known.add(index)

    def refuse(self, index: int, reason: str) -> None:
        """It cannot be stored; its first reason is told."""
        self._refused.setdefault(index, reason)

    def taken(self) -> Taken:
        """The account so far: a refusal outweighs news, news what was known already."""
        new = self._new - self._refused.keys()
        known = self._known - self._refused.keys() - new
        refused = tuple(Rejected(index, self._refused[index]) for index in sorted(self._refused))
        return Taken(len(new), len(known), refused)
