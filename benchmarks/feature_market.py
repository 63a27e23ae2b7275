"""Facts for the feature benchmark: leads with power-law histories, events in the order in which they arrived.

Half of the leads have a handful of events, a few have thousands. One event in a hundred lies exactly on a cutoff or on
the far edge of a window, where off-by-one errors live; one in a hundred happens at the very second of another event of
its lead; one in ten is known later than it happened. Everything is written as Parquet in the columns of
``data.tables``.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from data.clock import DAY, SECOND
from data.spine import SPINE
from data.tables import EVENTS, LEADS, TIME

Ints = npt.NDArray[np.int64]

START = 1_672_531_200_000_000
"""2023-01-01, microseconds since 1970."""
CREATED_OVER = 2 * 365 * DAY
ENDS_AT = START + CREATED_OVER + 2_000 * DAY
"""After every event and cutoff (microseconds)."""
KINDS = (
    *("email_open", "page_view", "email_click", "asset_download", "webinar"),
    *("form_submit", "pricing_view", "reply", "demo_request", "call"),
)
SHARES = (0.30, 0.28, 0.12, 0.08, 0.05, 0.05, 0.05, 0.03, 0.01, 0.03)
ITEMS = 5_000
CHANNELS = ("email", "web", "ads", "event", "partner")
INDUSTRIES = ("software", "retail", "health", "finance", "public", "energy", "media", "travel")
MAKER = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:12]
CHUNK = 1_000_000
ROW_GROUP = 125_000
"""Rows of a Parquet row group: readers that go side by side by row group find enough of them."""


@dataclass(frozen=True)
class Market:
    """The files of one market, and how large it is."""

    folder: Path
    events: int
    leads: int
    rows: int


def market(store: Path, events: int, *, cutoffs: int = 0) -> Market:
    """The market of this size under ``store``, written when it is not there yet or was made by other code."""
    folder = store / f"market-{events}-{cutoffs or 'monthly'}"
    account = folder / f"made-by-{MAKER}.json"
    if not account.exists():
        store.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=store, prefix="market-") as scratch:
            made = write_market(Path(scratch), events, cutoffs=cutoffs)
            count = {"events": made.events, "leads": made.leads, "rows": made.rows}
            (made.folder / account.name).write_text(json.dumps(count))
            _move(made.folder, folder)
    return Market(folder, **json.loads(account.read_text()))


def _move(source: Path, folder: Path) -> None:
    """The account comes last: what it tells of is there. Two processes would bring the same bytes."""
    folder.mkdir(exist_ok=True)
    made = sorted(source.iterdir(), key=lambda path: path.suffix == ".json")
    for old in {path.name for path in folder.iterdir()} - {path.name for path in made}:
        (folder / old).unlink(missing_ok=True)
    for path in made:
        path.replace(folder / path.name)


def write_market(folder: Path, events: int, *, cutoffs: int = 0, seed: int = 0) -> Market:
    """About ``events`` events of ``events / 20`` leads, and ``cutoffs`` rows a lead (0: five or six, a month apart)."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    leads = max(events // 20, 1)
    created = START + rng.integers(0, CREATED_OVER // SECOND, leads) * SECOND
    ids = np.array([f"00Q5g00000{lead:08d}" for lead in rng.permutation(leads)], dtype="S18")
    _write_leads(folder / "leads.parquet", ids, created, rng)
    rows = _write_spine(folder / "spine.parquet", ids, created, cutoffs)
    count = _write_events(folder / "events.parquet", ids, created, rng)
    return Market(folder, count, leads, rows)


def _texts(codes: Ints, words: tuple[str, ...]) -> pa.Array:
    return pa.DictionaryArray.from_arrays(pa.array(codes.astype(np.int32)), pa.array(words)).cast(pa.string())


def _ids(ids: npt.NDArray[np.bytes_], positions: Ints) -> pa.Array:
    """Some ids as an Arrow string array, by their bytes: a Python text for each would take minutes."""
    chosen = ids[positions]
    offsets = np.arange(len(chosen) + 1, dtype=np.int32) * 18
    return pa.StringArray.from_buffers(len(chosen), pa.py_buffer(offsets), pa.py_buffer(chosen))


def _write_leads(path: Path, ids: npt.NDArray[np.bytes_], created: Ints, rng: np.random.Generator) -> None:
    schema = LEADS.append(pa.field("industry", pa.string())).append(pa.field("employees", pa.float64()))
    count = len(ids)
    industry = _texts(rng.integers(0, len(INDUSTRIES), count), INDUSTRIES)
    employees = pa.array(np.floor(rng.lognormal(4, 1.5, count)), mask=rng.random(count) < 0.2)
    every = _ids(ids, np.arange(count))
    columns = [every, pa.array(created, TIME), pa.nulls(count, pa.string()), industry, employees]
    pq.write_table(pa.table(columns, schema=schema), path, compression="zstd")


def _write_spine(path: Path, ids: npt.NDArray[np.bytes_], created: Ints, cutoffs: int) -> int:
    leads = np.arange(len(ids))
    count = np.full(len(ids), cutoffs) if cutoffs else 5 + leads % 2
    step = 30 * DAY if not cutoffs or cutoffs <= 12 else 360 * DAY // cutoffs // SECOND * SECOND
    lead = np.repeat(leads, count)
    nth = np.arange(len(lead)) - np.repeat(np.cumsum(count) - count, count) + 1
    at = created[lead] + nth * step
    order = np.argsort(at, kind="stable")
    with pq.ParquetWriter(path, SPINE, compression="zstd") as writer:
        for part in np.array_split(order, max(1, len(order) // CHUNK)):
            table = pa.table([_ids(ids, lead[part]), pa.array(at[part], TIME)], schema=SPINE)
            writer.write_table(table, row_group_size=ROW_GROUP)
    return len(lead)


def _write_events(path: Path, ids: npt.NDArray[np.bytes_], created: Ints, rng: np.random.Generator) -> int:
    count = np.minimum((rng.pareto(1.3, len(ids)) + 1.0) * 5.0, 5_500).astype(np.int64)
    lead = np.repeat(np.arange(len(ids), dtype=np.int32), count)
    age = rng.exponential(70.0, len(lead)) * rng.choice([0.3, 1.0, 2.0], len(lead))
    occurred = created[lead] + (age * DAY).astype(np.int64) // SECOND * SECOND
    edge = np.flatnonzero(rng.random(len(lead)) < 0.01)
    back = rng.choice([0, 1, 7, 30, 90], len(edge)) * DAY
    occurred[edge] = created[lead[edge]] + rng.integers(3, 6, len(edge)) * 30 * DAY - back
    again = 1 + np.flatnonzero((rng.random(len(lead) - 1) < 0.01) & (lead[1:] == lead[:-1]))
    occurred[again] = occurred[again - 1]
    order = np.argsort(occurred, kind="stable")
    schema = EVENTS.append(pa.field("channel", pa.string()))
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for part in _parts(order):
            table = _events(ids, lead[part].astype(np.int64), occurred[part], rng).cast(schema)
            writer.write_table(table, row_group_size=ROW_GROUP)
    return len(lead)


def _parts(order: Ints) -> Iterator[Ints]:
    yield from (order[start : start + CHUNK] for start in range(0, len(order), CHUNK))


def _events(ids: npt.NDArray[np.bytes_], lead: Ints, occurred: Ints, rng: np.random.Generator) -> pa.Table:
    count = len(lead)
    kind = rng.choice(len(KINDS), count, p=SHARES)
    late = np.where(rng.random(count) < 0.1, (rng.exponential(2.0, count) * DAY).astype(np.int64), 0)
    actor = np.where(kind == KINDS.index("call"), 2, np.where(rng.random(count) < 0.1, 1, 0))
    no_value = (kind < 3) & (rng.random(count) < 0.7)
    value = pa.array(rng.integers(1, 400, count) / 4.0, mask=no_value)
    item = np.minimum(rng.zipf(1.3, count), ITEMS)
    columns = {
        "lead_id": _ids(ids, lead),
        "kind": _texts(kind, KINDS),
        "occurred_at": pa.array(occurred, TIME),
        "known_at": pa.array(occurred + late, TIME),
        "event_id": pa.nulls(count, pa.string()),
        "actor": _texts(actor, ("lead", "marketing", "sales")),
        "value": value,
        "item": _texts(item, tuple(f"item-{number:04d}" for number in range(ITEMS + 1))),
        "channel": _texts(rng.integers(0, len(CHANNELS), count), CHANNELS),
    }
    return pa.table(columns)
