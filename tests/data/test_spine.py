from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.errors import ContractError, SchemaError
from data.sections import Ready, Spine
from data.spine import SPINE, build_spine, micros
from data.tables import TIME

READY = Ready(outcome=("won",), terminal=("won", "lost"), horizons=(30,), primary=30)
HERE = Path()


def pairs(spine):
    """The rows of a spine as plain pairs."""
    return list(zip(spine["lead_id"].to_pylist(), micros(spine["cutoff"]).tolist(), strict=True))


@given(
    st.lists(st.tuples(st.integers(0, 200), st.none() | st.integers(0, 300)), min_size=1, max_size=8),
    st.integers(1, 60),
    st.integers(-50, 150),
)
@settings(max_examples=200, deadline=None)
def test_a_periodic_spine_asks_about_open_leads_at_every_step(make_history, leads, every, start):
    """Exactly the steps of the grid from the lead's creation up to its closing or the end of the history."""
    facts = make_history(
        [(f"L{i}", created) for i, (created, _) in enumerate(leads)],
        outcomes=[(f"L{i}", "lost", created + gap) for i, (created, gap) in enumerate(leads) if gap is not None],
        ends_at=400,
    )
    expected = []
    for cutoff in range(start, 401, every):
        for i, (created, gap) in enumerate(leads):
            closed_before = gap is not None and created + gap < cutoff
            if created <= cutoff and not closed_before:
                expected.append((f"L{i}", cutoff))
    spine = build_spine(Spine(every=every, **{"from": start}), READY, facts, HERE)
    assert pairs(spine) == expected


def test_repeated_outcomes_that_are_not_terminal_leave_the_lead_open(make_history):
    """A customer who ordered is asked about again."""
    ready = Ready(outcome=("order",), repeatable=True, horizons=(30,), primary=30)
    facts = make_history([("a", 0)], outcomes=[("a", "order", 5), ("a", "order", 15)])
    assert pairs(build_spine(Spine(at=(10, 20)), ready, facts, HERE)) == [("a", 10), ("a", 20)]


def test_cutoffs_after_a_moment_of_the_lead(make_history):
    """``after`` counts from the lead's own creation; a lead closed by then is not asked about."""
    facts = make_history([("a", 100), ("b", 200)], outcomes=[("b", "won", 205)])
    assert pairs(build_spine(Spine(after=(0, 10)), READY, facts, HERE)) == [("a", 100), ("a", 110), ("b", 200)]


def test_only_leads_who_were_seen_doing_something(make_history):
    """``seen`` asks for a known event of a kind before the cutoff: one known late does not count yet."""
    facts = make_history(
        [("a", 0), ("b", 0), ("c", 0)], [("a", "order", 5, 5), ("b", "order", 5, 20), ("c", "click", 5, 5)]
    )
    assert pairs(build_spine(Spine(at=(20,), seen=("order",)), READY, facts, HERE)) == [("a", 20)]
    assert pairs(build_spine(Spine(at=(21,), seen=("order",)), READY, facts, HERE)) == [("a", 21), ("b", 21)]


def test_a_spine_file_is_read_once_each_and_only_for_open_leads(make_history, tmp_path):
    """Rows of a file are deduplicated and sorted; closed leads fall out."""
    rows = {"lead_id": ["b", "a", "a", "b"], "cutoff": pa.array([30, 20, 20, 50], TIME)}
    pq.write_table(pa.table(rows), tmp_path / "spine.parquet")
    facts = make_history([("a", 0), ("b", 0)], outcomes=[("b", "won", 40)])
    spine = build_spine(Spine(file="spine.parquet"), READY, facts, tmp_path)
    assert pairs(spine) == [("a", 20), ("b", 30)]
    assert spine.schema == SPINE


def test_a_spine_file_with_strangers_is_refused(make_history, tmp_path):
    """Leads that are not in the table are counted, and the first is named."""
    (tmp_path / "spine.csv").write_text("lead_id,cutoff\nzed,2026-01-01T00:00:00Z\n")
    with pytest.raises(SchemaError, match=r"1 rows name leads.*'zed'"):
        build_spine(Spine(file="spine.csv"), READY, make_history([("a", 0)]), tmp_path)


def test_a_spine_file_with_naive_times_is_refused(make_history, tmp_path):
    """A cutoff needs a zone."""
    (tmp_path / "spine.csv").write_text("lead_id,cutoff\na,2026-01-01T00:00:00\n")
    with pytest.raises(SchemaError, match="with a zone"):
        build_spine(Spine(file="spine.csv"), READY, make_history([("a", 0)]), tmp_path)


def test_a_snapshot_beyond_the_history_is_refused(make_history):
    """Nobody can be asked about at a moment that the history does not reach."""
    with pytest.raises(ContractError, match="beyond the end of the history"):
        build_spine(Spine(at=(10**10,)), READY, make_history([("a", 0)]), HERE)


def test_an_unknown_time_column_is_refused(make_history):
    """``after_column`` names a time of the leads, and the error lists them."""
    with pytest.raises(ContractError, match="created_at"):
        build_spine(Spine(after=(1,), after_column="start"), READY, make_history([("a", 0)]), HERE)


def test_the_spine_does_not_depend_on_the_order_of_the_tables(make_history):
    """Rows are sorted by cutoff and lead, whatever the order of the facts."""
    leads, lost = [("b", 0), ("a", 3), ("c", 1)], [("c", "lost", 25), ("a", "lost", 12)]
    forward = build_spine(Spine(every=10), READY, make_history(leads, outcomes=lost, ends_at=50), HERE)
    backward = build_spine(Spine(every=10), READY, make_history(leads[::-1], outcomes=lost[::-1], ends_at=50), HERE)
    assert forward.equals(backward)
