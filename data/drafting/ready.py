"""What ready means, guessed from the facts: the outcome, whether it repeats, how far to look ahead."""

import math
from dataclasses import dataclass

import numpy as np
import polars as pl

from data.clock import DAY, format_duration
from data.drafting.words import ENDS, HOPED
from data.history import History
from data.naming import plain

DAYS = (7, 14, 30, 60, 90, 180, 365)
"""Horizons that people speak of."""
_OFTEN = 0.1
_SHARE = 3


@dataclass(frozen=True)
class ReadyGuess:
    """The [ready] section and, for each of its keys, why."""

    outcome: list[str]
    terminal: list[str]
    repeatable: bool
    horizons: list[str]
    lag: str
    why: dict[str, str]
    """Keys without a reason could not be guessed."""


def guess_ready(history: History) -> ReadyGuess:
    """The definition of ready that the outcomes of ``history`` suggest."""
    outcomes = pl.DataFrame(pl.from_arrow(history.outcomes.select(["lead_id", "kind", "occurred_at", "known_at"])))
    kinds = outcomes["kind"].value_counts(sort=True)["kind"].to_list()
    hoped = [kind for kind in kinds if plain(kind) in HOPED]
    chosen = hoped or kinds[:1] or ["won"]
    why = {"outcome": f"of the outcomes {', '.join(kinds[:8])}, what one hopes for"} if hoped else {}
    wanted = outcomes.filter(pl.col("kind").is_in(chosen))
    times = wanted["lead_id"].value_counts()["count"]
    share = float(np.mean(times.to_numpy() > 1)) if len(times) else 0.0
    repeatable = share >= _OFTEN
    why["repeatable"] = f"{share:.0%} of the leads with an outcome have it more than once"
    ends = [kind for kind in kinds if plain(kind) in ENDS]
    waits = _waits(wanted, history, repeatable)
    horizons, why["horizons"] = _horizons(waits, history, repeatable)
    lag, why["reporting_lag"] = _lag(outcomes)
    return ReadyGuess(chosen, ends if repeatable else [*chosen, *ends], repeatable, horizons, lag, why)


def _waits(wanted: pl.DataFrame, history: History, repeatable: bool) -> pl.Series:
    """Days from the creation of the lead to its first outcome; where it repeats, from one outcome to the next."""
    if repeatable:
        gaps = wanted.sort("occurred_at").select(pl.col("occurred_at").diff().over("lead_id"))
    else:
        leads = pl.DataFrame(pl.from_arrow(history.leads.select(["lead_id", "created_at"])))
        first = wanted.group_by("lead_id").agg(pl.col("occurred_at").min()).join(leads, on="lead_id")
        gaps = first.select(pl.col("occurred_at") - pl.col("created_at"))
    days = gaps.to_series().drop_nulls().dt.total_microseconds() / DAY
    return days.filter(days > 0)


def _horizons(waits: pl.Series, history: History, repeatable: bool) -> tuple[list[str], str]:
    """Two usual horizons, the longer one where half of the waits are over, and never most of the history."""
    created = pl.Series(history.leads["created_at"]).to_physical().min()
    span = (history.ends_at - created) / DAY if isinstance(created, int) else 0.0
    middle = waits.median()
    days = middle if isinstance(middle, float) else 0.0
    wished = next((at for at, nice in enumerate(DAYS) if nice >= days), len(DAYS) - 1) if days else DAYS.index(30)
    longest = max((at for at, nice in enumerate(DAYS) if nice * _SHARE <= span), default=0)
    last = min(wished, longest)
    found = [f"{nice}d" for nice in DAYS[max(last - 1, 0) : last + 1]]
    between = "one outcome and the next" if repeatable else "creation and outcome"
    short = f", but the history has only {span:.0f} days" if longest < wished else ""
    return found, f"half of the waits between {between} are over in {days:.0f} days{short}"


def _lag(outcomes: pl.DataFrame) -> tuple[str, str]:
    late = (outcomes["known_at"] - outcomes["occurred_at"]).dt.total_microseconds().quantile(0.99)
    days = math.ceil((late or 0.0) / DAY)
    if days == 0:
        return "0d", "outcomes are known when they happen, as far as the files say"
    return format_duration(days * DAY), "99 % of the outcomes are known by then"
