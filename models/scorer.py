"""From a lead's own events to a score: features, readiness for each horizon, index, decision and reasons.

One reading: the engine and the arithmetic are those of training, so that a lead scored here alone, in a batch or over
HTTP has the same bits as in the table it was trained from.
"""

from collections.abc import Sequence
from copy import copy
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from data.clock import iso
from data.errors import ReadinessError
from features.lead import LeadHistory
from features.online import OnlineEngine
from models.bundle import Bundle
from models.evidence import Evidence
from models.index import index_of
from models.policy import Policy
from models.reasons import Reason, Teller
from models.states import DECISIONS, Decision, Look, Standing, State, begin, stood

Row = npt.NDArray[np.float32]
Scores = npt.NDArray[np.float64]


class Score(NamedTuple):
    """The answer for one lead at one moment (``as_of``, microseconds since 1970, UTC)."""

    lead_id: str
    as_of: int
    readiness: float
    """On the primary horizon."""
    horizons: dict[str, float]
    """Readiness by horizon, such as ``{"30d": 0.04, "90d": 0.11}``; non-decreasing."""
    index: float  # type: ignore[assignment]  # its place on the scale; nobody asks a score for that of an item
    decision: Decision
    decision_reason: str
    state: State
    next_at: int | None
    """When it is due (microseconds): the next touch of a nurtured lead; None for one that is ready or let go."""
    reasons: tuple[Reason, ...]
    bundle_id: str
    product: str
    propensity: float | None = None
    """With which chance the policy decided so (``models.states.Standing``)."""


class Looked(NamedTuple):
    """What was seen in a lead at a moment: its features, its readiness by horizon, and what moves it.

    ``row`` (F,) float32, ``blend`` (bins,) float64 hazard logits, ``predicted`` (H,) float64.
    """

    lead: LeadHistory
    as_of: int
    row: Row
    blend: Scores
    predicted: Scores
    look: Look


class Scorer:
    """Scores leads with one bundle. Keeps nothing between calls; threads may share it."""

    def __init__(self, bundle: Bundle) -> None:
        self.bundle, self._deciding = bundle, bundle.deciding
        self._engine = OnlineEngine(bundle.feature_set, bundle.vocabulary)
        self._primary = bundle.model.horizons.index(bundle.model.primary)
        self._names = bundle.horizon_names
        self._teller = Teller(bundle.feature_set)

    def deciding_by(self, policy: Policy) -> "Scorer":
        """The same scorer, which decides by another policy."""
        other = copy(self)
        other.bundle = replace(self.bundle, policy=policy)
        other._deciding = other.bundle.deciding  # noqa: SLF001 - it is one of its own kind
        return other

    def warm(self) -> None:
        """Load or compile everything, and touch the whole model, so that the first lead does not wait."""
        self._engine.warm()
        golden = self.bundle.golden
        for lead, cutoff in zip(golden.leads, golden.cutoffs, strict=True):
            self.score(lead, cutoff)

    def score(self, lead: LeadHistory, as_of: int, reasons: int = 3, standing: Standing | None = None) -> Score:
        """The score of ``lead`` as known just before ``as_of``, with at most so many reasons (0 spares their cost).

        ``standing`` is where the lead stood before; None: where it would stand if nobody had looked since its creation.
        Raises ReadinessError when the lead did not exist yet or is closed, SchemaError for an unknown actor.
        """
        if standing is not None and standing.state not in DECISIONS:
            raise ReadinessError(
                f"Lead {lead.lead_id!r} is {standing.state}. Readiness is asked of open leads only: leave it out."
            )
        return self._stepped(self.look(lead, as_of), reasons, standing)

    def look(self, lead: LeadHistory, as_of: int) -> Looked:
        """What is seen in one lead. Raises like ``score``."""
        _must_be_there(lead, as_of)
        rows = self._engine.rows(lead, as_of)
        blend, told = self.bundle.model.answers(rows)
        return self._looked(lead, as_of, rows[0], blend[0], told[0])

    def look_many(self, leads: Sequence[tuple[LeadHistory, int]]) -> list[Looked]:
        """What is seen in each of (lead, as_of); equal to ``look``, and cheaper."""
        if not leads:
            return []
        for lead, as_of in leads:
            _must_be_there(lead, as_of)
        rows = np.array([self._engine.row(*asked) for asked in leads], np.float32).reshape(len(leads), -1)
        seen = zip(leads, rows, *self.bundle.model.answers(rows), strict=True)
        return [self._looked(lead, as_of, row, logits, one) for (lead, as_of), row, logits, one in seen]

    def told(self, looked: Looked, after: Standing, reasons: int = 3) -> Score:
        """The score that goes with what was seen and where the lead stands after it (an open state)."""
        bundle, predicted = self.bundle, looked.predicted.tolist()
        readiness, state = predicted[self._primary], after.state
        return Score(  # by place: to name the fields takes as long again
            looked.lead.lead_id,
            looked.as_of,
            readiness,
            dict(zip(self._names, predicted, strict=True)),
            index_of(readiness, bundle.contract.index),
            DECISIONS[state],
            after.reason,
            state,
            after.next_at,
            self._reasons(looked, reasons) if reasons > 0 else (),
            bundle.bundle_id,
            bundle.contract.ready.product,
            after.propensity,
        )

    def score_many(self, leads: Sequence[tuple[LeadHistory, int]], reasons: int = 0) -> list[Score]:
        """The scores of (lead, as_of) pairs, in their order; each equal to that of ``score``."""
        return [self._stepped(looked, reasons, None) for looked in self.look_many(leads)]

    def score_matrix(self, matrix: Row) -> Scores:
        """(n, H) readiness of a matrix (n, F) of the bundle's features, float32 in C order. Raises BundleError."""
        return self.bundle.model.predict(matrix)

    def _looked(self, lead: LeadHistory, as_of: int, row: Row, blend: Scores, predicted: Scores) -> Looked:
        policy = self.bundle.policy
        evidence = Evidence.seen(lead.events, as_of, policy.evidence_window, lead.created_at)
        look = Look.at(policy, lead.lead_id, as_of, predicted.item(self._deciding), evidence)
        return Looked(lead, as_of, row, blend, predicted, look)

    def _stepped(self, looked: Looked, reasons: int, standing: Standing | None) -> Score:
        policy = self.bundle.policy
        before = begin(policy, looked.lead.created_at) if standing is None else standing
        return self.told(looked, stood(policy, before, looked.look, looked.as_of), reasons)

    def _reasons(self, looked: Looked, count: int) -> tuple[Reason, ...]:
        pushes = self.bundle.model.explain(looked.row.reshape(1, -1), looked.blend.reshape(1, -1))[0]
        return self._teller.reasons(looked.row, pushes, looked.lead, looked.as_of, count)


def _must_be_there(lead: LeadHistory, as_of: int) -> None:
    if as_of < lead.created_at:
        raise ReadinessError(
            f"Lead {lead.lead_id!r} was created at {iso(lead.created_at)}, after as_of {iso(as_of)}. Expected a moment "
            "of its life. Ask at a later moment."
        )
