"""Every open lead as a table: to the last bit what the scorer answers for each of them alone."""

import pyarrow as pa
import pytest

from data.clock import DAY
from data.spine import micros
from features.local import compute
from features.partition import open_leads
from models.bundle import read_bundle
from models.folder import read_folder
from models.histories import lead_histories
from models.scorer import Scorer
from models.snapshot import ScoreWork, score_features, score_history, score_schema

REASONS = ("reason_1", "reason_2", "reason_3")


@pytest.mark.parametrize("earlier", [0, 100 * DAY])
def test_the_table_says_what_the_scorer_says(earlier, trial, bundle_folder):
    """Readiness on every horizon, index, decision, its sentence and the reasons: the same bits, the same words."""
    bundle = read_bundle(bundle_folder)
    at = trial.history.ends_at - earlier
    table = score_history(bundle, trial.history, at, version="7", threads=1)
    scorer, rows = Scorer(bundle), table.to_pylist()
    assert len(rows) > 50
    assert {"hand off", "nurture"} <= {row["decision"] for row in rows} <= {"hand off", "nurture", "let go"}
    assert not [row for row in rows if (row["next_date"] is None) == (row["decision"] == "nurture")]
    for row, lead in zip(rows, lead_histories(trial.history, table["lead_id"].to_pylist()), strict=True):
        score = scorer.score(lead, at)
        assert row["readiness"] == score.readiness
        assert [row[f"readiness_{name}"] for name in score.horizons] == list(score.horizons.values())
        assert (row["index"], row["decision"], row["decision_reason"]) == (
            score.index,
            score.decision,
            score.decision_reason,
        )
        assert row["next_date"] is None or int(row["next_date"].timestamp() * 1e6) == score.next_at
        assert [row[name] for name in REASONS if row[name]] == [reason.text for reason in score.reasons]
        assert (row["model_version"], row["bundle_id"]) == ("7", bundle.bundle_id)


def test_the_rows_are_the_leads_that_were_open(trial, bundle_folder):
    """Created by then, not closed by what was known then, each once, in the order of their ids."""
    bundle = read_bundle(bundle_folder)
    at = trial.history.ends_at - 60 * DAY
    found = score_history(bundle, trial.history, at, reasons=0)
    created = dict(
        zip(trial.history.leads["lead_id"].to_pylist(), micros(trial.history.leads["created_at"]), strict=True)
    )
    closed = {
        row["lead_id"]
        for row in trial.history.outcomes.select(["lead_id", "kind"])
        .append_column("occurred", pa.array(micros(trial.history.outcomes["occurred_at"])))
        .append_column("known", pa.array(micros(trial.history.outcomes["known_at"])))
        .to_pylist()
        if row["kind"] in bundle.contract.ready.terminal and row["occurred"] < at and row["known"] < at
    }
    assert found["lead_id"].to_pylist() == sorted(
        lead for lead, moment in created.items() if moment <= at and lead not in closed
    )
    assert found.schema == score_schema(bundle)
    assert found["reason_1"].null_count == len(found)


def test_nobody_is_open_before_the_first_lead(trial, bundle_folder):
    """A moment before every lead gives a table of the same columns without rows."""
    bundle = read_bundle(bundle_folder)
    first = int(micros(trial.history.leads["created_at"]).min())
    assert score_history(bundle, trial.history, first - 1).equals(score_schema(bundle).empty_table())


def test_a_bucket_is_scored_like_the_whole(trial, bundle_folder):
    """The work that a cluster does, with the bundle as bytes, gives the rows of the table."""
    files, bundle_id = read_folder(bundle_folder)
    at = trial.history.ends_at
    whole = score_history(read_bundle(bundle_folder), trial.history, at, version="7", reasons=2)
    work = ScoreWork(tuple(files.items()), bundle_id, "7", at, 2)
    assert work(trial.history, None).equals(whole)


def test_a_feature_table_is_scored_without_events(trial, bundle_folder):
    """Readiness and index are those of the whole table; the decision and the reasons need events, and are not there."""
    bundle = read_bundle(bundle_folder)
    at = trial.history.ends_at
    spine = open_leads(trial.history, bundle.contract.ready, at)
    scored = score_features(bundle, compute(trial.history, spine, bundle.feature_set, bundle.vocabulary))
    whole = score_history(bundle, trial.history, at, reasons=0)
    assert scored.equals(whole.select(scored.column_names))
    assert set(whole.column_names) - set(scored.column_names) == {"decision", "decision_reason", "next_date", *REASONS}
