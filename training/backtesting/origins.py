"""Rolling origins: the moments at which a training is repeated as it would have been, and the rows each is judged on.

An origin is a split like that of a trial: what was known before it may be learned from, and a label window that
reaches beyond it is cut there, bin by bin, which is the embargo. The rows of the span after it are judged, as far as
they have matured. Spans follow each other without a gap, so that every later row is judged once.
"""

from dataclasses import dataclass

import numpy as np

from data.clock import DAY, format_duration, iso
from data.contract import Contract
from data.errors import ContractError, NotMaturedError
from data.history import History
from data.labels import label
from data.sections import Spine
from data.spine import build_spine, micros
from training.splits import FIRST_SHARE


@dataclass(frozen=True)
class Origin:
    """Learn from what was known before ``moment``; judge the rows from there to ``until`` (microseconds, exclusive)."""

    moment: int
    until: int


@dataclass(frozen=True)
class Plan:
    """Origins from early to late, the ``span`` (microseconds) that each judges, and what to say about them."""

    origins: tuple[Origin, ...]
    span: int
    notes: tuple[str, ...]


def plan_origins(contract: Contract, history: History, folds: int, span: int | None = None) -> Plan:
    """Origins that judge one span after the other, the last one up to the last matured cutoff.

    ``folds``: how many at the most. ``span``: microseconds that each judges; None: the time after the first FIRST_SHARE
    of the matured rows, in equal parts. Each origin is the first matured cutoff of its span. Raises NotMaturedError
    when there is no earlier cutoff to learn from, ContractError for a span of no length.
    """
    if span is not None and span <= 0:
        raise ContractError(f"A span of {format_duration(span)} judges nothing. Expected a time such as 8w.")
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
    step, end = _step(contract.spine), int(moments[-1]) + _after(contract.spine)
    first = max(int(np.quantile(matured, FIRST_SHARE, method="higher")), int(moments[1]))
    width = max(-(-(end - first) // folds // step) * step, step) if span is None else span
    starts = [end - number * width for number in range(folds, 0, -1)]
    spans = [moments[(moments >= start) & (moments < start + width)] for start in starts]
    asked = [int(inside[0]) for inside in spans if len(inside) and inside[0] > moments[0]]
    if not asked:
        raise NotMaturedError(
            f"A span of {format_duration(width)} reaches back from {iso(end)} beyond the first matured cutoff, "
            f"{iso(int(moments[0]))}: nothing is left to learn from. Take a shorter span."
        )
    origins = tuple(Origin(moment, until) for moment, until in zip(asked, [*asked[1:], end], strict=True))
    few = (
        f"{folds} folds were asked for and {len(origins)} made: there are no matured rows before or within the others."
    )
    return Plan(origins, width, (few,) if len(origins) < folds else ())


def _on_grid(spine: Spine) -> bool:
    return not (spine.at or spine.after or spine.file)


def _step(spine: Spine) -> int:
    """What a span is a multiple of: the steps of the grid, whole days where there is none."""
    return spine.period if _on_grid(spine) else DAY


def _after(spine: Spine) -> int:
    """How far the last span reaches beyond the last cutoff: up to where the next one would be, or just beyond it."""
    return spine.period if _on_grid(spine) else 1
