"""What each capacity would have meant: the curve from which sales and marketing agree on one.

For each of a range of weekly capacities the threshold is made as that of the policy is (``training.decision``), and the
rule is played through the later rows: a hand-off is judged where its horizon has passed, premature where no outcome
followed within it. The customer's points are given the same number of hand-offs, with an order drawn by lot among equal
points. Hand-offs at the first cutoff are the backlog from before: they count for the share of wins that was caught,
and not for what a week brings.

Intervals are the middle 95 % over bootstrap samples of leads (Poisson weights: Hanley and MacGibbon 2006), the
thresholds held; those of a difference are paired.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numba
import numpy as np
import numpy.typing as npt

from data.clock import WEEK, format_duration
from data.contract import Contract
from data.history import History
from models.policy import Policy
from models.thresholds import Walked, thresholds_for_capacities
from training.decision import chance_at, deciding, has_evidence, paying
from training.duel import outcome_numbers
from training.sample import Sample
from training.testrows import TestRows

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

DRAWS = 200
LOTS = 8
"""Orders drawn by lot over which figures of points are averaged."""
REACH, STEPS = 8.0, 49
"""The curve goes from an eighth of the capacity to eight times as much."""
_HAND_OFFS, _PREMATURE, _WINS, _CAUGHT = range(4)


@dataclass(frozen=True, eq=False)
class Judged:
    """The n test rows as the rule meets them.

    ``outcome`` numbers the outcome within the primary horizon, -1 where none came; ``known``: the horizon has passed.
    ``weeks`` is how long the known rows last, ``wins`` how many outcomes there were in each lead (by code).
    """

    cutoffs: Ints
    leads: Ints
    outcome: Ints
    known: Mask
    rest: int
    weeks: float
    wins: Ints

    @classmethod
    def of(cls, contract: Contract, sample: Sample, test: TestRows) -> "Judged":
        """The test rows of a trial."""
        horizon, agreed = contract.ready.primary, contract.policy
        at, labels = contract.ready.horizons.index(horizon), sample.labels.take(sample.test)
        cutoffs, known = sample.cutoffs[sample.test], test.matured[:, at]
        leads = np.unique(sample.leads[sample.test], return_inverse=True)[1].reshape(-1).astype(np.int64)
        won = known & test.outcome[:, at]
        outcome = outcome_numbers(leads, cutoffs + np.where(won, labels.time_to_outcome, 0), won)
        pairs = np.unique(np.column_stack([leads, outcome])[won], axis=0)
        last = cutoffs[known].max(initial=cutoffs.min())
        return cls(
            cutoffs,
            leads,
            outcome,
            known,
            agreed.answer_within + agreed.cool_down,
            max(float(last - cutoffs.min()) / WEEK, 1.0),
            np.bincount(pairs[:, 0], minlength=int(leads.max(initial=-1)) + 1).astype(np.int64),
        )

    def thresholds(self, scores: Floats, capacities: Sequence[float], able: Mask | None = None) -> Floats:
        """(k,) the threshold of each of k capacities."""
        return np.array(thresholds_for_capacities(scores, self.cutoffs, self.leads, capacities, able, self.rest))

    def played(self, scores: Floats, thresholds: Floats, able: Mask | None = None) -> Floats:
        """(leads, k, 4) of each lead at each of k thresholds: hand-offs, premature ones, wins, and wins caught.

        The first three after the backlog. Only hand-offs whose horizon has passed count.
        """
        rows = Walked.of(scores, self.cutoffs, self.leads, np.ones(len(scores), bool) if able is None else able)
        outcome, known = self.outcome[rows.order], self.known[rows.order]
        found = np.zeros((len(self.wins), len(thresholds), 4), np.float32)
        _play(rows.values, rows.at, rows.first, outcome, known, thresholds, self.rest, rows.backlog, found)
        return found.astype(np.float64)


def agreement(
    contract: Contract, history: History, sample: Sample, test: TestRows, policy: Policy
) -> dict[str, Any] | None:
    """The curve as a section of the report; None where no test row has matured.

    ``choices``: for each capacity its ``threshold``, the ``explore_chance`` that goes with it (what is explored is
    taken from the capacity and not judged here) and, a week, ``hand_offs``, ``wins`` and ``premature`` calls, the
    ``caught`` share of all wins, ``intervals`` of these, and the same of ``points`` where there are any. ``own`` is the
    same for the threshold of the policy itself. ``share``: of all rows that the contract asks for, how many are used.
    """
    judged = Judged.of(contract, sample, test)
    if not judged.known.any():
        return None
    scores, able = deciding(contract, test), has_evidence(contract.policy, history, sample)
    copies = np.random.default_rng(contract.model.seed).poisson(1.0, (DRAWS, len(judged.wins)))
    own = judged.played(scores, np.array([policy.threshold]), able)
    [at_own] = _figures(judged, own, copies)
    base = contract.policy.capacity_per_week or max(1.0, float(round(at_own["hand_offs"])))
    capacities = _worth_asking(judged, scores, able, base)
    kept = [capacity * (1.0 - contract.policy.explore) for capacity in capacities]
    thresholds = np.maximum(judged.thresholds(scores, kept, able), paying(contract.policy))
    counts = judged.played(scores, thresholds, able)
    chances = [chance_at(contract.policy, sample, scores, able, threshold) for threshold in thresholds.tolist()]
    rows = zip(capacities, thresholds.tolist(), chances, _figures(judged, counts, copies), strict=True)
    choices = [
        {"per_week": capacity, "threshold": threshold, "explore_chance": chance, **told}
        for capacity, threshold, chance, told in rows
    ]
    if "points" in test.predictions:
        at = contract.ready.horizons.index(contract.ready.primary)
        _set_beside(choices, judged, counts, _by_points(judged, test.predictions["points"][:, at], capacities), copies)
    return {
        "horizon": format_duration(contract.ready.primary),
        "decides": format_duration(policy.horizon or contract.ready.primary),
        "agreed": contract.policy.capacity_per_week,
        "weeks": judged.weeks,
        "leads": len(judged.wins),
        "wins": int(judged.wins.sum()),
        "share": sample.share,
        "own": {"threshold": policy.threshold, **at_own},
        "choices": choices,
    }


def of_all(told: dict[str, Any], share: float) -> dict[str, Any]:
    """The curve of all leads, where only a ``share`` of them was judged on: what a week brings grows with them."""
    return {
        **told,
        "agreed": None if told["agreed"] is None else told["agreed"] / share,
        "own": _grown(told["own"], share),
        "choices": [_grown(choice, share) for choice in told["choices"]],
    }


def _grown(told: Mapping[str, Any], share: float) -> dict[str, Any]:
    weekly = ("per_week", "hand_offs", "premature", "wins", "more_wins")
    grown = {name: value / share if name in weekly else value for name, value in told.items()}
    if "intervals" in told:
        bounds = told["intervals"].items()
        grown["intervals"] = {
            name: [edge / share for edge in edges] if name in weekly else edges for name, edges in bounds
        }
    if told.get("points"):
        grown["points"] = _grown(told["points"], share)
    return grown


def _worth_asking(judged: Judged, scores: Floats, able: Mask, base: float) -> list[float]:
    """Round capacities around ``base``, itself among them, up to a little more than there is to hand off."""
    around = np.geomspace(base / REACH, base * REACH, STEPS)
    asked = sorted({base, *(rounded(float(capacity)) for capacity in around)})
    lowest = judged.thresholds(scores, asked[-1:], able)
    rows = Walked.of(scores, judged.cutoffs, judged.leads, able)
    every = judged.played(scores, lowest, able)[:, 0, _HAND_OFFS].sum() / judged.weeks if len(rows.values) else 0.0
    return [capacity for capacity in asked if capacity <= max(base, 1.25 * every)]


def rounded(capacity: float) -> float:
    """A capacity as people would say it: halves from 1 on, whole from 3 on, two digits from 20 on."""
    if capacity < 3.0:
        return round(2.0 * capacity) / 2.0 if capacity >= 1.0 else max(0.1, round(capacity, 1))
    if capacity < 20.0:
        return float(round(capacity))
    scale = 10.0 ** (np.floor(np.log10(capacity)) - 1)
    return float(round(capacity / scale) * scale)


def _by_points(judged: Judged, points: Floats, capacities: Sequence[float]) -> Floats:
    """(leads, k, 4) as ``played``, of the points at each capacity: the mean over orders drawn by lot."""
    generator = np.random.default_rng(0)
    total = np.zeros((len(judged.wins), len(capacities), 4))
    for _ in range(LOTS):
        order = np.lexsort((generator.random(len(points)), points))
        place = np.empty(len(points))
        place[order] = np.arange(1, len(points) + 1) / (len(points) + 1)
        total += judged.played(place, judged.thresholds(place, capacities))
    return total / LOTS


def _figures(judged: Judged, counts: Floats, copies: Ints) -> list[dict[str, Any]]:
    """What a week brings at each of k thresholds, with intervals."""
    drawn = _drawn(counts, copies)
    wins = np.maximum((copies @ judged.wins).astype(np.float64), 1.0)
    total, every = counts.sum(axis=0), max(int(judged.wins.sum()), 1)
    found = []
    for place in range(counts.shape[1]):
        weekly = {name: (total[place, at], drawn[:, place, at]) for name, at in _WEEKLY.items()}
        told: dict[str, Any] = {name: float(value) / judged.weeks for name, (value, _) in weekly.items()}
        told["caught"] = float(total[place, _CAUGHT]) / every
        told["intervals"] = {name: _bounds(samples / judged.weeks) for name, (_, samples) in weekly.items()}
        told["intervals"]["caught"] = _bounds(np.minimum(drawn[:, place, _CAUGHT] / wins, 1.0))
        found.append(told)
    return found


_WEEKLY = {"hand_offs": _HAND_OFFS, "premature": _PREMATURE, "wins": _WINS}


def _set_beside(choices: list[dict[str, Any]], judged: Judged, counts: Floats, points: Floats, copies: Ints) -> None:
    """Add to each choice the figures of the points, and how many more wins a week the model brings, paired."""
    more = (counts - points)[:, :, _WINS : _WINS + 1]
    drawn = _drawn(more, copies)[:, :, 0] / judged.weeks
    for place, (choice, told) in enumerate(zip(choices, _figures(judged, points, copies), strict=True)):
        choice["points"] = told
        choice["more_wins"] = float(more[:, place].sum()) / judged.weeks
        choice["intervals"]["more_wins"] = _bounds(drawn[:, place])


def _drawn(counts: Floats, copies: Ints) -> Floats:
    """(draws, k, f) sums of ``counts`` (leads, k, f) over samples in which each lead is there so many times."""
    some = np.flatnonzero(counts.any(axis=(1, 2)))
    return np.tensordot(copies[:, some].astype(np.float64), counts[some], axes=1)


def _bounds(values: Floats) -> list[float]:
    return [float(edge) for edge in np.quantile(values, (0.025, 0.975))]


def _play_rows(
    values: Floats,
    at: Ints,
    first: Ints,
    outcome: Ints,
    known: Mask,
    thresholds: Floats,
    rest: int,
    backlog: int,
    found: npt.NDArray[np.float32],
) -> None:
    for lead in range(found.shape[0]):
        for place in range(thresholds.shape[0]):
            handed, last, seen = False, np.int64(0), np.int64(-1)
            for row in range(first[lead], first[lead + 1]):
                if values[row] < thresholds[place] or (handed and at[row] - last < rest):
                    continue
                handed, last = True, at[row]
                if not known[row]:
                    continue
                counts = np.float32(at[row] > backlog)
                found[lead, place, 0] += counts
                if outcome[row] < 0:
                    found[lead, place, 1] += counts
                elif outcome[row] != seen:
                    seen = outcome[row]
                    found[lead, place, 2] += counts
                    found[lead, place, 3] += 1


_play = numba.njit(cache=True, nogil=True)(_play_rows)
