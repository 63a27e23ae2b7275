"""The work list and the timeline: the right leads in the right order, page by page, on both kinds of database."""

import itertools
import json

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete

from data.clock import DAY, HOUR
from data.store.tables import changes, events, leads, outcomes
from features.lead import Event
from models.evidence import Evidence
from models.policy import Policy
from models.states import STATES, Look, begin, step
from serving.deciding.cursors import cursor
from serving.deciding.standings import Kept, put
from serving.deciding.stories import timeline
from serving.deciding.work_list import Wanted, how_many, work_list
from serving.problems import Refusal
from serving.store.tables import scores, standings, transitions

TODAY = 20_500 * DAY


def kept(lead_id, state="nurture", since=TODAY - 30 * DAY, readiness=0.5, next_at=None, touched=None, nurtured=None):
    """A row of a standing."""
    return Kept(lead_id, state, since, since, next_at, "so", readiness, 50.0, None, "7", since, touched, nurtured)


def fill(store, rows, *standing):
    """Leads with these standings."""
    made = [rows.lead(one.lead_id, one.since) for one in standing]

    def change(connection):
        connection.execute(leads.insert(), made)
        put(connection, standing)

    store.write(change)


def pages(store, wanted, limit):
    """All pages: the ids of each."""
    after = ""
    while True:
        found, after = store.read(lambda connection, at=after: work_list(connection, wanted, limit, at))
        yield [row["lead_id"] for row in found]
        if not after:
            return


def listed(store, wanted, limit=3):
    """The ids of a whole list."""
    return list(itertools.chain.from_iterable(pages(store, wanted, limit)))


def test_the_readiest_come_first_and_no_page_repeats_or_misses_any(store, rows):
    """Whatever the page size, also where many are equally ready, and where closed ones have no readiness."""
    rng = np.random.default_rng(0)
    made = [
        kept(f"l{k:03}", STATES[k % len(STATES)], readiness=None if k % 7 == 4 else float(rng.integers(0, 5)) / 8)
        for k in range(60)
    ]
    fill(store, rows, *made)
    for states in ((), ("ready",), ("ready", "nurture"), ("won", "ready")):
        chosen = [one for one in made if not states or one.state in states]
        expected = sorted(chosen, key=lambda one: (-(-1 if one.readiness is None else one.readiness), one.lead_id))
        for limit in (1, 4, 100):
            assert listed(store, Wanted(states=states), limit) == [one.lead_id for one in expected], (states, limit)
        assert store.read(lambda connection, s=states: how_many(connection, Wanted(states=s))) == len(chosen)


def test_other_orders(store, rows):
    """By id, and by what is due first; who is never due comes last."""
    fill(store, rows, kept("b", next_at=5), kept("a", next_at=9), kept("d"), kept("c", next_at=5))
    assert listed(store, Wanted(sort="lead_id"), 2) == ["a", "b", "c", "d"]
    assert listed(store, Wanted(sort="next_date"), 2) == ["b", "c", "a", "d"]


def test_ready_and_never_contacted(store, rows):
    """Whom sales has touched, ever, is not among them."""
    fill(
        store, rows, kept("a", "ready"), kept("b", "ready", touched=TODAY - 300 * DAY), kept("c", "working", touched=1)
    )
    assert listed(store, Wanted(states=("ready",), never_contacted=True)) == ["a"]


def test_a_list_stays_in_order_while_leads_move(store, rows):
    """A lead that moved between two pages is seen at its new place or not again; the others each once."""
    made = [kept(f"l{k}", "ready", readiness=k / 10) for k in range(8)]
    fill(store, rows, *made)
    wanted = Wanted(states=("ready",))
    first, after = store.read(lambda connection: work_list(connection, wanted, 3))
    store.write(lambda connection: put(connection, [kept("l7", "ready", readiness=0.05), kept("l1", "won")]))
    second, _ = store.read(lambda connection: work_list(connection, wanted, 10, after))
    assert [row["lead_id"] for row in first] == ["l7", "l6", "l5"]
    assert [row["lead_id"] for row in second] == ["l4", "l3", "l2", "l7", "l0"]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    since=st.integers(1, 40 * 24), cadence=st.integers(1, 20), looked=st.integers(0, 23), nurtured=st.integers(-48, 24)
)
def test_who_is_due_today_is_who_the_policy_says(store, rows, since, cadence, looked, nurtured):
    """Before and after any look of the day: due today is whose next touch, asked at midnight, falls on the day."""
    policy = Policy(1.0, cadence=cadence * DAY)
    born = TODAY - since * HOUR
    quiet = Look(0.0, Evidence(0, 0, born))
    midnight, _ = step(policy, begin(policy, born), quiet, TODAY - 1)
    later, _ = step(policy, midnight, quiet, TODAY + looked * HOUR)
    touched = TODAY + nurtured * HOUR
    expected = TODAY <= midnight.next_at < TODAY + DAY and touched < TODAY
    row = kept("a", since=born, nurtured=touched)
    store.write(lambda connection: [connection.execute(delete(table)) for table in (standings, leads)])
    fill(store, rows, row.after(later))
    found, _ = store.read(
        lambda connection: work_list(connection, Wanted(due=True, day=TODAY, cadence=policy.cadence), 9)
    )
    assert bool(found) == expected
    if found:
        assert found[0]["next_at"] == midnight.next_at


@pytest.mark.parametrize("text", ["x", "AAAA", cursor("other", [0.5, "a"]), cursor(Wanted().name, ["a", 0.5])])
def test_a_foreign_cursor_is_refused(store, text):
    """One sentence, never an error of the database."""
    with pytest.raises(Refusal, match="none of this list"):
        store.read(lambda connection: work_list(connection, Wanted(), 3, text))


def story_of(store, limit):
    """The whole timeline of lead a, page by page."""
    after = ""
    while True:
        found, after = store.read(lambda connection, at=after: timeline(connection, "a", limit, at))
        yield from found
        if not after:
            return


def test_the_timeline_has_everything_latest_first(store, rows):
    """Events, outcomes, attributes, scores and crossings, also of one moment, at any size of page."""
    moments = [TODAY + (k // 5) * HOUR for k in range(20)]
    told = [Event("view", at, at, value=float(k), extra={"page": "x"}) for k, at in enumerate(moments)]

    def change(connection):
        connection.execute(leads.insert(), [rows.lead("a", 0), rows.lead("b", 0)])
        connection.execute(events.insert(), [rows.event("a", k, event) for k, event in enumerate(told)])
        connection.execute(events.insert(), [rows.event("b", k, event) for k, event in enumerate(told)])
        connection.execute(outcomes.insert(), [rows.outcome("a", "won", TODAY + HOUR)])
        connection.execute(changes.insert(), [rows.change("a", name, "x", TODAY + HOUR) for name in "pqr"])
        connection.execute(transitions.insert(), [_crossing("a", TODAY + HOUR), _crossing("b", TODAY)])
        connection.execute(scores.insert(), [_score("a", k, TODAY + HOUR) for k in range(3)])

    store.write(change)
    whole = list(story_of(store, 500))
    assert len(whole) == 20 + 1 + 3 + 1 + 3
    assert [entry["at"] for entry in whole] == sorted((entry["at"] for entry in whole), reverse=True)
    for limit in (1, 3, 7):
        assert list(story_of(store, limit)) == whole
    kinds = [entry["type"] for entry in whole if entry["at"] == whole[-6]["at"]]
    assert kinds == ["crossing", *["score"] * 3, *["attribute"] * 3, "outcome", *["event"] * 5]
    assert whole[-1]["detail"].startswith("value: ")
    assert "page: x" in whole[-1]["detail"]


def _crossing(lead_id, at):
    told = {"before": "nurture", "after": "ready", "reason": "so", "cause": "night", "score_id": None}
    return {"transition_id": f"{lead_id}-{at}", "lead_id": lead_id, "at": at, **told}


def _score(lead_id, place, at):
    numbers = {"readiness": 0.5, "index": 50.0, "events_used": 1, "events_ignored": 0, "horizon_days": 90.0}
    texts = {"decision": "nurture", "decision_reason": "so", "state": "nurture", "inputs": "", "model_version": "7"}
    more = {"base_rate": 0.1, "bundle_id": "", "cause": "night", "job_id": None, "next_at": None}
    moments = {"as_of": at, "scored_at": at}
    lists = {"horizons": json.dumps({}), "reasons": "[]"}
    return {"score_id": f"s{place}", "lead_id": lead_id, **moments, **numbers, **texts, **more, **lists}
