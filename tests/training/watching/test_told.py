"""Served scores as a table: the columns of `readiness score`, and which scores count."""

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.clock import DAY, WEEK
from data.errors import SchemaError
from data.tables import TIME
from training.watching.told import as_told, versions, weekly


def scores(rows, **more):
    """Rows of (lead, as_of in days, version) as `readiness score` writes them."""
    leads, days, numbers = zip(*rows, strict=True)
    return pa.table(
        {
            "lead_id": pa.array(leads, pa.string()),
            "as_of": pa.array([int(day * DAY) for day in days], pa.int64()).cast(TIME),
            "readiness_30d": pa.array([0.1 * k for k in range(len(rows))], pa.float64()),
            "model_version": pa.array(numbers, pa.string()),
            "bundle_id": pa.array(["abcdef0123456789"] * len(rows), pa.string()),
            **more,
        }
    )


def test_a_version_without_a_number_is_named_by_its_bundle():
    """Null or empty: the first letters of the bundle's id."""
    assert as_told(scores([("a", 0, "3"), ("a", 0, ""), ("a", 0, None)]))["version"].to_pylist() == [
        "3",
        "abcdef01",
        "abcdef01",
    ]


def test_a_decision_may_be_missing():
    """Scores that were told nobody decide nothing."""
    assert as_told(scores([("a", 0, "3")]))["decision"].to_pylist() == [None]


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 40), st.sampled_from("12")), min_size=1, max_size=40))
def test_the_first_score_of_a_lead_in_a_week_counts(rows):
    """For each version; among the same moments one. The oracle goes through them one by one."""
    told = as_told(scores(rows))
    first = {}
    for lead, day, version in sorted(rows, key=lambda row: row[1]):
        first.setdefault((version, lead, day * DAY // WEEK), day)
    found = weekly(told)
    columns = [found["version"].to_pylist(), found["lead_id"].to_pylist(), found["as_of"].cast("int64").to_pylist()]
    keys = zip(*columns, strict=True)
    assert sorted(keys) == sorted((version, lead, day * DAY) for (version, lead, _), day in first.items())


def test_versions_come_with_the_latest_first():
    """By when they last told something."""
    told = as_told(scores([("a", 1, "1"), ("a", 9, "2"), ("a", 5, "1")]))
    assert [(version, len(rows)) for version, rows in versions(told)] == [("2", 1), ("1", 2)]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda table: table.drop_columns(["bundle_id"]), "Expected lead_id, as_of, model_version, bundle_id"),
        (lambda table: table.drop_columns(["readiness_30d"]), "and readiness_90d"),
        (
            lambda table: table.set_column(1, "as_of", table["as_of"].cast(pa.timestamp("us"))),
            "Expected times with a zone",
        ),
    ],
)
def test_what_is_no_table_of_scores_is_one_sentence(change, sentence):
    """What was found, and what is expected."""
    with pytest.raises(SchemaError, match=sentence):
        as_told(change(scores([("a", 0, "3")])))
