"""A new model looks at every open lead again, once."""

import pytest
from sqlalchemy import delete, insert, select

from serving.live import marking
from serving.live.marking import mark_open_leads
from serving.store.tables import METADATA, looks, standings

LEADS = METADATA.tables["leads"]


@pytest.fixture
def standing(store):
    """Seven leads, two of them closed."""
    states = ["nurture", "ready", "won", "working", "lost", "recycled", "let go"]
    names = [f"lead-{k}" for k in range(len(states))]

    def change(connection):
        connection.execute(insert(LEADS), [_required(LEADS, lead_id=name) for name in names])
        rows = [_required(standings, lead_id=n, state=s) for n, s in zip(names, states, strict=True)]
        connection.execute(insert(standings), rows)

    store.write(change)
    return {name for name, state in zip(names, states, strict=True) if state not in {"won", "lost"}}


def _required(table, **given):
    """A row with something in every column that must have something."""
    row = {}
    for column in table.columns:
        if not column.nullable and column.default is None and column.server_default is None:
            row[column.name] = {str: "", int: 0, float: 0.0, bool: False}[column.type.python_type]
    return {**row, **given}


def marked(store):
    """Who waits for a look."""
    return set(store.read(lambda connection: connection.execute(select(looks.c.lead_id)).scalars().all()))


@pytest.mark.parametrize("at_once", [1, 2, 5, 100])
def test_every_open_lead_once_for_a_model(store, standing, monkeypatch, at_once):
    """In pieces of any size all open leads are marked and no closed one; for the same bundle not again."""
    monkeypatch.setattr(marking, "AT_ONCE", at_once)
    assert mark_open_leads(store, "bundle-1") == len(standing)
    assert marked(store) == standing
    store.write(lambda connection: connection.execute(delete(looks)))
    assert mark_open_leads(store, "bundle-1") == 0
    assert marked(store) == set()
    assert mark_open_leads(store, "bundle-2") == len(standing)
    assert mark_open_leads(store, "bundle-1") == len(standing), "after a rollback too"
    assert marked(store) == standing
