"""The served scores of a store as a table, and its facts as they were known at a moment."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import Column, Connection, Row, Table, func, null, select

from data.check import check
from data.clock import DAY, WEEK
from data.contract import Contract
from data.history import History
from data.tables import TIME
from serving.store.tables import scores, shadow_scores
from training.watching.told import as_told

BATCH_ROWS = 50_000
IN_THE_SHADOW = "in the shadow"
ASKED_LATER = DAY
"""A score about a moment that lay further back than this when it was asked for told nobody anything then."""


def reach_of(contract: Contract) -> int:
    """How far back served scores are looked at (microseconds)."""
    return max(contract.ready.horizons) + contract.ready.reporting_lag + contract.watch.look_back


def facts_of(contract: Contract, url: str, moment: int) -> History:
    """The facts of the store at ``url`` as known just before ``moment``, which is their end: silence is known too.

    Raises SchemaError where there is no store, or no lead in it.
    """
    source = contract.source.model_copy(update={"kind": "store", "url": url, "history_end": None})
    history = check(contract.model_copy(update={"source": source})).history
    return replace(history.upto(moment), ends_at=moment)


def served(connection: Connection, since: int, until: int) -> pa.Table:
    """The scores served in [since, until), as ``training.watching.told`` has them.

    Of each lead the first one in each week, by each version: the database leaves out the others.
    """
    return _first_of_each_week(connection, scores, scores.c.model_version, since, until)


def in_the_shadow(connection: Connection, since: int, until: int) -> pa.Table:
    """The same of the scores that versions in the shadow made beside those, and told nobody.

    A version is named as being in the shadow: it may serve later, and is judged apart then.
    """
    found = _first_of_each_week(connection, shadow_scores, shadow_scores.c.version, since, until)
    named = pc.binary_join_element_wise(found["version"], IN_THE_SHADOW, " ")
    return found.set_column(found.column_names.index("version"), "version", named)


def _first_of_each_week(
    connection: Connection, table: Table, version: "Column[str]", since: int, until: int
) -> pa.Table:
    lead_id, as_of, score_id, bundle_id, scored_at = (
        table.c[name] for name in ("lead_id", "as_of", "score_id", "bundle_id", "scored_at")
    )
    first = (
        select(func.min(score_id))  # ids of later moments sort after it
        .where(scored_at >= since, scored_at < until, as_of >= scored_at - ASKED_LATER)
        .group_by(lead_id, bundle_id, version, as_of // WEEK)
    )
    chance = table.c.propensity if "propensity" in table.c else null()
    columns = (lead_id, as_of, version, bundle_id, table.c.decision, chance, table.c.horizons)
    wanted = select(*columns).where(score_id.in_(first)).order_by(lead_id, as_of)
    streamed = connection.execution_options(stream_results=True, yield_per=BATCH_ROWS)
    parts = [_table(rows) for rows in streamed.execute(wanted).partitions()]
    return pa.concat_tables([_NOTHING, *parts], promote_options="default")


_NOTHING = pa.schema(
    [
        ("lead_id", pa.string()),
        ("as_of", TIME),
        ("version", pa.string()),
        ("decision", pa.string()),
        ("propensity", pa.float64()),
    ]
).empty_table()


def _table(rows: Sequence[Row[tuple[object, ...]]]) -> pa.Table:
    lead_id, as_of, version, bundle_id, decision, chance, horizons = zip(*rows, strict=True)
    return as_told(
        pa.table(
            {
                "lead_id": pa.array(lead_id, pa.string()),
                "as_of": pa.array(as_of, pa.int64()).cast(TIME),
                "model_version": pa.array(version, pa.string()),
                "bundle_id": pa.array(bundle_id, pa.string()),
                "decision": pa.array(decision, pa.string()),
                "propensity": pa.array(chance, pa.float64()),
                **dict(_horizons([json.loads(str(text)) for text in horizons])),
            }
        )
    )


def _horizons(told: Sequence[dict[str, float]]) -> Iterator[tuple[str, pa.Array]]:
    for name in dict.fromkeys(name for one in told for name in one):
        yield f"readiness_{name}", pa.array([one.get(name) for one in told], pa.float64())
