"""Splits by time: what may be learned from, what may only be judged on.

A split has one moment. Rows with a cutoff at or after it are for judging. From the rows before it only what was known
just before the moment may be learned: a hazard bin takes part when it ended, reporting lag included, by then. So no
label window of a training row reaches into that of a test row, which is the embargo, row by row and bin by bin.
"""

import zlib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from data.clock import format_duration, iso
from data.errors import NotMaturedError
from data.labels import Labels
from data.sections import Backtest

Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

SMALLEST_SPREAD = 1e-6
FIRST_SHARE = 0.4
"""No validation before this share of the rows has passed: the first model needs something to learn from."""


@dataclass(frozen=True)
class Fold:
    """Rows to learn from, as known at ``moment`` (None: labels as they are), and rows to validate on."""

    train: Ints
    validate: Ints
    moment: int | None


def choose_test_from(settings: Backtest, cutoffs: Ints, labels: Labels, primary: int) -> int:
    """The moment from which rows are for judging only: the contract's, or the latest ``test_share`` of matured rows.

    Raises NotMaturedError when no row before or after the moment has matured.
    """
    matured = cutoffs[labels.matured(primary)]
    if settings.test_from is None and len(np.unique(matured)) < 2:
        raise NotMaturedError(
            f"{len(matured)} of {len(cutoffs)} rows have matured for {format_duration(primary)}, at "
            f"{len(np.unique(matured))} different cutoffs. Expected at least two cutoffs, one to learn from and one to "
            "judge on. Shorten the horizon, or bring a longer history."
        )
    if settings.test_from is not None:
        return settings.test_from
    at = np.quantile(matured, 1.0 - settings.test_share, method="higher")
    later = np.unique(matured)
    return int(at if at > later[0] else later[1])


def split_rows(settings: Backtest, cutoffs: Ints, test_from: int) -> tuple[Ints, Ints]:
    """(train, test) rows around ``test_from``, in the contract's bounds. Raises NotMaturedError if one is empty."""
    before = learned_from(settings, cutoffs, test_from)
    after = judged_on(settings, cutoffs, test_from)
    train, test = np.flatnonzero(before), np.flatnonzero(after)
    for name, rows in (("train", train), ("test", test)):
        if not len(rows):
            raise NotMaturedError(f"There are no {name} rows around {iso(test_from)}. Move [backtest] test_from.")
    return train, test


def learned_from(settings: Backtest, cutoffs: Ints, test_from: int) -> Mask:
    """Which rows are learned from when the split is at ``test_from``: those before it, in the contract's bounds."""
    before = cutoffs < test_from
    if settings.train_from is not None:
        before &= cutoffs >= settings.train_from
    if settings.train_until is not None:
        before &= cutoffs < settings.train_until
    return before


def judged_on(settings: Backtest, cutoffs: Ints, test_from: int) -> Mask:
    """Which rows are judged on when the split is at ``test_from``: those from it on, in the contract's bounds."""
    after = cutoffs >= test_from
    if settings.test_until is not None:
        after &= cutoffs < settings.test_until
    return after


def time_folds(cutoffs: Ints, most: int, serves_for: int | None = None) -> list[Fold]:
    """Rolling origin: up to ``most`` consecutive blocks of cutoffs, each judged by a model of what came before it.

    The blocks tile the time after FIRST_SHARE of the rows. Where it is known how long a model serves before the next
    one takes over, ``serves_for`` microseconds, they are as long as that, and the last ends with the last row.
    """
    starts = _block_starts(cutoffs, most) if serves_for is None else _short_starts(cutoffs, most, serves_for)
    if not len(starts):
        return []
    ends = [*starts[1:].tolist(), np.iinfo(np.int64).max]
    return [
        Fold(np.flatnonzero(cutoffs < start), np.flatnonzero((cutoffs >= start) & (cutoffs < end)), int(start))
        for start, end in zip(starts, ends, strict=True)
    ]


def _block_starts(cutoffs: Ints, most: int) -> Ints:
    order = np.sort(cutoffs)
    starts = np.unique(order[(np.linspace(FIRST_SHARE, 1.0, most + 1)[:-1] * len(order)).astype(int)])
    return np.asarray(starts[starts > order[0]])


def _short_starts(cutoffs: Ints, most: int, serves_for: int) -> Ints:
    """The starts of blocks that end with a row each: no block lies in a time without rows."""
    order = np.unique(cutoffs)
    starts: list[int] = []
    earliest, end = order[int(FIRST_SHARE * len(order))], len(order)
    while end and len(starts) < most:
        end = int(np.searchsorted(order, order[end - 1] - serves_for, side="right"))
        if order[end] < max(earliest, order[0] + 1):
            break
        starts.append(int(order[end]))
    return np.array(starts[::-1], np.int64)


def lead_folds(leads: npt.NDArray[np.object_], most: int) -> list[Fold]:
    """For a spine with one cutoff, where there is no earlier time to learn from: leads grouped by a hash of the id."""
    group = np.array([zlib.crc32(str(lead).encode()) % most for lead in leads], np.int64)
    return [Fold(np.flatnonzero(group != k), np.flatnonzero(group == k), None) for k in range(most)]


def unlike_folds(look: npt.NDArray[np.float64], most: int) -> list[Fold]:
    """Rows in groups of about equal size along ``look`` (n,): each is judged by models of the others."""
    group = np.searchsorted(np.unique(np.quantile(look, np.arange(1, most) / most)), look, side="right")
    return [Fold(np.flatnonzero(group != k), np.flatnonzero(group == k), None) for k in np.unique(group)]


def looks(matrix: npt.NDArray[np.float32], categorical: Mask | None = None) -> npt.NDArray[np.float64]:
    """(n,) how each row looks, in the one direction in which rows differ most: the first principal component.

    Of numbers on the signed log scale, standardised, missing ones in the middle; ``categorical`` columns play no part.
    """
    numbers = matrix if categorical is None else matrix[:, ~categorical]
    values = np.copysign(np.log1p(np.abs(numbers)), numbers).astype(np.float64)
    known = ~np.isnan(values)
    count = np.maximum(known.sum(axis=0), 1)
    values = np.where(known, values - np.where(known, values, 0.0).sum(axis=0) / count, 0.0)
    spread = np.sqrt((values**2).sum(axis=0) / count)
    values /= np.where(spread > SMALLEST_SPREAD, spread, np.inf)
    _, directions = np.linalg.eigh(values.T @ values)
    return np.asarray(values @ directions[:, -1]) if values.shape[1] else np.zeros(len(matrix))
