"""Fact tables as arrays: strings become codes once, and any range of leads becomes a block for the kernel."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from data.clock import DAY
from data.errors import SchemaError
from data.history import History
from data.spine import micros
from features.arrange import by_lead, number_days, renumber, strictly_ordered, total_order
from features.attributes import Profiles, encode_profiles
from features.block import Block, Codes
from features.columns import Texts, column_of, numbers_of, texts_of
from features.feature import ACTORS
from features.kernel import Floats, Ints
from features.lowering import Condition, Present
from features.plan import Plan
from features.vocabulary import Vocabulary

LAST = np.iinfo(np.int64).max
"""Where null stands in the total order."""


@dataclass(frozen=True)
class Events:
    """Some events as parallel arrays (n): the raw columns that the plan reads."""

    occurred: Ints
    known: Ints
    kind: Codes
    actor: npt.NDArray[np.int8]
    reals: dict[str, Floats]
    texts: dict[str, Codes]

    def take(self, rows: Ints) -> "Events":
        """These events, in this order."""
        return Events(
            self.occurred[rows],
            self.known[rows],
            self.kind[rows],
            self.actor[rows],
            {name: column[rows] for name, column in self.reals.items()},
            {name: column[rows] for name, column in self.texts.items()},
        )


@dataclass(frozen=True)
class Encoded:
    """A history and a spine as arrays; ``leads`` is how many there are.

    The events of lead *l* are ``event_order[event_start[l]:event_start[l + 1]]``, its rows likewise.
    """

    plan: Plan
    vocabulary: Vocabulary
    leads: int
    events: Events
    kinds: tuple[str, ...]
    levels: dict[str, tuple[str, ...]]
    event_start: Ints
    event_order: Ints
    row_start: Ints
    row_order: Ints
    cutoffs: Ints
    profiles: Profiles

    def ranges(self, count: int) -> list[tuple[int, int]]:
        """The leads in at most ``count`` ranges of about equal work."""
        work = self.event_start + 4 * self.row_start
        cuts = np.searchsorted(work, np.linspace(0, work[-1], count + 1))
        cuts[0], cuts[-1] = 0, self.leads
        return [(int(low), int(high)) for low, high in pairwise(cuts) if low < high]


def encode(history: History, spine: pa.Table, plan: Plan, vocabulary: Vocabulary, threads: int = 1) -> Encoded:
    """The arrays of ``history`` for the rows of ``spine`` (lead_id, cutoff).

    Events of leads without rows are left out. Raises SchemaError for unknown leads and missing columns.
    """
    ids = history.leads["lead_id"]
    row_lead = _lead_codes(spine["lead_id"], ids, threads)
    unknown = np.flatnonzero(row_lead < 0)
    if len(unknown):
        raise SchemaError(
            f"{len(unknown)} rows of the spine name leads that are not in the leads table (first: "
            f"{spine['lead_id'][int(unknown[0])].as_py()!r}). Expected known leads. Check the ids."
        )
    row_start, row_order = by_lead(row_lead, len(ids))
    event_lead = _lead_codes(history.events["lead_id"], ids, threads)
    asked = np.append(np.diff(row_start) > 0, False)
    event_start, event_order = by_lead(np.where(asked[event_lead], event_lead, np.int32(-1)), len(ids))
    events, kinds, levels = _events(history.events, plan)
    return Encoded(
        plan,
        vocabulary,
        len(ids),
        events,
        kinds,
        levels,
        event_start,
        event_order,
        row_start,
        row_order,
        micros(spine["cutoff"]),
        encode_profiles(history, plan, vocabulary),
    )


def _lead_codes(wanted: pa.ChunkedArray, ids: pa.ChunkedArray, threads: int) -> Codes:
    """The row of each lead_id in the leads table, -1 where it is not there; slices side by side."""
    step = max(1, -(-len(wanted) // max(threads, 1)))
    slices = [wanted.slice(start, step) for start in range(0, len(wanted), step)]

    def find(part: pa.ChunkedArray) -> Codes:
        found = pc.fill_null(pc.index_in(part, value_set=ids), -1)
        return np.asarray(found.to_numpy(), np.int32)

    with ThreadPoolExecutor(max(threads, 1)) as pool:
        return np.concatenate([np.empty(0, np.int32), *pool.map(find, slices)])


def _events(table: pa.Table, plan: Plan) -> tuple[Events, tuple[str, ...], dict[str, tuple[str, ...]]]:
    kinds = texts_of(table["kind"])
    actors = texts_of(table["actor"])
    strange = [actor for actor in actors.levels if actor not in ACTORS]
    if strange:
        raise SchemaError(
            f"Events have {len(strange)} unknown actors (first: {strange[0]!r}). Expected one of {ACTORS}."
        )
    actor_of = np.array([*(ACTORS.index(actor) for actor in actors.levels), 0], np.int8)
    texts = {name: texts_of(column_of(table, name, "events")) for name in plan.texts}
    events = Events(
        micros(table["occurred_at"]),
        micros(table["known_at"]),
        kinds.codes,
        actor_of[actors.codes],
        {name: numbers_of(column_of(table, name, "events")) for name in plan.reals},
        {name: column.codes for name, column in texts.items()},
    )
    return events, kinds.levels, {name: column.levels for name, column in texts.items()}


def range_events(encoded: Encoded, low: int, high: int) -> tuple[Ints, Events]:
    """The events of the leads ``low`` to ``high``, in the total order, and where each lead starts."""
    first, last = encoded.event_start[low], encoded.event_start[high]
    start = encoded.event_start[low : high + 1] - first
    events = encoded.events.take(encoded.event_order[first:last])
    if strictly_ordered(start, events.occurred, events.known):
        return start, events
    order = total_order(start, events.occurred, events.known, _ties(events))
    in_place = np.array_equal(order, np.arange(len(order)))
    return start, events if in_place else events.take(order)


def _ties(events: Events) -> Ints:
    """What settles equal times, as rows of sortable integers."""
    others = [name for name in events.reals if name != "value"], [name for name in events.texts if name != "item"]
    rows = [events.kind.astype(np.int64), events.actor.astype(np.int64)]
    rows += [_sortable(events.reals["value"]), _nulls_last(events.texts["item"])]
    rows += [_sortable(events.reals[name]) for name in others[0]]
    rows += [_nulls_last(events.texts[name]) for name in others[1]]
    return np.stack(rows)


def _sortable(numbers: Floats) -> Ints:
    """Integers in the order of the floats, NaN last: the bits of a negative float fall as the float grows."""
    bits = numbers.view(np.int64)
    return np.where(np.isnan(numbers), LAST, np.where(bits < 0, bits ^ LAST, bits))


def _nulls_last(codes: Codes) -> Ints:
    return np.where(codes < 0, LAST, codes.astype(np.int64))


def make_block(encoded: Encoded, low: int, high: int, start: Ints, events: Events) -> Block:
    """The block of the leads ``low`` to ``high``."""
    plan, profiles = encoded.plan, encoded.profiles
    rows = encoded.row_order[encoded.row_start[low] : encoded.row_start[high]]
    changes = slice(profiles.change_start[low], profiles.change_start[high])
    kind_class = np.array([_class_of(kind, plan) for kind in encoded.kinds] or [0], np.int32)
    return Block(
        event_start=start,
        occurred=events.occurred,
        known=events.known,
        event_class=kind_class[events.kind] + events.actor if len(events.kind) else np.empty(0, np.int32),
        bits=_bits(encoded, events),
        numbers=_numbers(encoded, events),
        codes=_codes(encoded, start, events),
        created=profiles.created[low:high],
        fixed=profiles.fixed[low:high],
        change_start=profiles.change_start[low : high + 1] - profiles.change_start[low],
        change_known=profiles.change_known[changes],
        change_field=profiles.change_field[changes],
        change_value=profiles.change_value[changes],
        row_start=encoded.row_start[low : high + 1] - encoded.row_start[low],
        row_cutoff=encoded.cutoffs[rows],
        row_out=rows,
    )


def _class_of(kind: str, plan: Plan) -> int:
    known = plan.kinds.index(kind) if kind in plan.kinds else len(plan.kinds)
    return len(ACTORS) * known


def _bits(encoded: Encoded, events: Events) -> Ints:
    bits = np.zeros(len(events.occurred), np.int64)
    for position, condition in enumerate(encoded.plan.conditions):
        bits |= _holds(encoded, events, condition).astype(np.int64) << position
    return bits


def _holds(encoded: Encoded, events: Events, condition: Condition) -> npt.NDArray[np.bool_]:
    """For which events a condition holds."""
    column = condition.column
    if isinstance(condition, Present):
        return events.texts[column] >= 0 if condition.is_text else ~np.isnan(events.reals[column])
    if not condition.is_text:
        return np.isin(events.reals[column], condition.values)
    codes, levels = (events.kind, encoded.kinds) if column == "kind" else (events.texts[column], encoded.levels[column])
    return np.array([*(level in condition.values for level in levels), False])[codes]


def _numbers(encoded: Encoded, events: Events) -> Floats:
    plan = encoded.plan
    matrix = np.empty((len(events.occurred), len(plan.numbers) + len(plan.levels)), np.float64)
    for position, name in enumerate(plan.numbers):
        matrix[:, position] = events.reals[name]
    for position, name in enumerate(plan.levels, len(plan.numbers)):
        column = (
            Texts(events.kind, encoded.kinds) if name == "kind" else Texts(events.texts[name], encoded.levels[name])
        )
        codes = encoded.vocabulary.codes(f"events.{name}")
        matrix[:, position] = column.map(codes, float(len(codes)))[column.codes]
    return matrix


def _codes(encoded: Encoded, start: Ints, events: Events) -> Codes:
    plan = encoded.plan
    matrix = np.empty((len(plan.distinct), len(events.occurred)), np.int32)
    for position, name in enumerate(plan.distinct):
        if name == "day":
            number_days(start, events.occurred, DAY, matrix[position])
        elif name == "kind":
            renumber(start, events.kind, len(encoded.kinds), matrix[position])
        else:
            renumber(start, events.texts[name], len(encoded.levels[name]), matrix[position])
    return np.ascontiguousarray(matrix.T)
