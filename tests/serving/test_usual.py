"""What is read in one go is read as the schema reads it; what the schema refuses is never taken."""

import json
from datetime import datetime

from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from pydantic_core import from_json

from data.clock import to_micros
from features.moments import read_moments
from serving.schemas import LeadIn, moment
from serving.scoring import _seen
from serving.usual import MOST_LEARNED, Reader, history_of

NOW = "2026-01-31T09:30:00Z"
TIMES = st.sampled_from(
    [
        "2026-01-05T08:00:00Z",
        "2026-01-05T08:00:00.123456+02:00",
        " 2026-01-05T08:00:00Z ",
        "2026-01-05",
        "2026-01-05T08:00:00",
        "2199-12-31T23:59:59Z",
        "1969-12-31T23:59:59Z",
        NOW,
        "",
        "\x00",
    ]
)
LEARNED = Reader()
LEARNED.learn({"events": [{"campaign": "spring"}]})
ONE = {
    "lead_id": "a",
    "created_at": NOW,
    "events": [{"kind": "view", "occurred_at": NOW, "campaign": "spring", "first": True}],
}
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(min_value=2**52)
    | st.floats(allow_nan=False)
    | st.text(max_size=9)
    | st.sampled_from(["x" * 200, "x" * 201, "x" * 1_001, "\x00"])
)
NESTED = st.lists(SCALARS, max_size=2) | st.dictionaries(st.text(max_size=3), SCALARS, max_size=2)
ANY = SCALARS | NESTED
EVENTS = st.fixed_dictionaries(
    {"kind": st.sampled_from(["view", "reply"]) | ANY, "occurred_at": TIMES | ANY},
    optional={
        "known_at": TIMES | ANY,
        "actor": st.sampled_from(["lead", "sales", "x"]) | ANY,
        "value": ANY,
        "item": ANY,
        "event_id": ANY,
        "campaign": ANY,
        "\x00": ANY,
    },
)
LEADS = st.fixed_dictionaries(
    {"lead_id": st.sampled_from(["a", "b"]) | ANY, "created_at": TIMES | ANY},
    optional={
        "as_of": TIMES | ANY,
        "attributes": st.dictionaries(st.text(max_size=4), ANY, max_size=3) | ANY,
        "events": st.lists(EVENTS, max_size=3) | st.lists(ANY, max_size=2) | ANY,
        "outcomes": st.just([]) | ANY,
        "more": ANY,
    },
)


@settings(max_examples=600, deadline=None)
@given(LEADS | ANY)
def test_it_is_read_as_the_schema_reads_it(raw):
    """Whatever is sent, a lead that is read in one go is the lead of the schema, value for value, type for type."""
    sent = json.dumps(raw).encode()
    found = LEARNED.read(sent)
    if found is None:
        return
    try:
        lead = LeadIn.model_validate(from_json(sent, allow_inf_nan=False))
    except ValidationError as error:
        raise AssertionError(f"the schema refuses {raw}") from error
    assert (found.lead_id, found.created_at, found.as_of) == (lead.lead_id, lead.created_at, lead.as_of)
    assert _typed(found.attributes) == _typed(lead.attributes)
    assert len(found.events) == len(lead.events)
    assert (lead.outcomes, lead.account_events, lead.state) == ([], [], None)
    as_of = 1_769_851_800_000_000 if lead.as_of is None else lead.as_of
    ours, theirs = history_of(found, as_of).events, _seen(lead.events, as_of)
    assert ours == theirs
    assert [_typed(event._asdict()) for event in ours] == [_typed(event._asdict()) for event in theirs]


def _typed(columns):
    """Columns with the type of each value, so that 1 is not 1.0."""
    return {name: (type(value), dict(value) if name == "extra" else value) for name, value in columns.items()}


def test_what_everybody_sends_is_read_in_one_go():
    """Attributes, events with numbers, texts, ids and further columns, nulls in the place of what is absent."""
    event = {"kind": "view", "occurred_at": "2026-01-05T08:00:00Z", "value": 48, "item": None, "campaign": "spring"}
    raw = {"lead_id": "a", "created_at": "2026-01-05T08:00:00Z", "attributes": {"employees": 250}, "events": [event]}
    found = LEARNED.read(json.dumps(raw).encode())
    assert found is not None
    assert found.as_of is None
    (seen,) = found.events
    assert (seen.kind, seen.value, seen.item, seen.extra) == ("view", 48.0, None, {"campaign": "spring"})
    assert seen.occurred_at == to_micros(datetime.fromisoformat("2026-01-05T08:00:00Z"))
    assert found.attributes == {"employees": 250.0}


def test_further_columns_are_read_in_one_go_once_they_were_sent():
    """The first lead with a column is left to the schema; the next ones are not, whoever sends them."""
    reader, sent = Reader(), json.dumps(ONE).encode()
    assert reader.read(sent) is None
    reader.learn(ONE)
    for _ in range(2):
        assert [event.extra for event in reader.read(sent).events] == [{"campaign": "spring", "first": 1.0}]
    plain = {**ONE, "events": [{"kind": "view", "occurred_at": NOW}]}
    assert [event.extra for event in reader.read(json.dumps(plain).encode()).events] == [{}]
    assert len(reader.read(json.dumps({**ONE, "events": []}).encode()).events) == 0


def test_nobody_makes_the_reader_learn_without_end():
    """Columns with ever new names, or very long ones, go on being read by the schema."""
    reader = Reader()
    reader.learn({"events": [{"x" * 201: 1}]})
    for number in range(3 * MOST_LEARNED):
        reader.learn({"events": [{"kind": "view", "occurred_at": NOW, f"column {number}": 1}]})
    known = [{"kind": "view", "occurred_at": NOW, f"column {number}": 1} for number in range(MOST_LEARNED)]
    assert len(reader.read(json.dumps({**ONE, "events": known}).encode()).events) == MOST_LEARNED
    known.append({"kind": "view", "occurred_at": NOW, f"column {MOST_LEARNED}": 1})
    assert reader.read(json.dumps({**ONE, "events": known}).encode()) is None
    reader.learn({"events": None})


@settings(deadline=None)
@given(st.lists(st.datetimes(datetime(1970, 1, 1), datetime(2199, 12, 31)), min_size=1, max_size=5), st.data())  # noqa: DTZ001
def test_times_are_read_as_the_schema_reads_them(moments, drawn):
    """In the forms of one pass, to the microsecond; a digit more or less, or none, is left to the schema."""
    texts = [drawn.draw(st.sampled_from(["auto", "milliseconds", "microseconds"])) for _ in moments]
    texts = [one.isoformat(timespec=how) + "Z" for one, how in zip(moments, texts, strict=True)]
    assert list(read_moments(texts)) == [moment(text) for text in texts]
    at = drawn.draw(st.integers(0, len(texts[0]) - 1))
    changed = (
        texts[0][:at] + drawn.draw(st.sampled_from(["", "0", "9", "-", "Z", "z", " ", "\n", "é"])) + texts[0][at + 1 :]
    )
    found = read_moments([changed])
    assert found is None or list(found) == [moment(changed)]
