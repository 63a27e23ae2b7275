"""The agreed rule: when sales is asked to call, when a lead comes back, when it is let go.

One download is never enough, whatever the number says: a hand-off needs several kinds of engagement on several days.
Thresholds come from what sales can work or from what calls cost (``models.thresholds``), not from an arbitrary cut.
``models.states`` moves a lead by this rule.
"""

import json
from dataclasses import asdict, dataclass, fields
from typing import Any

from data.clock import DAY
from data.errors import BundleError, ContractError
from models.evidence import Evidence

VERSION = 3
"""Of the text of a policy. A reader refuses those that it does not know: their rule would not be kept."""
_UNEXPLORED = 2
"""The version before exploration: the same rule without it."""


@dataclass(frozen=True)
class Policy:
    """The numbers of the rule. Readiness is within [0, 1]; durations are microseconds.

    ``horizon``: the readiness that decides is on this one of the model's horizons (None: on the primary).
    ``threshold``: at or above it a lead with enough evidence is handed off. ``exit_below``: a ready lead falls back
    below it (None: below ``threshold``). ``min_kinds`` of engagement on ``min_days`` within ``evidence_window`` are
    enough. ``dwell``: so long after a crossing there is none the other way. ``cool_down``: so long a lead that sales
    gave back rests. ``cadence``: so often a nurtured lead is due. ``answer_within``: so long sales may keep silent
    about a lead that it took. A lead silent for ``let_go_after`` with a readiness below ``let_go_below`` is let go.
    ``capacity_per_week``: the hand-offs a week that the threshold was made for (None: it was made otherwise).
    ``explore_chance``: so likely a lead below the threshold, with evidence enough, is handed off in a week all the
    same, by a lot that ``explore_seed`` seeds.
    """

    threshold: float
    exit_below: float | None = None
    min_kinds: int = 2
    min_days: int = 2
    evidence_window: int = 90 * DAY
    dwell: int = 7 * DAY
    cool_down: int = 28 * DAY
    cadence: int = 14 * DAY
    answer_within: int = 21 * DAY
    let_go_after: int = 180 * DAY
    let_go_below: float = 0.0
    capacity_per_week: float | None = None
    horizon: int | None = None
    explore_chance: float = 0.0
    explore_seed: int = 0

    def __post_init__(self) -> None:
        shares = 0.0 <= self.exit <= self.threshold <= 1.0 and 0.0 <= self.let_go_below <= 1.0
        shares = shares and 0.0 <= self.explore_chance <= 1.0
        counts = min(self.min_kinds, self.min_days, self.dwell) >= 0
        spans = (self.evidence_window, self.cool_down, self.cadence, self.answer_within, self.let_go_after)
        if not (shares and counts and min(spans) > 0):
            raise ContractError(
                f"{self} is no policy. Expected readiness and chances within [0, 1], exit_below not above threshold, "
                "counts and dwell from 0, other durations above 0. Correct [policy] and train again."
            )

    @property
    def exit(self) -> float:
        """A ready lead falls back below this readiness."""
        return self.threshold if self.exit_below is None else self.exit_below

    def enough(self, evidence: Evidence) -> bool:
        """Whether the lead has done enough to be handed off, whatever its readiness."""
        return evidence.kinds >= self.min_kinds and evidence.days >= self.min_days

    def to_json(self) -> bytes:
        """The policy as JSON."""
        return json.dumps({"version": VERSION, **asdict(self)}, indent=1, allow_nan=False).encode()

    @classmethod
    def from_json(cls, text: bytes) -> "Policy":
        """The policy of ``to_json``. Raises BundleError when it is not one, or one of another version."""
        try:
            found = json.loads(text)
            version = found.pop("version", None)
        except (ValueError, AttributeError, TypeError, RecursionError) as error:
            raise _no_policy(error) from None
        if version == _UNEXPLORED:
            found |= {"explore_chance": 0.0, "explore_seed": 0}
        elif version != VERSION:
            raise BundleError(
                f"policy.json is no policy that this version of Readiness knows: it says version {version!r}. Expected "
                f"{_UNEXPLORED} or {VERSION}. Train again with this version, or serve with the version that trained "
                "the bundle."
            )
        try:
            return cls(**_read(found))
        except (ValueError, TypeError, OverflowError, ContractError) as error:
            raise _no_policy(error) from None


def _read(found: dict[str, Any]) -> dict[str, Any]:
    """The fields of a policy, each of its own type. Raises ValueError or TypeError."""
    types = {field.name: field.type for field in fields(Policy)}
    if set(found) != set(types):
        raise ValueError(f"its keys are {sorted(found)}")
    read: dict[str, Any] = {}
    for name, value in found.items():
        whole = types[name] in {int, int | None}
        if value is None and types[name] in {float | None, int | None}:
            read[name] = None
        elif isinstance(value, bool) or not isinstance(value, int if whole else int | float):
            raise TypeError(f"{name} is {value!r}")
        else:
            read[name] = value if whole else float(value)
    return read


def _no_policy(error: Exception) -> BundleError:
    return BundleError(f"policy.json is no policy: {error}. Take the bundle from its registry again.")
