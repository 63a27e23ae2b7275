"""What is asked is read strictly, and every refusal is a sentence."""

import math
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.clock import to_micros
from serving.body import parse
from serving.problems import Refusal
from serving.schemas import MAX_EVENTS, LeadIn, ScoreManyOut, ScoreOut

LEAD = {"lead_id": "L-1", "created_at": "2026-01-05T08:00:00Z"}


def event(**changes):
    """A good event, but for the changes."""
    return {"kind": "pricing_view", "occurred_at": "2026-01-29T14:12:00Z", **changes}


def refusal(raw) -> str:
    """The sentence with which a lead is refused."""
    with pytest.raises(Refusal) as caught:
        parse(LeadIn, raw)
    assert caught.value.status == 422
    assert len(caught.value.detail) < 1_000
    return caught.value.detail


@settings(max_examples=200, deadline=None)
@given(
    st.datetimes(datetime(1970, 1, 2), datetime(2199, 12, 30)),  # noqa: DTZ001 - the zone is drawn below
    st.integers(-14 * 60, 14 * 60),
)
def test_times_keep_their_microsecond(moment, minutes):
    """A time with any offset becomes exactly its microseconds since 1970."""
    aware = moment.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    assert parse(LeadIn, {**LEAD, "as_of": aware.isoformat()}).as_of == to_micros(aware)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("2026-01-05T08:00:00", "no time zone. Write 2026-01-05T08:00:00Z"),
        ("2026-01-05", "no time zone. Write 2026-01-05T00:00:00Z"),
        ("9999-12-31T23:59:59Z", "outside the years"),
        ("9999-12-31T23:59:59-14:00", "outside the years"),
        ("1969-12-31T23:59:59Z", "outside the years"),
        ("0001-01-01T00:00:00+14:00", "outside the years"),
        ("yesterday", "not an ISO 8601 time"),
        ("2026-13-01T00:00:00Z", "not an ISO 8601 time"),
        ("", "not an ISO 8601 time"),
        (1_700_000_000, "expected a time as text"),
        (True, "expected a time as text"),
        (["2026-01-05T08:00:00Z"], "expected a time as text"),
    ],
)
def test_a_doubtful_time_is_refused_with_the_fix(text, told):
    """A naive, far-off or unreadable time is refused, and the sentence says what to write instead."""
    assert told in refusal({**LEAD, "created_at": text})
    assert told in refusal({**LEAD, "events": [event(occurred_at=text)]})


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"lead_id": ""}, "lead_id"),
        ({"lead_id": "a\x00b"}, "NUL"),
        ({"lead_id": {"id": 1}}, "lead_id"),
        ({"event": []}, "Did you mean 'events'?"),
        ({"attributes": {"deep": {"er": 1}}}, "'deep' is a list or an object"),
        ({"attributes": {"big": 10**400}}, "'big' is a number beyond"),
        ({"attributes": {"bad\x00": 1}}, "NUL"),
        ({"attributes": {"text": "\x00"}}, "'text' is a NUL"),
        ({"attributes": {"inf": math.inf}}, "'inf' is a number beyond"),
        ({"attributes": {f"c{i}": 1 for i in range(501)}}, "501 columns"),
        ({"attributes": []}, "attributes"),
        ({"events": [event(value=math.nan)]}, "events.0.value"),
        ({"events": [event(value="nan")]}, "events.0.value"),
        ({"events": [event(), event(kind="")]}, "events.1.kind"),
        ({"events": [event(actor="robot")]}, "Expected lead, marketing or sales"),
        ({"events": [event(known_at="2026-01-01T00:00:00Z")]}, "known_at is before occurred_at"),
        ({"events": [event(deep=[1])]}, "'deep' is a list or an object"),
        ({"events": [{"kind": "x"}]}, "events.0.occurred_at is missing"),
        ({"events": [event()] * (MAX_EVENTS + 1)}, "events"),
        ({"events": [7, "x", None, []]}, "And 1 more"),
        ({"outcomes": [{"kind": "won"}]}, "outcomes.0.occurred_at is missing"),
    ],
)
def test_a_bad_lead_is_refused_with_where_and_what(changes, told):
    """Each thing that is wrong with a lead is named with its place."""
    assert told in refusal({**LEAD, **changes})


def test_null_is_the_same_as_absent():
    """A platform that cannot leave a field out may send null for it."""
    full = {**LEAD, "as_of": None, "attributes": {"industry": None, "n": 1}, "events": [event(value=None, x=None)]}
    lean = {**LEAD, "attributes": {"n": 1}, "events": [event()]}
    assert parse(LeadIn, full) == parse(LeadIn, lean)


def test_further_columns_are_kept_flat():
    """Further event columns and attributes come through: numbers and booleans as floats, the rest as text."""
    lead = parse(
        LeadIn, {**LEAD, "attributes": {"n": 3, "b": True, "t": "x"}, "events": [event(channel="ad", n=2, b=False)]}
    )
    assert lead.attributes == {"n": 3.0, "b": 1.0, "t": "x"}
    assert lead.events[0].model_extra == {"channel": "ad", "n": 2.0, "b": 0.0}


def test_ids_may_be_numbers():
    """A CRM that counts its leads may send the number: it is the id's text."""
    assert parse(LeadIn, {**LEAD, "lead_id": 614}).lead_id == "614"


def test_the_answer_to_one_lead_is_flat():
    """Every field of the flat answer is a text or a number and always there: no unions, no nulls, no nesting."""
    fields = ScoreOut.model_json_schema(mode="serialization")
    assert set(fields["required"]) == set(fields["properties"])
    assert {field["type"] for field in fields["properties"].values()} <= {"string", "number", "integer"}
    assert set(ScoreOut.model_fields) < set(ScoreManyOut.model_fields)


def test_now_is_now():
    """as_of is left open until it is asked: a lead without it is read as of the moment of the answer."""
    assert parse(LeadIn, LEAD).as_of is None
    assert parse(LeadIn, LEAD).created_at < to_micros(datetime.now(UTC))
