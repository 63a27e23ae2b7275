"""Fact tables as arrays: strings become codes once, and any range of entities becomes a block for the kernel."""

from collections.abc import Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from data.clock import DAY
from data.errors import SchemaError
from data.history import History
from data.spine import micros
from features.arrange import by_entity, by_time, itself, renumber
from features.attributes import Profiles, encode_profiles, no_profiles
from features.block import Block, Codes
from features.columns import column_of
from features.events import Events, Packed, pack, read_events, settle
from features.ids import Ids
from features.kernel import OCCURRED, Ints
from features.plan import Plan
from features.vocabulary import Vocabulary


@dataclass(frozen=True)
class Encoded:
    """A history and a spine as arrays, for one plan.

    The events of entity *e* came at ``event_order[event_start[e]:event_start[e + 1]]``, their records stand there in
    ``packed``: by entity, but in order and with their values numbered only after ``make_block``. Its rows likewise.
    """

    plan: Plan
    entities: int
    events: Events
    packed: Packed
    event_start: Ints
    event_order: Codes
    row_start: Ints
    row_order: Codes
    cutoffs: Ints
    profiles: Profiles

    def ranges(self, count: int) -> list[tuple[int, int]]:
        """The entities in at most ``count`` ranges of about equal work."""
        work = self.event_start + 4 * self.row_start
        cuts = np.searchsorted(work, np.linspace(0, work[-1], count + 1))
        cuts[0], cuts[-1] = 0, self.entities
        return [(int(low), int(high)) for low, high in pairwise(cuts) if low < high]

    def scratch(self) -> Codes:
        """What one thread needs to number the codes of a distinct count."""
        return np.full((self.packed.code_count, 2), -1, np.int32)


def encode(
    history: History, spine: pa.Table, plans: Sequence[Plan], vocabulary: Vocabulary, threads: int = 1
) -> list[Encoded]:
    """The arrays of ``history`` for the rows of ``spine`` (lead_id, cutoff), for each plan.

    Events of entities without rows are left out. Raises SchemaError for unknown leads and missing columns.
    """
    ids = Ids(history.leads["lead_id"])
    row_lead = ids.rows(spine["lead_id"], threads)
    unknown = np.flatnonzero(row_lead < 0)
    if len(unknown):
        raise SchemaError(
            f"{len(unknown)} rows of the spine name leads that are not in the leads table (first: "
            f"{spine['lead_id'][int(unknown[0])].as_py()!r}). Expected known leads. Check the ids."
        )
    with ThreadPoolExecutor(max(threads, 1)) as pool:
        event_lead = ids.rows(history.events["lead_id"], threads)
        events = read_events(history.events, plans, event_lead, pool)
        cutoffs = micros(spine["cutoff"])
        return [_encode(history, plan, vocabulary, events, row_lead, cutoffs, pool) for plan in plans]


def _encode(
    history: History,
    plan: Plan,
    vocabulary: Vocabulary,
    events: Events,
    row_lead: Codes,
    cutoffs: Ints,
    pool: Executor,
) -> Encoded:
    entity_of, entities = _entities(history, plan)
    row_start, row_order = by_entity(row_lead, entity_of, entities)
    row_order = _growing(row_start, row_order, cutoffs)
    asked = np.append(np.diff(row_start) > 0, False)
    event_start, event_order = by_entity(events.lead, np.where(asked[entity_of], entity_of, np.int32(-1)), entities)
    own = plan.per == "lead"
    profiles = encode_profiles(history, plan, vocabulary) if own else no_profiles(entities)
    packed = pack(events, plan, vocabulary, micros(history.leads["created_at"]), event_order, pool)
    return Encoded(plan, entities, events, packed, event_start, event_order, row_start, row_order, cutoffs, profiles)


def _growing(row_start: Ints, row_order: Codes, cutoffs: Ints) -> Codes:
    """The rows of each entity by cutoff, as the kernel wants them; mostly they are so as they come."""
    asked = cutoffs[row_order]
    fresh = np.zeros(len(asked) + 1, bool)
    fresh[row_start] = True
    if np.all((np.diff(asked) >= 0) | fresh[1:-1]):
        return row_order
    entity = np.cumsum(fresh[:-1])
    return row_order[np.lexsort((asked, entity))]


def _entities(history: History, plan: Plan) -> tuple[Codes, int]:
    """The entity of each lead, and -1 for the lead -1; how many entities there are."""
    leads = len(history.leads)
    if plan.per == "lead":
        return itself(leads), leads
    account = pc.dictionary_encode(column_of(history.leads, "account_id", "leads").cast(pa.string()))
    chunks = account.unify_dictionaries().chunks
    codes = np.concatenate([np.empty(0, np.int32), *(np.asarray(pc.fill_null(c.indices, -1)) for c in chunks)])
    accounts = len(chunks[0].dictionary) if chunks else 0
    alone = codes < 0
    codes[alone] = accounts + np.arange(alone.sum(), dtype=np.int32)
    return np.append(codes, np.int32(-1)).astype(np.int32), accounts + int(alone.sum())


def make_block(encoded: Encoded, low: int, high: int, scratch: Codes) -> Block:
    """The block of the entities ``low`` to ``high``; ``scratch`` is one thread's alone and made by ``scratch()``."""
    plan, profiles = encoded.plan, encoded.profiles
    first, last = encoded.event_start[low], encoded.event_start[high]
    start, record = encoded.event_start[low : high + 1] - first, encoded.packed.record[first:last]
    _put_in_order(encoded.events, start, record, encoded.event_order[first:last])
    renumber(start, record, plan.first_value, record[:, OCCURRED] // DAY, encoded.packed.offsets, scratch, low)
    rows = encoded.row_order[encoded.row_start[low] : encoded.row_start[high]]
    changes = slice(profiles.change_start[low], profiles.change_start[high])
    return Block(
        start,
        record,
        record.view(np.float64),
        created=profiles.created[low:high],
        fixed=profiles.fixed[low:high],
        change_start=profiles.change_start[low : high + 1] - profiles.change_start[low],
        change_known=profiles.change_known[changes],
        change_field=profiles.change_field[changes],
        change_value=profiles.change_value[changes],
        row_start=encoded.row_start[low : high + 1] - encoded.row_start[low],
        row_cutoff=encoded.cutoffs[rows],
        row_out=rows.astype(np.int64),
    )


def _put_in_order(events: Events, start: Ints, record: Ints, came: Codes) -> None:
    """Put the records of a range of entities, and the positions that they came from, into the total order, in place."""
    order, tie = by_time(start, record)
    tied = np.flatnonzero(tie)
    if len(tied):
        order[tied] = order[tied][settle(events, came[order[tied]], tie[tied])]
    moved = np.flatnonzero(order != np.arange(len(order)))
    record[moved], came[moved] = record[order[moved]], came[order[moved]]
