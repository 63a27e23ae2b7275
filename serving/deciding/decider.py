"""Those who decide, as ingest knows them: ``serving.ingest.decider.Decider`` by the bundle in use."""

from collections.abc import Mapping, Sequence
from functools import cached_property

from sqlalchemy import Connection

from models.states import Word
from serving.deciding.decide import decide
from serving.deciding.rules import rules_of
from serving.deciding.words import Said, tell
from serving.service import Loaded, Service


class Deciding:
    """Decides about leads by the bundle in use.

    None: none is loaded. Then nobody looks, and words are heard by the rules that the store remembers.
    """

    def __init__(self, loaded: Loaded | None) -> None:
        self._loaded = loaded

    @cached_property
    def closing(self) -> Mapping[str, Word]:
        """The outcomes that close a lead, as ``won`` or ``lost``. Without a bundle: none; the next look hears them."""
        if self._loaded is None:
            return {}
        rules = rules_of(self._loaded.bundle)
        words = {kind: rules.word_of(kind) for kind in rules.terminal}
        return {kind: word for kind, word in words.items() if word is not None}

    def told(self, connection: Connection, lead_id: str, word: Word, moment: int, cause: str) -> None:
        """Sales said ``word`` about a lead, known at ``moment`` (microseconds), in an ``outcome`` or a ``touch``."""
        rules = None if self._loaded is None else rules_of(self._loaded.bundle, self._loaded.version)
        tell(connection, rules, [Said(lead_id, word, moment, cause)])

    def looked(self, connection: Connection, lead_ids: Sequence[str], moment: int, cause: str) -> None:
        """There is something new about these leads as of ``moment``: decide about them, and take their marks away."""
        if self._loaded is not None:
            decide(connection, self._loaded, lead_ids, moment, cause)


def decider_of(service: Service) -> Deciding:
    """Those who decide by the bundle that a service has loaded, if it has one by now."""
    return Deciding(service.loaded if service.is_loaded else None)
