"""What was found of one field, and of all of them, as values that can be told to people and machines."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

Verdict = Literal["clean", "watch", "quarantined"]
Ruling = Literal["trust", "quarantine"]


@dataclass(frozen=True)
class Auc:
    """An area under the curve among rows of the same time, with its 95 % interval; ``firm`` bounds it for many fields.

    ``firm`` is the lower end of an interval that holds for all fields at once (Bonferroni).
    """

    value: float
    low: float
    high: float
    firm: float


@dataclass(frozen=True)
class Late:
    """The sign of a field that shows most clearly that it comes late: who has it.

    ``sign`` is ``filled``, or a level or range of values. ``young`` is its share among the ``n_young`` youngest leads,
    whatever became of them, ``grown`` that among all older ones. ``group`` (won, lost or touched) is where it is
    frequent: share ``worked`` of ``n_worked`` leads; ``left`` is the share among the ``n_left`` open leads of the same
    age that nobody touched. ``by_age`` and ``by_group`` are the two ratios that are certain: lower ends of their
    intervals, the second one held for all signs at once; 0 where too few leads tell.
    """

    sign: str
    young: float
    n_young: int
    grown: float
    by_age: float
    group: str = ""
    worked: float = 0.0
    n_worked: int = 0
    left: float = 0.0
    n_left: int = 0
    by_group: float = 0.0


@dataclass(frozen=True)
class Written:
    """When a field was written first, in one group of leads: shares of those that were written and had the moment.

    ``by_chance`` is the share that would come after it if it were written at any time of a lead's life alike.
    """

    leads: int
    filled: float
    after_touch: float | None
    after_touch_by_chance: float | None
    after_outcome: float | None
    after_outcome_by_chance: float | None


@dataclass(frozen=True)
class Timing:
    """What the change history says of a field: of ``written`` leads, and by group (all, won, lost, open).

    ``differs``: the share of the rows in which the column of the leads table, where there is one, is not what was
    known then.
    """

    written: int
    at_creation: float
    groups: Mapping[str, Written]
    differs: float | None


@dataclass(frozen=True)
class Ablation:
    """A quick model of everything trusted on later rows, without the field and with it."""

    rows: int
    auc_without: float
    auc_with: float
    log_loss_without: float
    log_loss_with: float


@dataclass(frozen=True)
class Finding:
    """One field: what the evidence says, why, and what the contract rules."""

    field: str
    source: str
    feature: str
    verdict: Verdict
    reasons: tuple[str, ...]
    ruled: Ruling | None = None
    words: tuple[str, ...] = ()
    alone: Auc | None = None
    missing: Auc | None = None
    late: Late | None = None
    timing: Timing | None = None
    ablation: Ablation | None = None
    column_leaks: bool = False
    """The column of the leads table knows the future; the feature does not, for it reads the changes."""

    @property
    def left_out(self) -> bool:
        """Whether training leaves it out."""
        return self.ruled == "quarantine" or (self.verdict == "quarantined" and self.ruled != "trust")

    @property
    def overruled(self) -> bool:
        """Whether the evidence would have left it out, but the contract trusts it."""
        return self.verdict == "quarantined" and self.ruled == "trust"


@dataclass(frozen=True)
class Leaks:
    """All fields, the suspects first, and what could not be told. ``rest`` is the AUC of everything trusted together.

    ``leads`` is how many were looked at, ``rows`` and ``outcomes`` what strength was measured on.
    """

    findings: tuple[Finding, ...] = ()
    notes: tuple[str, ...] = ()
    checked: bool = True
    leads: int = 0
    rows: int = 0
    outcomes: int = 0
    rest: Auc | None = None

    @property
    def left_out(self) -> tuple[Finding, ...]:
        """What training leaves out."""
        return tuple(finding for finding in self.findings if finding.left_out)

    @property
    def overruled(self) -> tuple[Finding, ...]:
        """What the evidence suspects and the contract trusts."""
        return tuple(finding for finding in self.findings if finding.overruled)

    def to_dict(self) -> dict[str, Any]:
        """The same as JSON can hold it, with the names of what is quarantined and overruled."""
        return {
            **asdict(self),
            "findings": [_told(finding) for finding in self.findings],
            "notes": list(self.notes),
            "quarantined": [finding.field for finding in self.left_out],
            "overruled": [finding.field for finding in self.overruled],
        }


def _told(finding: Finding) -> Mapping[str, Any]:
    lists = {"reasons": list(finding.reasons), "words": list(finding.words)}
    return {**asdict(finding), **lists, "left_out": finding.left_out, "overruled": finding.overruled}
