"""The feature benchmark, on a market so small that only its promises show: peers that agree, figures that add up."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

WRONG_PEER = """
import polars as pl
from benchmarks.peers.polars_streaming import as_arrow, compute as right

def compute(folder, threads):
    return right(folder, threads).with_columns(reply_count=pl.col("reply_count") + (pl.col("row") == 3).cast(pl.Int32))
"""

HARD = """
WITH pairs AS (SELECT *, cutoff - occurred_at AS age FROM spine JOIN events USING (lead_id))
SELECT (SELECT count(*) FROM pairs WHERE occurred_at = cutoff), (SELECT count(*) FROM pairs WHERE age = INTERVAL 7 DAY),
    (SELECT count(*) FROM pairs WHERE occurred_at < cutoff AND known_at >= cutoff),
    (SELECT count(*) FROM spine ANTI JOIN (FROM pairs WHERE known_at < cutoff) USING (lead_id, cutoff)),
    (SELECT count(*) - count(DISTINCT (lead_id, occurred_at)) FROM events)
"""
"""Events on a cutoff, on the edge of a window, and hidden from a row; rows that see nothing; equal times."""


@pytest.fixture(scope="module")
def told(tmp_path_factory) -> dict:
    """What ``--json`` writes after a quick run against all installed peers."""
    path = tmp_path_factory.mktemp("bench") / "told.json"
    command = [sys.executable, "benchmarks/features.py", "--events", "2k", "--quick", "--only", "peers,floor,online"]
    done = subprocess.run([*command, "--json", path], capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    return json.loads(path.read_text())


def test_every_peer_answers_every_feature_as_the_engine_does(told):
    """A peer whose answer differs in one cell ends the command, so a row in the table is an agreement."""
    rows = told["parts"]["peers"]["rows"]
    assert {row["engine"] for row in rows} == {
        *("Readiness", "Polars, streaming"),
        *("DuckDB, packed buckets", "DuckDB, plain SQL", "pandas"),
    }
    assert {row["features"] for row in rows} == {97}


def test_the_speedup_is_that_of_the_best_peer_in_cpu_time(told):
    """speedup_vs_best_peer is the smallest ratio of CPU seconds, out of the rows that are written beside it."""
    ours, *others = told["parts"]["peers"]["rows"]
    assert told["speedup_vs_best_peer"] == pytest.approx(min(row["cpu_s"] for row in others) / ours["cpu_s"])


def test_the_floor_is_the_sum_of_its_parts(told):
    """Scan, sort of the keys and write, each once; the stricter floors differ in the sort alone."""
    (row,) = told["parts"]["floor"]["rows"]
    parts = row["floor"]
    assert row["floor_cpu_s"] == pytest.approx(parts["scan"] + parts["sort"] + parts["write"])
    assert row["coded_floor_cpu_s"] == pytest.approx(parts["scan"] + parts["sort_coded"] + parts["write"])
    assert row["integer_floor_cpu_s"] == pytest.approx(parts["scan"] + parts["sort_integers"] + parts["write"])
    assert told["ratio_to_floor"] == pytest.approx(row["cpu_s"] / row["floor_cpu_s"])


def test_online_latency_is_told_in_milliseconds_for_twenty_events(told):
    """online_ms is the median of one call with 20 events."""
    row = next(row for row in told["parts"]["online"]["rows"] if row["events"] == 20)
    assert told["online_ms"] == pytest.approx(row["median_us"] / 1000)
    assert 0 < row["median_us"] <= row["p99_us"]


def test_what_was_not_measured_is_null(told):
    """A headline figure without its part is null, never 0."""
    assert told["peak_rss_mib"] is None


def test_there_are_as_many_features_as_the_growth_is_measured_with():
    """Each size is a set of different features; without a size they are the 97."""
    from benchmarks.feature_parts import FEATURES
    from benchmarks.feature_questions import questions

    assert [len(questions(count)) for count in FEATURES] == list(FEATURES)
    assert len(questions()) == 97


def test_the_market_holds_what_engines_get_wrong(tmp_path):
    """Events on cutoffs and window edges, equal times, knowledge that came late, rows without any event."""
    import duckdb

    from benchmarks.feature_market import write_market

    write_market(tmp_path, 5_000)
    with duckdb.connect() as connection:
        for name in ("events", "spine"):
            connection.read_parquet(f"{tmp_path}/{name}.parquet").create_view(name)
        found = connection.sql(HARD).fetchall()
    assert min(found[0]) > 0


@pytest.mark.parametrize(
    ("name", "answer", "agrees"),
    [
        ("email_open_count_7d", [2.0, 3.0, np.nan], True),
        ("email_open_count_7d", [2.0, 3.0000002, np.nan], False),
        ("value_sum_7d", [2.0, 3.0000002, np.nan], True),
        ("value_sum_7d", [2.0, 3.0001, np.nan], False),
        ("value_sum_7d", [2.0, 3.0, 0.0], False),
    ],
)
def test_counts_must_be_equal_sums_nearly_and_nothing_is_not_zero(name, answer, agrees):
    """The comparison that guards every time in the table tells right from wrong."""
    from benchmarks.feature_check import disagreement

    ours, theirs = (np.array([column], np.float32).T for column in ([2.0, 3.0, np.nan], answer))
    assert (disagreement(ours, [name], theirs, [name]) is None) == agrees


def test_a_peer_that_is_wrong_in_one_cell_ends_the_command(tmp_path, monkeypatch):
    """No time is told of a peer whose answers differ: the sentence names the peer, the feature and the row."""
    from benchmarks.feature_market import market
    from benchmarks.feature_parts import READINESS
    from benchmarks.feature_runs import STORE, WARM_EVENTS, Engine, side_by_side

    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    (tmp_path / "wrong_peer.py").write_text(WRONG_PEER)
    engines = [READINESS, Engine("wrong_peer", "A wrong peer")]
    with pytest.raises(SystemExit, match=r"A wrong peer .*reply_count differs in 1 of .* \(first: row 3, "):
        side_by_side(engines, market(STORE, WARM_EVENTS), repeats=1, threads=2, check=True)


def test_a_missing_row_is_a_disagreement():
    """Leads without events have rows too: a peer that drops them is told so."""
    from benchmarks.feature_check import disagreement

    ours = np.zeros((3, 1), np.float32)
    assert disagreement(ours, ["reply_count"], ours[:2], ["reply_count"]) == "2 rows. Expected 3."


def test_what_a_first_run_compiles_adds_up():
    """The functions' own seconds, without those that they contain, are the whole compilation; imports stand apart."""
    command = [sys.executable, "-m", "benchmarks.feature_compile", "--repeats", "1"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    told = json.loads(done.stdout)
    for what in ("table", "lead"):
        whole = {name: cost["cpu"] for name, cost in told[what].items()}
        imports, compilation = whole.pop("import"), whole.pop("compilation")
        assert "features.kernel.compute_rows" in whole
        assert imports > 0
        assert sum(whole.values()) == pytest.approx(compilation, abs=0.02)
