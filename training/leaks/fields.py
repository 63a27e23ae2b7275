"""A field as codes: for each lead what the export shows, and for each row what the feature says."""

from collections.abc import Collection
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from data.clock import DAY, HOUR
from data.history import History
from data.spine import Micros, micros, positions
from features.columns import moments_of, numbers_of, texts_of
from features.context import Attribute
from features.feature_set import FeatureSet

Codes = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

MOST_LEVELS = 50
"""Rarer levels are one."""
RANGES = 20
"""Numbers become so many ranges of equal size, before anybody looks at outcomes."""
BROAD = 5
"""The same where each range must hold many leads."""
MISSING = -1
AT_CREATION = HOUR
"""What is written within an hour of a lead's creation came with it."""


@dataclass(frozen=True, eq=False)
class Coded:
    """A column as codes (n), ``MISSING`` where there is nothing, and what each code is called."""

    codes: Codes
    names: tuple[str, ...]

    @property
    def filled(self) -> npt.NDArray[np.bool_]:
        """Where there is something."""
        return np.asarray(self.codes != MISSING)


def name_of(attribute: Attribute) -> str:
    """What a field is called in findings and in the contract: its column, ``account.<column>`` for one of accounts."""
    return f"account.{attribute.column}" if attribute.source == "accounts" else attribute.column


def features_of(fields: Collection[str], feature_set: FeatureSet) -> set[str]:
    """The names of the features that ask for some of ``fields``, whatever the catalog calls them."""
    return {f.name for f in feature_set if isinstance(f, Attribute) and name_of(f) in fields}


def exported(history: History, attribute: Attribute) -> Coded:
    """What an export of today shows for each lead: its column, its account's, or its latest change.

    A moment is shown as the days since the lead's creation.
    """
    leads = history.leads
    if attribute.source == "accounts":
        place = pc.index_in(leads["account_id"], value_set=history.accounts["account_id"], skip_nulls=True)
        return coded(history.accounts[attribute.column].take(place), attribute.type, leads)
    if attribute.column in leads.column_names:
        return coded(leads[attribute.column], attribute.type, leads)
    return coded(latest(history, attribute.column), attribute.type, leads)


def at_creation(history: History, attribute: Attribute) -> Coded:
    """What the change history says was known of each lead within an hour of its creation."""
    until = micros(history.leads["created_at"]) + AT_CREATION
    return coded(latest(history, attribute.column, until), attribute.type, history.leads)


def latest(history: History, field: str, until: Micros | None = None) -> pa.ChunkedArray:
    """The last value of each lead among its changes of ``field``, up to its ``until``; null where there is none."""
    changes = history.changes.filter(pc.equal(history.changes["field"], field))
    lead, at = positions(changes["lead_id"], history.leads["lead_id"]), micros(changes["known_at"])
    order = np.argsort(at, kind="stable")
    order = order if until is None else order[at[order] <= until[lead[order]]]
    last = np.full(len(history.leads), -1, np.int64)
    last[lead[order]] = order
    return changes["value"].take(pa.array(last, mask=last < 0))


def coded(column: pa.ChunkedArray, kind: str, leads: pa.Table) -> Coded:
    """A column of one value for each lead, as the type that the feature has."""
    if kind == "category":
        texts = texts_of(column)
        return _often(texts.codes.astype(np.int64), texts.levels)
    if kind == "number":
        return ranges(numbers_of(column), BROAD)
    return ranges((moments_of(column) - micros(leads["created_at"])) / DAY, BROAD)


def ranges(numbers: Floats, count: int = RANGES) -> Coded:
    """Numbers in at most ``count`` ranges of about equal size; a number that many share has a range of its own."""
    known = np.isfinite(numbers)
    if not known.any():
        return Coded(np.full(len(numbers), MISSING, np.int64), ())
    cuts = np.unique(np.quantile(numbers[known], np.linspace(0, 1, count + 1), method="lower"))
    codes = np.searchsorted(cuts, numbers, side="right") - 1
    ends = [*(f"{low:g} to {high:g}" for low, high in pairwise(cuts)), f"{cuts[-1]:g} or more"]
    return Coded(np.where(known, codes, MISSING), tuple(ends))


def of_feature(values: npt.NDArray[np.float32], *, category: bool) -> Coded:
    """A column of a feature matrix; categories are codes already."""
    numbers = values.astype(np.float64)
    if not category:
        return ranges(numbers)
    codes = np.where(np.isnan(numbers), MISSING, numbers).astype(np.int64)
    return Coded(codes, tuple(str(code) for code in range(int(codes.max(initial=0)) + 1)))


def _often(codes: Codes, levels: tuple[str, ...]) -> Coded:
    """The most frequent levels by name, all others as one."""
    if len(levels) <= MOST_LEVELS:
        return Coded(codes, levels)
    counts = np.bincount(codes[codes >= 0], minlength=len(levels))
    kept = np.sort(np.argsort(-counts, kind="stable")[:MOST_LEVELS])
    place = np.full(len(levels) + 1, len(kept), np.int64)
    place[kept] = np.arange(len(kept))
    place[-1] = MISSING
    return Coded(place[codes], (*(levels[k] for k in kept), "another"))
