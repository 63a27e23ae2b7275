"""From the model back to points: a table of a few whole-number rules that comes as close to it as such a table can.

Rules are added one by one, always the one that brings the table's odds closest to the model's (the score test of a
logistic regression on the model's own probabilities), and all are fitted again after each. A rule must keep the sign
that it has alone, and a kind of event or a field is asked about twice at the most, so that each rule can be explained.
Then the weights become whole points: so many of them double the odds (``[index] points_to_double``). Only training rows
are looked at, as they were known at the split.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from data.errors import NotMaturedError
from data.spine import micros
from models.mautic_map import MauticMap
from models.points import replay
from models.rules import Inactivity, PointsTable, Rule
from models.thresholds import threshold_for_capacity
from training.decision import DEFAULT_SHARE
from training.distil_candidates import Candidates, make_candidates
from training.duel_play import Floats
from training.heldout import HeldOut
from training.sample import Progress

MOST_RULES = 20
MOST_ROWS = 20_000
"""A seeded draw of so many training rows is fitted to."""
MOST_ABOUT = 2
RIDGE = 1e-3
"""A little stiffness, in rows of evidence against each weight."""
LEAST_GAIN = 0.002
"""A rule must bring the table this share closer to the model; smaller steps are not worth a line."""
STEPS, CLOSE = 25, 1e-7
"""Newton's steps at the most, and the step that is as good as none."""


@dataclass(frozen=True, eq=False)
class _Fit:
    """Which candidates, in which direction, and their weights in log-odds."""

    chosen: tuple[int, ...]
    weights: Floats
    intercept: float


def distil(held: HeldOut, tell: Progress, *, most: int = MOST_RULES, known: MauticMap | None = None) -> PointsTable:
    """The points table of at most ``most`` rules; with ``known`` one that Mautic can have. Raises NotMaturedError."""
    rows = held.sample.train
    if len(rows) > MOST_ROWS:
        rows = np.sort(np.random.default_rng(held.contract.model.seed).choice(rows, MOST_ROWS, replace=False))
    tell("replaying what could be a rule", 0.0)
    past = held.history.upto(held.sample.test_from)
    spine = held.sample.table.spine.take(rows)
    tried = make_candidates(past, spine, held.table, rows, known)
    tell("choosing rules", 0.0)
    readiness = np.clip(held.readiness(rows), 1e-9, 1 - 1e-9)
    fitted = _choose(tried, readiness, most, tell)
    doubling = held.contract.index.points_to_double / math.log(2.0)
    rules = [
        _whole(tried.rules[at], weight * doubling) for at, weight in zip(fitted.chosen, fitted.weights, strict=True)
    ]
    kept = [rule for rule in rules if rule is not None]
    events = tuple(sorted((one for one in kept if isinstance(one, Rule)), key=lambda one: -abs(one.points)))
    if not events:
        raise NotMaturedError(
            f"None of {len(tried.rules)} rules that were tried says anything of what the model says. Expected events "
            "or attributes that matter to it. Train on a longer history first."
        )
    table = PointsTable.of(events, (one for one in kept if isinstance(one, Inactivity)))
    return table.model_copy(update={"threshold": _threshold(held, table)})


def _whole(rule: Rule | Inactivity, points: float) -> Rule | Inactivity | None:
    """The rule of one point made one of so many; None where that rounds to nothing."""
    whole = round(points)
    if not whole:
        return None
    update: dict[str, float] = {"points": float(whole)}
    if isinstance(rule, Rule) and rule.max_points is not None:
        update["max_points"] = float(rule.max_points * abs(whole))
    return rule.model_copy(update=update)


def _choose(tried: Candidates, readiness: Floats, most: int, tell: Progress) -> _Fit:
    """Forward selection against the model's probabilities."""
    values, target = tried.values, readiness
    scale = np.maximum(values.std(axis=0), 1e-12)
    columns = (values - values.mean(axis=0)) / scale
    alone = np.sign(columns.T @ (target - target.mean()))
    usable = alone != 0
    whole = 2.0 * float((_entropy(target.mean()) - _entropy(target)).sum())
    fit = _Fit((), np.empty(0), _logit(float(target.mean())))
    while len(fit.chosen) < most and usable.any():
        tell("choosing rules", len(fit.chosen) / most)
        logits = fit.intercept + columns[:, list(fit.chosen)] @ fit.weights
        odds = 1.0 / (1.0 + np.exp(-np.clip(logits, -30, 30)))
        spread = odds * (1.0 - odds)
        gain = (columns.T @ (target - odds)) ** 2 / np.maximum(_left_over(columns, fit.chosen, spread), 1e-9)
        best = int(np.argmax(np.where(usable, gain, -1.0)))
        if gain[best] < LEAST_GAIN * whole:
            break
        usable[best] = False
        new = _fitted(columns, (*fit.chosen, best), target, np.array([fit.intercept, *fit.weights, 0.0]))
        if np.sign(new.weights[-1]) != alone[best]:
            continue
        fit = _explained(columns, new, target, alone)
        about = [tried.about[at] for at in fit.chosen]
        full = {one for one in about if about.count(one) >= MOST_ABOUT}
        usable &= np.array([one not in full for one in tried.about])
    weights = fit.weights / scale[list(fit.chosen)]
    return _Fit(fit.chosen, weights, fit.intercept)


def _explained(columns: Floats, fit: _Fit, target: Floats, alone: Floats) -> _Fit:
    """``fit`` without the rules whose sign is no longer the one that they have alone: the new one says it better."""
    while (turned := np.sign(fit.weights) != alone[list(fit.chosen)]).any():
        kept = tuple(at for at, wrong in zip(fit.chosen, turned.tolist(), strict=True) if not wrong)
        fit = _fitted(columns, kept, target, np.array([fit.intercept, *fit.weights[~turned]]))
    return fit


def _left_over(columns: Floats, chosen: Sequence[int], spread: Floats) -> Floats:
    """The information of each column that the chosen ones do not have already."""
    weighted = columns * spread[:, None]
    own = np.einsum("ij,ij->j", weighted, columns)
    known = np.column_stack([np.ones(len(columns)), columns[:, list(chosen)]])
    shared = known.T @ weighted
    inner = known.T @ (known * spread[:, None]) + RIDGE * np.eye(known.shape[1])
    return np.asarray(own - np.einsum("ij,ij->j", shared, np.linalg.solve(inner, shared)))


def _fitted(columns: Floats, chosen: tuple[int, ...], target: Floats, start: Floats) -> _Fit:
    """The logistic regression of ``target`` (probabilities) on the chosen columns, by Newton's method from ``start``.

    A step that makes things worse is halved until it does not: a few leads with very many events would else throw the
    weights far away.
    """
    known = np.column_stack([np.ones(len(columns)), columns[:, list(chosen)]])
    beta, stiff = start, RIDGE * np.eye(len(start))
    loss = _loss(known, beta, target)
    for _ in range(STEPS):
        odds = 1.0 / (1.0 + np.exp(-np.clip(known @ beta, -30, 30)))
        bend = known.T @ (known * (odds * (1.0 - odds))[:, None]) + stiff
        step = np.linalg.solve(bend, known.T @ (target - odds) - stiff @ beta)
        while (new := _loss(known, beta + step, target)) > loss and np.abs(step).max() > CLOSE:
            step = step / 2.0
        if new > loss:
            break
        beta, loss = beta + step, new
        if np.abs(step).max() < CLOSE:
            break
    return _Fit(chosen, beta[1:], float(beta[0]))


def _loss(known: Floats, beta: Floats, target: Floats) -> float:
    logits = known @ beta
    return float((np.logaddexp(0.0, logits) - target * logits).sum() + RIDGE / 2.0 * (beta @ beta))


def _entropy(chance: Floats) -> Floats:
    """The expected log loss of whoever knows the chance."""
    return np.asarray(-(chance * np.log(chance) + (1.0 - chance) * np.log1p(-chance)))


def _logit(chance: float) -> float:
    return math.log(chance) - math.log1p(-chance)


def _threshold(held: HeldOut, table: PointsTable) -> float:
    """From how many points on sales is asked: as many training leads a week as it can work, or the highest tenth."""
    rows = held.sample.train
    spine = held.sample.table.spine.take(rows)
    points = replay(table, held.history.upto(held.sample.test_from), spine)
    capacity = held.contract.policy.capacity_per_week
    if capacity is None:
        return float(math.ceil(round(float(np.quantile(points, 1.0 - DEFAULT_SHARE)), 6)))
    low, high = float(points.min()), float(points.max())
    width = max(high - low, 1e-9)
    share = threshold_for_capacity((points - low) / width, micros(spine["cutoff"]), held.sample.leads[rows], capacity)
    return float(math.ceil(round(low + share * width, 6)))
