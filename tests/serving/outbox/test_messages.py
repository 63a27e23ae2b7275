"""Messages: a crossing is one CloudEvent with one id, written with its cause and queued for whoever wants it."""

import json
from dataclasses import replace
from itertools import product

import pytest
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from sqlalchemy import select

from data.clock import to_micros
from data.errors import ContractError
from models.reasons import Reason
from models.scorer import Score
from models.states import STATES, Transition
from serving.outbox.kinds import CROSSINGS, checked, kind_of
from serving.outbox.messages import Crossing, crossings
from serving.store.tables import deliveries, messages, subscribers

AT = 1_767_225_600_000_000  # 2026-01-01
SCORE = Score(
    lead_id="L-1",
    as_of=AT,
    readiness=0.42,
    horizons={"30d": 0.2, "90d": 0.42},
    index=61.0,
    decision="hand off",
    decision_reason="readiness 42 % is at or above the agreed 24 %",
    state="ready",
    next_at=None,
    reasons=(Reason("3 pricing views since 12 May", "pricing", 1.25, AT - 10, AT - 5),),
    bundle_id="b" * 64,
    product="leads",
)
CROSSING = Crossing(
    transition_id="t-1",
    lead_id="L-1",
    transition=Transition("nurture", "ready", AT, "readiness 42 % is at or above the agreed 24 %", 1.0),
    cause="event",
    product="leads",
    score=SCORE,
    score_id="s-1",
    model_version="7",
    horizon_days=90.0,
)


def _subscribe(store, name, kinds=(), *, active=True, stopped_because=None):
    row = {
        "name": name,
        "platform": "webhook",
        "url": "https://example.org/",
        "secret": "",
        "settings": "{}",
        "kinds": json.dumps(list(kinds)),
        "active": active,
        "made_at": 1,
        "stopped_because": stopped_because,
    }
    store.write(lambda c: c.execute(subscribers.insert(), [row]))


def _queued(store):
    columns = (deliveries.c.subscriber, messages.c.lead_id, messages.c.kind)
    statement = select(*columns).join_from(deliveries, messages).order_by(deliveries.c.due_at, deliveries.c.subscriber)
    return [tuple(row) for row in store.read(lambda c: c.execute(statement).all())]


def test_a_crossing_is_a_cloud_event_that_says_everything(store):
    """The body reads back with the CloudEvents library: who, from where to where, how sure, by which model, why."""
    (message_id,) = store.write(lambda c: crossings(c, [CROSSING]))
    row = store.read(lambda c: c.execute(select(messages)).mappings().one())
    event = JSONFormat().read(CloudEvent, row["body"])
    assert (
        (event.get_id(), event.get_type()) == (message_id, "readiness.lead.ready") == (row["message_id"], row["kind"])
    )
    assert (event.get_source(), event.get_subject()) == ("/readiness/leads", "L-1")
    assert to_micros(event.get_time()) == AT
    assert event.get_data() == {
        "lead_id": "L-1",
        "previous_state": "nurture",
        "state": "ready",
        "reason": "readiness 42 % is at or above the agreed 24 %",
        "cause": "event",
        "at": "2026-01-01T00:00:00Z",
        "next_date": None,
        "propensity": 1.0,
        "score_id": "s-1",
        "p": 0.42,
        "horizon_days": 90.0,
        "horizons": {"30d": 0.2, "90d": 0.42},
        "index": 61.0,
        "model_version": "7",
        "bundle_id": "b" * 64,
        "as_of": "2026-01-01T00:00:00Z",
        "reasons": [
            {
                "text": "3 pricing views since 12 May",
                "push": 1.25,
                "since": "2025-12-31T23:59:59.999990Z",
                "until": "2025-12-31T23:59:59.999995Z",
            }
        ],
    }


def test_a_word_of_sales_is_told_without_a_score(store):
    """Where sales moved the lead there is no score: the fields are there, and null."""
    won = Crossing("t-2", "L-2", Transition("working", "won", AT, "sales recorded won"), "outcome", "leads")
    store.write(lambda c: crossings(c, [won]))
    told = json.loads(store.read(lambda c: c.execute(select(messages.c.body)).scalar_one()))
    assert told["type"] == "readiness.lead.won"
    assert told["data"]["p"] is None
    assert told["data"]["propensity"] is None
    assert told["data"]["reasons"] == []
    assert set(told["data"]) >= {"horizon_days", "as_of", "bundle_id", "model_version"}


def test_the_same_crossing_is_one_message(store):
    """Told again, at another moment, it is the same id, and nobody is told twice."""
    _subscribe(store, "crm")
    first = store.write(lambda c: crossings(c, [CROSSING], now=1_000))
    assert store.write(lambda c: crossings(c, [CROSSING, CROSSING], now=2_000)) == first * 2
    assert len(_queued(store)) == 1


def test_another_transition_or_product_is_another_message(store):
    """The id is made of the product and the transition, and of nothing else."""
    others = [CROSSING, replace(CROSSING, transition_id="t-9"), replace(CROSSING, product="renewals")]
    assert len(set(store.write(lambda c: crossings(c, others)))) == 3


def test_each_subscriber_gets_what_it_wants(store):
    """No kinds: everything. A paused subscriber's messages wait for it; a stopped one gets none."""
    _subscribe(store, "all")
    _subscribe(store, "ready", ["readiness.lead.ready"])
    _subscribe(store, "won", ["readiness.lead.won"])
    _subscribe(store, "paused", active=False)
    _subscribe(store, "stopped", active=False, stopped_because="410 Gone")
    store.write(lambda c: crossings(c, [CROSSING]))
    assert [name for name, *_ in _queued(store)] == ["all", "paused", "ready"]


def test_messages_of_one_call_keep_their_order(store):
    """What is written together falls due in the order given."""
    _subscribe(store, "crm")
    leads = [f"L-{k}" for k in (3, 1, 2)]
    store.write(lambda c: crossings(c, [replace(CROSSING, transition_id=lead, lead_id=lead) for lead in leads]))
    assert [lead for _, lead, _ in _queued(store)] == leads


def test_a_cause_that_fails_tells_nobody(store):
    """The message is part of the transaction: undone with it."""
    _subscribe(store, "crm")

    def fails(connection):
        crossings(connection, [CROSSING])
        raise ValueError("the cause failed")

    with pytest.raises(ValueError, match="the cause failed"):
        store.write(fails)
    assert _queued(store) == []


def test_every_possible_transition_has_a_kind():
    """Whatever the states may do next, its kind is one of the table; only ready to nurture is called cooled."""
    found = {(b, a): kind_of(b, a) for b, a in product(STATES, STATES) if a != b}
    assert set(found.values()) == set(CROSSINGS)
    assert [pair for pair, kind in found.items() if kind == "readiness.lead.cooled"] == [("ready", "nurture")]


def test_kinds_are_written_short_or_in_full():
    """``ready`` and ``let go`` stand for the full names; what is no kind is refused with the nearest."""
    assert checked(["ready", "let go", "readiness.lead.ready"]) == ["readiness.lead.ready", "readiness.lead.let_go"]
    with pytest.raises(ContractError, match=r"Did you mean 'readiness\.lead\.ready'"):
        checked(["reedy"])
