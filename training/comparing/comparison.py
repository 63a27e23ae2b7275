"""Two versions compared: one JSON object for the terminal, for machines and for the page."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from data.clock import DAY, iso
from data.contract import Contract
from data.errors import NotMaturedError
from data.history import History
from training.comparing.judged import judge_both
from training.comparing.moved import look_at_moves
from training.comparing.people import look_at_people
from training.comparing.question import Question, common_question
from training.comparing.rows import common_rows
from training.comparing.side import Side
from training.sample import Progress

BETWEEN = 28 * DAY
"""How far apart the two dates are unless they are given."""


@dataclass(frozen=True)
class Asked:
    """The moments asked about (microseconds; None: the end, and BETWEEN before it), and leads to be split by id."""

    start: int | None = None
    end: int | None = None
    leads: Sequence[str] = ()

    def dates(self, ends_at: int) -> tuple[int, int]:
        """The earlier and the later date. Raises NotMaturedError unless they are in order and within the history."""
        end = ends_at if self.end is None else self.end
        start = end - BETWEEN if self.start is None else self.start
        if not start < end <= ends_at:
            raise NotMaturedError(
                f"The dates are {iso(start)} and {iso(end)}, and the facts end at {iso(ends_at)}. Expected the first "
                "before the second, and the second not after the end. Ask for earlier dates, or bring newer facts."
            )
        return start, end


def compare_versions(
    contract: Contract,
    history: History,
    a: Side,
    b: Side,
    *,
    asked: Asked | None = None,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """What ``b`` would change against ``a``: ``judged``, ``people`` and ``moved``, with ``notes``.

    ``judged`` is None, and a note says why, where no matured row is later than what either has learned. Raises
    ContractError when both answer different questions, SchemaError when the facts lack what one of them reads.
    """
    tell = progress or (lambda _what, _share: None)
    question, asked = common_question(a, b), asked or Asked()
    dates = asked.dates(history.ends_at)
    notes = _notes(contract, question, a, b)
    judged = None
    try:
        rows = common_rows(contract, history, question, a, b, tell)
    except NotMaturedError as error:
        notes.append(f"Nothing could be judged: {error}")
    else:
        judged = judge_both(rows, tell)
        notes += _row_notes(judged, question, a, b)
    return {
        "a": a.to_dict(),
        "b": b.to_dict(),
        "product": question.ready.product,
        "outcome": list(question.ready.outcome),
        "primary": question.primary,
        "facts_end": iso(history.ends_at),
        "judged": judged,
        "people": look_at_people(contract, history, question, (a, b), dates[1], tell),
        "moved": look_at_moves(contract, history, question, (a, b), dates, asked.leads, tell),
        "notes": notes,
    }


def _notes(contract: Contract, question: Question, a: Side, b: Side) -> list[str]:
    notes = []
    if question.differs:
        notes.append(
            f"Only one of both answers for {', '.join(question.differs)}: compared is {', '.join(question.horizons)}."
        )
    scales = {side.name: side.bundle.contract.index for side in (a, b)}
    for name, scale in scales.items():
        if scale != contract.index:
            notes.append(
                f"{name} was made with another [index] scale than the contract has now; "
                "indexes here are on the contract's."
            )
    return notes


def _row_notes(judged: dict[str, Any], question: Question, a: Side, b: Side) -> list[str]:
    """From when the rows are, and why: what is learned by one of both says nothing about it."""
    notes = []
    if a.learned_until != b.learned_until:
        later = a if a.learned_until > b.learned_until else b
        notes.append(
            f"Judged on rows from {iso(question.since)[:10]} on: {later.name} has learned from earlier ones, "
            "which would flatter it."
        )
    if judged["asked"] > judged["rows"]:
        notes.append(
            f"{judged['asked']} rows were there; a seeded draw of {judged['rows']} was used ([model] max_rows)."
        )
    return notes
