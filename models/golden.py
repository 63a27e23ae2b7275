"""Golden rows: a few leads as the service meets them, with the readiness that the fitted model gave each.

Whoever loads a bundle scores them first; the answers must be the same to the last bit. JSON keeps floats exactly: they
are written in the shortest form that reads back as the same number.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

import numpy as np
import numpy.typing as npt

from data.errors import BundleError
from features.feature_set import FeatureSet
from features.lead import Change, Event, LeadHistory, Scalar
from features.online import OnlineEngine
from features.vocabulary import Vocabulary
from models.model import ReadinessModel

VERSION = 1
Scores = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Golden:
    """r leads, the cutoff of each (microseconds) and its expected readiness (r rows of H horizons)."""

    leads: tuple[LeadHistory, ...]
    cutoffs: tuple[int, ...]
    expected: tuple[tuple[float, ...], ...]

    def to_json(self) -> bytes:
        """The rows as JSON."""
        rows = [
            {"lead": _describe(lead), "cutoff": cutoff, "expected": list(expected)}
            for lead, cutoff, expected in zip(self.leads, self.cutoffs, self.expected, strict=True)
        ]
        return json.dumps({"version": VERSION, "rows": rows}, indent=1, allow_nan=False, ensure_ascii=False).encode()

    @classmethod
    def from_json(cls, text: bytes) -> "Golden":
        """What ``to_json`` wrote. Raises BundleError for anything else."""
        try:
            content = json.loads(text)
            if content["version"] != VERSION:
                raise ValueError(f"version {content['version']!r}, expected {VERSION}")
            rows = content["rows"]
            leads = tuple(_rebuild(row["lead"]) for row in rows)
            expected = tuple(tuple(float(one) for one in row["expected"]) for row in rows)
            if len({len(row) for row in expected}) > 1:
                raise ValueError("rows of different lengths")
            return cls(leads, tuple(int(row["cutoff"]) for row in rows), expected)
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise BundleError(f"golden.json has no golden rows ({error!r}). Take the bundle again.") from None

    def check(self, scores: Scores) -> None:
        """Raises BundleError unless ``scores`` (r, H) are the expected ones to the last bit."""
        width = len(self.expected[0]) if self.expected else scores.shape[1]
        expected = np.array(self.expected, np.float64).reshape(-1, width)
        if expected.shape != scores.shape:
            raise BundleError(
                f"The golden rows are {expected.shape} numbers. The model gave {scores.shape}. Take the bundle again."
            )
        wrong = np.flatnonzero((expected != scores).any(axis=1))
        if len(wrong):
            first = int(wrong[0])
            instead = f"{scores[first].tolist()} instead of {list(self.expected[first])}"
            raise BundleError(
                f"{len(wrong)} of {len(expected)} golden rows are scored otherwise than by the fitted model (first: "
                f"row {first}, {instead}). Expected the same bits. "
                "Serve with the versions and on the kind of machine that the bundle was made with, or train again."
            )


def golden_rows(
    model: ReadinessModel,
    feature_set: FeatureSet,
    vocabulary: Vocabulary,
    leads: Sequence[LeadHistory],
    cutoffs: Sequence[int],
) -> Golden:
    """Golden rows of ``leads`` at ``cutoffs``, scored by ``model`` through the online engine."""
    scores = score_rows(model, OnlineEngine(feature_set, vocabulary), leads, cutoffs)
    return Golden(tuple(leads), tuple(cutoffs), tuple(tuple(map(float, row)) for row in scores))


def score_rows(
    model: ReadinessModel, engine: OnlineEngine, leads: Sequence[LeadHistory], cutoffs: Sequence[int]
) -> Scores:
    """(r, H) readiness of each lead at its cutoff."""
    rows = [engine.row(lead, cutoff) for lead, cutoff in zip(leads, cutoffs, strict=True)]
    matrix = np.array(rows, np.float32).reshape(len(rows), model.features)
    return model.predict(matrix)


def _describe(lead: LeadHistory) -> dict[str, Any]:
    return {
        "lead_id": lead.lead_id,
        "created_at": lead.created_at,
        "attributes": {name: _plain(value) for name, value in lead.attributes.items()},
        "account_attributes": {name: _plain(value) for name, value in lead.account_attributes.items()},
        "changes": [[change.field, _plain(change.value), change.known_at] for change in lead.changes],
        "events": [
            {
                **event._asdict(),
                "value": _plain(event.value),
                "item": _plain(event.item),
                "extra": {name: _plain(value) for name, value in event.extra.items()},
            }
            for event in lead.events
        ],
    }


def _plain(value: Scalar) -> Scalar:
    """NULL, None, NaN and infinities are one thing."""
    return None if isinstance(value, float) and not isfinite(value) else value


def _rebuild(entry: dict[str, Any]) -> LeadHistory:
    return LeadHistory(
        str(entry["lead_id"]),
        int(entry["created_at"]),
        dict(entry["attributes"]),
        dict(entry["account_attributes"]),
        tuple(Change(*change) for change in entry["changes"]),
        tuple(Event(**event) for event in entry["events"]),
    )
