"""What the runs say together: means over seeds with intervals, as tables."""

import math
from collections.abc import Callable

import numpy as np
from scipy.stats import t as student

from benchmarks.policy_flaps import RULES
from benchmarks.policy_runs import POLICIES, Run

Interval = tuple[float, float, float]
"""A mean over seeds and the 95 % interval of it."""

HEAD = (
    *("who is called", "won deals", "more than when nobody calls", "calls that were premature"),
    *("leads lost to one", "calls that came too late", "ready leads never called", "open leads never called"),
)
FLAP_HEAD = ("rule", "crossings per 100 lead-months", "flaps per 100 lead-months", "leads ever ready, of 100")


def interval(values: list[float]) -> Interval:
    """The mean of one value for each seed, and Student's 95 % interval; the seeds are independent markets."""
    mean = float(np.mean(values))
    if len(values) < 2:
        return mean, math.nan, math.nan
    half = float(student.ppf(0.975, len(values) - 1) * np.std(values, ddof=1) / math.sqrt(len(values)))
    return mean, mean - half, mean + half


def over(runs: list[Run], policy: str, of: Callable[[dict[str, int]], float]) -> Interval:
    """Of a number of each run's tally of a policy."""
    return interval([of(run.tallies[policy]) for run in runs])


def gained(runs: list[Run], policy: str) -> Interval:
    """Deals won beyond those of the same market in which nobody calls: paired, seed by seed."""
    return interval([run.tallies[policy]["won"] - run.tallies["nobody calls"]["won"] for run in runs])


def difference(runs: list[Run], name: str, policy: str, other: str) -> Interval:
    """How much more of something one policy has than another in the same market."""
    return interval([run.tallies[policy][name] - run.tallies[other][name] for run in runs])


def outcomes(runs: list[Run]) -> str:
    """The table of the policies."""
    rows = []
    for policy in POLICIES:
        calls = policy != "nobody calls"
        rows.append(
            [
                policy,
                _told(over(runs, policy, lambda tally: tally["won"]), 0),
                _told(gained(runs, policy), 1, sign=True) if calls else "",
                *(_told(over(runs, policy, _share(name)), 1, "%") if calls else "" for name in ("premature",)),
                _told(over(runs, policy, lambda tally: tally["lost"]), 1) if calls else "",
                _told(over(runs, policy, _share("too_late")), 1, "%") if calls else "",
                _told(over(runs, policy, lambda tally: tally["missed"]), 0),
                _told(over(runs, policy, lambda tally: tally["never_called"]), 0),
            ]
        )
    return table(HEAD, rows)


def pairs(runs: list[Run]) -> str:
    """Who does better than whom, seed by seed."""
    head = ("seed by seed", "won deals", "premature calls", "leads lost to one", "ready leads never called")
    against = (
        *(("model", "random"), ("model", "points"), ("model, shortest horizon", "points")),
        *(("model, shortest horizon", "model"), ("model, agreed policy", "model")),
        *(("exact readiness", "points"), ("exact gain", "points"), ("exact gain", "exact readiness")),
    )
    names = ("won", "premature", "lost", "missed")
    rows = [
        [f"{one} less {other}", *(_told(difference(runs, name, one, other), 1, sign=True) for name in names)]
        for one, other in against
    ]
    return table(head, rows)


def flapping(runs: list[Run]) -> str:
    """The table of the rules."""
    rows = []
    for rule in RULES:
        of = [run.flaps[rule] for run in runs]
        rows.append(
            [
                rule,
                *(
                    _told(interval([100 * getattr(one, name) / one.lead_months for one in of]), 1)
                    for name in ("crossings", "flaps")
                ),
                _told(interval([100 * one.leads_ready / one.leads for one in of]), 1),
            ]
        )
    return table(FLAP_HEAD, rows)


def table(head: tuple[str, ...], rows: list[list[str]]) -> str:
    """Markdown."""
    line = "|---|" + "---:|" * (len(head) - 1)
    return "\n".join(["| " + " | ".join(head) + " |", line, *("| " + " | ".join(row) + " |" for row in rows)])


def _share(name: str) -> Callable[[dict[str, int]], float]:
    """Per cent of the calls."""
    return lambda tally: 100 * tally[name] / max(tally["calls"], 1)


def _told(found: Interval, digits: int, unit: str = "", *, sign: bool = False) -> str:
    """``382 (376 to 388)``."""
    plus = "+" if sign else ""
    mean, low, high = (f"{value:{plus}.{digits}f}" for value in found)
    space = f" {unit}" if unit else ""
    return f"{mean}{space}" if math.isnan(found[1]) else f"{mean}{space} ({low} to {high})"
