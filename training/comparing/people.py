"""What a promotion would do to people: how both versions rank, decide on and explain the leads that are open now."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from scipy.stats import rankdata

from data.clock import iso
from data.contract import Contract
from data.history import History
from data.tables import TIME
from models.histories import lead_histories
from models.index import index_of
from models.numerics import Floats
from models.reasons import REASONS
from models.scorer import Scorer
from models.snapshot import score_history
from training.comparing.question import Question
from training.comparing.rows import A, B
from training.comparing.side import Side
from training.sample import Progress

MOVERS = 10
DEFAULT_SHARE = 0.1
"""Without an agreed capacity the call list is a tenth of the open leads."""


@dataclass(frozen=True, eq=False)
class Look:
    """What one version says of n open leads, in the order of their ids; the index is on the contract's scale."""

    lead_id: Sequence[str]
    readiness: Floats
    index: Floats
    decision: Sequence[str]


def look_at_people(
    contract: Contract, history: History, question: Question, sides: tuple[Side, Side], at: int, tell: Progress
) -> dict[str, Any]:
    """Both versions over every lead that was open at ``at`` (microseconds), as its readiness would be told then.

    Each decides by its own policy as if nobody had looked at the lead before. ``movers`` are the leads whose index
    would move most, with the reasons of both. The index of both is on the contract's scale.
    """
    a, b = (_look(contract, history, question, side, at, tell) for side in sides)
    changed = Counter(zip(a.decision, b.decision, strict=True))
    moved = sum(count for (before, after), count in changed.items() if before != after)
    leads = len(a.lead_id)
    size = list_size(contract, leads)
    return {
        "at": iso(at),
        "leads": leads,
        "rank_correlation": rank_correlation(a.readiness, b.readiness),
        "decisions_changed": moved,
        "share_changed": moved / leads if leads else None,
        "decisions": [{A: before, B: after, "leads": count} for (before, after), count in sorted(changed.items())],
        "call_list": {
            "size": size,
            "agreed": contract.policy.capacity_per_week is not None,
            "in_both": overlap(a.readiness, b.readiness, size),
        },
        "index_moved": _spread(b.index - a.index),
        "movers": _movers(history, sides, (a, b), at, tell),
    }


def _look(contract: Contract, history: History, question: Question, side: Side, at: int, tell: Progress) -> Look:
    def under(what: str, share: float) -> None:
        tell(f"{side.name}: {what}", share)

    threads = contract.model.threads
    scored = score_history(side.bundle, history, at, version=side.number, reasons=0, threads=threads, progress=under)
    readiness = scored[f"readiness_{question.primary}"].to_numpy()
    index = index_of(readiness, contract.index)
    return Look(scored["lead_id"].to_pylist(), readiness, index, scored["decision"].to_pylist())


def list_size(contract: Contract, leads: int) -> int:
    """How many leads sales calls in a week: the contract's capacity, else a tenth of those that are open."""
    agreed = contract.policy.capacity_per_week
    return min(leads, math.ceil(leads * DEFAULT_SHARE if agreed is None else agreed))


def rank_correlation(a: Floats, b: Floats) -> float | None:
    """Spearman's, ties at their mean rank; None where one of both holds all leads alike."""
    ranks = [rankdata(one) for one in (a, b)]
    if len(a) < 2 or any(np.ptp(one) == 0 for one in ranks):
        return None
    return float(np.clip(np.corrcoef(*ranks)[0, 1], -1.0, 1.0))


def overlap(a: Floats, b: Floats, size: int) -> int:
    """How many of the ``size`` readiest leads are on both lists; of equals the first lead_id is called."""
    lists = [set(np.argsort(-one, kind="stable")[:size].tolist()) for one in (a, b)]
    return len(lists[0] & lists[1])


def _spread(moved: Floats) -> dict[str, float] | None:
    """How far the index would move, in points: the mean, and the middle and outer quantiles of the distance."""
    if not len(moved):
        return None
    far = np.abs(moved)
    names = ("median", "p90", "most")
    return {"mean": float(moved.mean())} | dict(zip(names, np.quantile(far, (0.5, 0.9, 1.0)).tolist(), strict=True))


def _movers(
    history: History, sides: tuple[Side, Side], looks: tuple[Look, Look], at: int, tell: Progress
) -> list[dict[str, Any]]:
    a, b = looks
    order = [int(place) for place in np.argsort(-np.abs(b.index - a.index), kind="stable")[:MOVERS]]
    ids = [a.lead_id[place] for place in order]
    tell("telling why both say so", 0.0)
    why = [tell_reasons(side, history, ids, at) for side in sides]
    return [
        {
            "lead_id": lead,
            **{f"readiness_{name}": float(look.readiness[place]) for name, look in ((A, a), (B, b))},
            **{f"index_{name}": float(look.index[place]) for name, look in ((A, a), (B, b))},
            **{f"decision_{name}": look.decision[place] for name, look in ((A, a), (B, b))},
            **{f"reasons_{name}": told[number] for name, told in zip((A, B), why, strict=True)},
        }
        for number, (lead, place) in enumerate(zip(ids, order, strict=True))
    ]


def tell_reasons(side: Side, history: History, ids: Sequence[str], at: int) -> list[list[str]]:
    """For each lead of ``ids`` the reasons of ``side`` at ``at`` (microseconds), largest push first."""
    if not ids:
        return []
    known = replace(history, events=history.events.filter(pc.less(history.events["known_at"], pa.scalar(at, TIME))))
    scorer = Scorer(side.bundle)
    scores = scorer.score_many([(lead, at) for lead in lead_histories(known, ids)], reasons=REASONS)
    return [[reason.text for reason in score.reasons] for score in scores]
