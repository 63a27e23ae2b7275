"""Rolling origins: the moments at which a training is repeated as it would have been, and the rows each is judged on.

An origin is a split like that of a trial: what was known before it may be learned from, and a label window that
reaches beyond it is cut there, bin by bin, which is the embargo. The rows of the span after it are judged, as far as
they have matured. Spans follow each other without a gap, so that every later row is judged once.
"""

from dataclasses import dataclass

import numpy as np

from data.clock import format_duration, iso
from data.contract import Contract, Spine
from data.errors import NotMaturedError
from data.history import History
from data.labels import label
from data.spine import build_spine, micros
from training.splits import FIRST_SHARE


@dataclass(frozen=True)
class Origin:
    """Learn from what was known before ``moment``; judge the rows from there to ``until`` (microseconds, exclusive)."""

    moment: int
    until: int


def plan_origins(
    contract: Contract, history: History, folds: int, span: int | None = None
) -> tuple[list[Origin], list[str]]:
    """(origins from early to late, what to say about them): the last one ends with the last matured cutoff.

    ``folds``: how many at the most. ``span``: microseconds that each judges; None: the matured rows after the first
    FIRST_SHARE of them, in equal parts. Raises NotMaturedError when there is no earlier cutoff to learn from.
    """
    spine = build_spine(contract.spine, contract.ready, history, contract.folder)
    labels, cutoffs = label(history, spine, contract.ready), micros(spine["cutoff"])
    matured = cutoffs[labels.matured(contract.ready.primary)]
    if contract.backtest.test_until is not None:
        matured = matured[matured < contract.backtest.test_until]
    moments = np.unique(matured)
    if len(moments) < 2:
        raise NotMaturedError(
            f"{len(matured)} of {len(cutoffs)} rows have matured for {format_duration(contract.ready.primary)}, at "
            f"{len(moments)} different cutoffs. Expected at least two cutoffs, one to learn from and one to judge on. "
            "Shorten the horizon, or bring a longer history."
        )
    end = int(moments[-1]) + 1
    first = max(int(np.quantile(matured, FIRST_SHARE, method="higher")), int(moments[1]))
    width = _span(contract.spine, end - first, folds) if span is None else span
    starts = [end - number * width for number in range(folds, 0, -1)]
    planned = [Origin(start, start + width) for start in starts if start > moments[0]]
    kept = [origin for origin in planned if ((matured >= origin.moment) & (matured < origin.until)).any()]
    if not kept:
        raise NotMaturedError(
            f"A span of {format_duration(width)} reaches back from {iso(end)} beyond the first matured cutoff, "
            f"{iso(int(moments[0]))}: nothing is left to learn from. Take a shorter span."
        )
    notes = []
    if len(kept) < folds:
        notes.append(
            f"{folds} folds were asked for and {len(kept)} made: before or within the others there are no matured rows."
        )
    return kept, notes


def _span(spine: Spine, time: int, folds: int) -> int:
    """An equal part of ``time`` (microseconds), in whole steps of the grid where cutoffs lie on one."""
    step = 1 if spine.at or spine.after or spine.file else spine.period
    return max(-(-time // folds // step) * step, step)
