"""Buckets: the same id goes to the same bucket, whatever holds it, and ids spread evenly."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.errors import SchemaError
from features.buckets import bucket_of, bucket_of_text, hash_ids
from features.ids import Ids

ALL_64 = 2**64 - 1
any_speed = settings(deadline=None)


def specified(text: str) -> int:
    """The hash in Python's integers, as its docstring tells it."""
    letters = text.encode()
    state = len(letters) * 0x9E3779B97F4A7C15 & ALL_64
    whole = len(letters) // 8 * 8
    for at in range(0, whole, 8):
        state = (state ^ int.from_bytes(letters[at : at + 8], "little")) * 0xBF58476D1CE4E5B9 & ALL_64
        state ^= state >> 32
    state ^= int.from_bytes(letters[whole:], "little")
    state = (state ^ state >> 30) * 0xBF58476D1CE4E5B9 & ALL_64
    state = (state ^ state >> 27) * 0x94D049BB133111EB & ALL_64
    return state ^ state >> 31


@any_speed
@given(st.lists(st.text(st.characters(codec="utf-8"), max_size=40)))
def test_the_hash_is_what_its_docstring_says(ids):
    """Any text in UTF-8, of any length, the empty one too."""
    assert hash_ids(pa.array(ids, pa.string())).tolist() == [specified(text) for text in ids]


def test_the_hash_does_not_change():
    """Partitions written by one version are read by the next: these numbers are for ever."""
    fixed = {"": 0, "a": 18119689086777206668, "lead-0000000001": 8242247990997330661, "Zürich": 13291871358962507576}
    assert {text: int(hash_ids(pa.array([text]))[0]) for text in fixed} == fixed


@any_speed
@given(st.lists(st.text(max_size=20), min_size=1), st.integers(1, 2**31 - 1), st.data())
def test_the_bucket_of_an_id_does_not_depend_on_what_holds_it(ids, count, drawn):
    """Plain, large, sliced, chunked and dictionary arrays and Python text agree."""
    expected = bucket_of(pa.array(ids, pa.string()), count).tolist()
    cut = drawn.draw(st.integers(0, len(ids)))
    chunks = [pa.array(["before", *ids[:cut]]).slice(1), pa.array([*ids[cut:], "behind"]).slice(0, len(ids) - cut)]
    for held in (
        pa.array(ids, pa.large_string()),
        pa.array(ids, pa.string_view()),
        pa.array(ids).dictionary_encode(),
        pa.chunked_array(chunks),
        pa.chunked_array([pa.array([], pa.string()), pa.array(ids)]),
    ):
        assert bucket_of(held, count).tolist() == expected
    assert [bucket_of_text(text, count) for text in ids] == expected
    assert all(0 <= bucket < count for bucket in expected)


@pytest.mark.parametrize("pattern", ["{}", "lead-{:09d}", "00Q{:012x}AAA", "{}@example.org"])
@pytest.mark.parametrize("count", [7, 64])
def test_ids_spread_evenly(pattern, count):
    """Pearson's statistic over the buckets of numbered ids stays below its 99.99 % quantile."""
    rows = 1_000 * count
    found = np.bincount(bucket_of(pa.array([pattern.format(k) for k in range(rows)]), count), minlength=count)
    assert ((found - 1_000) ** 2 / 1_000).sum() < {7: 27.9, 64: 113.5}[count]


def test_what_has_no_bucket_is_said():
    """Nulls, numbers and impossible counts are one sentence each."""
    with pytest.raises(SchemaError, match="Of 2 ids 1 are null"):
        bucket_of(pa.array(["a", None]), 4)
    with pytest.raises(SchemaError, match="they are int64"):
        bucket_of(pa.array([1, 2]), 4)
    with pytest.raises(SchemaError, match="0 buckets"):
        bucket_of(pa.array(["a"]), 0)
    assert bucket_of(pa.chunked_array([], pa.string()), 4).tolist() == []


@any_speed
@given(st.lists(st.text(max_size=3), unique=True), st.lists(st.text(max_size=3)), st.data())
def test_ids_are_found_whatever_holds_them(table, wanted, drawn):
    """As texts or as dictionaries, in chunks of any size: the row of each in the table, -1 where it is not there."""
    cut = drawn.draw(st.integers(0, len(wanted)))
    ids = Ids(pa.chunked_array([pa.array(table, pa.string())]))
    expected = [table.index(text) if text in table else -1 for text in wanted]
    chunks = [pa.array(part, pa.string()) for part in (wanted[:cut], wanted[cut:])]
    assert ids.rows(pa.chunked_array(chunks)).tolist() == expected
    assert ids.rows(pa.chunked_array([chunk.dictionary_encode() for chunk in chunks])).tolist() == expected
