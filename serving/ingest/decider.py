"""Who hears of what is new, in the same transaction: it moves standings, and writes what follows from that."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from sqlalchemy import Connection

from models.states import Word

AT_ONCE = 64
"""News of so many leads at the most is looked at within the call; the marks of more stay for the worker."""


class Decider(Protocol):
    """What ingest asks of those who decide. Nobody decides while no model is loaded."""

    @property
    def closing(self) -> Mapping[str, Word]:
        """The outcomes that close a lead, as ``won`` or ``lost``."""

    def told(self, connection: Connection, lead_id: str, word: Word, moment: int, cause: str) -> None:
        """Sales said ``word`` about a lead, known at ``moment`` (microseconds), in an ``outcome`` or a ``touch``."""

    def looked(self, connection: Connection, lead_ids: Sequence[str], moment: int, cause: str) -> object:
        """There is something new about these leads, sorted, as of ``moment``: look at them, and delete their marks."""
