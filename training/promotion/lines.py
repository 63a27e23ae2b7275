"""What the gate says, line by line."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

Status = Literal["passed", "failed", "refused"]


@dataclass(frozen=True)
class Line:
    """One question of the gate: what was ``found``, what was ``expected``.

    ``failed`` is a matter of judgement, which a person may overrule with a reason; ``refused`` is a matter of
    integrity, which nobody may.
    """

    name: str
    status: Status
    found: str
    expected: str

    def to_dict(self) -> dict[str, Any]:
        """The line for machines."""
        return asdict(self)


def judged(name: str, found: str, expected: str, *, good: bool) -> Line:
    """A line that a person may overrule."""
    return Line(name, "passed" if good else "failed", found, expected)


def required(name: str, found: str, expected: str, *, good: bool) -> Line:
    """A line that nobody may overrule."""
    return Line(name, "passed" if good else "refused", found, expected)


def passed(lines: Sequence[Line]) -> bool:
    """Whether every line passed."""
    return all(line.status == "passed" for line in lines)


def refused(lines: Sequence[Line]) -> list[Line]:
    """The lines that cannot be overruled."""
    return [line for line in lines if line.status == "refused"]


def markdown(lines: Sequence[Line]) -> str:
    """The lines as a table for a version's description."""
    rows = [f"| {line.name} | {line.status} | {line.found} |" for line in lines]
    return "\n".join(["| gate | verdict | found |", "|---|---|---|", *rows])
