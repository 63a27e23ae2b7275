"""The customer's points against the model, Odoo's method and points distilled from the model, on held-out rows."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from data.spine import micros
from models.points import replay, replay_parts
from models.rules import PointsTable
from training.duel import DRAWS, Duel, duel, duel_rows
from training.duel_play import DuelRows, Floats, Ints
from training.heldout import HeldOut
from training.judge import Ranking, lead_weights
from training.odoo_fields import odoo_log_odds
from training.reporting import bootstrap_rows
from training.rivals import PointsAsChance
from training.rule_lifts import RuleLift, rule_lifts
from training.sample import Progress

SERVED = "blend"
ODOO = "odoo"
POINTS = "points"
COMPARED = ("auc", "log_loss")
JUDGE_DRAWS = 100
"""Bootstrap samples behind the intervals of these two."""


@dataclass(frozen=True)
class AtThreshold:
    """The points as they work today: whoever comes to the threshold for the first time is called, whatever it costs."""

    threshold: float
    calls: int
    calls_per_week: float
    captured: int
    premature: int


@dataclass(frozen=True)
class Behind:
    """A figure of the model less that of another, and the middle 95 % of it over samples of leads."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class PointsDuel:
    """The duel, the worth of each rule, the points at their own threshold (None: they have none), and AUC and so on.

    ``figures`` are the metrics of ``training.judge`` by name on the same rows; points are read as chances as they were
    worth in the training rows. ``behind`` is the model's figure less that of each other, with a paired interval.
    """

    duel: Duel
    rules: tuple[RuleLift, ...]
    today: AtThreshold | None
    figures: dict[str, dict[str, float]]
    behind: dict[str, dict[str, Behind]]
    share: float
    """Of all rows, how many there are here ([model] max_rows): the capacity is that share of the agreed one."""

    def to_dict(self) -> dict[str, Any]:
        """As plain values for JSON."""
        return {
            "duel": self.duel.to_dict(),
            "rules": [asdict(rule) for rule in self.rules],
            "at_threshold": None if self.today is None else asdict(self.today),
            "figures": self.figures,
            "share_of_rows": self.share,
            "model_less": {
                name: {metric: asdict(one) for metric, one in found.items()} for name, found in self.behind.items()
            },
        }


def points_duel(
    held: HeldOut,
    points: PointsTable | None,
    *,
    threshold: float | None = None,
    more: Mapping[str, PointsTable] | None = None,
    capacity: float | None = None,
    draws: int = DRAWS,
    tell: Progress = lambda _what, _share: None,
) -> PointsDuel:
    """The duel of the model, ``points`` (None: there are none), Odoo's method and ``more`` tables, in that order.

    ``capacity`` is in calls a week, by default the contract's; ``threshold`` that of the points, by default their own.
    """
    sample, seed = held.sample, held.contract.model.seed
    spine = sample.table.spine
    asked = spine.take(sample.test)
    rows, kept = duel_rows(
        asked["lead_id"].combine_chunks(), asked["cutoff"].combine_chunks(), held.contract, held.history
    )
    places = sample.test[kept]
    tables = {**({} if points is None else {POINTS: points}), **(more or {})}
    tell("replaying points", 0.0)
    replayed = {name: replay(table, held.history, spine) for name, table in tables.items()}
    said = {SERVED: held.readiness(places)}
    said |= {name: score[places] for name, score in replayed.items() if name == POINTS}
    said[ODOO] = _odoo(held, places)
    said |= {name: score[places] for name, score in replayed.items() if name != POINTS}
    tell("working the list week by week", 0.0)
    limit = held.contract.policy.capacity_per_week if capacity is None else capacity
    share = len(sample.cutoffs) / max(sample.asked, 1)
    drawn = limit if limit is None or share >= 1.0 else limit * share
    fought = duel(rows, said, capacity=drawn, seed=seed, draws=draws, tell=tell)
    own = threshold if threshold is not None or points is None else points.threshold
    today = None if own is None else _at_threshold(held, replayed[POINTS], own, rows, kept)
    lifts: Sequence[RuleLift] = ()
    if points is not None:
        tell("the worth of each rule", 0.0)
        parts = replay_parts(points, held.history, spine.take(places))
        lifts = rule_lifts(points, parts, rows.won, rows.lead, seed)
    return PointsDuel(fought, tuple(lifts), today, *_judged(held, said, replayed, rows), min(share, 1.0))


def _matured(held: HeldOut) -> Ints:
    """Which of the training rows have an answer at the primary horizon."""
    return np.flatnonzero(held.sample.known.matured(held.contract.ready.primary))


def _odoo(held: HeldOut, places: Ints) -> Floats:
    """What Odoo's frequency table of the matured training rows says of rows of the sample."""
    matured = _matured(held)
    won = held.sample.known.outcome(held.contract.ready.primary)[matured]
    return odoo_log_odds(held.table, held.sample.train[matured], won, places)


def _at_threshold(held: HeldOut, points: Floats, threshold: float, rows: DuelRows, kept: Ints) -> AtThreshold:
    """Whose first row at or above the threshold, of all there are, is one of the duel's."""
    spine = held.sample.table.spine
    above = np.flatnonzero(points >= threshold)
    order = above[np.lexsort((micros(spine["cutoff"])[above], held.sample.leads[above].astype(str)))]
    leads = held.sample.leads[order]
    first = order[np.append(True, leads[1:] != leads[:-1])] if len(order) else order
    called = np.isin(held.sample.test[kept], first)
    captured = int((called & rows.won).sum())
    calls = int(called.sum())
    return AtThreshold(threshold, calls, calls / max(float(rows.weeks.sum()), 1.0), captured, calls - captured)


def _judged(
    held: HeldOut, said: Mapping[str, Floats], replayed: Mapping[str, Floats], rows: DuelRows
) -> tuple[dict[str, dict[str, float]], dict[str, dict[str, Behind]]]:
    """The metrics of each contestant, and how far each is behind the model.

    What is no probability is read as one by its worth in the training rows; Odoo's is left as it is.
    """
    matured = _matured(held)
    train, won = held.sample.train[matured], held.sample.known.outcome(held.contract.ready.primary)[matured]
    chances = {}
    for name, score in said.items():
        chances[name] = score
        if name in replayed:
            chances[name] = PointsAsChance(replayed[name][train], won)(score)
        elif name == ODOO:
            chances[name] = 1.0 / (1.0 + np.exp(-np.clip(np.nan_to_num(score), -500, 500)))
    figures = {name: Ranking.of(rows.won, chance).metrics() for name, chance in chances.items()}
    return figures, _behind(figures, chances, rows, held.contract.model.seed) if rows.outcomes else {}


def _behind(
    figures: Mapping[str, Mapping[str, float]], chances: Mapping[str, Floats], rows: DuelRows, seed: int
) -> dict[str, dict[str, Behind]]:
    """The model's figures less those of each other; of very many rows the intervals are taken from a draw of leads."""
    few = bootstrap_rows(rows.lead, seed)
    leads = np.unique(rows.lead[few], return_inverse=True)[1].reshape(-1)
    shrink = float(np.sqrt(len(few) / len(rows.lead)))
    weights = [np.ones(len(few)), *lead_weights(leads, JUDGE_DRAWS, seed).astype(np.float64)]
    drawn = {}
    for name, chance in chances.items():
        ranking = Ranking.of(rows.won[few], chance[few])
        told = [ranking.metrics(weight) for weight in weights]
        drawn[name] = np.array([[one[metric] for metric in COMPARED] for one in told])
    found: dict[str, dict[str, Behind]] = {}
    for name in chances:
        for at, metric in enumerate(COMPARED if name != SERVED else ()):
            value = figures[SERVED][metric] - figures[name][metric]
            first, *others = drawn[SERVED][:, at] - drawn[name][:, at]
            low, high = (np.nanquantile(others, (0.025, 0.975)) - first) * shrink + value
            found.setdefault(name, {})[metric] = Behind(value, float(low), float(high))
    return found
