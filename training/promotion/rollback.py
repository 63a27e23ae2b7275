"""Back to the version that served before, in one step."""

from datetime import UTC, datetime

from data.contract import Contract
from data.errors import ReadinessError
from models.canary import check_in_canary
from training.comparing.side import find_side
from training.promotion.audit import tag_version
from training.promotion.trail import CHAMPION, OVER, Step, add_step, read_aliases, read_trail, version_before, who
from training.tracking import Registry, open_registry, told


def roll_back(contract: Contract, reason: str = "") -> Step:
    """Move the champion's alias back to the version before, and write down that it was done.

    Its golden rows are scored first: a version that no longer answers as it did is not brought back. Raises
    ReadinessError when there is no version before, BundleError when it does not answer as it did.
    """
    registry = open_registry(contract)
    with told(registry.uri):
        champion = read_aliases(registry).get(CHAMPION)
        before = None if champion is None else _before(registry, champion)
    if champion is None or before is None:
        raise ReadinessError(
            f"{registry.model} has no version to go back to: the champion is "
            f"{'not set' if champion is None else f'version {champion}, and no other was promoted before it'}. "
            "Expected an earlier promotion. Promote the version that should serve: readiness promote NUMBER --yes."
        )
    side = find_side(contract, before)
    check_in_canary(side.folder)
    at = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    step = Step("rolled back", champion, before, at, who(), reason)
    with told(registry.uri):
        registry.client.set_registered_model_alias(registry.model, CHAMPION, before)
        add_step(registry, step)
        undone = {"gate": "rolled back", "rolled_back_at": at, "rolled_back_by": step.by, "rolled_back_reason": reason}
        tag_version(registry, champion, undone)
    return step


def _before(registry: Registry, champion: str) -> str | None:
    over = registry.client.get_model_version(registry.model, champion).tags.get(OVER)
    return version_before(read_trail(registry), champion, over or None)
