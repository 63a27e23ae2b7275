"""The duel: the customer's points and the model at the same weekly capacity, on the same later rows.

Each week each of them fills sales' list with the open leads that it holds highest (``training.duel_play`` says what
becomes of a called lead). Captured is an outcome within the horizon of its call, premature a call without one.

Intervals are the middle 95 % over bootstrap samples of leads, each with all its rows, drawn with replacement; the list
of every week is made anew in each, for all of them from the same sample, so that differences are paired.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from data.contract import Contract
from data.history import History
from data.labels import label
from data.spine import micros
from training.duel_play import DuelRows, Floats, Ints, Mask, Ranked, capacities, periods_of, play
from training.sample import Progress

DRAWS = 300
"""Bootstrap samples behind an interval."""
LOTS = 40
"""Orders drawn by lot over which a figure is averaged where scores are equal."""
STEPS = (0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0)
"""The curve is drawn at these multiples of the capacity."""
DEFAULT_SHARE = 0.1
"""Without a capacity in the contract, a tenth of the open leads can be called within a horizon."""
RANDOM = "random"
Bounds = tuple[float, float]


@dataclass(frozen=True)
class Score:
    """What one contestant's calls came to; captured may be a mean over orders drawn by lot."""

    name: str
    calls: float
    captured: float
    premature: float
    share: float
    """Of all outcomes that a call could have caught."""
    precision: float
    """Of its calls."""
    lift: float
    """Its precision against that of calls at random."""
    captured_interval: Bounds
    premature_interval: Bounds
    share_interval: Bounds
    lift_interval: Bounds
    precision_interval: Bounds
    curve: tuple[float, ...]
    """Captured at each of the duel's capacities."""


@dataclass(frozen=True)
class Difference:
    """How many more outcomes one contestant captured than another; negative where fewer."""

    one: str
    other: str
    captured: float
    interval: Bounds
    ratio: float | None
    """Captured by the one for each that the other captured; None where that is none."""


@dataclass(frozen=True)
class Duel:
    """The field at equal capacity, the differences, and what they were judged on."""

    horizon: int
    capacity: float
    given: bool
    """Whether the capacity is the contract's."""
    weeks: float
    rows: int
    leads: int
    outcomes: int
    capacities: tuple[float, ...]
    scores: tuple[Score, ...]
    differences: tuple[Difference, ...]

    def score(self, name: str) -> Score:
        """The score of a contestant by name. Raises KeyError."""
        return {score.name: score for score in self.scores}[name]

    def to_dict(self) -> dict[str, Any]:
        """As plain values for JSON."""
        return asdict(self)


def duel_rows(lead_id: pa.Array, cutoff: pa.Array, contract: Contract, history: History) -> tuple[DuelRows, Ints]:
    """The questions (lead_id, cutoff) whose answer at the primary horizon is known, and their places among those given.

    Of several questions about a lead in a week the first is asked.
    """
    horizon = contract.ready.primary
    spine = pa.table({"lead_id": lead_id, "cutoff": cutoff})
    labels, cutoffs = label(history, spine, contract.ready), micros(spine["cutoff"])
    kept = np.flatnonzero(labels.matured(horizon))
    codes = np.unique(np.array(spine["lead_id"].to_pylist(), object)[kept], return_inverse=True)[1].reshape(-1)
    period = periods_of(cutoffs[kept])[0]
    order = np.lexsort((cutoffs[kept], codes, period))
    fresh = np.ones(len(kept), bool)
    fresh[1:] = (np.diff(period[order]) != 0) | (np.diff(codes[order]) != 0)
    first = np.sort(order[fresh])
    kept, codes = kept[first], codes[first].astype(np.int64)
    period, weeks = periods_of(cutoffs[kept])
    won = labels.outcome(horizon)[kept]
    outcome = outcome_numbers(codes, cutoffs[kept] + np.where(won, labels.time_to_outcome[kept], 0), won)
    return DuelRows(codes, cutoffs[kept], period, outcome, weeks, horizon), kept


def outcome_numbers(codes: Ints, at: Ints, won: Mask) -> Ints:
    """(n,) which outcome a row of a lead (a code) led up to, numbered from 0; -1 where it did not.

    ``at`` is the moment of the outcome where ``won``: rows of one lead with one moment share it.
    """
    outcome = np.full(len(codes), -1, np.int64)
    outcome[won] = np.unique(np.column_stack([codes, at])[won], axis=0, return_inverse=True)[1].reshape(-1)
    return outcome


def duel(
    rows: DuelRows,
    said: Mapping[str, Floats],
    *,
    capacity: float | None = None,
    seed: int = 0,
    draws: int = DRAWS,
    tell: Progress = lambda _what, _share: None,
) -> Duel:
    """The duel of the contestants ``said``, each a score (n,) of ``rows``, higher called first; random takes part too.

    ``capacity`` is in calls a week; None takes a tenth of the open leads within a horizon. The first of ``said`` is
    compared with each other one.
    """
    given = capacity is not None
    weekly = default_capacity(rows) if capacity is None else capacity
    field = {**said, RANDOM: np.zeros(len(rows.lead))}
    ranked = {name: Ranked.of(rows, score) for name, score in field.items()}
    calls = capacities(rows.weeks, weekly)
    once = np.ones(rows.leads, np.int64)
    main = {name: _mean(rows, order, calls, once, seed) for name, order in ranked.items()}
    drawn = _drawn(rows, ranked, calls, seed, draws, tell)
    steps = tuple(step * weekly for step in STEPS)
    curves = {
        name: tuple(_mean(rows, order, capacities(rows.weeks, step), once, seed)[1] for step in steps)
        for name, order in ranked.items()
    }
    total = drawn["outcomes"][:, 0]
    luck = drawn[RANDOM]
    scores = [
        _score(name, main[name], main[RANDOM], rows.outcomes, drawn[name], luck, total, curves[name]) for name in ranked
    ]
    first, *others = ranked
    differences = [_difference(first, other, main, drawn) for other in others]
    return Duel(
        rows.horizon,
        weekly,
        given,
        float(rows.weeks.sum()),
        len(rows.lead),
        rows.leads,
        rows.outcomes,
        steps,
        tuple(scores),
        tuple(differences),
    )


def default_capacity(rows: DuelRows) -> float:
    """Calls a week of whoever can call a tenth of the open leads within a horizon, one call at the least."""
    open_leads = len(rows.lead) / max(len(rows.weeks), 1)
    horizon_weeks = rows.horizon / (7 * 86_400_000_000)
    return float(max(1, round(DEFAULT_SHARE * open_leads / max(horizon_weeks, 1.0))))


def _mean(rows: DuelRows, order: Ranked, calls: Ints, copies: Ints, seed: int) -> tuple[float, float]:
    """Calls and outcomes caught, averaged over lots where scores are equal."""
    lots = LOTS if order.has_ties else 1
    return tuple(np.mean([play(rows, order, calls, copies, seed + lot) for lot in range(lots)], axis=0).tolist())


def _drawn(
    rows: DuelRows, ranked: Mapping[str, Ranked], calls: Ints, seed: int, draws: int, tell: Progress
) -> dict[str, Floats]:
    """(draws, 2) calls and outcomes caught by name, in samples of the leads; the outcomes there were (draws, 1)."""
    generator = np.random.default_rng(seed)
    found: dict[str, list[tuple[float, ...]]] = {name: [] for name in (*ranked, "outcomes")}
    outcome, where = np.unique(rows.outcome[rows.won], return_index=True)
    owner = rows.lead[rows.won][where]
    for draw in range(draws if rows.leads else 0):
        tell("intervals by bootstrap over leads", draw / draws)
        copies = generator.multinomial(rows.leads, np.full(rows.leads, 1.0 / rows.leads))
        for name, order in ranked.items():
            found[name].append(play(rows, order, calls, copies, seed + draw))
        found["outcomes"].append((float(copies[owner].sum()) if len(outcome) else 0.0,))
    return {
        name: np.array(values, np.float64).reshape(len(values), 1 if name == "outcomes" else 2)
        for name, values in found.items()
    }


def _score(
    name: str,
    main: tuple[float, float],
    luck: tuple[float, float],
    outcomes: int,
    drawn: Floats,
    drawn_luck: Floats,
    drawn_outcomes: Floats,
    curve: tuple[float, ...],
) -> Score:
    calls, captured = main
    precision = _share(captured, calls)
    lifts = _shares(drawn[:, 1], drawn[:, 0]) / np.maximum(
        _share(drawn_luck[:, 1].sum(), drawn_luck[:, 0].sum()), 1e-12
    )
    return Score(
        name,
        calls,
        captured,
        calls - captured,
        _share(captured, outcomes),
        precision,
        _share(precision, _share(*reversed(luck))),
        _bounds(drawn[:, 1]),
        _bounds(drawn[:, 0] - drawn[:, 1]),
        _bounds(_shares(drawn[:, 1], drawn_outcomes)),
        _bounds(lifts),
        _bounds(_shares(drawn[:, 1], drawn[:, 0])),
        curve,
    )


def _difference(
    one: str, other: str, main: Mapping[str, tuple[float, float]], drawn: Mapping[str, Floats]
) -> Difference:
    mine, theirs = main[one][1], main[other][1]
    interval = _bounds(drawn[one][:, 1] - drawn[other][:, 1])
    return Difference(one, other, mine - theirs, interval, mine / theirs if theirs else None)


def _share(part: float, whole: float) -> float:
    return part / whole if whole else 0.0


def _shares(part: Floats | float, whole: Floats | float) -> Floats:
    return np.asarray(part) / np.maximum(whole, 1e-300)


def _bounds(values: Floats) -> Bounds:
    if not len(values):
        return (float("nan"), float("nan"))
    low, high = np.quantile(values, (0.025, 0.975))
    return float(low), float(high)
