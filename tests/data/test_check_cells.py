"""Cells: text, numbers and the three types of a further column."""

from datetime import UTC, datetime
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.cells import further, numbers, texts
from data.errors import SchemaError


def test_identifiers_without_decimals():
    """An identifier that pandas made a float is the whole number that it was."""
    assert texts(pl.Series([17850.0, None, float("nan"), 2.5])).to_list() == ["17850", None, None, "2.5"]


def test_identifiers_of_untyped_text():
    """In CSV ``17850.0`` is the same identifier as ``17850``; in a column of declared text it is not touched."""
    cells = pl.Series(["17850.0", "a.0", ""])
    assert texts(cells, "any").to_list() == ["17850", "a.0", None]
    assert texts(cells).to_list() == ["17850.0", "a.0", None]


def test_decimals_as_text():
    """Decimals lose trailing zeros, and never a digit before the point."""
    assert texts(pl.Series([Decimal("100.00"), Decimal("10.50")])).to_list() == ["100", "10.5"]


def test_lists_are_refused():
    """A column of lists is one clear error."""
    with pytest.raises(SchemaError, match="column 'tags' holds List"):
        texts(pl.Series("tags", [["a"]]))


@settings(max_examples=200, deadline=None)
@given(st.lists(st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**53), 2**53), max_size=5))
def test_numbers_of_text(values):
    """Whatever number Python writes is read back as the same float64."""
    found, bad = numbers(pl.Series([str(value) for value in values], dtype=pl.String))
    assert found.to_list() == [float(value) for value in values]
    assert not bad.any()


def test_what_is_not_a_number():
    """Words, thousands separators, currencies and infinities are no numbers; empty cells and NaN are just missing."""
    cells = ["x", "1,200", "$5", "1_000", "inf", "1e400", "--1", "", " ", "nan", " 7 "]
    found, bad = numbers(pl.Series(cells))
    assert bad.to_list() == [True] * 7 + [False] * 4
    assert found.to_list() == [None] * 10 + [7.0]


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["1", "2.5", "", "nan", "-1e3"], [1.0, 2.5, None, None, -1000.0]),
        (["true", "False", ""], [1.0, 0.0, None]),
        (["2024-01-01T00:00:00Z", ""], [datetime(2024, 1, 1, tzinfo=UTC), None]),
        (["007", "12"], ["007", "12"]),
        (["1", "n/a"], ["1", "n/a"]),
        (["2024-01", "2024-02"], ["2024-01", "2024-02"]),
        (["", ""], [None, None]),
    ],
    ids=["numbers", "booleans", "times", "codes", "mixed", "naive times", "empty"],
)
def test_the_strictest_type_of_csv_text(cells, expected):
    """A further CSV column gets the strictest type that fits all of its cells; codes with leading zeros stay text."""
    assert further(pl.Series("x", cells), "any", None).to_list() == expected


def test_declared_text_stays_text():
    """A further column that its source declares to be text is not interpreted."""
    assert further(pl.Series("x", ["1", "2"]), None, None).to_list() == ["1", "2"]


def test_numbers_and_booleans_become_floats():
    """Integers, decimals and booleans become float64, NaN becomes null."""
    assert further(pl.Series("x", [True, None]), None, None).to_list() == [1.0, None]
    assert further(pl.Series("x", [Decimal("1.5")]), None, None).to_list() == [1.5]
    assert further(pl.Series("x", [1.0, float("nan")]), None, None).to_list() == [1.0, None]


def test_a_further_naive_time_needs_a_zone():
    """A further time column without a zone is refused when the contract names none."""
    cells = pl.Series("since", [datetime(2024, 1, 1)])  # noqa: DTZ001 - naive on purpose
    with pytest.raises(SchemaError, match="column 'since' holds 1 times without a zone"):
        further(cells, None, None)
    assert further(cells, None, "UTC").to_list() == [datetime(2024, 1, 1, tzinfo=UTC)]
