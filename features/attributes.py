"""Attributes as arrays: what is known from the start, and the changes in the order they became known."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from data.history import History
from data.spine import micros
from features.arrange import by_entity, itself
from features.block import Codes
from features.columns import column_of, moments_of, numbers_of, texts_of
from features.context import Attribute
from features.kernel import Floats, Ints
from features.plan import Plan
from features.vocabulary import Vocabulary, attribute_key


@dataclass(frozen=True)
class Profiles:
    """The attribute arrays of a ``Block``, for all leads; writable, because numba compiles anew for others."""

    created: Ints
    fixed: Floats
    change_start: Ints
    change_known: Ints
    change_field: Codes
    change_value: Floats


def encode_profiles(history: History, plan: Plan, vocabulary: Vocabulary) -> Profiles:
    """The attributes of all leads. Raises SchemaError for columns that are not there."""
    leads = history.leads
    fixed = np.full((len(leads), len(plan.attributes)), np.nan)
    for position, attribute in enumerate(plan.attributes):
        if attribute.source == "leads":
            fixed[:, position] = values_of(column_of(leads, attribute.column, "leads"), attribute, vocabulary)
        elif attribute.source == "accounts":
            fixed[:, position] = _of_account(history, attribute, vocabulary)
    return Profiles(micros(leads["created_at"]).copy(), fixed, *_changes(history, plan, vocabulary))


def no_profiles(entities: int) -> Profiles:
    """For entities without attributes of their own."""
    none = np.empty(0, np.int64)
    start = np.zeros(entities + 1, np.int64)
    nothing = np.empty((entities, 0))
    return Profiles(start[:-1].copy(), nothing, start, none, none.astype(np.int32), np.empty(0))


def values_of(column: pa.ChunkedArray, attribute: Attribute, vocabulary: Vocabulary) -> Floats:
    """A column read as the attribute's type: numbers, microseconds or codes; NaN where null."""
    if attribute.type == "number":
        return numbers_of(column)
    if attribute.type == "time":
        return moments_of(column)
    texts = texts_of(column)
    codes = vocabulary.codes(attribute_key(attribute))
    return texts.map(codes, float(len(codes)))[texts.codes]


def _of_account(history: History, attribute: Attribute, vocabulary: Vocabulary) -> Floats:
    values = values_of(column_of(history.accounts, attribute.column, "accounts"), attribute, vocabulary)
    return np.append(values, np.nan)[_account_rows(history, history.accounts["account_id"])]


def _account_rows(history: History, ids: pa.ChunkedArray) -> Ints:
    """(leads) The row of each lead's account among ``ids``, -1 where there is none."""
    account = column_of(history.leads, "account_id", "leads")
    found = pc.fill_null(pc.index_in(account, value_set=ids, skip_nulls=True), -1)
    return np.asarray(found.to_numpy(), np.int64)


def _changes(history: History, plan: Plan, vocabulary: Vocabulary) -> tuple[Ints, Ints, Codes, Floats]:
    """Start of each lead, known_at, field and value; of changes known at once the greatest text comes last."""
    parts = [_Changes.none()]
    for position, attribute in enumerate(plan.attributes):
        if attribute.source == "changes":
            mine = history.changes.filter(pc.equal(history.changes["field"], attribute.column))
            lead = pc.fill_null(pc.index_in(mine["lead_id"], value_set=history.leads["lead_id"]), -1)
            parts.append(_Changes.read(mine, np.asarray(lead.to_numpy(), np.int32), position, attribute, vocabulary))
        elif attribute.source == "account_changes":
            theirs = history.account_changes.filter(pc.equal(history.account_changes["field"], attribute.column))
            row, lead = _for_each_lead(history, theirs["account_id"])
            parts.append(_Changes.read(theirs.take(pa.array(row)), lead, position, attribute, vocabulary))
    lead, known, rank, field, value = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    in_time = np.lexsort((field, rank, known))
    start, order = by_entity(lead[in_time], itself(len(history.leads)), len(history.leads))
    chosen = in_time[order]
    return start, known[chosen], field[chosen].astype(np.int32), value[chosen]


class _Changes(NamedTuple):
    """The changes of one attribute: lead, known_at, rank of the text, attribute, value."""

    lead: Codes
    known: Ints
    rank: Ints
    field: Ints
    value: Floats

    @classmethod
    def none(cls) -> "_Changes":
        nothing = np.empty(0, np.int64)
        return cls(np.empty(0, np.int32), nothing, nothing, nothing, np.empty(0))

    @classmethod
    def read(
        cls, mine: pa.Table, lead: Codes, position: int, attribute: Attribute, vocabulary: Vocabulary
    ) -> "_Changes":
        rank = texts_of(mine["value"]).codes.astype(np.int64)
        value = values_of(mine["value"], attribute, vocabulary)
        return cls(lead, micros(mine["known_at"]), rank, np.full(len(rank), position, np.int64), value)


def _for_each_lead(history: History, accounts: pa.ChunkedArray) -> tuple[Ints, Codes]:
    """Rows of changes of accounts, each as often as its account has leads, and these leads."""
    ids = pc.unique(accounts)
    of_lead = _account_rows(history, ids)
    by_account = np.argsort(of_lead, kind="stable")
    start = np.searchsorted(of_lead[by_account], np.arange(len(ids) + 1))
    account = np.asarray(pc.index_in(accounts, value_set=ids).to_numpy(), np.int64)
    count = (start[1:] - start[:-1])[account]
    row = np.repeat(np.arange(len(account)), count)
    nth = np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count)
    return row, by_account[start[account[row]] + nth].astype(np.int32)
