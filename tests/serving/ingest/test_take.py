"""Taking news in: each thing once, in any order, however it is cut into calls; what is wrong is refused by name."""

import json
from collections import defaultdict

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from data.clock import DAY, MINUTE
from data.store.tables import events, leads
from serving.ingest.items import AccountItem, EventItem, LeadItem, OutcomeItem
from serving.store.tables import looks

MANY = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
T0 = 1_700_000_000_000_000
LEADS = ("a", "b", "ü")
KINDS = ("page", "call")

moments = st.integers(0, 12).map(lambda k: T0 + k * MINUTE)


@st.composite
def happenings(draw):
    """Events and outcomes that say when they were known; the same id always with the same content."""
    items = {}
    for key in draw(st.lists(st.integers(0, 9), max_size=12)):
        at = draw(moments)
        known = at + draw(st.integers(0, 3)) * MINUTE
        lead, kind = draw(st.sampled_from(LEADS)), draw(st.sampled_from(KINDS))
        common = {"lead_id": lead, "kind": kind, "occurred_at": at, "known_at": known}
        if draw(st.booleans()):
            event_id = draw(st.sampled_from([f"id {key}", None]))
            extra = draw(st.sampled_from([{}, {"page": "x"}, {"n": 1.5}]))
            items.setdefault(
                ("event", event_id or (common.__repr__(), repr(extra))),
                EventItem(**common, event_id=event_id, extra=extra),
            )
        else:
            items.setdefault(("outcome", key), OutcomeItem(**common, outcome_id=f"id {key}"))
    return list(items.values())


@st.composite
def descriptions(draw):
    """What is said of leads and accounts, with when it was known; one moment of creation for each lead."""
    found = []
    for _ in range(draw(st.integers(0, 6))):
        lead = draw(st.sampled_from(LEADS))
        said = draw(st.dictionaries(st.sampled_from("xy"), st.sampled_from(["p", "q", 2.5, 7.0, None]), max_size=2))
        known_at = draw(moments)
        if draw(st.integers(0, 3)):
            born = draw(st.sampled_from([None, T0 - LEADS.index(lead) * DAY]))
            account = draw(st.sampled_from([None, f"of {lead}"]))
            found.append(
                LeadItem(
                    lead_id=lead,
                    created_at=born,
                    account_id=account,
                    attributes=said,
                    known_at=known_at,
                    said_at=known_at,
                )
            )
        else:
            found.append(AccountItem(account_id=f"of {lead}", attributes=said, known_at=known_at))
    return found


def _text(value):
    return value if isinstance(value, str) or value is None else {2.5: "2.5", 7.0: "7"}[value]


def _oracle(items, now):
    """The store that these items mean, thought of without any order: sets, least and greatest."""
    happened = [item for item in items if isinstance(item, EventItem | OutcomeItem)]
    told = [item for item in items if isinstance(item, LeadItem)]
    logs = {LeadItem: defaultdict(lambda: defaultdict(dict)), AccountItem: defaultdict(lambda: defaultdict(dict))}
    for item in items:
        for name, value in getattr(item, "attributes", {}).items():
            log = logs[type(item)][item.lead_id if isinstance(item, LeadItem) else item.account_id][name]
            one = (value is not None, _text(value) or "", value)
            log[item.known_at] = max(log.get(item.known_at, one), one)
    present = {
        kind: {
            entity: {name: log[max(log)][2] for name, log in fields.items() if log[max(log)][2] is not None}
            for entity, fields in of.items()
        }
        for kind, of in logs.items()
    }
    people = {}
    for lead in {item.lead_id for item in [*happened, *told]}:
        given_ = [item.created_at for item in told if item.lead_id == lead and item.created_at is not None]
        guesses = [item.occurred_at for item in happened if item.lead_id == lead]
        guesses += [item.said_at for item in told if item.lead_id == lead]
        accounts = [item.account_id for item in told if item.lead_id == lead and item.account_id]
        people[lead] = (
            given_[0] if given_ else min([*guesses, now]),
            accounts[0] if accounts else None,
            not given_,
            present[LeadItem].get(lead, {}),
        )
    companies = {
        item.account_id: present[AccountItem].get(item.account_id, {})
        for item in items
        if isinstance(item, AccountItem)
    }
    changes = {
        kind: {
            (entity, name, at, _text(value))
            for entity, fields in of.items()
            for name, log in fields.items()
            for at, (_, _, value) in log.items()
        }
        for kind, of in logs.items()
    }
    facts = sorted((type(item).__name__, item.lead_id, item.kind, item.occurred_at, item.known_at) for item in happened)
    return people, companies, changes[LeadItem], changes[AccountItem], facts


def _found(stored):
    """The same shape as the oracle's, out of what the store holds."""
    rows = {name: [dict(row) for row in of] for name, of in stored.items()}
    people = {
        r["lead_id"]: (r["created_at"], r["account_id"], bool(r["implied"]), json.loads(r["attributes"]))
        for r in rows["leads"]
    }
    companies = {r["account_id"]: json.loads(r["attributes"]) for r in rows["accounts"]}
    changes = {(r["lead_id"], r["field"], r["known_at"], r["value"]) for r in rows["changes"]}
    of_accounts = {(r["account_id"], r["field"], r["known_at"], r["value"]) for r in rows["account_changes"]}
    facts = [("EventItem", r["lead_id"], r["kind"], r["occurred_at"], r["known_at"]) for r in rows["events"]]
    facts += [("OutcomeItem", r["lead_id"], r["kind"], r["occurred_at"], r["known_at"]) for r in rows["outcomes"]]
    return people, companies, changes, of_accounts, sorted(facts)


@MANY
@given(data=st.data())
def test_any_order_any_cut_any_repetition_makes_the_same_store(store, tell, contents, emptied, now, data):
    """The same items, shuffled, repeated and cut into calls, leave what an oracle without any order says."""
    items = data.draw(happenings()) + data.draw(descriptions())
    sent = data.draw(
        st.permutations(items + data.draw(st.lists(st.sampled_from(items), max_size=5)) if items else items)
    )
    emptied(store)
    new = 0
    while sent:
        size = data.draw(st.integers(1, len(sent)))
        account = tell(store, *sent[:size])
        assert account.taken + account.duplicates == size
        assert not account.refused
        new += account.taken
        sent = sent[size:]
    stored = contents(store)
    assert _found(stored) == _oracle(items, now)
    assert new <= len(items)
    assert {dict(row)["lead_id"] for row in stored["looks"]} <= {dict(row)["lead_id"] for row in stored["leads"]}


@MANY
@given(
    ids=st.lists(st.tuples(st.sampled_from(["x", "y", "z", None]), st.integers(0, 2)), min_size=1, max_size=10),
    cut=st.integers(1, 5),
)
def test_an_id_keeps_its_first_content(store, tell, contents, emptied, ids, cut):
    """The same id with the same content is known, with another one it is refused, wherever the calls are cut."""
    emptied(store)
    kept, expected = {}, []
    for name, number in ids:
        key = name or f"content {number}"
        expected.append("new" if key not in kept else "known" if kept[key] == number else "conflict")
        kept.setdefault(key, number)
    found = []
    for start in range(0, len(ids), cut):
        part = ids[start : start + cut]
        items = [EventItem(lead_id="a", kind="page", occurred_at=T0, event_id=name, value=float(k)) for name, k in part]
        account = tell(store, *items)
        refused = {one.index: one.reason for one in account.refused}
        assert all("another content" in reason for reason in refused.values())
        want = expected[start : start + cut]
        assert sorted(refused) == [place for place, what in enumerate(want) if what == "conflict"]
        assert (account.taken, account.duplicates) == (want.count("new"), want.count("known"))
        found.append(account)
    assert sorted(dict(row)["value"] for row in contents(store)["events"]) == sorted(map(float, kept.values()))


def test_what_the_sender_does_not_know_we_know_on_receipt(store, tell, contents, now):
    """known_at is the sender's, else the moment of receipt; a past that is loaded was known when it happened."""
    tell(store, EventItem(lead_id="a", kind="page", occurred_at=T0, event_id="1"))
    tell(store, EventItem(lead_id="a", kind="page", occurred_at=T0, known_at=T0 + 5, event_id="2"))
    tell(store, EventItem(lead_id="a", kind="page", occurred_at=T0, event_id="3"), backfill=True)
    known = {row["event_id"]: row["known_at"] for row in map(dict, contents(store)["events"])}
    assert known == {"1": now, "2": T0 + 5, "3": T0}


def test_a_clock_a_little_ahead_is_believed(store, tell, contents, now):
    """Up to five minutes ahead an event is taken, known when it happened; beyond that it is refused with both times."""
    account = tell(
        store,
        EventItem(lead_id="a", kind="page", occurred_at=now + 4 * MINUTE, event_id="soon"),
        EventItem(lead_id="a", kind="page", occurred_at=now + 6 * MINUTE, event_id="too far"),
    )
    assert account.taken == 1
    assert "which is not yet" in account.refused[0].reason
    [event] = map(dict, contents(store)["events"])
    assert event["known_at"] == event["occurred_at"] == now + 4 * MINUTE
    [lead] = map(dict, contents(store)["leads"])
    assert lead["created_at"] == now


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"known_at": T0 - 1}, "before occurred_at"),
        ({"occurred_at": -1}, "1970 to 2200"),
        ({"lead_id": ""}, "lead_id has 0 characters"),
        ({"lead_id": "x" * 201}, "lead_id has 201 characters"),
        ({"event_id": "y" * 256}, "256 characters"),
        ({"event_id": "sha256:ab"}, "sha256:"),
        ({"value": float("nan")}, "finite"),
        ({"extra": {"n": float("inf")}}, "finite"),
        ({"item": "a\x00b"}, "NUL"),
        ({"extra": {"n\x00": 1}}, "NUL"),
        ({"kind": "\ud800"}, "surrogate"),
    ],
)
def test_what_cannot_be_stored_is_refused_alone(store, tell, wrong, reason):
    """One bad event has its reason; the one beside it is taken."""
    good = {"lead_id": "a", "kind": "page", "occurred_at": T0}
    account = tell(store, EventItem(**{**good, **wrong}), EventItem(**good))
    assert account.taken == 1
    assert [one.index for one in account.refused] == [0]
    assert reason in account.refused[0].reason


def test_a_backslash_and_u0000_is_plain_text(store, tell, contents):
    """Text that only looks like the JSON of a NUL is taken as it is."""
    assert tell(store, EventItem(lead_id="a", kind="page", occurred_at=T0, item="\\u0000")).taken == 1
    [event] = map(dict, contents(store)["events"])
    assert event["item"] == "\\u0000"


def test_an_unknown_lead_is_made_and_described_later(store, tell, contents, now):
    """A guess of created_at moves back with earlier events; who knows it replaces the guess."""
    tell(store, EventItem(lead_id="a", kind="page", occurred_at=T0 + 10, event_id="1"))
    tell(store, EventItem(lead_id="a", kind="page", occurred_at=T0, event_id="2"))
    lead = dict(contents(store)["leads"][0])
    assert (lead["created_at"], lead["implied"]) == (T0, True)
    tell(store, LeadItem(lead_id="a", created_at=T0 - DAY, attributes={"size": 5.0}))
    tell(store, EventItem(lead_id="a", kind="page", occurred_at=T0 - 2 * DAY, event_id="3"))
    lead = dict(contents(store)["leads"][0])
    assert (lead["created_at"], lead["implied"], lead["attributes"]) == (T0 - DAY, False, '{"size": 5.0}')
    assert [dict(row)["known_at"] for row in contents(store)["changes"]] == [now]


def test_a_value_said_again_is_nothing_new(store, tell, contents, now):
    """A daily synchronisation of the same values adds nothing; a null takes a value away, and that too is logged."""
    for day in range(3):
        account = tell(store, LeadItem(lead_id="a", attributes={"size": 5.0}), at=now + day * DAY)
        assert (account.taken, account.duplicates) == ((1, 0) if day == 0 else (0, 1))
    assert tell(store, LeadItem(lead_id="a", attributes={"size": None}), at=now + 3 * DAY).taken == 1
    log = [(row["known_at"], row["value"]) for row in map(dict, contents(store)["changes"])]
    assert log == [(now, "5"), (now + 3 * DAY, None)]
    assert dict(contents(store)["leads"][0])["attributes"] == "{}"


def test_what_comes_late_does_not_overrule_what_holds(store, tell, contents, now):
    """A value known earlier enters the log, not the present."""
    tell(store, LeadItem(lead_id="a", attributes={"size": 5.0}))
    tell(store, LeadItem(lead_id="a", attributes={"size": 2.0}, known_at=now - DAY))
    assert dict(contents(store)["leads"][0])["attributes"] == '{"size": 5.0}'
    assert [dict(row)["value"] for row in contents(store)["changes"]] == ["2", "5"]


def test_news_marks_the_lead_and_only_news_does(store, tell, contents):
    """A lead with something new waits for a look; what was known already marks nobody."""
    event = EventItem(lead_id="a", kind="page", occurred_at=T0, event_id="1")
    tell(store, event)
    store.write(lambda connection: connection.execute(looks.delete()))
    tell(store, event)
    assert contents(store)["looks"] == []
    tell(store, LeadItem(lead_id="b", account_id="x"))
    store.write(lambda connection: connection.execute(looks.delete()))
    tell(store, AccountItem(account_id="x", attributes={"tier": "gold"}))
    assert [dict(row)["lead_id"] for row in contents(store)["looks"]] == ["b"]


def test_a_hundred_thousand_events_of_one_lead_are_taken(store, tell):
    """One lead with very many events is stored like any other."""
    count = 100_000 if store.embedded else 20_000
    for start in range(0, count, 10_000):
        ids = range(start, start + 10_000)
        items = (EventItem(lead_id="a", kind="page", occurred_at=T0 + k, event_id=f"{k}") for k in ids)
        assert tell(store, *items).taken == 10_000
    assert store.read(lambda connection: connection.execute(select(func.count()).select_from(events)).scalar()) == count
    assert store.read(lambda connection: connection.execute(select(leads.c.created_at)).scalar()) == T0
