"""A bundle made ready to score."""

import time
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from features.lead import LeadHistory
from models.bundle import Bundle, read_bundle
from models.canary import check_in_canary
from models.policy import Policy
from models.scorer import Scorer
from models.states import Standing
from serving.live.drift import Drift
from serving.live.pointer import Live, bundle_folder
from serving.live.told import Beside, Told

_LEADS = "leads."
"""How the names of a bundle's levels begin that are those of leads' attributes."""


@dataclass(frozen=True)
class Loaded:
    """A bundle that passed its checks, its warm scorer, and the registry's number for it ("" when it has none).

    ``policy_version``: of the policy that people agreed on and it decides by (``serving.agreeing``); 0 for the one that
    the bundle brings, which is then ``own``. ``at`` is when it was loaded, in seconds since 1970; ``drift`` counts
    what it answers. ``beside`` hears of each score that is told.
    """

    bundle: Bundle
    scorer: Scorer
    version: str = ""
    policy_version: int = 0
    own: Policy | None = None
    at: float = field(default_factory=time.time)
    drift: Drift = field(default_factory=Drift)
    beside: Beside | None = None

    @property
    def brought(self) -> Policy:
        """The policy that the bundle brings, whatever decides."""
        return self.own or self.bundle.policy

    @cached_property
    def base_rate(self) -> float:
        """The share of test rows with the outcome within the primary horizon."""
        return float(self.bundle.card["base_rate"] or 0.0)

    def told(self, score_id: str, lead: LeadHistory, as_of: int, standing: Standing | None, *, stored: bool) -> None:
        """Say that a score was told, to whoever scores beside (``serving.live.told``)."""
        if self.beside is not None:
            self.beside(Told(score_id, lead, as_of, standing, self.bundle, stored))


def load_folder(folder: Path, version: str, timeout_s: float) -> Loaded:
    """Check a bundle in a canary process, read it, warm it up. Raises BundleError."""
    return _warm(read_bundle(folder, expect_id=check_in_canary(folder, timeout_s)), version)


def load_live(live_folder: Path, live: Live, timeout_s: float, *, canary: bool) -> Loaded:
    """A deployed bundle. Raises BundleError.

    At the start of a service the canary may be spared: `readiness deploy` let the same bytes through it, and the golden
    rows are scored here too.
    """
    folder = bundle_folder(live_folder, live.bundle_id)
    if canary:
        check_in_canary(folder, timeout_s)
    bundle = read_bundle(folder, expect_id=live.bundle_id)
    bundle.check_golden()
    return _warm(bundle, live.version, live.deciles)


def _warm(bundle: Bundle, version: str, deciles: tuple[float, ...] = ()) -> Loaded:
    bundle = replace(bundle, judged_files={})  # as large as the model, and nobody asks it here
    scorer = Scorer(bundle)
    scorer.warm()
    card = bundle.card
    known = {
        name.removeprefix(_LEADS): levels
        for name, levels in bundle.vocabulary.levels.items()
        if name.startswith(_LEADS)
    }
    drift = Drift(deciles or tuple(card.get("tenths") or ()), card.get("kinds") or (), known)
    return Loaded(bundle, scorer, version, drift=drift)
