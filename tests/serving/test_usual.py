"""What is read in one go is read as the schema reads it; what the schema refuses is never taken."""

import json
from datetime import datetime

from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from data.clock import to_micros
from serving.schemas import LeadIn
from serving.scoring import _seen
from serving.usual import history_of, usual_lead

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
    raw = json.loads(json.dumps(raw))
    found = usual_lead(raw)
    if found is None:
        return
    try:
        lead = LeadIn.model_validate(raw)
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
    found = usual_lead(raw)
    assert found is not None
    assert found.as_of is None
    (seen,) = found.events
    assert (seen.kind, seen.value, seen.item, seen.extra) == ("view", 48.0, None, {"campaign": "spring"})
    assert seen.occurred_at == to_micros(datetime.fromisoformat("2026-01-05T08:00:00Z"))
    assert found.attributes == {"employees": 250.0}
