import numpy as np
import pyarrow as pa
import pytest

from data.clock import DAY
from data.errors import SchemaError
from data.history import History
from data.tables import CHANGES, EVENTS, TIME, empty
from features.context import Attribute
from features.definitions import Count, DaysSince, Sum
from features.feature_set import FeatureSet
from features.local import compute
from features.online import OnlineEngine
from features.vocabulary import Vocabulary
from models.histories import lead_histories

T0 = 20_000 * DAY


def _moments(*days):
    return pa.array([None if day is None else T0 + int(day * DAY) for day in days], TIME)


@pytest.fixture
def history():
    """Two leads with attributes of every type, one account, events and changes."""
    leads = pa.table(
        {
            "lead_id": ["a", "b"],
            "created_at": _moments(0, 1),
            "account_id": pa.array(["acme", None], pa.string()),
            "industry": ["software", None],
            "employees": [12.0, float("nan")],
            "renewal": _moments(400.5, None),
        }
    )
    events = pa.table(
        [
            pa.array(["b", "a", "a"]),
            pa.array(["view", "reply", "view"]),
            _moments(3, 2, 1),
            _moments(3, 2.5, 1),
            pa.array(["e1", None, "e3"]),
            pa.array(["lead", "lead", "sales"]),
            pa.array([1.5, None, 2.0]),
            pa.array([None, "x", "y"]),
        ],
        schema=EVENTS,
    ).append_column("channel", pa.array(["web", None, "mail"]))
    changes = pa.table([["a"], ["stage"], ["demo"], _moments(2)], schema=CHANGES)
    accounts = pa.table({"account_id": ["acme"], "size": [900.0]})
    return History(leads, events, empty("outcomes"), T0 + 99 * DAY, changes, accounts)


def test_a_lead_of_the_tables_is_the_same_lead_online(history):
    """Features of the values equal those of the tables to the last bit, for every source of facts."""
    features = FeatureSet(
        (
            Count(kinds=("view",)),
            Count(actor="sales"),
            Sum(),
            DaysSince(kinds=("reply",)),
            Attribute(column="industry"),
            Attribute(column="employees", type="number"),
            Attribute(column="renewal", type="time"),
            Attribute(column="stage", source="changes"),
            Attribute(column="size", type="number", source="accounts"),
        )
    )
    vocabulary = Vocabulary({"leads.industry": ("software",), "leads.stage": ("demo",)})
    cutoffs = [T0 + int(day * DAY) for day in (1.5, 2.2, 4)]
    spine = pa.table({"lead_id": ["a", "b"] * 3, "cutoff": pa.array(np.repeat(cutoffs, 2), TIME)})
    table = compute(history, spine, features, vocabulary).matrix
    engine = OnlineEngine(features, vocabulary)
    first, second = lead_histories(history, ["a", "b"])
    online = np.array([engine.row(lead, cutoff) for cutoff in cutoffs for lead in (first, second)])
    np.testing.assert_array_equal(online, table)
    assert not np.isnan(online[-2]).any()


def test_the_values_are_those_of_the_tables(history):
    """Leads come in the order asked for, with every column that the tables have."""
    second, first = lead_histories(history, ["b", "a"])
    assert (first.lead_id, first.created_at) == ("a", T0)
    assert first.attributes["industry"] == "software"
    assert first.account_attributes == {"size": 900.0}
    assert first.changes[0] == ("stage", "demo", T0 + 2 * DAY)
    assert {event.kind: event.extra["channel"] for event in first.events} == {"reply": None, "view": "mail"}
    assert (second.account_attributes, second.changes) == ({}, ())
    assert second.events[0].event_id == "e1"


def test_an_unknown_lead_is_a_schema_error(history):
    """Asking for a lead that is not there names it."""
    with pytest.raises(SchemaError, match="'zoe'"):
        lead_histories(history, ["a", "zoe"])
