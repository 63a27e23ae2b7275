"""What moves leads apart from the model: the policy, which outcomes close a lead, and whose leads they are.

They come with the bundle in use. The store remembers those it was last decided by, so that what sales says is heard
also where no bundle is loaded.
"""

import json
from dataclasses import dataclass, replace
from functools import lru_cache

from sqlalchemy import Connection, select

from data.clock import DAY
from models.bundle import Bundle
from models.policy import Policy
from models.states import Word
from serving.store.tables import meta
from serving.store.upsert import upsert

_NAME = "rules"


@dataclass(frozen=True)
class Rules:
    """``outcome`` and ``terminal`` as in the contract's [ready]; ``horizon_days`` is the primary horizon."""

    product: str
    policy: Policy
    outcome: tuple[str, ...]
    terminal: tuple[str, ...]
    horizon_days: float
    bundle_id: str
    model_version: str = ""

    def word_of(self, outcome: str) -> Word | None:
        """What an outcome of this kind says of its lead; None: it does not close it."""
        if outcome not in self.terminal:
            return None
        return "won" if outcome in self.outcome else "lost"

    def to_json(self) -> str:
        """The text that the store keeps."""
        policy = json.loads(self.policy.to_json())
        return json.dumps({**self.__dict__, "policy": policy})


@lru_cache(maxsize=4)
def _of_bundle(bundle: Bundle) -> Rules:
    ready = bundle.contract.ready
    horizon_days = bundle.model.primary / DAY
    return Rules(ready.product, bundle.policy, ready.outcome, ready.terminal, horizon_days, bundle.bundle_id)


def rules_of(bundle: Bundle, version: str = "") -> Rules:
    """The rules that come with a bundle."""
    found = _of_bundle(bundle)
    return replace(found, model_version=version) if version else found


def remember(connection: Connection, rules: Rules) -> None:
    """Keep the rules that leads are decided by from now on."""
    upsert(connection, meta, [{"name": _NAME, "value": rules.to_json()}])


def remembered(connection: Connection) -> Rules | None:
    """The rules that the store was last decided by; None: it never was."""
    text = connection.execute(select(meta.c.value).where(meta.c.name == _NAME)).scalar()
    if text is None:
        return None
    found = json.loads(text)
    policy = Policy.from_json(json.dumps(found.pop("policy")).encode())
    outcome, terminal = (tuple(found.pop(name)) for name in ("outcome", "terminal"))
    return Rules(policy=policy, outcome=outcome, terminal=terminal, **found)
