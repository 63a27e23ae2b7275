"""The readiness model as a value: booster and linear model blended in log-odds, calibrated, for every horizon."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from data.errors import BundleError
from features.compiled import of_types_like
from features.kernel import Arrays
from models import calibration as calibrations
from models import numerics
from models.answering import answered, pushed
from models.booster import Booster
from models.calibration import Calibration
from models.compact import Trees, compact, compact_logits, trial_rows
from models.hazard import last_bins
from models.linear import LinearModel
from models.numerics import Floats, Ints, Matrix
from models.shapley import Pushes, pushes_of, tree_pushes
from models.timing import TreesApart

FILES = ("model.txt", "linear.json", "calibration.json")


@dataclass(frozen=True, eq=False)
class ReadinessModel:
    """All numbers that turn a row of features into calibrated readiness.

    ``edges``, ``horizons`` and ``primary`` are microseconds; ``weight`` is the booster's share of the blend. The
    booster takes the features and, when there are several bins, the number of the bin as one further column.
    """

    booster_text: bytes
    booster: Booster
    linear: LinearModel
    calibration: Calibration
    weight: float
    edges: tuple[int, ...]
    horizons: tuple[int, ...]
    primary: int

    @cached_property
    def features(self) -> int:
        """How many features a row has."""
        return self.booster.features - (len(self.edges) > 1)

    def member_logits(self, matrix: Matrix) -> tuple[Floats, Floats]:
        """Hazard logits (n, bins) of the booster and of the linear model."""
        bins, trees = len(self.edges), self._trees
        if trees is None:
            return booster_logits(self.booster, matrix, bins), self.linear.logits(matrix)
        return np.asarray(compact_logits(matrix, bins, trees)), self.linear.logits(matrix)

    def predict(self, matrix: Matrix) -> Floats:
        """(n, horizons) calibrated probabilities, non-decreasing along the horizons, for ``matrix`` (n, features)."""
        return self.answers(matrix)[1]

    def answers(self, matrix: Matrix) -> tuple[Floats, Floats]:
        """(n, bins) blended hazard logits of ``matrix`` (n, features), and what ``predict`` makes of them."""
        matrix, trees = self._rows(matrix), self._trees
        if trees is not None:
            out = self._room(len(matrix))
            self._answered(matrix, *self._rest, out)
            return out
        blend = np.asarray(numerics.blended(*self.member_logits(matrix), self.weight))
        return blend, self.calibration.probabilities(numerics.cumulative_logits(blend, self._last_bins))

    def _room(self, rows: int) -> tuple[Floats, Floats]:
        """Memory for what ``answered`` fills."""
        return np.empty((rows, len(self.edges))), np.empty((rows, len(self.horizons)))

    @cached_property
    def _answered(self) -> Callable[..., None]:
        """``answered`` for this model's arrays."""
        return of_types_like(answered, np.empty((1, self.features), np.float32), *self._rest, self._room(1))

    @cached_property
    def _rest(self) -> tuple[Arrays, tuple[Ints, Floats], tuple[Floats, Floats], float, Ints, Floats]:
        """What ``answered`` needs besides the rows, where there are trees."""
        features, operations, *floats = self.linear.terms
        terms = np.array([features, operations], np.int64), np.array(floats, np.float64)
        line = self.linear.coefficients, self.linear.intercepts
        calibration = np.array([self.calibration.slopes, self.calibration.intercepts], np.float64)
        return tuple(self._trees or ()), terms, line, self.weight, self._last_bins, calibration

    @cached_property
    def _last_bins(self) -> Ints:
        return last_bins(self.edges, self.horizons)

    def explain(self, matrix: Matrix, blend: Floats | None = None) -> Floats:
        """(n, features + 1) contributions to the log-odds at the primary horizon; the last column is the base.

        TreeSHAP (Lundberg et al., 2018) for the booster and the exact terms for the linear model, averaged over the
        bins by how much each bin moves the horizon's log-odds; a row sums to those calibrated log-odds. ``blend`` is
        that of ``matrix``, where it is known already.
        """
        matrix = self._rows(matrix)
        bins, features = len(self.edges), self.features
        if blend is None:
            blend = self.answers(matrix)[0]
        at = self.horizons.index(self.primary)
        line, shares = (self.linear.terms, self.linear.coefficients), (self.weight, self.calibration.slopes[at])
        if self._forest is not None:
            parts = tree_pushes(matrix, bins, *self._forest)
        else:
            parts = lightgbm_pushes(self.booster, self._apart, matrix, bins)
        weights = numerics.bin_weights(blend, int(self._last_bins[at]))
        pushes = np.asarray(pushed(matrix, *line, parts, weights, shares))
        logits = numerics.cumulative_logits(blend, self._last_bins)[:, at]
        total = self.calibration.slopes[at] * logits + self.calibration.intercepts[at]
        pushes[:, features] = total - pushes[:, :features].sum(axis=1)
        return pushes

    @cached_property
    def _trees(self) -> Trees | None:
        """The booster's trees in flat arrays, if they gave the same bits on this machine; else LightGBM answers."""
        trees, bins = compact(self.booster_text, self.features), len(self.edges)
        if trees is None:
            return None
        rows = trial_rows(trees, self.features)
        theirs = booster_logits(self.booster, rows, bins)
        return trees if compact_logits(rows, bins, trees).tobytes() == theirs.tobytes() else None

    @cached_property
    def _forest(self) -> tuple[Trees, Pushes] | None:
        """The trees and what they add, if that gave the same bits on this machine; else LightGBM explains."""
        trees, bins = self._trees, len(self.edges)
        pushes = None if trees is None else pushes_of(self.booster_text, trees)
        if trees is None or pushes is None:
            return None
        rows = trial_rows(trees, self.features, 16)  # few: a service's memory is never smaller than at its start
        apart = TreesApart(self.booster_text, self.features)  # not kept: it holds all the trees once more
        found = tree_pushes(rows, bins, trees, pushes), lightgbm_pushes(self.booster, apart, rows, bins)
        ours, theirs = ([part[:, : self.features].tobytes() for part in parts] for parts in found)
        return (trees, pushes) if ours == theirs else None

    @cached_property
    def _apart(self) -> TreesApart:
        return TreesApart(self.booster_text, self.features)

    def to_files(self) -> dict[str, bytes]:
        """The model as the text files of a bundle."""
        head = {
            "edges": list(self.edges),
            "horizons": list(self.horizons),
            "primary": self.primary,
            "weight": self.weight,
            "calibration": calibrations.to_json(self.calibration),
        }
        texts = (self.booster_text, self.linear.to_json(), json.dumps(head, indent=1, allow_nan=False).encode())
        return dict(zip(FILES, texts, strict=True))

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> "ReadinessModel":
        """The model of a bundle's files. Raises BundleError when they are not one."""
        missing = [name for name in FILES if name not in files]
        if missing:
            raise BundleError(f"The model has no {missing[0]}. Take the bundle from its registry again.")
        try:
            head = json.loads(files["calibration.json"])
            calibration = head["calibration"]
            edges, horizons = tuple(map(int, head["edges"])), tuple(map(int, head["horizons"]))
            primary, weight = int(head["primary"]), float(head["weight"])
            in_order = edges == tuple(sorted(set(edges))) and horizons == tuple(sorted(set(horizons)))
            fits = in_order and set(horizons) <= set(edges) and primary in horizons
            if not fits or not 0.0 <= weight <= 1.0:
                raise ValueError("horizons, bins and weight do not fit each other")
        except (ValueError, KeyError, TypeError, OverflowError) as error:
            raise BundleError(
                f"calibration.json cannot be read ({error}). Take the bundle from its registry again."
            ) from None
        return assemble(
            files["model.txt"],
            LinearModel.from_json(files["linear.json"]),
            calibrations.from_json(calibration),
            weight,
            edges,
            horizons,
            primary,
        )

    def _rows(self, matrix: Matrix) -> Matrix:
        if matrix.ndim != 2 or matrix.shape[1] != self.features:
            raise BundleError(
                f"A row of {matrix.shape[-1]} features was given. This model was made for {self.features}."
            )
        return np.ascontiguousarray(matrix, np.float32)


def assemble(
    booster_text: bytes,
    linear: LinearModel,
    calibration: Calibration,
    weight: float,
    edges: tuple[int, ...],
    horizons: tuple[int, ...],
    primary: int,
) -> ReadinessModel:
    """A model from its parts; the fitted and the loaded model are both made here, from the same text."""
    model = ReadinessModel(booster_text, Booster(booster_text), linear, calibration, weight, edges, horizons, primary)
    bins, horizon_count = len(edges), len(horizons)
    if len(linear.intercepts) != bins or len(calibration.slopes) != horizon_count:
        raise BundleError(
            f"The parts disagree: {len(linear.intercepts)} linear and {bins} bins. Take the bundle again."
        )
    if len(linear.features) and int(linear.features.max()) >= model.features:
        raise BundleError("linear.json names a feature that model.txt does not have. Take the bundle again.")
    return model


def with_bins(matrix: Matrix, bins: int) -> Matrix:
    """(n * bins, features + 1): each row once for each bin, the number of the bin behind; unchanged with one bin."""
    if bins == 1:
        return matrix
    out = np.empty((len(matrix), bins, matrix.shape[1] + 1), np.float32)
    out[:, :, :-1] = matrix[:, None, :]
    out[:, :, -1] = np.arange(bins, dtype=np.float32)
    return out.reshape(len(matrix) * bins, matrix.shape[1] + 1)


def lightgbm_pushes(booster: Booster, apart: TreesApart, matrix: Matrix, bins: int) -> tuple[Floats, Floats]:
    """What ``shapley.tree_pushes`` gives, by LightGBM; the columns behind the features are its own."""
    if bins == 1:  # the booster is not asked for a bin: all its trees answer the same in every one
        parts: tuple[Floats | None, Floats | None] = (booster.contributions(matrix), None)
    else:
        parts = apart.contributions(with_bins(matrix, bins), bins)
    timeless, timed = (np.empty((0, 0)) if part is None else part for part in parts)
    return timeless, timed


def booster_logits(booster: Booster, matrix: Matrix, bins: int) -> Floats:
    """(n, bins) hazard logits of the booster, in pieces so that memory stays bounded."""
    pieces = [booster.raw(with_bins(matrix[i : i + 65_536], bins)) for i in range(0, len(matrix), 65_536)]
    return np.concatenate([*pieces, np.empty(0)]).reshape(len(matrix), bins)
