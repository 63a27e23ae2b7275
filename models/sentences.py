"""Why a lead stands where it stands: one sentence each, true to the eye."""

from functools import lru_cache

from data.clock import DAY
from models.evidence import Evidence
from models.policy import Policy
from models.wording import date, days

_MOST_DIGITS = 15


def handed_off(policy: Policy, readiness: float, evidence: Evidence) -> str:
    """Enough readiness, and the evidence that was seen."""
    told = _percents(policy, readiness, policy.threshold, "is at or above the agreed")
    return f"readiness {told}; {_told(policy, evidence)}"


def explored(policy: Policy, readiness: float, evidence: Evidence) -> str:
    """Too little readiness, enough evidence, and a lot that fell on the lead."""
    chance = f"a lot of {_percent(policy.explore_chance)} a week fell on it"
    return f"exploration: {below(policy, readiness)}, and {chance}; {_told(policy, evidence)}"


def below(policy: Policy, readiness: float) -> str:
    """Too little readiness to be handed off."""
    return f"readiness {_percents(policy, readiness, policy.threshold, 'is below the agreed')}"


def lacking(policy: Policy, evidence: Evidence) -> str:
    """Enough readiness but too little evidence: what was seen, and what is missing."""
    kinds = f"{policy.min_kinds} kind{'s' * (policy.min_kinds != 1)}" if evidence.kinds < policy.min_kinds else ""
    on_days = f"{policy.min_days} day{'s' * (policy.min_days != 1)}" if evidence.days < policy.min_days else ""
    asked = " on ".join(part for part in (kinds, on_days) if part)
    return f"{_told(policy, evidence)}: the contract asks for {asked} within {_window(policy)}"


def in_band(policy: Policy, readiness: float, free_at: int, *, drawn: bool = False) -> str:
    """Below the threshold and still ready: above the exit, or within the dwell; ``drawn``: a lot had handed it off."""
    if drawn:
        return f"exploration: {in_band(policy, readiness, free_at)}"
    if readiness >= policy.exit:
        return f"{below(policy, readiness)}, but not below {_percent(policy.exit)}, where a ready lead falls back"
    return f"{below(policy, readiness)}; it stays ready until {date(free_at)} at least"


def held(policy: Policy, readiness: float, free_at: int) -> str:
    """Ready again, but within the dwell of a fall."""
    told = _percents(policy, readiness, policy.threshold, "is at or above the agreed")
    return f"readiness {told}; it fell back lately and may be handed off from {date(free_at)} on"


def let_go(policy: Policy, readiness: float, quiet: int) -> str:
    """Silent for long, and little hope."""
    told = _percents(policy, readiness, policy.let_go_below, "is below")
    return f"no engagement for {days(quiet)}, and readiness {told}"


def _window(policy: Policy) -> str:
    return f"{policy.evidence_window / DAY:g} days"


def _told(policy: Policy, evidence: Evidence) -> str:
    """What was seen, such as ``2 kinds of engagement on one day``."""
    if not evidence.days:
        return f"no engagement within {_window(policy)}"
    kinds = "one kind" if evidence.kinds == 1 else f"{evidence.kinds} kinds"
    return f"{kinds} of engagement on {'one day' if evidence.days == 1 else f'{evidence.days} days'}"


def _percent(value: float) -> str:
    """With two digits that count."""
    return f"{100 * value:.2g} %" if value < 0.995 else f"{100 * value:g} %"


def _percents(policy: Policy, readiness: float, threshold: float, relation: str) -> str:
    """Both as per cent, with as many digits as it takes for the sentence to be true to the eye."""
    one, percents = "", 100 * readiness
    for digits, other in _agreed(threshold):
        one = f"{percents:.{digits}f}"
        if one != other or readiness == threshold:
            break
    return f"{one} %{_within(policy.horizon)} {relation} {other} %"


@lru_cache(64)
def _agreed(threshold: float) -> tuple[tuple[int, str], ...]:
    """An agreed share as per cent, and with how many digits: from the first on with which it is not told as none."""
    told = [(digits, f"{100 * threshold:.{digits}f}") for digits in range(_MOST_DIGITS + 1)]
    return tuple([one for one in told if float(one[1]) > 0 or threshold == 0] or told[-1:])


@lru_cache(64)
def _within(horizon: int | None) -> str:
    return "" if horizon is None else f" within {days(horizon)}"
