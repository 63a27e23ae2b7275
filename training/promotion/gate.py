"""The gate: whether a version may take the champion's place, line by line."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from data.clock import iso
from data.contract import Contract
from data.gate_section import Gate
from data.history import History
from data.sections import IndexScale
from training.comparing.comparison import compare_versions
from training.comparing.question import other_answers
from training.comparing.side import Side
from training.leaks.fields import features_of
from training.promotion.lines import Line, judged, required
from training.promotion.replay import replayed
from training.sample import Progress
from training.wording import percent


@dataclass(frozen=True)
class Judged:
    """The lines, and the comparison with the champion behind them; None where there is none to compare with."""

    lines: tuple[Line, ...]
    comparison: Mapping[str, Any] | None


def ask_gate(contract: Contract, history: History, champion: Side | None, candidate: Side, tell: Progress) -> Judged:
    """What speaks for and against ``candidate``; without a champion only what needs no comparison is asked."""
    tell("recomputing scores", 0.0)
    lines = [*replayed(candidate, history, contract.gate.replay_rows), _index(contract, champion, candidate)]
    lines.append(_leaks(candidate))
    if champion is None:
        return Judged(tuple(lines), None)
    lines.append(_fresh(champion, candidate))
    different = other_answers(champion, candidate)
    lines.append(
        judged(
            "definition of ready",
            f"{', '.join(different)} differ: not comparable" if different else "the same as the champion's",
            "the same question",
            good=not different,
        )
    )
    if different:
        return Judged(tuple(lines), None)
    comparison = compare_versions(contract, history, champion, candidate, progress=tell)
    lines += [*_figures(contract.gate, comparison), _churn(contract.gate, comparison["people"])]
    return Judged(tuple(lines), comparison)


def _index(contract: Contract, champion: Side | None, candidate: Side) -> Line:
    """An index that meant other odds than yesterday would move every lead at once, and every rule built on it."""
    scales = {"the contract": contract.index, candidate.name: candidate.bundle.contract.index}
    scales |= {champion.name: champion.bundle.contract.index} if champion else {}
    same = len({(scale.odds_at_50, scale.points_to_double) for scale in scales.values()}) == 1
    told = "; ".join(f"{name}: {_scale(scale)}" for name, scale in scales.items())
    found = f"the same in all: {_scale(contract.index)}" if same else told
    return required("index means the same odds", found, "one anchor; another needs a new [ready] product", good=same)


def _scale(scale: IndexScale) -> str:
    return f"odds {scale.odds_at_50:g} at 50, doubled by {scale.points_to_double:g} points"


def _leaks(candidate: Side) -> Line:
    found = candidate.bundle.report.get("leaks") or {"checked": False}
    name, expected = "leaks", "looked for, and no suspect learned from"
    if not found["checked"]:
        return judged(name, "nobody looked ([leaks] check)", expected, good=False)
    learned = features_of(found["quarantined"], candidate.bundle.feature_set)
    if learned:
        return judged(name, f"{len(learned)} suspects are learned from (first: {min(learned)})", expected, good=False)
    trusted = found["overruled"]
    told = f"{len(found['quarantined'])} suspects left out"
    told += f"; trusted by the contract against the evidence: {', '.join(trusted)}" if trusted else ""
    return judged(name, told, expected, good=True)


def _fresh(champion: Side, candidate: Side) -> Line:
    mine, theirs = iso(candidate.facts_until)[:10], iso(champion.facts_until)[:10]
    good = candidate.facts_until >= champion.facts_until
    return judged("facts as fresh", f"up to {mine}", f"not before the champion's, {theirs}", good=good)


def _figures(gate: Gate, comparison: Mapping[str, Any]) -> list[Line]:
    """Enough outcomes, the log loss and the calibration, on the rows that neither has learned."""
    wanted = f"at least {gate.least_wins} leads with the outcome"
    if comparison["judged"] is None:
        return [judged("rows to judge on", "none that neither has learned", wanted, good=gate.least_wins == 0)]
    part = comparison["judged"]["horizons"][comparison["primary"]]
    enough = judged(
        "rows to judge on",
        f"{part['n']} rows of {part['leads']} leads, {part['wins']} with the outcome",
        wanted,
        good=part["wins"] >= gate.least_wins,
    )
    loss = part["metrics"]["log_loss"]["a"]
    kinds = (
        ("log loss", "log_loss", gate.log_loss_margin),
        ("calibration", "calibration_loss", gate.calibration_margin),
    )
    return [enough, *(_not_worse(name, part["metrics"][metric], loss, margin) for name, metric, margin in kinds)]


def _not_worse(name: str, found: Mapping[str, Any], loss: float | None, margin: float) -> Line:
    """The paired test: it fails when the whole interval of the difference lies above the margin."""
    expected = f"not surely worse by more than {percent(margin)} of the champion's log loss"
    low, high = found["interval"]
    if low is None or not loss:
        return judged(name, "too few outcomes to tell", expected, good=False)
    change, bounds = (one / loss * 100 for one in (found["difference"],)), (low / loss * 100, high / loss * 100)
    told = f"{next(change):+.2f} % ({bounds[0]:+.2f} to {bounds[1]:+.2f} %), {found['verdict']}"
    return judged(name, told, expected, good=low <= margin * loss)


def _churn(gate: Gate, people: Mapping[str, Any]) -> Line:
    share = people["share_changed"] or 0.0
    found = f"{people['decisions_changed']} of {people['leads']} open leads ({percent(share)})"
    return judged(
        "decisions that change", found, f"at most {percent(gate.most_changed)}", good=share <= gate.most_changed
    )
