"""Whether a field rule holds for each row: attributes as of the cutoff."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from data.errors import ContractError
from data.history import History
from data.spine import micros, positions
from models.points_kernel import Bools, Ints
from models.rules import PointsTable, Rule, When

_COMPARE: dict[str, Callable[[pa.Array, pa.Scalar], pa.Array]] = {
    "eq": pc.equal,
    "ne": pc.not_equal,
    "ge": pc.greater_equal,
    "le": pc.less_equal,
    "gt": pc.greater,
    "lt": pc.less,
}
_NUMBER = r"^\s*[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?\s*$"
_TRUTHS = {"true": "1", "false": "0"}


def field_holds(points: PointsTable, history: History, leads: Ints, cutoffs: Ints) -> list[tuple[int, Bools]]:
    """The number of each field rule with the rows (n,) for which it holds; ``leads`` are positions in the leads table.

    Raises ContractError when the field is not there, or a number is compared with text.
    """
    return [
        (number, _holds(rule, history, leads, cutoffs))
        for number, rule in enumerate(points.rules)
        if rule.when.field is not None
    ]


def _holds(rule: Rule, history: History, leads: Ints, cutoffs: Ints) -> Bools:
    values, places = _values_as_of(rule, history, leads, cutoffs)
    satisfied = _satisfied(rule, values)
    inside = np.maximum(places, 0)
    found = satisfied[inside] if len(satisfied) else np.zeros(len(places), bool)
    return np.asarray(found & (places >= 0))


def _values_as_of(rule: Rule, history: History, leads: Ints, cutoffs: Ints) -> tuple[pa.ChunkedArray, Ints]:
    """A column of values, and for each row its place there (-1: none known yet)."""
    field = rule.when.field or ""
    changes = history.changes.filter(pc.equal(history.changes["field"], field))
    if len(changes):
        return _changes_as_of(changes, history.leads["lead_id"], leads, cutoffs)
    if field in history.leads.column_names:
        return history.leads[field], leads
    account_field = field.removeprefix("account_")
    if field != account_field and account_field in history.accounts.column_names:
        accounts = pc.index_in(history.leads["account_id"], value_set=history.accounts["account_id"], skip_nulls=True)
        return history.accounts[account_field], np.asarray(pc.fill_null(accounts, -1).to_numpy()).astype(np.int64)[
            leads
        ]
    known = sorted(history.leads.column_names + [f"account_{name}" for name in history.accounts.column_names])
    raise ContractError(
        f"Rule {rule.id!r} looks at the field {field!r}, which neither leads, accounts nor changes have. "
        f"Known fields: {known}. Correct the rule, or take it out."
    )


def _changes_as_of(changes: pa.Table, ids: pa.ChunkedArray, leads: Ints, cutoffs: Ints) -> tuple[pa.ChunkedArray, Ints]:
    """The latest change known before each row's cutoff; of changes at one moment the last in the table."""
    owners, known = positions(changes["lead_id"], ids), micros(changes["known_at"])
    times = np.unique(np.concatenate([known, cutoffs]))
    width = len(times) + 1
    keys = owners * width + np.searchsorted(times, known)
    order = np.argsort(keys, kind="stable")
    place = np.searchsorted(keys[order], leads * width + np.searchsorted(times, cutoffs)) - 1
    inside = np.maximum(place, 0)
    found = (place >= 0) & (owners[order][inside] == leads)
    return changes["value"], np.where(found, order[inside], -1)


def _satisfied(rule: Rule, values: pa.ChunkedArray) -> npt.NDArray[np.bool_]:
    """Whether each of ``values`` satisfies the rule; a missing value satisfies nothing."""
    when = rule.when
    column = _as_numbers(rule, values) if when.numeric else _as_text(rule, values)
    kind = pa.float64() if when.numeric else pa.string()
    if when.op == "in":
        found = pc.and_(pc.is_in(column, value_set=pa.array(_plain(when), kind)), pc.is_valid(column))
    else:
        found = _COMPARE[when.op or "eq"](column, pa.scalar(_plain(when)[0], kind))
    return np.asarray(pc.fill_null(found, False).to_numpy()).astype(bool)


def _plain(when: When) -> list[float] | list[str]:
    if when.numeric:
        return [float(value) for value in when.values]
    return [str(value) for value in when.values]


def _as_numbers(rule: Rule, values: pa.ChunkedArray) -> pa.ChunkedArray:
    """``values`` as float64; text that is no number, and NaN, are null."""
    if pa.types.is_string(values.type):
        lowered = pc.utf8_lower(values)
        for word, digit in _TRUTHS.items():
            lowered = pc.if_else(pc.equal(lowered, word), digit, lowered)
        number = pc.match_substring_regex(lowered, _NUMBER)
        values = pc.cast(pc.if_else(number, pc.utf8_trim_whitespace(lowered), None), pa.float64())
    if values.type != pa.float64():
        raise ContractError(
            f"Rule {rule.id!r} compares {rule.when.field!r} with a number, but the field is {values.type}. "
            "Correct the rule."
        )
    return pc.if_else(pc.is_nan(values), None, values)


def _as_text(rule: Rule, values: pa.ChunkedArray) -> pa.ChunkedArray:
    if not pa.types.is_string(values.type):
        raise ContractError(
            f"Rule {rule.id!r} compares {rule.when.field!r} with the text {rule.when.values[0]!r}, but the field is "
            f"{values.type}. Write the value without quotes."
        )
    return values
