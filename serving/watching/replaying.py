"""Served scores computed again in batch from the facts as they were known then: the same to the last bit.

A score was made from one lead's own rows, as the service reads them; here the tables of the whole store go through the
check and the engine of training. The fingerprint that was kept with a score says whether the facts that count at its
moment are still those that it was made from: where others arrived later, there is nothing to compare.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from sqlalchemy import Connection, select

from data.history import History
from data.spine import SPINE
from data.tables import TIME
from features.local import compute
from models.bundle import Bundle
from serving.deciding.histories import UnknownLead, read_history
from serving.deciding.needs import needs_of
from serving.store.tables import scores
from training.watching.watch import Replayed

SPREAD = 20
"""One in so many of the latest scores is computed again."""

Score = Mapping[str, Any]
Find = Callable[[str, str], Bundle | None]
"""The bundle of an id and a version's number, None where it is not at hand."""


def replayed(connection: Connection, history: History, find: Find, until: int, count: int) -> Replayed:
    """``count`` of the latest scores served before ``until`` (microseconds), computed again from ``history``.

    ``history`` is that of the same store. Scores of what a request brought along are left out: its facts were not kept.
    """
    differing: list[str] = []
    compared = changed = impossible = 0
    for (bundle_id, version), rows in _by_bundle(_drawn(connection, until, count)).items():
        bundle = find(bundle_id, version)
        if bundle is None:
            impossible += len(rows)
            continue
        known = set(history.leads["lead_id"].to_pylist())
        whole = [row for row in rows if row["lead_id"] in known and _is_as_it_was(connection, bundle, row)]
        compared, changed = compared + len(whole), changed + len(rows) - len(whole)
        differing += _differing(bundle, history, whole)
    return Replayed(compared, len(differing), min(differing, default=None), changed, impossible)


def _drawn(connection: Connection, until: int, count: int) -> list[Score]:
    latest = (
        select(scores.c.score_id)
        .where(scores.c.scored_at < until, scores.c.cause != "payload")
        .order_by(scores.c.scored_at.desc(), scores.c.score_id.desc())
        .limit(count * SPREAD)
    )
    ids = list(connection.execute(latest).scalars())
    if not ids or not count:
        return []
    spread = np.unique(np.linspace(0, len(ids) - 1, min(count, len(ids))).astype(int)).tolist()
    columns = ("score_id", "lead_id", "as_of", "inputs", "horizons", "bundle_id", "model_version")
    wanted = select(*(scores.c[name] for name in columns)).where(scores.c.score_id.in_([ids[at] for at in spread]))
    return [dict(row) for row in connection.execute(wanted.order_by(scores.c.score_id)).mappings()]


def _by_bundle(rows: Iterable[Score]) -> dict[tuple[str, str], list[Score]]:
    found: dict[tuple[str, str], list[Score]] = {}
    for row in rows:
        found.setdefault((row["bundle_id"], row["model_version"]), []).append(row)
    return found


def _is_as_it_was(connection: Connection, bundle: Bundle, row: Score) -> bool:
    """Whether the facts that count at the moment of a score are those that it was made from."""
    try:
        read = read_history(connection, row["lead_id"], row["as_of"], needs_of(bundle))
    except UnknownLead:
        return False
    return bool(read.inputs == row["inputs"])


def _differing(bundle: Bundle, history: History, rows: Sequence[Score]) -> list[str]:
    """The ids of those whose readiness within any horizon comes out otherwise."""
    if not rows:
        return []
    asked = [[row["lead_id"] for row in rows], pa.array([row["as_of"] for row in rows], pa.int64()).cast(TIME)]
    table = compute(history, pa.table(asked, schema=SPINE), bundle.feature_set, bundle.vocabulary)
    again = bundle.model.predict(table.matrix)
    return [
        row["score_id"]
        for row, said in zip(rows, again, strict=True)
        if json.loads(row["horizons"]) != dict(zip(bundle.horizon_names, said.tolist(), strict=True))
    ]
