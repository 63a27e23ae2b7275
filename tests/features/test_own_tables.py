"""Texts made codes: what a column of one lead is told as depends on nothing that was read before."""

from hypothesis import given
from hypothesis import strategies as st

from features.own_tables import TextCodes
from features.reading import read_text

VALUES = st.one_of(st.none(), st.sampled_from(["", "a", "b", "x", "y", "1"]), st.booleans(), st.sampled_from([1, 1.0]))
COLUMNS = st.lists(st.lists(VALUES, max_size=6), max_size=5)


@given(COLUMNS, st.booleans())
def test_codes_depend_on_their_own_column_alone(columns, counted):
    """Read one after the other by one, columns have the codes that each has when it is read first."""
    kept = TextCodes("item", ("a", "b"), counted=counted)
    for column in columns:
        assert kept.codes(column) == TextCodes("item", ("a", "b"), counted=counted).codes(column)


@given(COLUMNS)
def test_equal_texts_alone_have_equal_codes(columns):
    """Null is -1, a known text has the code of its place, and unknown ones are told apart where they are counted."""
    kept = TextCodes("item", ("a", "b"), counted=True)
    for column in columns:
        texts, codes = [read_text(value) or None for value in column], kept.codes(column)
        assert [code for text, code in zip(texts, codes, strict=True) if text is None] == [-1] * texts.count(None)
        assert all(code == "ab".index(text) for text, code in zip(texts, codes, strict=True) if text in {"a", "b"})
        pairs = set(zip(texts, codes, strict=True))
        assert len(pairs) == len(set(texts)) == len(set(codes))
        assert all(code < 2 + len(column) for code in codes)
