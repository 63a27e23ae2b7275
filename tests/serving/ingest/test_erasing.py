"""Erasure: nothing that names the lead is left anywhere, everything else stays, and a line says that it was done."""

import json
from pathlib import Path

import pytest
from sqlalchemy import inspect, select, table, text

from data.clock import MINUTE
from data.store.tables import events, leads
from serving.ingest.erasing import erase, subject_of
from serving.ingest.items import EraseItem, EventItem, LeadItem, LinkItem, OutcomeItem, VisitItem
from serving.store import tables as all_tables
from serving.store.tables import METADATA, audit, callbacks, score_jobs

CANARY = "canary-8f3a2c"
T0 = 1_700_000_000_000_000


def _remember(connection, lead):
    """One row about ``lead`` in every table that remembers leads."""
    standing = {"lead_id": lead, "state": "ready", "since": 1, "free_at": 1, "reason": f"of {lead}", "decided_at": 1}
    connection.execute(all_tables.standings.insert(), [{**_blank(all_tables.standings), **standing}])
    moved = {"transition_id": f"t-{lead}", "lead_id": lead, "at": 1, "before": "nurture", "after": "ready"}
    connection.execute(all_tables.transitions.insert(), [{**_blank(all_tables.transitions), **moved, "reason": lead}])
    connection.execute(all_tables.scores.insert(), [_score(lead)])
    beside = {**_blank(all_tables.shadow_scores), "score_id": f"s-{lead}", "lead_id": lead}
    connection.execute(all_tables.shadow_scores.insert(), [beside])
    body = json.dumps({"lead_id": lead})
    message = {"message_id": f"m-{lead}", "kind": "readiness.lead.ready", "lead_id": lead, "made_at": 1, "body": body}
    connection.execute(all_tables.messages.insert(), [{**_blank(all_tables.messages), **message}])
    delivery = {"message_id": f"m-{lead}", "subscriber": "crm", "state": "pending", "attempts": 0, "due_at": 1}
    connection.execute(all_tables.deliveries.insert(), [{**_blank(all_tables.deliveries), **delivery}])


def _score(lead):
    return {**_blank(all_tables.scores), "score_id": f"s-{lead}", "lead_id": lead, "reasons": json.dumps([lead])}


def _blank(table):
    """A row of zeroes and empty texts, whatever columns the table has."""
    kinds = {column.name: column.type.python_type for column in table.columns if not column.nullable}
    return {name: kind() for name, kind in kinds.items()}


def _subscribe(connection):
    row = {
        **_blank(all_tables.subscribers),
        "name": "crm",
        "platform": "webhook",
        "url": "https://crm.example",
        "active": True,
    }
    connection.execute(all_tables.subscribers.insert(), [row])


@pytest.fixture
def lived(store, tell):
    """A store with two leads in every table: the canary, known under two ids, and another one."""
    for lead in (CANARY, "other"):
        for turn in range(30):  # rows that grow and move leave more traces in a file
            tell(
                store,
                LeadItem(lead_id=lead, attributes={"email": f"{lead}@example.com" * (turn + 1), "n": float(turn)}),
                EventItem(lead_id=lead, kind="page", occurred_at=T0 + turn, item=f"/for/{lead}", extra={"who": lead}),
            )
        tell(store, OutcomeItem(lead_id=lead, kind="won", occurred_at=T0))
        tell(store, EventItem(lead_id=f"{lead}-alias", kind="page", occurred_at=T0))
        tell(store, LinkItem(other_id=f"{lead}-alias", lead_id=lead, said_at=T0))
        tell(store, VisitItem(event=EventItem(lead_id=f"{lead}-unknown", kind="page", occurred_at=T0)))
        tell(store, LinkItem(other_id=f"{lead}-unknown", lead_id=lead, said_at=T0))
    store.write(_subscribe)
    store.write(lambda connection: [_remember(connection, lead) for lead in (CANARY, "other")])
    store.write(_ask_about_both)
    return store


def _ask_about_both(connection):
    asked = {
        "objectData": [{"objectContext": {"id": lead, "email": lead}} for lead in (CANARY, "other")],
        "batchid": "b",
    }
    callback = {"callback_id": "marketo:b", "asked": json.dumps(asked), "lead_ids": json.dumps([CANARY, "other"])}
    connection.execute(callbacks.insert(), [{**_blank(callbacks), **callback}])
    for lead in (CANARY, "other"):
        alone = {"callback_id": f"mautic:{lead}:1", "asked": "{}", "lead_ids": json.dumps([lead])}
        connection.execute(
            callbacks.insert(), [{**_blank(callbacks), **alone, "url": f"https://mautic.example/{lead}"}]
        )
    job = {
        "job_id": "j",
        "leads": json.dumps(["other", CANARY]),
        "refused": json.dumps([{"lead_id": CANARY, "reason": "x"}]),
    }
    connection.execute(score_jobs.insert(), [{**_blank(score_jobs), **job, "reached": CANARY}])


def _everything(store):
    """Every cell of every table as text."""
    names = inspect(store.engine).get_table_names()
    return store.read(
        lambda c: {
            name: [list(map(str, row)) for row in c.execute(select(text("*")).select_from(table(name)))]
            for name in names
        }
    )


def test_no_trace_is_left(lived, store_url):
    """No cell of any table names the lead; neither does the file, byte for byte, once the log is folded into it."""
    before = _everything(lived)
    touched = {name for name, rows in before.items() if any(CANARY in cell for row in rows for cell in row)}
    assert {t.name for t in METADATA.sorted_tables} - touched == {
        "accounts",
        "account_changes",
        "visits",
        "meta",
        "subscribers",
        "keys",
        "audit",
        "duties",
        "workers",
        "watched",
        "sessions",
        "policies",
    } & {t.name for t in METADATA.sorted_tables}
    erased = lived.write(lambda connection: erase(connection, f"{CANARY}-alias", "the admin", T0))
    assert erased.ids == (CANARY, f"{CANARY}-alias", f"{CANARY}-unknown")
    after = _everything(lived)
    assert [name for name, rows in after.items() if any(CANARY in cell for row in rows for cell in row)] == []
    if lived.embedded:
        file = Path(store_url.removeprefix("sqlite:///"))
        with lived.engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        assert b"other" in file.read_bytes()
        assert CANARY.encode() not in file.read_bytes() + Path(f"{file}-wal").read_bytes()


def test_everybody_else_keeps_everything(lived):
    """Rows that do not name the lead are the same as before; what named several keeps the others."""
    before = _everything(lived)
    lived.write(lambda connection: erase(connection, CANARY, "", T0))
    after = _everything(lived)
    for name in before.keys() - {"audit", "callbacks", "score_jobs"}:
        mine = [row for row in before[name] if not any(CANARY in cell for cell in row)]
        assert sorted(after[name]) == sorted(mine)
    waiting = select(callbacks.c.lead_ids, callbacks.c.asked, callbacks.c.callback_id)
    callback, alone = lived.read(lambda c: c.execute(waiting.order_by(callbacks.c.callback_id)).all())
    assert alone[2] == "mautic:other:1"
    assert json.loads(callback[0]) == ["other"]
    assert json.loads(callback[1]) == {
        "objectData": [{"objectContext": {"id": "other", "email": "other"}}],
        "batchid": "b",
    }
    [job] = lived.read(
        lambda c: c.execute(select(score_jobs.c.leads, score_jobs.c.refused, score_jobs.c.reached)).all()
    )
    assert (json.loads(job[0]), json.loads(job[1]), job[2]) == (["other"], [], None)


def test_the_audit_trail_says_that_it_was_done(lived):
    """Who, when, how many rows; the subject is a hash that only somebody with the id and the store can make."""
    lived.write(lambda connection: erase(connection, CANARY, "the admin", T0))
    rows = lived.read(
        lambda c: c.execute(select(audit.c.action, audit.c.subject, audit.c.by, audit.c.at, audit.c.detail)).all()
    )
    assert lived.read(lambda c: subject_of(c, CANARY)) in {row[1] for row in rows}
    assert {(row[0], row[2], row[3]) for row in rows} == {("erase", "the admin", T0)}
    assert json.loads(rows[0][4])["events"] == 32


def test_a_second_erasure_finds_nothing(lived):
    """It may be repeated: nothing is there, nothing goes wrong, and the trail shows both requests."""
    lived.write(lambda connection: erase(connection, CANARY, "a", T0))
    assert lived.write(lambda connection: erase(connection, CANARY, "a", T0)).total == 0


def test_a_later_event_starts_a_new_lead(lived, tell):
    """After the erasure the id is a new one: nothing comes back, not even under an id that was once linked."""
    tell(lived, EraseItem(lead_id=CANARY))
    tell(lived, EventItem(lead_id=f"{CANARY}-alias", kind="page", occurred_at=T0 + MINUTE))
    found = lived.read(lambda c: c.execute(select(leads.c.lead_id, leads.c.created_at).order_by(leads.c.lead_id)).all())
    assert [tuple(row) for row in found] == [(f"{CANARY}-alias", T0 + MINUTE), ("other", T0)]


def test_an_erasure_within_a_call_counts_from_its_place_on(store, tell):
    """What stands before it goes, what stands after it starts anew."""
    event = {"lead_id": "a", "kind": "page"}
    account = tell(
        store, EventItem(**event, occurred_at=T0), EraseItem(lead_id="a"), EventItem(**event, occurred_at=T0 + 1)
    )
    assert account.taken == 3
    assert store.read(lambda c: c.execute(select(events.c.occurred_at)).scalars().all()) == [T0 + 1]
