"""One look: what became of what was served, and whether the world is still that of the model."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from data.clock import format_duration
from data.contract import Contract
from data.history import History
from training.comparing.side import Side
from training.handed_off import HandOff, judged
from training.sample import Progress
from training.watching.alarms import Alarm, Budget, Finding, adjusted, standing
from training.watching.contact import audit
from training.watching.drift import BY_CHANCE, Drift, by_question, drift, question_of
from training.watching.ledger import ledger
from training.watching.news import new_kinds, new_levels
from training.watching.sources import silent_sources
from training.watching.told import FILE_ID, weekly
from training.wording import counted, whole

Body = dict[str, Any]


@dataclass(frozen=True)
class Replayed:
    """Served scores recomputed: how many, how many differ, the first that does.

    ``changed``: facts arrived or went since that count at its moment, so that no equality is to be expected.
    ``impossible``: its bundle is not at hand. ``why``: what kept all of them from being recomputed.
    """

    scores: int = 0
    differ: int = 0
    first: str | None = None
    changed: int = 0
    impossible: int = 0
    why: str | None = None


@dataclass(frozen=True, eq=False)
class Asked:
    """What is looked at.

    ``side`` is the version that serves, ``history`` what was known before the moment of the look, which is its end,
    ``told`` the served scores (``training.watching.told``), ``before`` the last look (``Watched.to_dict``). ``at`` is
    the wall clock (microseconds). ``shadow`` are scores like ``told`` by versions that told nobody: the ledger judges
    them, they raise no alarm. ``hand_offs`` are those that the policy made, each with its chance.
    """

    contract: Contract
    side: Side
    history: History
    told: pa.Table
    at: int
    before: Mapping[str, Any] | None = None
    replayed: Replayed = Replayed()
    shadow: pa.Table | None = None
    hand_offs: Sequence[HandOff] = ()

    @property
    def version(self) -> str:
        """The number of the version that serves, or the beginning of its bundle's id."""
        return self.side.number or self.side.bundle.bundle_id[:FILE_ID]


@dataclass(frozen=True)
class Watched:
    """What a look found. ``alarms``: all that stand; ``new``: those that did not stand at the last look."""

    body: Body
    alarms: tuple[Alarm, ...]
    new: tuple[Alarm, ...]

    def to_dict(self) -> Body:
        """The look for machines, as the store keeps it."""
        return self.body


def watch(asked: Asked, progress: Progress | None = None) -> Watched:
    """Look once. Raises ContractError, SchemaError or BundleError, each with what to do."""
    tell = progress or (lambda _what, _share: None)
    contract, history, bundle = asked.contract, asked.history, asked.side.bundle
    budget = Budget(contract.watch.false_alarms_per_year, history.ends_at, standing(asked.before))
    told = weekly(asked.told)
    tell("joining scores and outcomes", 0.0)
    entries, levels, slopes = ledger(contract, history, told)
    if asked.shadow is not None and len(asked.shadow):
        entries += ledger(contract, history, weekly(asked.shadow))[0]
    contact = audit(contract, history, told)
    tell("comparing the open leads with those of the training", 0.3)
    moved = drift(bundle, asked.version, history, contract.watch.least_distance, contract.model.threads)
    tell("looking for what is silent and what is new", 0.9)
    since = asked.side.learned_until
    families: dict[str, Sequence[Finding]] = {
        "replay": _replayed(asked.replayed),
        "silent-source": silent_sources(history, since),
        "new-kind": new_kinds(bundle, history, since),
        "new-level": new_levels(bundle, history, since),
        "drift": list(by_question(bundle.feature_set, moved.findings)),
        "base-rate": levels,
        "calibration": slopes,
        "never-contacted": contact.findings,
    }
    alarms = tuple(alarm for kind, found in families.items() for alarm in budget.alarms(kind, found))
    body = {
        "at": asked.at,
        "as_of": history.ends_at,
        "product": contract.ready.product,
        "version": asked.version,
        "horizon": format_duration(contract.ready.primary),
        "ledger": entries,
        "drift": _flagged(asked, moved, alarms),
        "contact": contact.told,
        "hand_offs": [entry.to_dict() for entry in judged(contract, history, asked.hand_offs)],
        "replay": dict(asked.replayed.__dict__),
        "surprise": {kind: min(adjusted(found)) for kind, found in families.items() if found},
        "alarms": [alarm.to_dict() for alarm in alarms],
        "notes": _notes(asked, told, moved),
    }
    return Watched(body, alarms, tuple(alarm for alarm in alarms if alarm.key not in budget.before))


def _replayed(replayed: Replayed) -> list[Finding]:
    if not replayed.differ:
        return []
    text = (
        f"{counted(replayed.differ, 'score')} of {whole(replayed.scores)} came out otherwise when computed again from "
        f"the same facts by the same bundle (first: {replayed.first})."
    )
    return [Finding("scores", 0.0, text)]


def _flagged(asked: Asked, moved: Drift, alarms: Sequence[Alarm]) -> list[Body]:
    """The entries of drift, those that a standing alarm is about marked; the surest first."""
    questions = {alarm.subject for alarm in alarms if alarm.kind == "drift"}
    question = question_of(asked.side.bundle.feature_set)
    large = {one.subject for one in moved.findings if one.matters and one.p <= BY_CHANCE}
    found = [
        {**entry, "alarm": question[entry["what"]] in questions and entry["what"] in large} for entry in moved.entries
    ]
    return sorted(found, key=lambda entry: (entry["p"], -entry["distance"], entry["what"]))


def _notes(asked: Asked, told: pa.Table, moved: Drift) -> list[str]:
    notes = []
    if not len(told):
        notes.append("No served scores were there to look at: the ledger and the contact audit are empty.")
    if not moved.entries:
        notes.append(f"Drift was not looked at: {counted(moved.leads, 'open lead')} are too few.")
    if moved.beyond:
        notes.append(
            f"{whole(moved.beyond)} of {counted(moved.leads, 'open lead')} are older than any lead that the model was "
            "made with; drift leaves them out."
        )
    if asked.replayed.changed:
        notes.append(
            f"{counted(asked.replayed.changed, 'score')} could not be compared with a recomputation: facts of their "
            "past arrived later."
        )
    if asked.replayed.why:
        notes.append(f"No score was recomputed: {asked.replayed.why}")
    return notes
