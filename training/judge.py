"""Judgement: the field's figures for a probability, with intervals that respect that a lead's rows belong together."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

METRICS = ("auc", "average_precision", "log_loss", "brier", "ece", "lift_at_10")
MOST = {"auc": 1.0, "average_precision": 1.0, "brier": 1.0, "ece": 1.0, "lift_at_10": 10.0}
"""What a metric cannot exceed."""
SMALLEST = 1e-12
BINS = 10


@dataclass(frozen=True, eq=False)
class Ranking:
    """Scores (n,) sorted from high to low, with tied scores in one group, ready to be weighted again and again."""

    order: npt.NDArray[np.int64]
    groups: npt.NDArray[np.int64]
    outcome: Floats
    score: Floats

    @classmethod
    def of(cls, outcome: Mask, score: Floats) -> "Ranking":
        """The ranking of n rows by ``score``."""
        order = np.argsort(-score, kind="stable")
        ranked = score[order]
        groups = np.concatenate([[0], np.cumsum(np.diff(ranked) != 0)]) if len(ranked) else np.empty(0, int)
        return cls(order, groups.astype(np.int64), outcome[order].astype(np.float64), ranked)

    def auc(self, weights: Floats | None = None) -> float:
        """The AUC alone, NaN where there are no outcomes, or nothing else. ``weights`` (n,) in the original order."""
        weight = np.ones(len(self.order)) if weights is None else weights[self.order]
        hit, miss = self._grouped(weight * self.outcome), self._grouped(weight * (1.0 - self.outcome))
        pairs = hit.sum() * miss.sum()
        return float((miss * (np.cumsum(hit) - hit / 2)).sum() / pairs) if pairs > 0 else float("nan")

    def metrics(self, weights: Floats | None = None) -> dict[str, float]:
        """All of METRICS; NaN where there are no outcomes, or nothing else. ``weights`` (n,) in the original order."""
        weight = np.ones(len(self.order)) if weights is None else weights[self.order]
        hit, miss = self._grouped(weight * self.outcome), self._grouped(weight * (1.0 - self.outcome))
        hits, total = hit.sum(), weight.sum()
        if hits <= 0 or hits >= total:
            return dict.fromkeys(METRICS, float("nan"))
        found, called = np.cumsum(hit), np.cumsum(hit + miss)
        chance = np.clip(self.score, SMALLEST, 1.0 - SMALLEST)
        losses = -(self.outcome * np.log(chance) + (1.0 - self.outcome) * np.log1p(-chance))
        return {
            "auc": float((miss * (found - hit / 2)).sum() / (hits * (total - hits))),
            "average_precision": float((hit * found / np.maximum(called, 1e-300)).sum() / hits),
            "log_loss": float((weight * losses).sum() / total),
            "brier": float((weight * (self.score - self.outcome) ** 2).sum() / total),
            "ece": self._calibration_error(weight),
            "lift_at_10": float(np.interp(0.1 * total, [0.0, *called], [0.0, *found]) / (0.1 * hits)),
        }

    def _grouped(self, values: Floats) -> Floats:
        return np.asarray(np.bincount(self.groups, values), np.float64)

    def _calibration_error(self, weight: Floats) -> float:
        """Expected calibration error over BINS bins of equal size; tied scores share their outcomes out."""
        middle = np.cumsum(weight) - weight / 2
        bins = np.minimum((middle / weight.sum() * BINS).astype(int), BINS - 1)
        rates = self._grouped(weight * self.outcome) / np.maximum(self._grouped(weight), 1e-300)
        gap = np.bincount(bins, weight * (self.score - rates[self.groups]), BINS)
        return float(np.abs(gap).sum() / weight.sum())


def judge(outcome: Mask, score: Floats) -> dict[str, float]:
    """METRICS of ``score`` (n,) against ``outcome`` (n,). Ties count half in the AUC and are shared out in the lift."""
    return Ranking.of(outcome, score).metrics()


def lead_weights(leads: npt.NDArray[np.int64], draws: int, seed: int) -> npt.NDArray[np.float32]:
    """(draws, n) bootstrap weights: leads are drawn with replacement, each with all its rows (block bootstrap)."""
    generator = np.random.default_rng(seed)
    count = int(leads.max()) + 1 if len(leads) else 0
    drawn = generator.multinomial(count, np.full(count, 1.0 / count), size=draws) if count else np.empty((draws, 0))
    return drawn.astype(np.float32)[:, leads]


def intervals(ranking: Ranking, weights: npt.NDArray[np.float32], rows: Floats | None = None) -> dict[str, list[float]]:
    """The 95 % interval of each metric over the bootstrap ``weights`` (draws, n); ``rows`` (n,): what each weighs."""
    own = np.ones(len(ranking.order)) if rows is None else rows
    point = ranking.metrics(own)
    drawn = [ranking.metrics(weight.astype(np.float64) * own) for weight in weights]
    found = {}
    for name in METRICS:
        values = np.array([draw[name] for draw in drawn])
        values = values[np.isfinite(values)]
        if not len(values):
            found[name] = [float("nan")] * 2
            continue
        # a resample repeats rows, which alone makes a calibration error larger: what it adds is taken off again
        bias = float(values.mean()) - point[name]
        edges = np.quantile(values, (0.025, 0.975)) - bias
        found[name] = [float(edge) for edge in np.clip(edges, 0.0, MOST.get(name, np.inf))]
    return found


def reliability_bins(outcome: Mask) -> int:
    """How many groups a reliability curve has: BINS, fewer where a group would hold less than five outcomes."""
    return int(np.clip(outcome.sum() // 5, 3, BINS))


def reliability(outcome: Mask, score: Floats, bins: int = BINS) -> list[dict[str, float]]:
    """Rows of a reliability curve: ``bins`` groups of equal size by score; the interval is Wilson's at 95 %."""
    order = np.argsort(score, kind="stable")
    rows = []
    for part in np.array_split(order, bins):
        if not len(part):
            continue
        n, rate, z = len(part), float(outcome[part].mean()), 1.96
        centre, half = rate + z * z / (2 * n), z * np.sqrt(rate * (1 - rate) / n + z * z / (4 * n * n))
        rows.append(
            {
                "predicted": float(score[part].mean()),
                "observed": rate,
                "n": n,
                "low": float(max((centre - half) / (1 + z * z / n), 0.0)),
                "high": float(min((centre + half) / (1 + z * z / n), 1.0)),
            }
        )
    return rows


def gains(outcome: Mask, score: Floats, points: int = 101) -> dict[str, list[float]]:
    """The gains curve: of all outcomes, the share among the highest-scored share of the rows; ties are shared out."""
    ranking = Ranking.of(outcome, score)
    hit, size = np.bincount(ranking.groups, ranking.outcome), np.bincount(ranking.groups)
    at = np.linspace(0.0, 1.0, points)
    captured = np.interp(at * size.sum(), [0, *np.cumsum(size)], [0.0, *np.cumsum(hit)]) / max(hit.sum(), 1)
    return {"contacted": at.tolist(), "captured": captured.tolist()}
