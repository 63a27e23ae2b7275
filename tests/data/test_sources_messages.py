"""Segment and RudderStack: messages become facts, and every line is accounted for."""

import gzip
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data.check import check
from data.contract import parse_contract
from data.errors import SchemaError

READY = '[ready]\noutcome = ["won"]\nterminal = ["won", "lost"]\nhorizons = ["30d"]\nprimary = "30d"\n'


@pytest.fixture
def told(tmp_path):
    """Checks a file of messages (objects, or lines as they are); ``more`` are further lines of [source]."""

    def make(messages, more="", kind="segment", name="m.jsonl"):
        lines = [message if isinstance(message, str) else json.dumps(message) for message in messages]
        (tmp_path / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
        return check(parse_contract(f'{READY}[source]\nkind = "{kind}"\npath = "."\n{more}\n', tmp_path))

    return make


def message(kind, day, number=None, **more):
    """A message of a day in January, received a second later."""
    at = f"2024-01-{day:02}T10:00:00"
    times = {"timestamp": f"{at}Z", "receivedAt": f"{at[:-2]}01Z"}
    return {"type": kind, "messageId": number or f"{kind}{day}", **times, **more}


def test_identify_makes_a_lead(told, accounts_for):
    """A lead exists from its first message under its own id on; its traits are changes, but not who it is."""
    traits = {"email": "a@b.c", "industry": "steel", "employees": 50, "trial": True, "address": {"city": "x"}}
    later = message("identify", 9, userId="u", traits={"industry": "paper", "employees": 50})
    checked = told([later, message("identify", 3, userId="u", traits=traits), message("identify", 10, userId="u")])
    (lead,) = checked.history.leads.to_pylist()
    assert (lead["lead_id"], lead["created_at"].isoformat()) == ("u", "2024-01-03T10:00:00+00:00")
    changes = {(row["field"], row["value"], row["known_at"].day) for row in checked.history.changes.to_pylist()}
    assert changes == {("industry", "steel", 3), ("employees", "50", 3), ("trial", "true", 3), ("industry", "paper", 9)}
    assert accounts_for(checked, "changes")["m.jsonl"] == {"no trait that is new": 1}


def test_track_page_and_screen_are_events(told, told_events):
    """The name of a track event is its kind; pages and screens are of those kinds; known is what was received."""
    checked = told(
        [
            message("track", 1, userId="u", event="Demo Requested", properties={"value": "12.5", "url": "/demo"}),
            message("page", 2, userId="u", name="Pricing", context={"page": {"url": "/pricing"}}),
            message("screen", 3, userId="u", properties={"name": "Home"}),
        ]
    )
    assert [event[1:3] for event in told_events(checked)] == [
        ("Demo Requested", "lead"),
        ("page", "lead"),
        ("screen", "lead"),
    ]
    rows = sorted(checked.history.events.to_pylist(), key=lambda row: row["occurred_at"])
    assert [row["item"] for row in rows] == ["/demo", "/pricing", "Home"]
    assert (rows[0]["value"], rows[0]["event_id"], rows[0]["known_at"].second) == (12.5, "track1", 1)


def test_a_message_is_counted_once(told):
    """A message that was delivered twice is a duplicate, by its messageId."""
    checked = told([message("track", 1, "m", userId="u", event="x")] * 2)
    assert checked.history.events.num_rows == 1
    assert checked.report.tables[1].rejections[0].reason == "duplicated event_id"


def test_visits_before_somebody_said_who_they_are(told, told_events, accounts_for):
    """They are the lead's, but known only from the message on that told whose they are; the lead is no older."""
    checked = told(
        [
            message("page", 1, anonymousId="v"),
            message("identify", 5, anonymousId="v", userId="u"),
            message("page", 7, anonymousId="v"),
            message("page", 8, anonymousId="nobody"),
        ]
    )
    assert [(event[0], event[3], event[4]) for event in told_events(checked)] == [
        ("u", "01-01 10:00", "01-05 10:00"),
        ("u", "01-07 10:00", "01-07 10:00"),
    ]
    assert checked.history.leads["created_at"][0].as_py().day == 5
    assert accounts_for(checked, "events")["m.jsonl"]["of nobody identified"] == 1


def test_a_shared_computer(told, told_events):
    """A visitor's message is of the user that the visitor is linked to next, after the last link of the last one."""
    links = [message("identify", day, anonymousId="v", userId=user) for day, user in ((3, "a"), (6, "b"))]
    checked = told([*links, *(message("page", day, anonymousId="v") for day in (1, 4, 8))])
    assert [(event[0], event[4][:5]) for event in told_events(checked)] == [
        ("a", "01-03"),
        ("b", "01-06"),
        ("b", "01-08"),
    ]


def test_a_visitor_that_comes_back(told, told_events):
    """What it does after it was linked to a lead is known at once, also where it is linked to that lead once more."""
    links = [message("identify", day, anonymousId="v", userId="a") for day in (3, 8)]
    checked = told([message("page", 1, anonymousId="v"), *links, message("page", 5, anonymousId="v")])
    assert [(event[3][:5], event[4][:5]) for event in told_events(checked)] == [("01-01", "01-03"), ("01-05", "01-05")]


def test_a_visitor_with_traits_alone(told):
    """Who identifies without a user id is a lead under its anonymous id; RudderStack writes an empty user id."""
    checked = told([message("identify", 2, anonymousId="v", userId="", traits={"plan": "pro"})], kind="rudderstack")
    assert checked.history.leads["lead_id"].to_pylist() == ["v"]


def test_aliases(told, told_events):
    """An alias makes two ids of one user one, in whatever order they come; it links a visitor likewise."""
    checked = told(
        [
            message("track", 1, userId="old", event="x"),
            message("alias", 5, userId="new", previousId="old"),
            message("alias", 6, userId="new", previousId="v"),
            message("track", 2, anonymousId="v", event="y"),
            message("track", 7, userId="new", event="z"),
        ]
    )
    assert {event[:2] for event in told_events(checked)} == {("new", "x"), ("new", "y"), ("new", "z")}
    assert checked.history.leads["lead_id"].to_pylist() == ["new"]


def test_groups_are_accounts(told, accounts_for):
    """A lead's account is its first group, as the first message about that describes it."""
    groups = [
        message("group", day, f"g{day}", userId="u", groupId=f"g{at}", traits={"industry": at, "phone": "1"})
        for day, at in ((3, 1), (4, 2), (5, 1))
    ]
    checked = told([message("identify", 1, userId="u"), *groups])
    assert checked.history.leads["account_id"].to_pylist() == ["g1"]
    assert [(row["account_id"], row["account_industry"]) for row in checked.history.accounts.to_pylist()] == [
        ("g1", 1.0),
        ("g2", 2.0),
    ]
    assert "account_phone" not in checked.history.accounts.column_names
    accounts_for(checked)


def test_erasure(told, accounts_for):
    """Of a lead that has to be erased nothing is kept, whatever its ids were, and the account says so."""
    checked = told(
        [
            message("identify", 1, userId="old", anonymousId="v", traits={"plan": "pro"}),
            message("alias", 2, userId="u", previousId="old"),
            message("track", 3, anonymousId="v", event="x"),
            message("delete", 4, userId="u"),
            message("track", 5, userId="other", event="x"),
        ]
    )
    assert checked.history.leads["lead_id"].to_pylist() == ["other"]
    assert (checked.history.events.num_rows, checked.history.changes.num_rows) == (1, 0)
    assert "of an erased lead" in str(accounts_for(checked, "events"))
    assert not any("v" in row.values() or "old" in row.values() for row in checked.rejected["events"].to_pylist())


def test_lines_that_are_no_messages(told, accounts_for):
    """They come back as bad rows with the line and the reason; an empty line is none."""
    checked = told(["{", "[1]", '{"event": "x"}', "", message("track", 1, userId="u", event="x")])
    bad = [(row["reason"], row["line"], row["source_row"]) for row in checked.rejected["events"].to_pylist()]
    assert bad == [
        ("not JSON", "{", "1"),
        ("not a JSON object", "[1]", "2"),
        ("a message without a type", '{"event": "x"}', "3"),
    ]
    examples = {rejection.reason: rejection.example for rejection in checked.report.tables[1].rejections}
    assert examples["not JSON"] == (
        "row 1 of m.jsonl: lead_id=, kind=, occurred_at=, known_at=, event_id=, value=, item=, line={"
    )
    accounts_for(checked)


def test_times(told):
    """Without receivedAt a message is known when it happens; a time that is none is a bad row."""
    rows = [
        {"type": "track", "userId": "u", "event": "x", "timestamp": text}
        for text in ("2024-01-01T00:00:00Z", "soon", "2024-01-01 00:00:00")
    ]
    checked = told([*rows, message("identify", 1, userId="u")])
    (event,) = checked.history.events.to_pylist()
    assert event["known_at"] == event["occurred_at"]
    assert [row["reason"] for row in checked.rejected["events"].to_pylist()] == [
        "occurred_at is not a time",
        "occurred_at is a naive time",
    ]


def test_outcomes_are_named_by_the_contract(told, told_outcomes, accounts_for):
    """Track events that mean won or lost are outcomes and no events; one that was told twice is one."""
    orders = [message("track", 3, "m", userId="u", event="Order Completed", properties={"revenue": 5})] * 2
    checked = told(
        [message("identify", 1, userId="u"), *orders, message("track", 4, userId="u", event="Churned")],
        'won = ["Order Completed"]\nlost = ["Churned"]',
    )
    assert told_outcomes(checked) == [("u", "won", "2024-01-03", 5.0), ("u", "lost", "2024-01-04", None)]
    assert checked.history.events.num_rows == 0
    accounts_for(checked)
    assert "no outcomes: name the track events" in str(told([message("identify", 1, userId="u")]).report.notes)


def test_only_the_traits_that_are_asked_for(told):
    """With attributes, other traits are not read."""
    checked = told(
        [message("identify", 1, userId="u", traits={"plan": "pro", "industry": "x"})], 'attributes = ["plan"]'
    )
    assert checked.history.changes["field"].to_pylist() == ["plan"]


@pytest.mark.parametrize("path", [".", "m/*.jsonl.gz", "m/b.jsonl.gz"])
def test_files(tmp_path, path, accounts_for):
    """A folder with folders in it, a glob and a file, packed or not; two files of one name are two tables."""
    for name in ("m/a.jsonl.gz", "m/b.jsonl.gz", "n/a.ndjson"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        text = json.dumps(message("track", 1, name, userId=name, event="x")).encode()
        (tmp_path / name).write_bytes(gzip.compress(text) if name.endswith("gz") else b"\xef\xbb\xbf" + text)
    checked = check(parse_contract(f'{READY}[source]\nkind = "segment"\npath = "{path}"\n', tmp_path))
    assert checked.history.leads.num_rows == {".": 3, "m/*.jsonl.gz": 2, "m/b.jsonl.gz": 1}[path]
    accounts_for(checked)


@pytest.mark.parametrize("content", [None, "cut off"])
def test_files_that_cannot_be_read(tmp_path, content):
    """No file, or one that was cut off, is one clear error."""
    if content:
        (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(b'{"type": "page"}\n' * 1000)[:40])
    with pytest.raises(SchemaError, match=r"There are no messages at|cannot be read .* cut off"):
        check(parse_contract(f'{READY}[source]\nkind = "segment"\npath = "."\n', tmp_path))


ids = st.sampled_from([None, "a", "b", "c", ""])
any_message = st.fixed_dictionaries(
    {"type": st.sampled_from(["identify", "track", "page", "group", "alias", "delete", "Track", "?"])},
    optional={
        "userId": ids,
        "anonymousId": ids,
        "previousId": ids,
        "groupId": ids,
        "event": st.sampled_from(["x", "Order Completed", None]),
        "messageId": st.sampled_from(["1", "2", 3]),
        "timestamp": st.sampled_from(["2024-01-01T00:00:00Z", "2024-01-02T00:00:00Z", "soon", None, 5]),
        "receivedAt": st.sampled_from(["2024-01-01T12:00:00Z", "2023-01-02T00:00:00Z", "soon"]),
        "traits": st.sampled_from([{}, {"plan": 1, "email": "x"}, {"plan": None, "deep": {"a": 1}}, [], "x"]),
    },
)
lines = st.one_of(any_message.map(json.dumps), st.sampled_from(["", "x", "[]", "null", '"s"', "{}", "1e999"]))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(lines, max_size=12))
def test_whatever_the_lines_say_they_add_up(told, accounts_for, drawn):
    """Every line is used or left out for a reason, every fact is good or bad, whatever is in the file."""
    known = json.dumps(message("identify", 1, userId="known"))
    checked = told([known, *drawn], 'won = ["Order Completed"]')
    accounts_for(checked)
    events = next(table for table in checked.report.tables if table.table == "events")
    assert sum(part.read for part in events.parts) == 1 + sum(bool(line.strip()) for line in drawn)
