"""Oracle and cases for the replay of hand-made points."""

import math
import re
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.clock import DAY, HOUR, iso, parse_duration
from data.errors import ContractError
from data.history import History
from data.simulation.points import points_toml
from data.simulation.worlds import WORLDS
from data.tables import CHANGES, EVENTS, LEADS, TIME, empty
from models.points import load_points, part_names, replay, replay_parts
from models.points_text import points_text
from models.rules import Cap, Inactivity, Rule, When

T0 = 1_700_000_000_000_000 // DAY * DAY


def _times(values):
    return pa.array(values, TIME)


def _history(leads, events, changes=()):
    """``leads``: (id, created_at, seniority, employees); ``events``: (lead, kind, occurred, known, actor, item)."""
    columns = list(zip(*leads, strict=True))
    lead_table = pa.table(
        {
            "lead_id": pa.array(columns[0], pa.string()),
            "created_at": _times(columns[1]),
            "account_id": pa.nulls(len(leads), pa.string()),
            "seniority": pa.array(columns[2], pa.string()),
            "employees": pa.array(columns[3], pa.float64()),
        }
    )
    outcomes = empty("outcomes")
    return History(lead_table, _events(events), outcomes, T0 + 1000 * DAY, changes=_changes(changes))


def _events(events):
    if not events:
        return EVENTS.empty_table()
    lead, kind, occurred, known, actor, item = zip(*events, strict=True)
    count = len(events)
    columns = [
        pa.array(lead, pa.string()),
        pa.array(kind, pa.string()),
        _times(occurred),
        _times(known),
        pa.array([f"e{i}" for i in range(count)]),
        pa.array(actor, pa.string()),
        pa.nulls(count, pa.float64()),
        pa.array(item, pa.string()),
    ]
    return pa.table(columns, schema=EVENTS)


def _changes(changes):
    if not changes:
        return CHANGES.empty_table()
    lead, field, value, known = zip(*changes, strict=True)
    strings = [pa.array(part, pa.string()) for part in (lead, field, value)]
    return pa.table([*strings, _times(known)], schema=CHANGES)


def _spine(rows):
    lead, cutoff = zip(*rows, strict=True)
    return pa.table({"lead_id": pa.array(lead, pa.string()), "cutoff": _times(cutoff)})


def _one(text, events=(), cutoff=T0 + 100 * DAY, created=T0, changes=(), seniority="vp", employees=50.0):
    """The points of one lead at one cutoff; ``events`` are (kind, age, ...) with the age in microseconds."""
    full = []
    for kind, age, *rest in events:
        late, actor, item = [*rest, *(0, "lead", None)[len(rest) :]]
        full.append(("a", kind, cutoff - age, cutoff - age + late, actor, item))
    history = _history([("a", created, seniority, employees)], full, changes)
    return float(replay(load_points(text), history, _spine([("a", cutoff)]))[0])


def _rule(when, points=10, rest=""):
    return f'[[rule]]\nid = "r"\nwhen = {{ {when} }}\npoints = {points}\n{rest}\n'


VIEW = 'event = "view"'


@pytest.mark.parametrize(
    ("text", "events", "expected"),
    [
        (_rule(VIEW), [], 0),
        (_rule(VIEW), [("view", DAY), ("view", 2 * DAY), ("reply", DAY)], 20),
        (_rule(VIEW), [("view", 0), ("view", -DAY), ("view", 1)], 10),
        (_rule(VIEW), [("view", DAY, DAY), ("view", DAY, DAY - 1)], 10),
        (_rule(VIEW, rest='repeat = "once"'), [("view", DAY), ("view", 2 * DAY)], 10),
        (_rule(VIEW, rest='repeat = "once"\ndecay = { half_life = "1d" }'), [("view", DAY), ("view", 2 * DAY)], 2.5),
        (_rule(VIEW + ', item = "x"'), [("view", DAY, 0, "lead", "x"), ("view", DAY, 0, "lead", "y"), ("view", 9)], 10),
        (_rule(VIEW), [("view", DAY, 0, "sales"), ("view", DAY, 0, "marketing")], 10),
        (_rule(VIEW + ', actor = "sales"'), [("view", DAY, 0, "sales"), ("view", DAY)], 10),
        (_rule(VIEW + ', within = "2d"'), [("view", 2 * DAY), ("view", 2 * DAY + 1)], 10),
        (_rule(VIEW + ", min_count = 3"), [("view", DAY), ("view", 2 * DAY)], 0),
        (_rule(VIEW + ", min_count = 3"), [("view", DAY), ("view", 2 * DAY), ("view", 3 * DAY), ("view", 4 * DAY)], 20),
        (_rule(VIEW + ', min_count = 2, within = "3d"'), [("view", DAY), ("view", 3 * DAY), ("view", 4 * DAY)], 10),
        (_rule(VIEW, rest="max_points = 15"), [("view", DAY), ("view", 2 * DAY)], 15),
        (_rule(VIEW, -10, "max_points = 15"), [("view", DAY), ("view", 2 * DAY)], -15),
        (_rule(VIEW, rest='decay = { linear = "4d" }'), [("view", DAY), ("view", 4 * DAY), ("view", 9 * DAY)], 7.5),
        (_rule(VIEW, rest='decay = { expire = "4d" }'), [("view", 4 * DAY), ("view", 4 * DAY + 1)], 10),
        (
            _rule(VIEW, rest='decay = { step_pct = 50, every = "2d" }'),
            [("view", 2 * DAY - 1), ("view", 2 * DAY), ("view", 5 * DAY)],
            10 + 5 + 2.5,
        ),
        (
            _rule(VIEW, rest='repeat = "once_per"\nkey = "item"'),
            [
                ("view", DAY, 0, "lead", "x"),
                ("view", 2, 0, "lead", "x"),
                ("view", 3, 0, "lead", "y"),
                ("view", 4),
                ("view", 5),
            ],
            30,
        ),
        (
            _rule(VIEW, rest='repeat = "once_per"\nkey = "day"'),
            [("view", HOUR), ("view", 24 * HOUR), ("view", 25 * HOUR)],
            20,
        ),
    ],
)
def test_hand_computed_event_rules(text, events, expected):
    """Each word of an event rule gives the points that one computes by hand."""
    assert _one(text, events) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        ('field = "seniority", op = "eq", value = "vp"', 10),
        ('field = "seniority", op = "ne", value = "vp"', 0),
        ('field = "seniority", op = "in", value = ["cxo", "vp"]', 10),
        ('field = "employees", op = "ge", value = 50', 10),
        ('field = "employees", op = "gt", value = 50', 0),
        ('field = "employees", op = "le", value = 50.0', 10),
        ('field = "employees", op = "lt", value = 50', 0),
        ('field = "employees", op = "in", value = [1, 50]', 10),
        ('field = "seniority", op = "eq", value = 5', 0),
    ],
)
def test_hand_computed_field_rules(when, expected):
    """Each comparison of a field gives the points that one computes by hand."""
    assert _one(_rule(when)) == expected


@pytest.mark.parametrize("operation", ["eq", "ne", "gt"])
def test_a_missing_value_satisfies_nothing(operation):
    """A missing or NaN attribute has no points, not even for 'is not'."""
    value = 1 if operation == "gt" else 2
    for missing in (None, math.nan):
        text = _rule(f'field = "employees", op = "{operation}", value = {value}')
        assert _one(text, employees=missing) == 0


def test_a_changed_field_is_read_as_of_the_cutoff():
    """A field that changes over time counts as it was known just before the cutoff, and not from the export."""
    text = _rule('field = "seniority", op = "eq", value = "vp"')
    changes = [("a", "seniority", "manager", T0 + 10 * DAY), ("a", "seniority", "vp", T0 + 20 * DAY)]
    at = {day: _one(text, cutoff=T0 + day * DAY, changes=changes) for day in (5, 15, 20, 21)}
    assert at == {5: 0, 15: 0, 20: 0, 21: 10}


def test_changed_numbers_are_read_from_text():
    """Numbers, and true and false, arrive in changes as text and are compared as numbers."""
    changes = [("a", "employees", " 1.2e2", T0), ("a", "fit", "True", T0), ("a", "odd", "many", T0)]
    assert _one(_rule('field = "employees", op = "gt", value = 100'), changes=changes) == 10
    assert _one(_rule('field = "fit", op = "eq", value = true'), changes=changes) == 10
    assert _one(_rule('field = "odd", op = "ne", value = 5'), changes=changes) == 0


def test_groups_totals_and_inactivity():
    """Groups are capped before the total, and silence counts from the last engagement, or from creation."""
    text = (
        _rule(VIEW, rest='group = "web"').replace('"r"', '"a"')
        + _rule('event = "reply"', rest='group = "mail"').replace('"r"', '"b"')
        + _rule('field = "seniority", op = "eq", value = "vp"', 5).replace('"r"', '"c"')
        + '[inactivity]\nafter = "10d"\npoints = -7\n[caps.web]\nmax = 15\n[caps.total]\nmin = 0\nmax = 27'
    )
    assert _one(text, [("view", DAY), ("view", DAY)]) == 20
    assert _one(text, [("view", DAY), ("view", DAY), ("reply", DAY)]) == 27
    assert _one(text, [("view", 10 * DAY)]) == 10 + 5 - 7
    assert _one(text, [("view", 10 * DAY), ("call", DAY, 0, "sales"), ("email_sent", 1, 0, "marketing")]) == 8
    assert _one(text, cutoff=T0 + 10 * DAY - 1) == 5
    assert _one(text, cutoff=T0 + 10 * DAY) == 0


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "rule is missing"),
        ("rule = 3", "rule"),
        ("[[rule]", "not TOML"),
        (_rule(VIEW) + "colour = 3", "unknown key rule.0.colour"),
        ("speed = 3\n" + _rule(VIEW), "unknown key speed"),
        (_rule(VIEW) + _rule(VIEW), "used twice"),
        (_rule('event = "view", field = "x"'), "exactly one"),
        (_rule('item = "x"'), "exactly one"),
        (_rule('field = "x", op = "like", value = "a"'), "op is 'like'"),
        (_rule('field = "x", op = "eq"'), "op .* and a value"),
        (_rule('field = "x", op = "in", value = "a"'), "takes a list"),
        (_rule('field = "x", op = "eq", value = ["a"]'), "takes a list"),
        (_rule('field = "x", op = "in", value = ["a", 1]'), "list of texts or a list of numbers"),
        (_rule('field = "x", op = "ge", value = "a"'), "compares numbers"),
        (_rule('field = "x", op = "eq", value = 1, within = "3d"'), "within does not belong"),
        (_rule('field = "x", op = "eq", value = 1', rest='repeat = "once"'), "repeat belongs to rules on events"),
        (_rule(VIEW + ', op = "eq"'), "op does not belong"),
        (_rule(VIEW, rest='repeat = "twice"'), "repeat is 'twice'"),
        (_rule(VIEW, rest='repeat = "once_per"'), "belong together"),
        (_rule(VIEW, rest='repeat = "once_per"\nkey = "week"'), "key is 'week'"),
        (_rule(VIEW, rest='decay = { half_life = "3d", linear = "3d" }'), "exactly one of half_life"),
        (_rule(VIEW, rest="decay = { step_pct = 50 }"), "belong together"),
        (_rule(VIEW + ', item = "x", item_like = "y*"'), "two ways"),
        (_rule(VIEW + ", min_count = 3, max_count = 2"), "max_count 2 is below"),
        (_rule(VIEW + ", returning = {}"), "returning needs within"),
        (_rule(VIEW, rest="from = 2025-02-01\nuntil = 2025-01-01"), "from is not before until"),
        (_rule('field = "x", op = "eq", value = 1', rest="from = 2025-02-01"), "from belongs to rules on events"),
        ('{"points": []}', "is JSON.*readiness points import"),
        (_rule(VIEW, rest='decay = { half_life = "3 moons" }'), "not a duration"),
        (_rule(VIEW, rest='decay = { half_life = "0d" }'), "half_life"),
        (_rule(VIEW, '"ten"'), "points is 'ten'"),
        (_rule(VIEW, "nan"), "points"),
        (_rule(VIEW) + "[caps.total]\nmin = 5\nmax = 3", "min 5 is above max 3"),
        (_rule(VIEW) + "[caps.web]\nmax = 3", "a group that no rule has"),
        (_rule(VIEW, rest='group = "total"'), "cannot be called total"),
        (_rule(VIEW) + '[inactivity]\nafter = "3d"', "points is missing"),
    ],
)
def test_nothing_is_guessed(text, complaint):
    """Every unknown key, unknown word and impossible combination is a ContractError that says so."""
    with pytest.raises(ContractError, match=complaint):
        load_points(text)


def test_unknown_fields_and_foreign_types_are_refused():
    """A rule on a field that is not there, or that compares numbers with text, is a ContractError with the fix."""
    with pytest.raises(ContractError, match="'turnover', which neither leads, accounts nor changes have"):
        _one(_rule('field = "turnover", op = "gt", value = 5'))
    with pytest.raises(ContractError, match="without quotes"):
        _one(_rule('field = "employees", op = "eq", value = "50"'))
    with pytest.raises(ContractError, match="compares 'created_at' with a number"):
        _one(_rule('field = "created_at", op = "gt", value = 50'))


def test_attributes_of_the_account_count():
    """``account_size`` is the column size of the lead's account; a lead without account has no points for it."""
    leads = pa.table([["a", "b"], _times([T0, T0]), pa.array(["acme", None], pa.string())], schema=LEADS)
    accounts = pa.table({"account_id": ["zeta", "acme"], "size": [1.0, 900.0]}).cast(
        pa.schema([pa.field("account_id", pa.string(), nullable=False), pa.field("size", pa.float64())])
    )
    history = History(leads, _events([]), empty("outcomes"), T0 + DAY, accounts=accounts)
    points = load_points(_rule('field = "account_size", op = "gt", value = 100'))
    assert replay(points, history, _spine([("b", T0 + 1), ("a", T0 + 1)])).tolist() == [0, 10]


@pytest.mark.parametrize("world", sorted(WORLDS))
def test_the_simulated_companies_write_this_grammar(world):
    """The rules of every simulated company load, each with its points and its threshold."""
    table = WORLDS[world].points
    points = load_points(points_toml(table))
    assert points.threshold == table.threshold
    assert [rule.points for rule in points.rules] == [rule.points for rule in (*table.events, *table.fields)]


# --- an oracle by a different mind: plain dicts, one row at a time, straight from the words of the grammar


def _oracle_rule(rule, events, cutoff):
    when = rule["when"]
    seen = [e for e in events if e["kind"] == when["event"] and e["occurred"] < cutoff and e["known"] < cutoff]
    seen = [e for e in seen if (e["actor"] == when["actor"] if "actor" in when else e["actor"] != "sales")]
    seen = sorted(seen, key=lambda e: (e["occurred"], e["known"], e["item"] or "~"))
    of_kind, seen = seen, [e for e in seen if _oracle_item(when, e["item"])]
    wanted = of_kind if when.get("returning", {}).get("to") == "any" else seen
    if "within" in when:
        seen = [e for e in seen if cutoff - parse_duration(when["within"]) <= e["occurred"]]
    seen = seen[when.get("min_count", 1) - 1 : when.get("max_count")]
    seen = [e for e in seen if _oracle_from(rule) <= e["occurred"] < _oracle_until(rule)]
    if "returning" in when:
        seen = [e for e in seen if _oracle_returns(when["returning"], e, wanted)]
    if rule.get("repeat") == "once":
        seen = seen[:1]
    if rule.get("repeat") == "once_per":
        firsts = {}
        for event in seen:
            day = datetime.fromtimestamp(event["occurred"] / 1e6, UTC).date()
            firsts.setdefault(event["item"] if rule["key"] == "item" else day, event)
        seen = list(firsts.values())
    total = sum(rule["points"] * _oracle_decay(rule.get("decay"), (cutoff - e["occurred"]) / DAY) for e in seen)
    most = rule.get("max_points", math.inf)
    return max(-most, min(most, total))


def _oracle_item(when, item):
    if "item_like" in when:
        return (
            item is not None and re.fullmatch(when["item_like"].replace("*", ".*").replace("?", "."), item) is not None
        )
    named = when.get("item", item)
    return item == named or (isinstance(named, list) and item in named)


def _oracle_from(rule):
    return T0 + rule["day_from"] * DAY if "day_from" in rule else -math.inf


def _oracle_until(rule):
    return T0 + rule["day_until"] * DAY if "day_until" in rule else math.inf


def _oracle_returns(returning, event, others):
    before = sorted(e["occurred"] for e in others if e["occurred"] < event["occurred"])
    if not before:
        return False
    gap = event["occurred"] - (before[0] if returning.get("since") == "first" else before[-1])
    longest = parse_duration(returning["within"]) if "within" in returning else math.inf
    return (parse_duration(returning["after"]) if "after" in returning else 0) <= gap <= longest


def _oracle_decay(decay, age):
    if not decay:
        return 1.0
    days = {word: int(text[:-1]) for word, text in decay.items() if word != "step_pct"}
    if "half_life" in decay:
        return 0.5 ** (age / days["half_life"])
    if "linear" in decay:
        return max(0.0, 1 - age / days["linear"])
    if "expire" in decay:
        return 1.0 if age <= days["expire"] else 0.0
    return (1 - decay["step_pct"] / 100) ** (age // days["every"])


def _inline(value):
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_inline(part)}" for key, part in value.items()) + " }"
    if isinstance(value, str) and value.endswith("Z"):
        return value
    return f'"{value}"' if isinstance(value, str) else str(value)


def _toml(rules):
    rules = [{**rule} for rule in rules]
    for rule in rules:
        for key in ("from", "until"):
            if (day := rule.pop(f"day_{key}", None)) is not None:
                rule[key] = iso(T0 + day * DAY)
    return "".join("[[rule]]\n" + "".join(f"{key} = {_inline(v)}\n" for key, v in rule.items()) for rule in rules)


DAYS = st.integers(1, 20).map(lambda n: f"{n}d")
WHEN = st.fixed_dictionaries(
    {"event": st.sampled_from(["view", "reply"])},
    optional={
        "item": st.sampled_from(["x", "y", ["x", "z"]]),
        "actor": st.sampled_from(["lead", "sales"]),
        "min_count": st.integers(1, 3),
        "max_count": st.integers(3, 5),
        "within": DAYS,
        "returning": st.fixed_dictionaries(
            {"within": DAYS},
            optional={
                "after": st.sampled_from(["1d", "2d"]),
                "to": st.sampled_from(["item", "any"]),
                "since": st.sampled_from(["latest", "first"]),
            },
        ),
    },
) | st.fixed_dictionaries({"event": st.just("view"), "item_like": st.sampled_from(["x*", "*z", "?y"])})
DECAY = st.one_of(
    [st.fixed_dictionaries({way: DAYS}) for way in ("half_life", "linear", "expire")]
    + [st.fixed_dictionaries({"step_pct": st.sampled_from([25, 50, 100]), "every": DAYS})]
)
REPEAT = st.sampled_from(
    [{}, {"repeat": "once"}, {"repeat": "once_per", "key": "item"}, {"repeat": "once_per", "key": "day"}]
)
RULE = st.builds(
    lambda when, points, repeat, rest: {"when": when, "points": points, **repeat, **rest},
    WHEN,
    st.integers(-20, 40),
    REPEAT,
    st.fixed_dictionaries(
        {},
        optional={
            "decay": DECAY,
            "max_points": st.integers(1, 60),
            "day_from": st.integers(0, 10),
            "day_until": st.integers(11, 40),
        },
    ),
)
# Quarter days, so that times meet cutoffs, windows and steps exactly.
QUARTERS = st.integers(0, 160).map(lambda n: T0 + n * DAY // 4)
EVENT = st.fixed_dictionaries(
    {
        "lead": st.sampled_from(["a", "b"]),
        "kind": st.sampled_from(["view", "reply", "other"]),
        "occurred": QUARTERS,
        "late": st.sampled_from([0, 0, 1, DAY, 5 * DAY]),
        "actor": st.sampled_from(["lead", "lead", "marketing", "sales"]),
        "item": st.sampled_from([None, "x", "y", "z", "xz", "zy"]),
    }
)


@settings(max_examples=150, deadline=None)
@given(
    rules=st.lists(RULE, min_size=1, max_size=4),
    events=st.lists(EVENT, max_size=25),
    cutoffs=st.lists(st.tuples(st.sampled_from(["a", "b", "c"]), QUARTERS), min_size=1, max_size=8),
)
def test_the_replay_agrees_with_the_oracle(rules, events, cutoffs):
    """For any rules, events and cutoffs the compiled replay is what the plain reading of the grammar gives."""
    rules = [{"id": f"r{place}", **rule} for place, rule in enumerate(rules)]
    events = [{**event, "known": event["occurred"] + event["late"]} for event in events]
    leads = [(lead, T0, "vp", 1.0) for lead in "abc"]
    rows = [(e["lead"], e["kind"], e["occurred"], e["known"], e["actor"], e["item"]) for e in events]
    found = replay(load_points(_toml(rules)), _history(leads, rows), _spine(cutoffs))
    expected = [
        sum(_oracle_rule(rule, [e for e in events if e["lead"] == lead], cutoff) for rule in rules)
        for lead, cutoff in cutoffs
    ]
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)


@settings(max_examples=60, deadline=None)
@given(rules=st.lists(RULE, min_size=1, max_size=4), threshold=st.none() | st.floats(-1e6, 1e6), name=st.text())
def test_what_is_written_is_read_back_as_the_same_table(rules, threshold, name):
    """Any table, with any name, is the very same table after it was written as text and read again."""
    points = load_points(_toml([{"id": f"r{place}", **rule} for place, rule in enumerate(rules)]))
    whole = points.model_copy(
        update={
            "threshold": threshold,
            "rules": (
                *points.rules,
                Rule(id=name or "x", name=name, when=When(field="f", op="in", value=(1.5, True)), points=1),
            ),
            "inactivity": (Inactivity(after=3 * DAY, points=-2.5),),
            "caps": {"total": Cap(min=0, max=12.5)},
        }
    )
    assert load_points(points_text(whole, "two\nlines")) == whole


def test_the_parts_add_up():
    """What each rule gives alone adds up to the total where nothing is capped; the parts are named in order."""
    text = (
        _rule(VIEW, 3, 'decay = { half_life = "2d" }').replace('"r"', '"a"')
        + _rule('event = "reply"', 5, 'group = "mail"').replace('"r"', '"b"')
        + _rule('field = "seniority", op = "eq", value = "vp"', 7).replace('"r"', '"c"')
        + '[inactivity]\nafter = "1d"\npoints = -1'
    )
    points = load_points(text)
    rows = [("a", "view", T0, T0, "lead", None), ("a", "reply", T0 + DAY, T0 + DAY, "lead", None)]
    history, spine = _history([("a", T0, "vp", 1.0)], rows), _spine([("a", T0 + 2 * DAY)])
    assert part_names(points) == ("a", "b", "c", "inactivity 1d")
    assert replay_parts(points, history, spine).tolist() == [[1.5, 5, 7, -1]]
    assert replay(points, history, spine).tolist() == [12.5]


@settings(max_examples=40, deadline=None)
@given(rules=st.lists(RULE, min_size=1, max_size=3), events=st.lists(EVENT, max_size=25), cutoff=QUARTERS)
def test_the_future_cannot_change_the_past(rules, events, cutoff):
    """Points at a cutoff are the same whether or not the log goes on after it."""
    points = load_points(_toml([{"id": f"r{place}", **rule} for place, rule in enumerate(rules)]))
    rows = [(e["lead"], e["kind"], e["occurred"], e["occurred"] + e["late"], e["actor"], e["item"]) for e in events]
    history = _history([("a", T0 - 1, "vp", 1.0), ("b", T0 - 1, "vp", 1.0)], rows)
    spine = _spine([("a", cutoff), ("b", cutoff)])
    assert np.array_equal(replay(points, history, spine), replay(points, history.upto(cutoff), spine))
