"""Mautic's point actions: read with all that Mautic does, written with all that it cannot."""

import html
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.clock import DAY, SECOND, iso
from data.errors import ContractError
from data.history import History
from data.tables import EVENTS, LEADS, TIME, empty
from models.mautic import read_mautic
from models.mautic_map import draft_map, load_map
from models.mautic_write import write_mautic
from models.points import load_points, replay
from models.points_text import points_text

T0 = 1_700_000_000_000_000 // DAY * DAY
MAP = load_map("""
[[event]]
mautic = "url.hit"
kind = "visit"
[[event]]
mautic = "url.hit"
url = "https://x.example/offer*"
kind = "offer"
item = "special"
[[event]]
mautic = "page.hit"
id = 3
kind = "landing"
item = "plans"
[[event]]
mautic = "page.hit"
id = 4
kind = "landing"
item = "plans"
[[event]]
mautic = "form.submit"
id = 7
kind = "demo"
[[event]]
mautic = "email.open"
kind = "open"
[[event]]
mautic = "email.send"
kind = "sent"
actor = "marketing"
""")


def _action(kind="email.open", delta=5, properties=None, **more):
    return {"id": 1, "name": "One", "type": kind, "delta": delta, "properties": properties or {}, **more}


def _hits(**properties):
    return _action("url.hit", properties={"page_url": "*/pricing*", **properties}, repeatable=True)


def _read(*actions, known=MAP, **more):
    whole = {"points": [{**action, "id": number} for number, action in enumerate(actions, 1)], **more}
    return read_mautic(json.dumps(whole), known)


def _history(events):
    """``events`` of the lead a: (kind, moment, item, actor)."""
    rows = [(kind, T0 + at, item, actor) for kind, at, item, actor in events]
    kind, at, item, actor = zip(*rows, strict=True) if rows else ((), (), (), ())
    times = pa.array(at, TIME)
    texts = [pa.array(part, pa.string()) for part in (["a"] * len(rows), kind, actor, item)]
    columns = [texts[0], texts[1], times, times, pa.nulls(len(rows), pa.string()), texts[2]]
    table = pa.table([*columns, pa.nulls(len(rows), pa.float64()), texts[3]], schema=EVENTS)
    leads = pa.table([["a"], pa.array([T0], TIME), pa.array([None], pa.string())], schema=LEADS)
    return History(leads, table, empty("outcomes"), T0 + 1000 * DAY)


def _points(found, events, at=100 * DAY):
    full = [(kind, when, *([*rest, *(None, "lead")[len(rest) :]])) for kind, when, *rest in events]
    spine = pa.table({"lead_id": ["a"], "cutoff": pa.array([T0 + at], TIME)})
    return float(replay(found.points, _history(full), spine)[0])


def test_a_rule_that_is_not_repeatable_fires_once_for_ever():
    """Not repeatable: the first event ever, and never again; repeatable: each one, the same e-mail opened again too."""
    opens = [("open", DAY, "9"), ("open", DAY + 1, "9"), ("open", 90 * DAY, "9")]
    assert _points(_read(_action()), opens) == 5
    assert _points(_read(_action(repeatable=True)), opens) == 15


def test_nothing_fades_and_nothing_is_bounded():
    """Old points stay, and a total may be far below zero."""
    opens = [("open", day * DAY, "1") for day in range(90)]
    assert _points(_read(_action(repeatable=True, delta=-4)), opens) == -360
    assert _points(_read(_action(repeatable=True)), opens, at=900 * DAY) == 450


def test_an_empty_list_means_any_and_numbers_stand_for_themselves():
    """Without numbers any e-mail counts; with numbers those whose item is the number."""
    opens = [("open", 1, "9"), ("open", 2, "8"), ("open", 3, "7")]
    assert _points(_read(_action(repeatable=True, properties={"emails": []})), opens) == 15
    assert _points(_read(_action(repeatable=True, properties=[])), opens) == 15
    assert _points(_read(_action(repeatable=True, properties={"emails": ["9", 7]})), opens) == 10


def test_the_map_says_which_event_is_meant():
    """A page by its number is the item that the map gives it; variants share their parent's item; actors count."""
    landing = _read(_action("page.hit", properties={"pages": [3, 4]}, repeatable=True))
    assert _points(landing, [("landing", 1, "plans"), ("landing", 2, "other"), ("visit", 3, "plans")]) == 5
    sent = _read(_action("email.send", repeatable=True))
    assert _points(sent, [("sent", 1, "2", "marketing"), ("sent", 1, "2", "lead")]) == 5
    special = _read(_action("url.hit", properties={"page_url": "https://x.example/offer*"}))
    assert _points(special, [("offer", 1, "special")]) == 5


def test_addresses_are_patterns():
    """A star stands for any text, slashes too; without one the address must be the same; entities are decoded."""
    visits = [("visit", 1, "https://x.example/a/pricing/b"), ("visit", 2, "https://x.example/pricin")]
    assert _points(_read(_hits()), visits) == 5
    assert _points(_read(_hits(page_url="https://x.example/pricin")), visits) == 5
    assert _points(_read(_hits(page_url=" *q=1&amp;r=2 ")), [("visit", 1, "/?q=1&r=2")]) == 5


def test_page_hits_count_all_history():
    """The third visit and each later one have points, though the first two were before the rule was published."""
    visits = [("visit", day * DAY, "/pricing") for day in range(1, 6)]
    action = {**_hits(page_hits=3), "publishUp": iso(T0 + 3 * DAY)}
    found = _read(action)
    assert _points(found, visits) == 15
    assert any("before it was published count too" in note for note in found.notes)
    assert _points(_read({**action, "publishUp": iso(T0 + 4 * DAY), "repeatable": False}), visits) == 5


def test_an_action_lives_from_publish_up_to_publish_down():
    """Both moments are within; an offset is read, and a moment without one is UTC."""
    opens = [("open", day * DAY, "1") for day in range(10)]
    up, down = iso(T0 + 2 * DAY).replace("Z", "+00:00"), iso(T0 + 5 * DAY).replace("Z", "")
    assert _points(_read(_action(repeatable=True, publishUp=up, publishDown=down)), opens) == 4 * 5
    assert _read(_action(publishUp=down, publishDown=up)).points is None


def test_returns_are_measured_from_the_first_hit_of_any_page():
    """The defect of 5.1: neither the address nor the order is asked, so the very first hit of any page decides."""
    within = _read(_hits(returns_within=86_400))
    assert _points(within, [("visit", 0, "/home"), ("visit", DAY, "/pricing")]) == 5
    assert _points(within, [("visit", 0, "/home"), ("visit", DAY + SECOND, "/pricing")]) == 0
    assert (
        _points(within, [("visit", 0, "/home"), ("visit", 9 * DAY, "/pricing"), ("visit", 9 * DAY + 1, "/pricing")])
        == 0
    )
    assert _points(within, [("visit", 0, "/pricing")]) == 0
    after = _read(_hits(returns_after=86_400))
    assert _points(after, [("visit", 0, "/home"), ("visit", DAY, "/pricing")]) == 5
    assert _points(after, [("visit", 0, "/home"), ("visit", DAY - SECOND, "/pricing")]) == 0
    assert any("first hit of any page" in note for note in after.notes)


def test_conditions_of_an_address_hold_together():
    """The second visit or later, and within a day of the first hit."""
    found = _read(_hits(page_hits="2", returns_within="86400"))
    visits = [("visit", 0, "/pricing"), ("visit", DAY, "/pricing"), ("visit", 2 * DAY, "/pricing")]
    assert _points(found, visits) == 5
    first = _read(_hits(first_time=True))
    assert _points(first, visits) == 5
    assert any("for the first visit" in note for note in first.notes)


def test_a_group_has_a_score_of_its_own():
    """An action with a group changes that group's score alone; which one is read is said by the id or the name."""
    actions = [_action(group={"id": 2, "name": "Fit"}), {**_action(), "id": 2, "group": None}]
    text = json.dumps({"points": actions, "groups": [{"id": 2, "name": "Fit"}, {"id": 5, "name": "Other"}]})
    main = read_mautic(text, MAP)
    assert [rule.id for rule in main.points.rules] == ["mautic-2"]
    assert "the group 'Fit' only" in main.left_out[0].reason
    for name in ("2", "Fit"):
        group = read_mautic(text, MAP, group=name)
        assert [rule.id for rule in group.points.rules] == ["mautic-1"]
    with pytest.raises(ContractError, match=r"no group 'Foo'. Expected one of \['Fit', 'Other'\]"):
        read_mautic(text, MAP, group="Foo")
    assert any("Mautic's API does not list them" in note for note in _read(_action()).notes)


@pytest.mark.parametrize(
    ("action", "reason"),
    [
        (_action("plugin.click"), "its type is none of Mautic's own"),
        (_action("asset.download"), "no entry for asset.download without an id"),
        (_action("asset.download", properties={"assets": [12]}), "no entry for asset.download 12"),
        (_action("form.submit"), "no entry for form.submit without an id"),
        (_hits(accumulative_time=60), "seconds that a contact stayed"),
        (_hits(page_url=""), "it has no address"),
        (_hits(page_hits="many"), "its page_hits is 'many', not a whole number"),
        (_hits(page_hits=2, first_time=True), "never fires"),
        (_hits(returns_within=[1]), "not a whole number"),
        (_action(isPublished=False), "not published"),
        (_action(delta=0), "0 points"),
        (_action(delta=None), "0 points"),
        (_action(delta="five"), "its delta is 'five'"),
        (_action(publishUp="soon"), "its publishUp is 'soon', not a moment"),
        (_action(properties={"emails": 3}), "its emails are int"),
        (_action(properties="x"), "its properties are str"),
        (_action(group=3), "the group '3' only"),
    ],
)
def test_what_cannot_be_replayed_is_listed_with_its_reason(action, reason):
    """An action that is no rule here is left out by name, with why; the others are read all the same."""
    found = _read(action, _action(group=None))
    assert [left.id for left in found.left_out] == ["1"]
    assert reason in found.left_out[0].reason
    assert [rule.id for rule in found.points.rules] == ["mautic-2"]
    assert found.actions == 2


def test_events_of_different_kinds_are_no_single_rule():
    """A list of numbers that are different kinds here is left out, since once is once over all of them."""
    known = load_map(
        '[[event]]\nmautic = "page.hit"\nid = 1\nkind = "a"\n[[event]]\nmautic = "page.hit"\nid = 2\nkind = "b"\n'
        '[[event]]\nmautic = "page.hit"\nid = 3\nkind = "a"\nitem = "x"\n[[event]]\nmautic = "page.hit"\nkind = "b"\n'
    )
    reasons = [
        _read(_action("page.hit", properties={"pages": pages}), known=known).left_out[0].reason
        for pages in ([1, 2], [1, 3], [])
    ]
    assert "events of different kinds here (a, b)" in reasons[0]
    assert "some have none" in reasons[1]
    assert "(b, a)" in reasons[2]


def test_triggers_give_the_threshold_where_they_agree():
    """One height of the triggers of this score is the threshold; several are told and none is taken."""
    one = [{"id": 1, "name": "MQL", "points": 60, "events": [{}]}, {"id": 2, "points": 10, "group": {"id": 1}}]
    found = _read(_action(), triggers=one)
    assert found.points.threshold == 60
    assert any("'MQL' runs 1 events at 60 points, once for a contact, for ever" in note for note in found.notes)
    two = _read(
        _action(), triggers={"1": {"points": 60}, "2": {"points": "80"}, "3": {"points": 9, "isPublished": False}}
    )
    assert two.points.threshold is None
    assert any("60, 80 points" in note for note in two.notes)


def test_what_the_file_does_not_tell_is_said():
    """Other writers of points in the file, or never in such a file, are named."""
    notes = " ".join(_read(_action(), campaigns=[{}, {}], total="1").notes)
    assert "campaign actions (2) in the file were not read" in notes
    assert "logged in" in notes


def test_lists_and_objects_by_id_are_accepted():
    """The API lists objects by id, or in a list; a list of actions alone is read too."""
    for whole in ({"points": {"1": _action()}}, [_action()], {"total": "1", "points": [_action()]}):
        assert len(read_mautic(json.dumps(whole), MAP).points.rules) == 1


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "is not JSON"),
        ("3", "has no points"),
        ('{"rules": []}', r"has no points \(it has \['rules'\]\)"),
        ('{"points": 3}', "points is no list of objects"),
        ('{"points": [3]}', "points is no list of objects"),
        ('{"points": [], "triggers": [1]}', "triggers is no list"),
    ],
)
def test_what_is_no_export_is_refused(text, complaint):
    """A file of another form is one sentence with what was expected."""
    with pytest.raises(ContractError, match=complaint):
        read_mautic(text, MAP)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[[event]]\nmautic = 'page.hit'", "event.0.kind is missing"),
        ("[[event]]\nmautic = 'page.view'\nkind = 'x'", "event.0.mautic is 'page.view'"),
        ("[[event]]\nmautic = 'url.hit'\nid = 3\nkind = 'x'", "url.hit has no id"),
        ("[[event]]\nmautic = 'page.hit'\nurl = '/'\nkind = 'x'", "url belongs to url.hit"),
        ("[[event]]\nmautic = 'page.hit'\nkind = 'x'\nitem = 'y'", "item belongs to one thing"),
        ("[[event]]\nmautic = 'url.hit'\nkind = 'x'\n" * 2, "given twice"),
        ("[[event", "not TOML"),
    ],
)
def test_a_map_is_never_guessed(text, complaint):
    """Every unknown word and impossible combination of the map is a sentence."""
    with pytest.raises(ContractError, match=complaint):
        load_map(text)


def test_what_mautic_cannot_express_is_said():
    """Each word that Mautic lacks is named; what it can have is written."""
    text = """
threshold = 59.5
[[rule]]
id = "fine"
when = { event = "open" }
points = 3
repeat = "once"
[[rule]]
id = "fades"
when = { event = "open" }
points = 3
decay = { half_life = "30d" }
[[rule]]
id = "who"
when = { field = "seniority", op = "eq", value = "vp" }
points = 3
[[rule]]
id = "often"
when = { event = "open", min_count = 2 }
points = 3
[[rule]]
id = "half"
when = { event = "open" }
points = 1.5
[[rule]]
id = "day"
when = { event = "open" }
points = 1
repeat = "once_per"
key = "day"
[[rule]]
id = "unknown"
when = { event = "webinar" }
points = 1
[[rule]]
id = "limited"
when = { event = "visit", item_like = "/x*" }
points = 1
max_points = 5
[[rule]]
id = "recent"
when = { event = "visit", item_like = "/x*", within = "3d" }
points = 1
[[rule]]
id = "return"
when = { event = "visit", item_like = "/x*", returning = { within = "3d" } }
points = 1
[inactivity]
after = "30d"
points = -5
[caps.total]
min = 0
"""
    whole, lost = write_mautic(load_points(text), MAP)
    assert [action["name"] for action in whole["points"]] == ["fine"]
    assert whole["triggers"][0]["points"] == 60
    reasons = {one.id: one.reason for one in lost}
    assert list(reasons) == [
        *("fades", "who", "often", "half", "day", "unknown", "limited", "recent", "return", "inactivity", "caps.total")
    ]
    assert "do not fade" in reasons["fades"]
    assert "no entry for the kind 'webinar'" in reasons["unknown"]


@settings(max_examples=40, deadline=None)
@given(name=st.text(), url=st.text(min_size=1), kinds=st.lists(st.text(min_size=1), max_size=40))
def test_a_draft_of_the_map_is_one_once_it_is_filled_in(name, url, kinds):
    """Whatever actions and kinds are called: each thing that an action names has an entry, and the draft is TOML."""
    actions = [
        _action("email.open", properties={"emails": [3, 4]}, name=name),
        _action("email.open", properties=[]),
        _action("url.hit", properties={"page_url": url}, name=name),
        _action("plugin.click"),
    ]
    draft = draft_map(actions, kinds)
    entries = load_map(draft.replace('kind = ""', 'kind = "x"')).events
    assert [(one.mautic, one.id, one.url) for one in entries] == [
        ("email.open", None, None),
        ("email.open", 3, None),
        ("email.open", 4, None),
        ("url.hit", None, html.unescape(url.strip()) or None),
    ]
    with pytest.raises(ContractError, match=r"event\.0\.kind is ''"):
        load_map(draft)


def test_the_example_is_read():
    """The example under examples/mautic: nine actions become rules, three are left out with the reason."""
    folder = Path(__file__).resolve().parents[2] / "examples" / "mautic"
    found = read_mautic((folder / "points.json").read_text(), load_map((folder / "map.toml").read_text()))
    assert len(found.points.rules) == 9
    assert found.points.threshold == 60
    assert {one.name: one.reason.split(",")[0] for one in found.left_out} == {
        "Reads prices for five minutes": "it counts the seconds that a contact stayed",
        "Answers the survey": "the map has no entry for form.submit 9",
        "Chats": "its type is none of Mautic's own (url.hit",
    }


RULES = st.fixed_dictionaries(
    {
        "event": st.sampled_from(
            [
                'event = "open"',
                'event = "open", item = ["1", "2"]',
                'event = "open", item = "2"',
                'event = "sent", actor = "marketing"',
                'event = "landing", item = "plans"',
                'event = "demo"',
                'event = "offer", item = "special"',
                'event = "visit", item_like = "*1*"',
                'event = "visit", item = "2"',
                'event = "visit", item_like = "?", min_count = 2',
                'event = "visit", item_like = "*", max_count = 1',
                'event = "visit", item = "1", returning = { within = "2d", after = "1d", to = "any", since = "first" }',
            ]
        ),
        "points": st.integers(-9, 9).filter(bool),
        "repeat": st.sampled_from(["always", "once"]),
        "until": st.none() | st.integers(1, 30),
    }
)
EVENT = st.tuples(
    st.sampled_from(["open", "sent", "landing", "demo", "offer", "visit"]),
    st.integers(0, 40).map(lambda n: n * DAY // 2),
    st.sampled_from([None, "1", "2", "3", "12", "plans", "special"]),
    st.sampled_from(["lead", "marketing"]),
)


@settings(max_examples=60, deadline=None)
@given(rules=st.lists(RULES, min_size=1, max_size=5), events=st.lists(EVENT, max_size=15), at=st.integers(1, 50))
def test_what_mautic_can_have_comes_back_with_the_very_same_scores(rules, events, at):
    """Written as Mautic's actions and read again, a table gives every lead the same points as before."""
    blocks = []
    for number, rule in enumerate(rules):
        until = "" if rule["until"] is None else f"until = {iso(T0 + rule['until'] * DAY)}\n"
        when = f'when = {{ {rule["event"]} }}\npoints = {rule["points"]}\nrepeat = "{rule["repeat"]}"\n'
        blocks.append(f'[[rule]]\nid = "r{number}"\n{when}{until}')
    points = load_points("threshold = 7\n" + "".join(blocks))
    whole, lost = write_mautic(points, MAP)
    assert not lost
    back = read_mautic(json.dumps(whole), MAP)
    assert not back.left_out
    assert back.points.threshold == 7
    history = _history(events)
    cutoffs = pa.array([T0 + at * DAY, T0 + at * DAY // 2 + 1], TIME)
    spine = pa.table({"lead_id": ["a", "a"], "cutoff": cutoffs})
    assert np.array_equal(replay(back.points, history, spine), replay(points, history, spine))
    assert load_points(points_text(back.points)) == back.points
