"""The contact audit: whom sales spoke to in time, and who was handed off and never heard anything."""

from dataclasses import replace

import pyarrow as pa
import pytest

from data.clock import DAY
from data.contract import parse_contract
from data.tables import TIME
from training.watching.contact import audit

CONTRACT = """
[ready]
outcome = ["won"]
terminal = ["won"]
horizons = ["30d"]
primary = "30d"

[policy]
answer_within = "10d"
{watch}
[source]
events = {{ table = "events.parquet" }}
outcomes = {{ table = "outcomes.parquet" }}
leads = {{ table = "leads.parquet" }}
"""


@pytest.fixture
def contract(tmp_path):
    """Sales has ten days to answer."""
    return lambda watch="": parse_contract(CONTRACT.format(watch=watch), tmp_path)


def told(rows, chances=None):
    """Scores as (lead, as_of in days, readiness, decision)."""
    leads, days, said, decisions = zip(*rows, strict=True)
    return pa.table(
        {
            "lead_id": pa.array(leads, pa.string()),
            "as_of": pa.array([int(day * DAY) for day in days], pa.int64()).cast(TIME),
            "version": pa.array(["1"] * len(rows), pa.string()),
            "decision": pa.array(decisions, pa.string()),
            "propensity": pa.array([None] * len(rows) if chances is None else chances, pa.float64()),
            "readiness_30d": pa.array(said, pa.float64()),
        }
    )


def history_of(make_history, leads, touches, days):
    """Leads with sales touches at (lead, day), seen until so many days; one page view that is no touch."""
    events = [(lead, "call", int(day * DAY), int(day * DAY)) for lead, day in touches]
    found = make_history([(one, 0) for one in leads], events, ends_at=int(days * DAY))
    table = found.events
    place = table.schema.get_field_index("actor")
    by_sales = table.set_column(place, table.schema.field(place), [pa.array(["sales"] * len(table), pa.string())])
    more = make_history([(leads[0], 0)], [(leads[0], "page_view", 6 * DAY, 6 * DAY)]).events
    return replace(found, events=pa.concat_tables([by_sales, more]))


def test_contacts_are_counted_in_time(contract, make_history):
    """By hand: touched on the last day in time, a day late, before the score, never; what is too young is left out."""
    leads = ["in time", "late", "before", "never", "young"]
    touches = [("in time", 5), ("in time", 15 - 1e-6), ("late", 15), ("before", 4)]
    rows = [(one, 5, 0.5, "hand off") for one in leads[:4]] + [("young", 95, 0.5, "hand off")]
    found = audit(contract(), history_of(make_history, leads, touches, 100), told(rows)).told
    assert (found["ready"], found["answered_in_time"], found["never_contacted"]) == (4, 1, 2)
    assert sum(one["scores"] for one in found["bins"]) == 4


def test_who_was_handed_off_by_a_lot_and_who_was_called_without_is_counted(contract, make_history):
    """By lead, however many scores; what a lot left with marketing is no hand-off."""
    rows = [("a", 1, 0.1, "nurture"), ("a", 8, 0.1, "nurture"), ("b", 1, 0.1, "nurture"), ("c", 1, 0.9, "hand off")]
    found = audit(contract(), history_of(make_history, ["a", "b", "c"], [("a", 9), ("c", 2)], 60), told(rows)).told
    assert (found["besides"], found["explored"]) == (1, 0)
    drawn = audit(
        contract(), history_of(make_history, ["a", "b", "c"], [], 60), told(rows, [0.9, None, None, 0.1])
    ).told
    assert (drawn["besides"], drawn["explored"]) == (0, 1)


def test_contact_is_told_by_readiness(contract, make_history):
    """Groups of equal size, from the least to the most ready."""
    rows = [(f"l{k}", 1, k / 100, "nurture") for k in range(100)]
    touches = [(f"l{k}", 2) for k in range(50, 100)]
    bins = audit(contract(), history_of(make_history, [row[0] for row in rows], touches, 60), told(rows)).told["bins"]
    assert [one["scores"] for one in bins] == [10] * 10
    assert [one["contacted"] for one in bins] == [0.0] * 5 + [1.0] * 5
    assert (bins[0]["low"], bins[-1]["high"]) == (0.0, 1.0)


def test_sales_that_stopped_calling_is_noticed(contract, make_history):
    """Forty leads in the weeks before were called, of twenty lately none; and where all goes on, nothing is said."""
    before, lately = [f"b{k}" for k in range(40)], [f"l{k}" for k in range(20)]
    rows = [(one, 10 + k / 2, 0.5, "hand off") for k, one in enumerate(before)]
    rows += [(one, 65 + k / 2, 0.5, "hand off") for k, one in enumerate(lately)]
    called = [(one, day + 1) for one, day, *_ in rows]
    leads = before + lately
    (stopped,) = audit(contract(), history_of(make_history, leads, called[:40], 90), told(rows)).findings
    (went_on,) = audit(contract(), history_of(make_history, leads, called, 90), told(rows)).findings
    assert (stopped.p < 1e-9, stopped.matters, went_on.matters) == (True, True, False)
    assert "100 % heard nothing within 10 days; before that it were -" not in stopped.text
    assert stopped.text.startswith("Of 20 leads handed off in the 28 days")


def test_the_contract_may_say_how_many_are_too_many(contract, make_history):
    """An alarm where surely more were never contacted than [watch] allows."""
    rows = [(f"l{k}", 1, 0.5, "hand off") for k in range(60)]
    history = history_of(make_history, [row[0] for row in rows], [(f"l{k}", 2) for k in range(20)], 60)
    limits = {most: contract(f"\n[watch]\nmost_never_contacted = {most}\n") for most in (0.3, 0.65)}
    p = {most: [one.p for one in audit(limit, history, told(rows)).findings] for most, limit in limits.items()}
    assert p[0.3][0] < 1e-6
    assert p[0.65][0] > 0.05
    assert audit(contract(), history, told(rows)).findings == []


def test_scores_that_decide_nothing_hand_nobody_off(contract, make_history):
    """They were told to nobody: a shadow version's scores are no part of the audit, and without others it is empty."""
    rows = [("a", 1, 0.5, None), ("a", 1, 0.4, "nurture")]
    found = audit(contract(), history_of(make_history, ["a"], [("a", 2)], 60), told(rows)).told
    assert (found["ready"], found["besides"], [one["scores"] for one in found["bins"]]) == (0, 1, [1])
    nobody = audit(contract(), history_of(make_history, ["a"], [], 60), told(rows[:1]))
    assert (nobody.told["ready"], nobody.told["bins"], nobody.findings) == (0, [], [])
