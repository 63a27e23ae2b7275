"""The verdict on a version, and the move of the champion's alias to it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from data.contract import Contract
from data.errors import ReadinessError
from data.history import History
from training.comparing.side import Side, compare_runs_url, find_side
from training.promotion.audit import keep_comparison, mark_promoted
from training.promotion.gate import Judged, ask_gate
from training.promotion.lines import passed, refused
from training.promotion.trail import CHALLENGER, CHAMPION, OVER, Action, Step, add_step, read_aliases, who
from training.sample import Progress
from training.tracking import Registry, open_registry, told


@dataclass(frozen=True, eq=False)
class Verdict:
    """What the gate said of a version against the champion (None: there is none), and whether it took over.

    ``already``: it is the champion, and nothing was asked.
    """

    candidate: Side
    champion: Side | None
    judged: Judged
    mlflow_url: str | None = None
    promoted: bool = False
    already: bool = False
    reason: str = ""

    @property
    def passed(self) -> bool:
        """Whether every line passed."""
        return passed(self.judged.lines)

    def to_dict(self) -> dict[str, Any]:
        """The verdict for machines."""
        return {
            "version": self.candidate.number,
            "bundle_id": self.candidate.bundle.bundle_id,
            "champion": self.champion.number if self.champion else None,
            "passed": self.passed,
            "promoted": self.promoted,
            "already_champion": self.already,
            "forced_because": self.reason,
            "lines": [line.to_dict() for line in self.judged.lines],
            "mlflow_url": self.mlflow_url,
        }


def ask(contract: Contract, history: History, reference: str = CHALLENGER, progress: Progress | None = None) -> Verdict:
    """The verdict on the version that ``reference`` names, against the champion. Moves nothing.

    Raises ReadinessError when there is no such version.
    """
    tell = progress or (lambda _what, _share: None)
    tell("fetching the versions", 0.0)
    candidate = find_side(contract, reference)
    if candidate.number is None:
        raise ReadinessError(
            f"{reference} is a bundle folder. Expected an alias or a number: only what is registered can be promoted. "
            "Compare it with `readiness compare`."
        )
    registry = open_registry(contract)
    with told(registry.uri):
        serving = read_aliases(registry).get(CHAMPION)
    champion = None if serving is None else find_side(contract, CHAMPION)
    if champion is not None and champion.number == candidate.number:
        return Verdict(candidate, champion, Judged((), None), already=True)
    judged = ask_gate(contract, history, champion, candidate, tell)
    url = compare_runs_url(contract, champion, candidate) if champion else None
    return Verdict(candidate, champion, judged, url)


def take_over(contract: Contract, verdict: Verdict, *, force: str = "", progress: Progress | None = None) -> Verdict:
    """Move the champion's alias to the candidate if every line passed, or if ``force`` says why it should all the same.

    The alias moves in one step, then follow the trail, the tags and the comparison. A line that is refused cannot be
    forced. Raises ReadinessError when the champion is no longer the one that the verdict is about.
    """
    tell = progress or (lambda _what, _share: None)
    if verdict.already or refused(verdict.judged.lines) or not (verdict.passed or force):
        return verdict
    registry, number = open_registry(contract), str(verdict.candidate.number)
    before = verdict.champion.number if verdict.champion else None
    action: Action = "promoted" if verdict.passed else "forced"
    reason = "" if verdict.passed else force
    step = Step(action, before, number, _now(), who(), reason)
    tell("moving the alias", 0.0)
    with told(registry.uri):
        _must_be(registry, before)
        registry.client.set_model_version_tag(registry.model, number, OVER, before or "")
        registry.client.set_registered_model_alias(registry.model, CHAMPION, number)
        add_step(registry, step)
        if read_aliases(registry).get(CHALLENGER) == number:
            registry.client.delete_registered_model_alias(registry.model, CHALLENGER)
        tell("writing the trail", 0.5)
        mark_promoted(registry, step, verdict.judged.lines)
        if verdict.judged.comparison is not None:
            keep_comparison(registry, number, with_url(verdict.judged.comparison, verdict.mlflow_url))
    return Verdict(
        verdict.candidate, verdict.champion, verdict.judged, verdict.mlflow_url, promoted=True, reason=reason
    )


def with_url(comparison: Mapping[str, Any], url: str | None) -> dict[str, Any]:
    """The comparison with the address of MLflow's own page for both runs."""
    return {**comparison, "mlflow_url": url}


def _must_be(registry: Registry, champion: str | None) -> None:
    found = read_aliases(registry).get(CHAMPION)
    if found != champion:
        raise ReadinessError(
            f"The champion is version {found} by now. Expected {champion or 'none'}, which the verdict was made "
            "against. Ask again: readiness promote."
        )


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
