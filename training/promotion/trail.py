"""What was promoted and rolled back, kept in the tags of the registered model: ``promotion.0001``, ``promotion.0002``.

The alias is what serves; the trail is why. The candidate is told first what it is ``promoted_over``, then the alias
moves, then the trail follows: whoever is ended in between leaves a trail that lacks its last step, never one that tells
of a step that was not taken, and the way back is known all the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from getpass import getuser
from typing import Literal, cast, get_args

from data.errors import ReadinessError
from training.tracking import MlflowException, Registry

CHAMPION, CHALLENGER = "champion", "challenger"
PREFIX = "promotion."
OVER = "promoted_over"
"""The tag of a version that names the champion whose place it takes."""
SEPARATOR, NOBODY = " | ", "none"
Action = Literal["promoted", "forced", "rolled back"]


@dataclass(frozen=True)
class Step:
    """One move of the champion's alias: from which version (None: there was none) to which, when, by whom and why."""

    action: Action
    came_from: str | None
    went_to: str
    at: str
    by: str
    reason: str

    def to_text(self) -> str:
        """One line that people read in MLflow's table of tags, and ``read_step`` reads back."""
        return SEPARATOR.join(
            [self.at, self.action, f"{self.came_from or NOBODY} to {self.went_to}", self.by, self.reason]
        )


def read_step(text: str) -> Step:
    """The step of ``Step.to_text``. Raises ReadinessError for anything else."""
    parts = text.split(SEPARATOR, 4)
    if len(parts) != 5 or parts[1] not in get_args(Action) or " to " not in parts[2]:
        raise ReadinessError(
            f"A promotion is written down as {text[:80]!r}. Expected a time, what was done, from which version to "
            "which, by whom and why. Mend or remove that tag of the registered model in MLflow."
        )
    came_from, went_to = parts[2].split(" to ")
    action = cast("Action", parts[1])
    return Step(action, None if came_from == NOBODY else came_from, went_to, parts[0], parts[3], parts[4])


def read_aliases(registry: Registry) -> dict[str, str]:
    """Which version each alias names; empty where there is no registered model yet."""
    try:
        found = registry.client.get_registered_model(registry.model).aliases
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        return {}
    return {alias: str(number) for alias, number in found.items()}


def read_trail(registry: Registry) -> list[Step]:
    """All steps, the first one first."""
    tags = registry.client.get_registered_model(registry.model).tags
    return [read_step(tags[key]) for key in sorted(tags) if key.startswith(PREFIX)]


def add_step(registry: Registry, step: Step) -> None:
    """Write ``step`` behind all others."""
    tags = registry.client.get_registered_model(registry.model).tags
    last = max((int(key.removeprefix(PREFIX)) for key in tags if key.startswith(PREFIX)), default=0)
    registry.client.set_registered_model_tag(registry.model, f"{PREFIX}{last + 1:04}", step.to_text())


def champions(trail: Sequence[Step]) -> list[str]:
    """The versions that one would come back to, the latest last: a rollback takes away what it undid."""
    stack: list[str] = []
    for step in trail:
        if step.action == "rolled back" and stack[-2:] == [step.went_to, step.came_from]:
            stack.pop()
            continue
        if step.action != "rolled back" and step.came_from is not None and step.came_from not in stack[-1:]:
            stack.append(step.came_from)
        if step.went_to not in stack[-1:]:
            stack.append(step.went_to)
    return stack


def version_before(trail: Sequence[Step], champion: str, promoted_over: str | None = None) -> str | None:
    """Where a rollback leads: the champion before this one; None where there was none.

    When the alias is not where the trail says, the last step was not written any more, or somebody moved it by hand:
    then the way back is to what the champion was ``promoted_over``, else to where the trail ends.
    """
    stack = champions(trail)
    if not stack or stack[-1] != champion:
        return promoted_over or (stack[-1] if stack else None)
    return stack[-2] if len(stack) > 1 else None


def who() -> str:
    """The user of this process, as the trail names them."""
    try:
        return getuser().replace(SEPARATOR, " ")
    except (OSError, KeyError):
        return "unknown"
