"""How much a field knows alone: each row is scored by what its value was worth among earlier rows, never by its own.

Numbers are read in ranges, so the field may rise, fall or bend. What a value was worth is its outcomes against those
that the base rates of its times would have given it, so that a value which became common in good times gains nothing.
"""

from itertools import pairwise

import numpy as np

from training.leaks.auc import Floats, Ints, Mask, auc_within, strata_of
from training.leaks.fields import MISSING, Coded
from training.leaks.finding import Auc

BLOCKS = 10
"""The first block only teaches; each later one is scored by all before it."""
PRIOR = 2.0
"""A value counts as if it had been seen with so many outcomes, as many as the base rate gave."""
LEAST_OUTCOMES = 20
"""With fewer outcomes, or fewer rows without one, strength cannot be told."""


def alone(field: Coded, outcome: Mask, fields: int) -> tuple[Auc | None, Auc | None]:
    """(of its values, of whether it is missing): the AUC of a field over n rows in the order of time.

    The second is None where it is never or always missing.
    """
    strata = strata_of(outcome)
    expected = base_rates(outcome, strata)
    filled = field.filled
    by_filled = None if filled.all() or not filled.any() else _auc(filled.astype(np.int64), outcome, expected, fields)
    return _auc(field.codes - MISSING, outcome, expected, fields), by_filled


def base_rates(outcome: Mask, strata: Ints) -> Floats:
    """The base rate of each row's stratum."""
    return (np.bincount(strata, outcome) / np.maximum(np.bincount(strata), 1))[strata]


def _auc(codes: Ints, outcome: Mask, expected: Floats, fields: int) -> Auc | None:
    scores = worth_before(codes, outcome, expected)
    scored = ~np.isnan(scores)
    return auc_within(outcome[scored], scores[scored], strata_of(outcome[scored]), fields)


def worth_before(codes: Ints, outcome: Mask, expected: Floats) -> Floats:
    """For each row, outcomes against ``expected`` of its code in all earlier blocks; NaN in the first block."""
    scores = np.full(len(codes), np.nan)
    most = int(codes.max(initial=0)) + 1
    hits, due = np.zeros(most), np.zeros(most)
    edges = np.linspace(0, len(codes), BLOCKS + 1).astype(int)
    for start, end in pairwise(edges):
        block = slice(start, end)
        if start:
            scores[block] = ((hits + PRIOR) / (due + PRIOR))[codes[block]]
        hits += np.bincount(codes[block], outcome[block], most)
        due += np.bincount(codes[block], expected[block], most)
    return scores
