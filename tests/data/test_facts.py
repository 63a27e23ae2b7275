"""Checked facts in a folder: what is written is read, whole and piece by piece, whoever wrote the files."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data.errors import SchemaError
from data.facts import ROWS_OF_A_GROUP, conformed, open_facts, write_facts
from data.tables import SCHEMAS, TIME


@pytest.fixture
def history(make_history):
    """Two leads, a few events and an outcome; the history ends at 2,000."""
    events = [("a", "open", k, k + 1) for k in range(10)] + [("b", "view", 5, 5)]
    return make_history([("a", 7), ("b", 3)], events, [("a", "won", 900)], ends_at=2_000)


def test_what_is_written_is_read(history, tmp_path):
    """Every table, every type, and the end of the history."""
    facts = write_facts(history, tmp_path / "facts")
    assert facts == open_facts(str(tmp_path / "facts"))
    back = facts.history()
    assert back.ends_at == 2_000
    for name in SCHEMAS:
        assert getattr(back, name).equals(getattr(history, name)), name
    assert (facts.rows("events"), facts.rows("accounts"), facts.first("leads", "created_at")) == (11, 0, 3)


def test_pieces_are_whole_row_groups(history, tmp_path):
    """Pieces hold about as many rows as asked for, and together every row once."""
    facts = write_facts(history, tmp_path)
    pq.write_table(history.events, tmp_path / "events.parquet", row_group_size=2)
    pieces = facts.pieces("events", 4)
    assert [piece.rows for piece in pieces] == [4, 4, 3]
    together = pa.concat_tables([facts.read("events", piece) for piece in pieces])
    assert together.equals(history.events)
    assert ROWS_OF_A_GROUP < 10**6


@pytest.mark.parametrize("folder", ["events", "events.parquet"])
def test_part_files_of_others(history, tmp_path, folder):
    """A folder of part files in other types of the same meaning; marks of whoever wrote them are no parts."""
    write_facts(history, tmp_path)
    (tmp_path / "events.parquet").unlink()
    (tmp_path / folder).mkdir()
    nanos = pa.timestamp("ns", "UTC")
    other = history.events.drop_columns(["event_id", "value", "item"])
    for name in ("occurred_at", "known_at"):
        place = other.schema.get_field_index(name)
        other = other.set_column(place, name, other[name].cast(nanos))
    other = other.append_column("score", pa.array([1] * 11, pa.int32()))
    pq.write_table(other.slice(0, 6), tmp_path / folder / "part-0.parquet")
    pq.write_table(other.slice(6).drop_columns(["score"]), tmp_path / folder / "part-1.parquet")
    (tmp_path / folder / "_SUCCESS").write_text("")
    events = open_facts(str(tmp_path)).history().events
    assert events["occurred_at"].equals(history.events["occurred_at"])
    assert events.schema.field("occurred_at").type == TIME
    assert events["score"].to_pylist() == [1.0] * 6 + [None] * 5
    assert events["value"].null_count == 11


def test_what_is_missing_is_said(history, tmp_path):
    """Without a table, or without an end, a folder is no folder of facts; the contract may say the end."""
    write_facts(history, tmp_path)
    (tmp_path / "facts.json").unlink()
    with pytest.raises(SchemaError, match="history_end"):
        open_facts(str(tmp_path))
    assert open_facts(str(tmp_path), 3_000).ends_at == 3_000
    (tmp_path / "outcomes.parquet").unlink()
    with pytest.raises(SchemaError, match=r"has no outcomes.parquet \(1 of 3"):
        open_facts(str(tmp_path), 3_000)


def test_what_cannot_be_a_fact_is_said(history):
    """Columns that are not there, nulls where there may be none, types that mean nothing."""
    with pytest.raises(SchemaError, match="no column 'actor'"):
        conformed("events", history.events.drop_columns(["actor"]))
    holes = history.leads.set_column(0, "lead_id", pa.array(["a", None]))
    with pytest.raises(SchemaError, match="1 of 2 rows have no lead_id"):
        conformed("leads", holes)
    with pytest.raises(SchemaError, match="created_at is string"):
        conformed("leads", history.leads.set_column(1, "created_at", pa.array(["x", "y"])))
    lists = history.leads.append_column("tags", pa.array([["x"], []]))
    with pytest.raises(SchemaError, match="tags is list"):
        conformed("leads", lists)
