"""Attributes as arrays: what is known from the start, and the changes in the order they became known."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from data.history import History
from data.spine import micros
from features.arrange import by_lead
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
    account = column_of(history.leads, "account_id", "leads")
    found = pc.fill_null(pc.index_in(account, value_set=history.accounts["account_id"], skip_nulls=True), -1)
    return np.append(values, np.nan)[np.asarray(found.to_numpy(), np.int64)]


def _changes(history: History, plan: Plan, vocabulary: Vocabulary) -> tuple[Ints, Ints, Codes, Floats]:
    """Start of each lead, known_at, field and value; of changes known at once the greatest text comes last."""
    logged = [(k, attribute) for k, attribute in enumerate(plan.attributes) if attribute.source == "changes"]
    leads = history.leads["lead_id"]
    parts = [_changes_of(history.changes, k, attribute, vocabulary) for k, attribute in logged]
    parts.append(
        (pa.chunked_array([], pa.string()), *(np.empty(0, kind) for kind in (np.int64, np.int64, np.int32, np.float64)))
    )
    ids = pa.chunked_array([chunk for part in parts for chunk in part[0].chunks], pa.string())
    known, rank, field, value = (np.concatenate([part[k] for part in parts]) for k in (1, 2, 3, 4))
    lead = np.array(pc.fill_null(pc.index_in(ids, value_set=leads), -1).to_numpy(), np.int32)
    in_time = np.lexsort((field, rank, known))
    start, order = by_lead(lead[in_time], len(leads))
    order = in_time[order]
    return start, known[order], field[order].astype(np.int32), value[order]


def _changes_of(
    changes: pa.Table, position: int, attribute: Attribute, vocabulary: Vocabulary
) -> tuple[pa.ChunkedArray, Ints, Ints, Ints, Floats]:
    mine = changes.filter(pc.equal(changes["field"], attribute.column))
    rank = texts_of(mine["value"]).codes.astype(np.int64)
    value = values_of(mine["value"], attribute, vocabulary)
    return mine["lead_id"], micros(mine["known_at"]), rank, np.full(len(rank), position, np.int64), value
