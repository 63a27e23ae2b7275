"""Leads out of the store: the same bits as the same facts in files, whatever came later, in whatever order."""

import numpy as np
import pytest

from data.clock import DAY
from data.store.tables import changes, events, leads
from features.lead import Event
from models.snapshot import score_history
from serving.deciding.histories import LongHistory, UnknownLead, read_histories, read_history
from serving.deciding.needs import Needs, needs_of


def test_a_lead_of_the_store_has_the_bits_of_the_file(filled, trained, loaded):
    """Every open lead at the end: readiness, horizons, decision and reasons as `readiness score` says."""
    at = trained.history.ends_at
    table = score_history(loaded.bundle, trained.history, at)
    ids = table["lead_id"].to_pylist()
    needs = needs_of(loaded.bundle)
    reads = filled.read(lambda connection: read_histories(connection, dict.fromkeys(ids, at), needs))
    scores = [loaded.scorer.score(reads[one].lead, at) for one in ids]
    assert len(ids) > 90
    assert [score.readiness for score in scores] == table["readiness"].to_pylist()
    for name in loaded.bundle.horizon_names:
        assert [score.horizons[name] for score in scores] == table[f"readiness_{name}"].to_pylist()
    assert [score.decision_reason for score in scores] == table["decision_reason"].to_pylist()
    told = [[*(reason.text for reason in score.reasons), None, None, None][:3] for score in scores]
    assert told == [list(row) for row in zip(*(table[f"reason_{k}"].to_pylist() for k in (1, 2, 3)), strict=True)]


def test_one_lead_is_read_like_many(filled, trained, loaded):
    """Alone or in bulk, at any moment of its life: the same history, the same fingerprint."""
    needs = needs_of(loaded.bundle)
    ids = trained.history.leads["lead_id"].to_pylist()[:60]
    moments = {one: trained.history.ends_at - k * 3 * DAY for k, one in enumerate(ids)}

    def both(connection):
        return read_histories(connection, moments, needs), {
            one: read_history(connection, one, moment, needs) for one, moment in moments.items()
        }

    many, alone = filled.read(both)
    assert many == alone


def test_what_is_known_later_changes_nothing_before(store, rows):
    """Facts that become known at the moment or after it are not there; when the next one will be, is said."""

    def write(connection):
        connection.execute(leads.insert(), [rows.lead("a", 0, None, {"size": "9", "town": "Bonn"})])
        told = [Event("view", 10, 10), Event("view", 20, 30), Event("view", 40, 40)]
        connection.execute(events.insert(), [rows.event("a", k, event) for k, event in enumerate(told)])
        connection.execute(changes.insert(), [rows.change("a", "size", "5", 5), rows.change("a", "size", "9", 35)])

    def at(moment):
        return store.read(lambda connection: read_history(connection, "a", moment))

    store.write(write)
    assert [event.occurred_at for event in at(30).lead.events] == [10]
    assert [event.occurred_at for event in at(31).lead.events] == [10, 20]
    assert at(30).lead.attributes == {"size": "5", "town": "Bonn"}
    assert at(36).lead.attributes["size"] == "9"
    assert [(at(m).used, at(m).ignored, at(m).pending) for m in (5, 31, 41)] == [(0, 3, 5), (2, 1, 35), (3, 0, None)]


def test_the_fingerprint_knows_no_order_of_arrival(store_url, rows, tmp_path):
    """The same facts in another order give the same fingerprint, one more event another."""
    from serving.store.store import Store

    told = [Event("view", k % 7, 50 + k % 5, value=float(k)) for k in range(40)]
    held = [rows.change("a", f"f{k}", str(k), k) for k in range(9)]
    found = set()
    for seed in range(3):
        np.random.default_rng(seed).shuffle(told)
        np.random.default_rng(seed).shuffle(held)
        store = Store.open(store_url) if seed == 0 else Store.open(f"sqlite:///{tmp_path / f'{seed}.db'}")
        store.write(_in_order(told, held, rows))
        found.add(store.read(lambda connection: read_history(connection, "a", 100)).inputs)
        store.close()
    assert len(found) == 1


def _in_order(told, held, rows):
    def write(connection):
        connection.execute(leads.insert(), [rows.lead("a", 0)])
        for event in told:
            connection.execute(events.insert(), [rows.event("a", int(event.value), event)])
        for row in held:
            connection.execute(changes.insert(), [row])

    return write


def test_any_other_fact_is_another_fingerprint(store, rows):
    """One more event, another value of an attribute, an event known later: each tells apart what was scored."""

    def write(connection):
        connection.execute(leads.insert(), [rows.lead(name, 0) for name in "abcd"])
        connection.execute(events.insert(), [rows.event("b", 0, Event("view", 1, 1))])
        connection.execute(events.insert(), [rows.event("c", 0, Event("view", 1, 2))])
        connection.execute(changes.insert(), [rows.change("d", "size", "1", 1)])

    store.write(write)
    found = store.read(lambda connection: [read_history(connection, name, 100).inputs for name in "abcd"])
    assert len(set(found)) == 4


def test_other_leads_of_the_account_are_read_when_they_are_needed(filled, trained):
    """Account attributes and the other leads' events, as the tables give them; left out when nobody asks."""
    from models.histories import lead_histories

    at = trained.history.ends_at
    table = trained.history.leads
    ids = [row["lead_id"] for row in table.to_pylist() if row["account_id"]][:30]
    if not ids:
        pytest.skip("this market has no accounts")
    expected = {one.lead_id: one for one in lead_histories(trained.history.upto(at), ids)}
    reads = filled.read(lambda connection: read_histories(connection, dict.fromkeys(ids, at), Needs()))
    for one in ids:
        plain = [e._replace(event_id=None, extra={}) for e in expected[one].account_events]
        theirs = [e._replace(event_id=None, extra={}) for e in reads[one].lead.account_events]
        assert sorted(map(repr, theirs)) == sorted(map(repr, plain))
        assert dict(reads[one].lead.account_attributes).keys() == {
            k for k, v in expected[one].account_attributes.items() if v is not None
        }
    without = filled.read(
        lambda connection: read_histories(
            connection, dict.fromkeys(ids, at), Needs(account_attributes=False, account_events=False)
        )
    )
    assert not any(read.lead.account_events or read.lead.account_attributes for read in without.values())


def test_unknown_and_very_long_leads_say_so(filled, trained):
    """A lead that is not there is one sentence; one with more events than asked for too."""
    with pytest.raises(UnknownLead, match="There is no lead 'nobody'"):
        filled.read(lambda connection: read_history(connection, "nobody", 1))
    longest = trained.history.events["lead_id"].value_counts().to_pylist()
    lead = max(longest, key=lambda one: one["counts"])["values"]
    with pytest.raises(LongHistory, match="more than 3 events"):
        filled.read(lambda connection: read_history(connection, lead, 1 << 60, at_most=3))
