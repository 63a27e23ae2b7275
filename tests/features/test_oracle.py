"""An oracle by a different mind: for each row, for each feature, a loop over plain dicts."""

import math
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from features.context import Attribute
from features.fold import fold_row
from features.local import compute
from features.online import OnlineEngine
from features.vocabulary import Vocabulary

DAY = 24 * 60 * 60 * 10**6
VOCABULARY = Vocabulary(
    {
        "events.kind": ("open", "order"),
        "events.item": ("x",),
        "events.channel": ("y", "x"),
        "leads.industry": ("Zürich", "x", "y"),
        "leads.stage": ("x",),
        "accounts.tier": ("gold",),
        "accounts.plan": ("y", "7.5"),
    }
)


def null(value):
    """NULL, NaN and the empty text are one thing."""
    return value is None or value == "" or (isinstance(value, float) and math.isnan(value))


def last_if_null(value, otherwise):
    """Nulls come after all others."""
    return (1, otherwise) if null(value) else (0, value)


def order(e, known=None):
    """The total order of one lead's events, or of an account's."""
    actor = ["lead", "marketing", "sales"].index(e["actor"])
    nulls_last = (
        last_if_null(e["value"], 0.0),
        last_if_null(e["item"], ""),
        last_if_null(e["score"], 0.0),
        last_if_null(e["channel"], ""),
    )
    return (e["occurred_at"], e["known_at"] if known is None else known, e["kind"], actor, nulls_last)


def account_of(world, lead_id):
    """The account of a lead, None where it has none."""
    return next(lead["account_id"] for lead in world.leads if lead["lead_id"] == lead_id)


def holds(where, value):
    """A condition on one value."""
    if null(value):
        return False
    if where.values:
        return value in where.values
    return not (where.at_least is not None and value < where.at_least) and (where.below is None or value < where.below)


def seen(world, lead_id, cutoff, f, window="its own"):
    """The events that a feature looks at, oldest first."""
    window = f.window if window == "its own" else window
    mine_is = account_of(world, lead_id) or "an account of its own"
    found = []
    created = {lead["lead_id"]: lead["created_at"] for lead in world.leads}

    def key(e):
        return order(e, max(e["known_at"], created[e["lead_id"]]) if f.per == "account" else None)

    for e in sorted(world.events, key=key):
        whose = e["lead_id"] == lead_id
        if f.per == "account":
            there = next(lead["created_at"] for lead in world.leads if lead["lead_id"] == e["lead_id"]) < cutoff
            whose = there and (whose or account_of(world, e["lead_id"]) == mine_is)
        mine = whose and e["occurred_at"] < cutoff and e["known_at"] < cutoff
        near = window is None or not e["occurred_at"] < cutoff - window
        kind = not f.kinds or e["kind"] in f.kinds
        actor = e["actor"] != "sales" if f.actor is None else e["actor"] == f.actor
        where = all(holds(w, e[w.column]) for w in f.conditions)
        if mine and near and kind and actor and where:
            found.append(e)
    return found


def code(key, text):
    """The code of a level."""
    if null(text):
        return math.nan
    levels = VOCABULARY.levels[key]
    return float(levels.index(text)) if text in levels else float(len(levels))


def numbers_in(events, column):
    """The numbers of a column that are not null."""
    return [e[column] for e in events if not null(e[column])]


def days(microseconds):
    """Exact, rounded once."""
    return float(Fraction(microseconds, DAY))


def attribute(world, lead_id, cutoff, f):
    """An attribute as of the cutoff."""
    lead = next(lead for lead in world.leads if lead["lead_id"] == lead_id)
    if f.source == "leads":
        value = lead[f.column]
    elif f.source == "accounts":
        value = next((a[f.column] for a in world.accounts if a["account_id"] == lead["account_id"]), None)
    else:
        mine = [c for c in world.changes if (c["lead_id"], c["field"]) == (lead_id, f.column)]
        if f.source == "account_changes":
            account = account_of(world, lead_id)
            mine = [c for c in world.account_changes if (c["account_id"], c["field"]) == (account, f.column)]
        known = [(c["known_at"], c["value"] or "") for c in mine if c["known_at"] < cutoff]
        value = max(known)[1] if known else None
    if f.type == "category":
        return code(("accounts." if f.of_account else "leads.") + f.column, value)
    try:
        return math.nan if null(value) else float(value)
    except ValueError:
        return math.nan


def answer(world, lead_id, cutoff, f):
    """One feature at one row."""
    what = type(f).__name__
    if isinstance(f, Attribute):
        return attribute(world, lead_id, cutoff, f)
    if what in ("Ratio", "Difference"):
        left, right = (answer(world, lead_id, cutoff, side) for side in (f.left, f.right))
        if what == "Difference":
            return left - right
        return math.nan if right == 0 else left / right
    if what == "Tenure":
        return days(cutoff - next(lead["created_at"] for lead in world.leads if lead["lead_id"] == lead_id))
    if what == "Calendar":
        moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=cutoff)
        return float({"month": moment.month, "weekday": moment.weekday(), "hour": moment.hour}[f.part])
    events = seen(world, lead_id, cutoff, f)

    def much(window):
        among = seen(world, lead_id, cutoff, f, window)
        return len(among) if what == "Trend" and f.column is None else sum(map(Fraction, numbers_in(among, f.column)))

    return over_events(what, f, events, cutoff, much)


def over_events(what, f, events, cutoff, count):  # noqa: PLR0911  # one answer for each kind of feature
    """A summary of the events that a feature looks at."""
    ages = [cutoff - e["occurred_at"] for e in events]
    if what == "Count":
        return float(len(events))
    if what == "DistinctCount":
        name = {"day": "occurred_at", "lead": "lead_id"}.get(f.column, f.column)
        column = {e[name] // DAY if f.column == "day" else e[name] for e in events}
        return float(len({value for value in column if not null(value)}))
    if what == "DaysSince":
        return days(max(ages) if f.first else min(ages)) if ages else math.nan
    if what == "DecayedSum":
        weights = [2.0 ** (-age / f.half_life) for age in ages]
        values = [1.0 if f.column is None else e[f.column] for e in events]
        return math.fsum(w * v for w, v in zip(weights, values, strict=True) if not null(v))
    if what == "Trend":
        short, long = count(f.short), count(f.window)
        return float(Fraction(short) / f.short / (Fraction(long) / f.window)) if long else math.nan
    if what in ("GapMean", "GapStd"):
        return gaps(what, sorted(ages))
    if what in ("First", "Last"):
        values = [e[f.column] for e in events if not null(e[f.column])]
        one = values[0 if what == "First" else -1] if values else None
        return code(f"events.{f.column}", one) if f.type == "category" else math.nan if one is None else float(one)
    values = numbers_in(events, f.column)
    if what == "Sum":
        return float(sum(Fraction(v) for v in values))
    if not values:
        return math.nan
    exact = {"Mean": sum(Fraction(v) for v in values) / len(values), "Max": max(values), "Min": min(values)}
    return float(exact[what])


def gaps(what, ages):
    """Exact statistics of the days between events."""
    between = [Fraction(b - a, DAY) for a, b in pairwise(ages)]
    if len(between) < (1 if what == "GapMean" else 2):
        return math.nan
    mean = sum(between) / len(between)
    if what == "GapMean":
        return float(mean)
    return math.sqrt(sum((gap - mean) ** 2 for gap in between) / len(between))


def expected(world, feature_set):
    """The whole matrix in float64."""
    return np.array([[answer(world, *row, f) for f in feature_set] for row in world.rows])


@settings(max_examples=60, deadline=None)
@given(drawn=st.data())
def test_every_feature_is_what_a_naive_loop_says(drawn, any_world, all_features):
    """Each number equals that of nested loops over dicts: to 1e-12 in float64, and rounded once in the matrix."""
    world = drawn.draw(any_world)
    wanted = expected(world, all_features)
    found = compute(world.history(), world.spine(), all_features, VOCABULARY, threads=1).matrix
    np.testing.assert_allclose(found, wanted.astype(np.float32), rtol=2e-7, atol=0, equal_nan=True)
    engine = OnlineEngine(all_features, VOCABULARY)
    for row, (lead_id, cutoff) in enumerate(world.rows):
        exact = np.empty(len(all_features))
        for plan, block in engine.blocks(world.lead(lead_id), cutoff):
            exact[plan.tables.written[:, 1]] = fold_row(plan.tables, block, 0, cutoff)
        np.testing.assert_allclose(exact, wanted[row], rtol=1e-12, atol=1e-12, equal_nan=True)


@settings(max_examples=60, deadline=None)
@given(drawn=st.data())
def test_counts_and_extremes_are_exact(drawn, any_world, all_features):
    """Counts, distinct counts, recencies, extremes, categories and attributes match to the last bit."""
    world = drawn.draw(any_world)
    exact = [
        k
        for k, f in enumerate(all_features)
        if type(f).__name__
        in ("Count", "DistinctCount", "DaysSince", "Max", "Min", "First", "Last", "Attribute", "Tenure")
    ]
    found = compute(world.history(), world.spine(), all_features, VOCABULARY, threads=1).matrix
    wanted = expected(world, all_features).astype(np.float32)
    np.testing.assert_array_equal(found[:, exact], wanted[:, exact])
