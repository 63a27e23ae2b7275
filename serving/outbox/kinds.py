"""Which kinds of message there are, and which of them a subscriber wants."""

from collections.abc import Sequence
from difflib import get_close_matches

from data.errors import ContractError
from models.states import State

PREFIX = "readiness.lead."
CROSSINGS = tuple(
    PREFIX + name for name in ("ready", "cooled", "nurture", "working", "recycled", "let_go", "won", "lost")
)
ALARM = "readiness.watch.alarm"
"""What ``readiness watch`` tells: of no lead."""
KINDS = (*CROSSINGS, ALARM)
PING = "readiness.ping"
"""What a test sends: never stored, whatever a subscriber wants."""


def kind_of(before: State, after: State) -> str:
    """The kind of the message about a transition."""
    return PREFIX + ("cooled" if (before, after) == ("ready", "nurture") else after.replace(" ", "_"))


def wants(kinds: Sequence[str], kind: str) -> bool:
    """Whether a subscriber of ``kinds`` (none: every kind) is told of ``kind``."""
    return not kinds or kind in kinds


def checked(kinds: Sequence[str]) -> list[str]:
    """``kinds`` in full, each once; ``ready`` stands for ``readiness.lead.ready``. Raises ContractError."""
    full = [kind if "." in kind else PREFIX + kind.replace(" ", "_") for kind in kinds]
    for kind in full:
        if kind not in KINDS:
            near = get_close_matches(kind, KINDS, n=1)
            hint = f"Did you mean {near[0]!r}?" if near else f"Choose from {', '.join(KINDS)}."
            raise ContractError(f"{kind[:80]!r} is not a kind of message. Expected one of {len(KINDS)} kinds. {hint}")
    return list(dict.fromkeys(full))
