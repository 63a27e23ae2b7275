"""Every open lead at one moment, scored as a table: column by column what ``models.scorer`` answers for each alone."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from data.history import History
from data.spine import micros, positions
from data.tables import TIME
from features.local import FeatureTable, compute
from features.partition import open_leads
from models.bundle import Bundle, parse_bundle
from models.evidence import Evidence
from models.evidence_rows import evidence_rows
from models.histories import lead_histories
from models.index import index_of
from models.reasons import REASONS, Teller
from models.states import DECISIONS, Look, Standing, begin, step

LEADS_OF_A_PIECE = 4_096
"""So many leads are held as plain values at a time while their reasons are told."""

Progress = Callable[[str, float], None]


@dataclass(frozen=True)
class ScoreWork:
    """What is done to a bucket to score its open leads at ``at`` (microseconds); the bundle travels as its files."""

    files: tuple[tuple[str, bytes], ...]
    bundle_id: str
    version: str | None
    at: int
    reasons: int

    def __call__(self, bucket: History, listed: pa.Table) -> pa.Table:
        """The scores of the bucket, sorted by lead_id."""
        del listed
        bundle = _bundle(self.files, self.bundle_id)
        return score_history(bundle, bucket, self.at, version=self.version, reasons=self.reasons, threads=1)


@lru_cache(maxsize=2)
def _bundle(files: tuple[tuple[str, bytes], ...], bundle_id: str) -> Bundle:
    return parse_bundle(dict(files), bundle_id, Path())


def score_history(
    bundle: Bundle,
    history: History,
    at: int,
    *,
    version: str | None = None,
    reasons: int = REASONS,
    threads: int = 0,
    progress: Progress | None = None,
) -> pa.Table:
    """One row for each lead that was open at ``at`` (microseconds), sorted by lead_id.

    Columns as ``score_schema`` lists them; ``reasons`` so many at the most are told, 0 spares their cost.
    """
    tell = progress or (lambda _label, _share: None)
    spine = open_leads(history, bundle.contract.ready, at)
    tell("computing features", 0.0)
    table = compute(
        history,
        spine,
        bundle.feature_set,
        bundle.vocabulary,
        threads=threads,
        progress=lambda done, total: tell("computing features", done / max(total, 1)),
    )
    tell("scoring", 0.0)
    scored = score_features(bundle, table, version=version)
    standings = _standings(bundle, history, scored, at)
    told = _reasons(bundle, history, table, at, reasons, tell) if reasons else [()] * len(table.spine)
    more = {
        "decision": pa.array([DECISIONS[standing.state] for standing in standings], pa.string()),
        "decision_reason": pa.array([standing.reason for standing in standings], pa.string()),
        "next_date": pa.array([standing.next_at for standing in standings], TIME),
        **{
            f"reason_{k + 1}": pa.array([t[k] if k < len(t) else None for t in told], pa.string())
            for k in range(REASONS)
        },
    }
    columns = {**{name: scored[name] for name in scored.column_names}, **more}
    return pa.table([columns[name] for name in score_schema(bundle).names], schema=score_schema(bundle))


def score_features(bundle: Bundle, table: FeatureTable, *, version: str | None = None) -> pa.Table:
    """The scores of a feature table, row for row: all but the decision and the reasons, which need the events."""
    said = bundle.model.predict(table.matrix)
    primary = np.ascontiguousarray(said[:, bundle.model.horizons.index(bundle.model.primary)])
    count = len(table.spine)
    columns = {
        "lead_id": table.spine["lead_id"],
        "as_of": table.spine["cutoff"],
        "readiness": primary,
        **{f"readiness_{name}": said[:, k] for k, name in enumerate(bundle.horizon_names)},
        "index": index_of(primary, bundle.contract.index),
        "model_version": pa.array([version] * count, pa.string()),
        "bundle_id": pa.array([bundle.bundle_id] * count, pa.string()),
    }
    return pa.table(list(columns.values()), schema=pa.schema([score_schema(bundle).field(name) for name in columns]))


def score_schema(bundle: Bundle) -> pa.Schema:
    """The columns of a table of scores: readiness on the primary horizon and on each, index, decision, reasons."""
    decided = [("decision", pa.string()), ("decision_reason", pa.string()), ("next_date", TIME)]
    texts = (*(f"reason_{k + 1}" for k in range(REASONS)), "model_version", "bundle_id")
    numbers = ("readiness", *(f"readiness_{name}" for name in bundle.horizon_names), "index")
    return pa.schema(
        [
            pa.field("lead_id", pa.string()),
            pa.field("as_of", TIME),
            *(pa.field(name, pa.float64()) for name in numbers),
            *(pa.field(name, kind) for name, kind in decided),
            *(pa.field(name, pa.string()) for name in texts),
        ]
    )


def _standings(bundle: Bundle, history: History, scored: pa.Table, at: int) -> list[Standing]:
    """Where each lead would stand if nobody had looked at it since its creation."""
    policy = bundle.policy
    spine = scored.select(["lead_id", "as_of"]).rename_columns(["lead_id", "cutoff"])
    seen = evidence_rows(history, spine, policy.evidence_window).tolist()
    created = micros(history.leads["created_at"])[positions(spine["lead_id"], history.leads["lead_id"])].tolist()
    deciding = scored[f"readiness_{bundle.horizon_names[bundle.deciding]}"].to_pylist()
    found = []
    for lead_id, one, counts, born in zip(spine["lead_id"].to_pylist(), deciding, seen, created, strict=True):
        look = Look.at(policy, lead_id, at, one, Evidence(*counts))
        found.append(step(policy, begin(policy, born), look, at)[0])
    return found


def _reasons(
    bundle: Bundle, history: History, table: FeatureTable, at: int, count: int, tell: Progress
) -> list[tuple[str, ...]]:
    """The texts of the reasons of each row."""
    moment = pa.scalar(at, TIME)
    past = replace(history, events=history.events.filter(pc.less(history.events["known_at"], moment)))
    found: list[tuple[str, ...]] = []
    teller = Teller(bundle.feature_set)
    for rows in _pieces(len(table.spine)):
        leads = lead_histories(past, table.spine["lead_id"].slice(rows.start, len(rows)).to_pylist())
        matrix = table.matrix[rows.start : rows.stop]
        for lead, row, pushes in zip(leads, matrix, bundle.model.explain(matrix), strict=True):
            told = teller.reasons(row, pushes, lead, at, count)
            found.append(tuple(reason.text for reason in told))
        tell("telling reasons", rows.stop / len(table.spine))
    return found


def _pieces(count: int) -> Iterator[range]:
    return (range(k, min(k + LEADS_OF_A_PIECE, count)) for k in range(0, count, LEADS_OF_A_PIECE))
