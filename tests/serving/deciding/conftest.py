"""A store filled with the facts of the trained market, and the bundle that decides about them."""

import hashlib
import json
from collections.abc import Callable
from types import SimpleNamespace

import pytest

from data.history import History
from data.spine import micros
from data.store.tables import account_changes, accounts, changes, events, leads, outcomes
from data.tables import extra_columns
from features.reading import read_text
from models.bundle import read_bundle
from models.histories import lead_histories
from models.scorer import Scorer
from serving.service import Loaded


@pytest.fixture(scope="session")
def loaded(trained) -> Loaded:
    """The trained bundle, as a service holds it."""
    bundle = read_bundle(trained.bundle)
    scorer = Scorer(bundle)
    scorer.warm()
    return Loaded(bundle, scorer, "7")


def event_row(lead_id, place, event, received_at=None):
    """The row of an event as ingest writes it."""
    extra = {name: value for name, value in event.extra.items() if value is not None}
    sent = json.dumps([lead_id, *event[:6], extra, event.event_id or place])
    return {
        "lead_id": lead_id,
        "occurred_at": event.occurred_at,
        "event_id": event.event_id or f"sha256:{lead_id}-{place}",
        "kind": event.kind,
        "known_at": event.known_at,
        "actor": event.actor,
        "value": event.value,
        "item": event.item,
        "extra": json.dumps(extra) if extra else None,
        "content": hashlib.sha256(sent.encode()).digest()[:16],
        "received_at": event.known_at if received_at is None else received_at,
    }


def lead_row(lead_id, created_at, account_id=None, attributes=None):
    """The row of a lead that somebody described."""
    return {
        "lead_id": lead_id,
        "created_at": created_at,
        "account_id": account_id,
        "implied": False,
        "attributes": json.dumps(attributes or {}),
        "received_at": created_at,
        "updated_at": created_at,
    }


def change_row(lead_id, field, value, known_at):
    """The row of a change of an attribute."""
    return {
        "lead_id": lead_id,
        "field": field,
        "known_at": known_at,
        "value": read_text(value),
        "received_at": known_at,
    }


def outcome_row(lead_id, kind, occurred_at, known_at=None, place=0):
    """The row of an outcome."""
    return {
        "outcome_id": f"{lead_id}-{kind}-{occurred_at}-{place}",
        "lead_id": lead_id,
        "kind": kind,
        "occurred_at": occurred_at,
        "known_at": occurred_at if known_at is None else known_at,
        "value": None,
        "content": b"0" * 16,
        "received_at": occurred_at if known_at is None else known_at,
    }


@pytest.fixture(scope="session")
def rows() -> SimpleNamespace:
    """Ways to write rows of facts as ingest does."""
    return SimpleNamespace(event=event_row, lead=lead_row, change=change_row, outcome=outcome_row)


@pytest.fixture(scope="session")
def filling(trained) -> Callable[..., None]:
    """``filling(history)``: the change that brings all facts of a history into a store."""

    def change(history: History = trained.history):
        logged = set(history.changes["field"].to_pylist())
        ids = history.leads["lead_id"].to_pylist()
        read = lead_histories(history, ids)
        accounts_of = history.leads["account_id"].to_pylist()
        table = _tables(history, read, accounts_of, logged)

        def write(connection):
            for target, found in table:
                if found:
                    connection.execute(target.insert(), found)

        return write

    return change


def _tables(history, read, accounts_of, logged):
    told = [
        (one.lead_id, account, one.created_at, {k: v for k, v in one.attributes.items() if v is not None})
        for one, account in zip(read, accounts_of, strict=True)
    ]
    first = [
        change_row(lead_id, name, value, created)
        for lead_id, _, created, attributes in told
        for name, value in attributes.items()
        if name not in logged
    ]
    later = {
        (one.lead_id, c.field, c.known_at): change_row(one.lead_id, c.field, c.value, c.known_at)
        for one in read
        for c in sorted(one.changes, key=lambda c: (c.known_at, read_text(c.value) or ""))
    }
    closing = zip(
        history.outcomes["lead_id"].to_pylist(),
        history.outcomes["kind"].to_pylist(),
        micros(history.outcomes["occurred_at"]).tolist(),
        micros(history.outcomes["known_at"]).tolist(),
        strict=True,
    )
    return [
        (leads, [lead_row(lead_id, created, account, held) for lead_id, account, created, held in told]),
        (changes, [*first, *later.values()]),
        (events, [event_row(one.lead_id, place, e) for one in read for place, e in enumerate(one.events)]),
        (outcomes, [outcome_row(*row, place=place) for place, row in enumerate(closing)]),
        *_account_tables(history),
    ]


def _account_tables(history):
    kept = extra_columns("accounts", history.accounts)
    held = [
        (row["account_id"], {name: row[name] for name in kept if row[name] is not None})
        for row in history.accounts.to_pylist()
    ]
    born = [
        {"account_id": account, "field": name, "known_at": 0, "value": read_text(value), "received_at": 0}
        for account, values in held
        for name, value in values.items()
    ]
    return [
        (accounts, [_account(account, values) for account, values in held]),
        (account_changes, born),
    ]


def _account(account_id, values):
    return {"account_id": account_id, "attributes": json.dumps(values), "received_at": 0, "updated_at": 0}


@pytest.fixture
def filled(store, filling):
    """A store with the facts of the trained market."""
    store.write(filling())
    return store
