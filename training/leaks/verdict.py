"""What follows from the evidence: few thresholds, and sentences with the figures behind them.

The thresholds lie far from what honest fields reach and from what late ones do, in markets whose truth is known; the
command that measures both is ``python benchmarks/leaks.py``, its table docs/leaks.md.

- **Late** (quarantined): some sign of the field is certainly ``LATER`` times as frequent among older leads as among the
  youngest, *and* certainly ``WORKED`` times as frequent among leads that were won, lost or touched as among open ones
  of the same age that nobody touched. For an attribute known at creation the first ratio is 1 unless the market
  changed; it would have to change and to decide who is worked on, both in the same value.
- **Late by name** (quarantined): only the second is certain, hardly any untouched lead has it, and the name says what
  sales does. Young leads may be missing from an export.
- **Late and strong** (quarantined): the first is certain, and alone it ranks certainly ``STRONG`` of the pairs.
- **Knows too much** (quarantined): alone it ranks certainly ``STRONG`` of the pairs of one time rightly, and better
  than everything trusted together. Where strong honest fields exist, behaviour knows more than any of them.
- **Backdated** (quarantined): what the change history says was known from the start is late by both comparisons.
- **Watch**: hardly any untouched lead has it, but younger ones do; certainly ``AGED`` times as often filled among older
  leads; certainly ``STRONG``, but not more than everything trusted; a telling name on what certainly ranks ``NOTABLE``.
"""

from dataclasses import dataclass

from training.leaks.finding import Ablation, Auc, Late, Timing, Verdict
from training.leaks.late import FILLED, LATER, WORKED
from training.wording import percent, whole

HARDLY = 0.01
AGED = 1.5
STRONG = 0.75
NOTABLE = 0.65


@dataclass(frozen=True)
class Evidence:
    """Everything that is known of one field when it is judged."""

    words: tuple[str, ...] = ()
    alone: Auc | None = None
    missing: Auc | None = None
    late: Late | None = None
    timing: Timing | None = None
    ablation: Ablation | None = None
    rest: Auc | None = None
    at_creation: Late | None = None
    """The same as ``late``, of what a change history says was there from the start."""
    as_of: bool = False
    """The feature reads the change history, so that only its strength can speak against it."""

    @property
    def worked(self) -> bool:
        """Whether it certainly comes with sales or the outcome, among leads of the same age."""
        return self.late is not None and self.late.by_group >= WORKED

    @property
    def only_worked(self) -> bool:
        """Whether hardly any lead of the same age has it that nobody worked on."""
        return self.late is not None and self.worked and self.late.left <= HARDLY

    @property
    def aged(self) -> bool:
        """Whether it is filled for older leads far more often: it comes with time, or the market changed."""
        return self.late is not None and self.late.sign == FILLED and self.late.by_age >= AGED

    @property
    def comes_late(self) -> bool:
        """Whether the column was filled in later: among the old, and among those worked on; or it is named so."""
        if self.late is None or not self.worked:
            return False
        return self.late.by_age >= LATER or (bool(self.words) and self.only_worked)

    @property
    def backdated(self) -> bool:
        """Whether what the change history says was there from the start came later all the same."""
        found = self.at_creation
        return found is not None and found.by_group >= WORKED and found.by_age >= LATER

    @property
    def strong(self) -> bool:
        """Whether it alone ranks more than an attribute can be expected to."""
        return self.alone is not None and self.alone.firm >= STRONG

    @property
    def too_strong(self) -> bool:
        """Whether it alone ranks better than all that is trusted together, too."""
        if self.alone is None or self.rest is None:
            return False
        return self.strong and self.alone.value > self.rest.high

    @property
    def late_and_strong(self) -> bool:
        """Whether it comes with time and ranks more than an attribute can be expected to."""
        return self.strong and self.late is not None and self.late.by_age >= LATER

    @property
    def notable(self) -> bool:
        """Whether a telling name stands on a field that ranks notably."""
        return bool(self.words) and self.alone is not None and self.alone.firm >= NOTABLE


def judge(evidence: Evidence) -> Verdict:
    """The verdict on a field."""
    if (
        evidence.too_strong
        or evidence.backdated
        or (not evidence.as_of and (evidence.comes_late or evidence.late_and_strong))
    ):
        return "quarantined"
    late = (evidence.only_worked or evidence.aged) and not evidence.as_of
    return "watch" if late or evidence.strong or evidence.notable else "clean"


def reasons(evidence: Evidence) -> tuple[str, ...]:
    """What speaks for the verdict, as sentences with numbers; for a clean field what was measured."""
    verdict = judge(evidence)
    suspect = verdict != "clean"
    told = [
        _as_of(evidence) if evidence.as_of else "",
        _late(evidence.late)
        if evidence.late is not None and (evidence.worked or evidence.aged or evidence.late_and_strong)
        else "",
        _timing(evidence.timing) if evidence.timing is not None else "",
        _strength(evidence) if evidence.alone is not None else "",
        _ablation(evidence.ablation) if evidence.ablation is not None and suspect else "",
        f"its name says what sales does: {', '.join(evidence.words)}" if evidence.words and suspect else "",
    ]
    return tuple(sentence for sentence in told if sentence)


def _as_of(evidence: Evidence) -> str:
    if evidence.backdated or evidence.too_strong:
        return "read from the change history as of the cutoff, but its times are not those of the writing"
    safe = "read from the change history as of the cutoff, so safe"
    return f"{safe}; the column itself would leak" if evidence.comes_late else safe


def _late(late: Late) -> str:
    what = "filled" if late.sign == FILLED else late.sign
    by_age = f"{percent(late.young)} of the {whole(late.n_young)} youngest leads and {percent(late.grown)} of the rest"
    if not late.group:
        return f"{what} for {by_age}"
    return (
        f"{what} for {percent(late.worked)} of {whole(late.n_worked)} {late.group} leads and {percent(late.left)} of "
        f"{whole(late.n_left)} open leads of the same age that nobody touched; for {by_age}"
    )


def _timing(timing: Timing) -> str:
    every = timing.groups["all"]
    parts = [f"written at creation for {percent(timing.at_creation)} of {whole(timing.written)} leads"]
    moments = (
        ("first sales touch", every.after_touch, every.after_touch_by_chance),
        ("outcome", every.after_outcome, every.after_outcome_by_chance),
    )
    for moment, share, chance in moments:
        if share is not None:
            parts.append(f"after the {moment} for {percent(share)} (by chance {percent(chance)})")
    if timing.differs is not None:
        parts.append(f"the column differs from what was known in {percent(timing.differs)} of the rows")
    return ", ".join(parts)


def _strength(evidence: Evidence) -> str:
    said = f"alone it ranks with AUC {_auc(evidence.alone)} among leads asked about at the same time"
    if evidence.missing is not None:
        said += f", its missingness with {_auc(evidence.missing)}"
    if evidence.strong and evidence.rest is not None:
        said += f"; everything trusted together with {_auc(evidence.rest)}"
    return said


def _auc(found: Auc | None) -> str:
    return "-" if found is None else f"{found.value:.2f} ({found.low:.2f} to {found.high:.2f})"


def _ablation(ablation: Ablation) -> str:
    return (
        f"a quick model with it reaches AUC {ablation.auc_with:.2f} and log loss {ablation.log_loss_with:.3f} on "
        f"{whole(ablation.rows)} later rows, without it {ablation.auc_without:.2f} and {ablation.log_loss_without:.3f}"
    )
