"""Hand-made points, replayed: the score that a rule table would have given at each cutoff, knowing no more than then.

At a cutoff *c* an event rule sees the events of its kind (and item) with ``occurred_at < c`` and ``known_at < c``, in
the order of their time; sales touches only where the rule names ``actor = "sales"``. With ``within`` it sees only those
with ``occurred_at >= c - within``. Of what it sees, the first ``min_count - 1`` have no points, nor those after the
first ``max_count``, nor those outside ``from <= occurred_at < until``, nor, with ``returning``, those that do not come
at most ``within`` and at least ``after`` later than the event they return to: one of the kind with an earlier
``occurred_at``, of the rule's items or of any, the latest or the first. Of the rest

- ``always``: each has the points; ``once``: the first; ``once_per``: the first of each item, or of each UTC day;
- points fade with the age ``a = c - occurred_at``: half_life ``2 ** (-a / half_life)``; linear
  ``max(0, 1 - a / linear)``; expire: all while ``a <= expire``; step_pct ``(1 - step_pct / 100) ** floor(a / every)``;
- their sum is kept within ``-max_points`` and ``max_points``.

A field rule has its points while the attribute, as known before *c*, satisfies it; a missing value satisfies nothing.
As for features, a field that ``changes`` speaks of is read from there alone; ``account_x`` is the column x of accounts.
An inactivity rule counts from the last seen event of the lead itself, or from its creation. Groups are summed and
capped, then the total.
"""

import json
import tomllib
from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
from pydantic import ValidationError

from data.clock import format_duration
from data.errors import ContractError
from data.history import History
from data.spine import micros, positions
from models.field_rules import field_holds
from models.points_kernel import NEVER, Floats, Ints, days_within_lead, replay_rows
from models.points_plan import lowered
from models.rules import Cap, PointsTable

_BLOCK = 1_000_000


def load_points(text: str, name: str = "points.toml") -> PointsTable:
    """The points table written in ``text``. Raises ContractError, one line for each thing that is wrong."""
    if text.lstrip()[:1] in {"{", "["} and _is_json(text):
        raise ContractError(
            f"{name} is JSON. Expected a points table in TOML. Make one of it: readiness points import {name}"
        )
    try:
        return PointsTable.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise ContractError(f"{name} is not TOML: {error}. Mend that line.") from None
    except ValidationError as error:
        raise ContractError("\n".join(f"{name}: {line}" for line in sentences(error))) from None


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def sentences(error: ValidationError) -> list[str]:
    """What is wrong with a table, one sentence for each thing."""
    lines = []
    for found in error.errors(include_url=False):
        where = ".".join(str(part) for part in found["loc"])
        message = found["msg"].removeprefix("Value error, ")
        match found["type"]:
            case "extra_forbidden":
                lines.append(f"unknown key {where}. Remove it: an unknown rule would be left out of the score.")
            case "missing":
                lines.append(f"{where} is missing. Add it.")
            case "value_error":
                lines.append(f"{where}: {message}" if where else message)
            case _:
                lines.append(f"{where} is {found['input']!r}: {message[:1].lower()}{message[1:]}.")
    return lines


def replay(points: PointsTable, history: History, spine: pa.Table) -> Floats:
    """The points of each of the n rows of ``spine`` (lead_id, cutoff), as of its cutoff; float64 (n,).

    Raises ContractError when a rule names a field that the history does not have, or compares a number with text;
    SchemaError when the spine names an unknown lead.
    """
    places = [_group(points, rule.group) for rule in points.rules]
    parts = [
        _capped(points, sums, _inactivity(points, silent))
        for sums, silent in _sums(points, history, spine, places, len(points.groups) + 1)
    ]
    return np.concatenate(parts) if parts else np.empty(0)


def replay_parts(points: PointsTable, history: History, spine: pa.Table) -> Floats:
    """(n, rules + inactivity rules) what each rule gives at each row of ``spine``, before the caps of groups and total.

    In the order of ``part_names``. Raises as ``replay`` does.
    """
    parts = [
        np.column_stack([sums, *(rule.points * (silent >= rule.after) for rule in points.inactivity)])
        for sums, silent in _sums(points, history, spine, range(len(points.rules)), len(points.rules))
    ]
    return np.concatenate(parts) if parts else np.empty((0, len(part_names(points))))


def part_names(points: PointsTable) -> tuple[str, ...]:
    """The ids of the rules, then the inactivity rules, each by its time."""
    silent = (f"inactivity {format_duration(rule.after)}" for rule in points.inactivity)
    return (*(rule.id for rule in points.rules), *silent)


def _sums(
    points: PointsTable, history: History, spine: pa.Table, places: Sequence[int], width: int
) -> Iterator[tuple[Floats, Ints]]:
    """Block by block: points summed into the columns that ``places`` gives to the rules, and how long a lead is silent.

    Arrays (n, width), and (n,) in microseconds.
    """
    leads = positions(spine["lead_id"], history.leads["lead_id"])
    cutoffs = micros(spine["cutoff"])
    events, rules = lowered(points, history)
    numbers = [number for number, rule in enumerate(points.rules) if rule.when.event is not None]
    rules = rules._replace(group=np.array([places[number] for number in numbers], np.int64))
    days = days_within_lead(events.starts, events.occurred)
    keys = 1 + int(max(days.max(initial=0), events.items.max(initial=0)))
    fields = field_holds(points, history, leads, cutoffs)
    created = micros(history.leads["created_at"])[leads]
    for start in range(0, len(leads), _BLOCK):
        rows = slice(start, start + _BLOCK)
        sums = np.zeros((len(leads[rows]), width))
        last = np.empty(len(sums), np.int64)
        replay_rows(leads[rows], cutoffs[rows], events, rules, sums, last, days, keys)
        for number, holds in fields:
            sums[:, places[number]] += points.rules[number].points * holds[rows]
        yield sums, cutoffs[rows] - np.where(last == NEVER, created[rows], last)


def _group(points: PointsTable, group: str | None) -> int:
    return len(points.groups) if group is None else points.groups.index(group)


def _inactivity(points: PointsTable, silent: Ints) -> Floats:
    """The points (n,) of having been silent for so many microseconds."""
    out = np.zeros(len(silent))
    for rule in points.inactivity:
        out += rule.points * (silent >= rule.after)
    return out


def _capped(points: PointsTable, sums: Floats, inactivity: Floats) -> Floats:
    """The total (n,) of group sums (n, groups + 1), each within its cap."""
    total = inactivity + sums[:, -1]
    for place, group in enumerate(points.groups):
        total += _clip(sums[:, place], points.caps.get(group))
    return _clip(total, points.caps.get("total"))


def _clip(values: Floats, cap: Cap | None) -> Floats:
    if cap is None:
        return values
    low = -np.inf if cap.min is None else cap.min
    high = np.inf if cap.max is None else cap.max
    return np.clip(values, low, high)
