"""Small worlds of plain dicts, and how they become tables or one lead's own history."""

from dataclasses import dataclass, field

import pyarrow as pa
import pytest
from hypothesis import strategies as st

from data.clock import DAY, HOUR
from data.history import History
from data.tables import ACCOUNT_CHANGES, ACCOUNTS, CHANGES, EVENTS, LEADS, TIME, empty
from features.compared import Difference, Ratio, Trend
from features.context import Attribute, Calendar, Tenure
from features.definitions import (
    Count,
    DaysSince,
    DecayedSum,
    DistinctCount,
    First,
    GapMean,
    GapStd,
    Last,
    Max,
    Mean,
    Min,
    Sum,
)
from features.feature import Where
from features.feature_set import FeatureSet
from features.lead import Change, Event, LeadHistory

START = 1_700_000_000_000_000 // DAY * DAY
EXTRA_EVENTS = EVENTS.append(pa.field("score", pa.float64())).append(pa.field("channel", pa.string()))
EXTRA_LEADS = (
    LEADS.append(pa.field("industry", pa.string()))
    .append(pa.field("size", pa.float64()))
    .append(pa.field("renewal", TIME))
)
EXTRA_ACCOUNTS = ACCOUNTS.append(pa.field("tier", pa.string()))


@dataclass
class World:
    """Facts as lists of dicts (times in microseconds) and the rows asked for."""

    leads: list[dict]
    events: list[dict]
    changes: list[dict]
    accounts: list[dict]
    rows: list[tuple[str, int]]
    account_changes: list[dict] = field(default_factory=list)

    def history(self) -> History:
        """The facts as tables."""
        tables = {
            "leads": pa.Table.from_pylist(self.leads, EXTRA_LEADS),
            "events": pa.Table.from_pylist(self.events, EXTRA_EVENTS),
            "changes": pa.Table.from_pylist(self.changes, CHANGES),
            "accounts": pa.Table.from_pylist(self.accounts, EXTRA_ACCOUNTS),
            "account_changes": pa.Table.from_pylist(self.account_changes, ACCOUNT_CHANGES),
        }
        return History(**tables, outcomes=empty("outcomes"), ends_at=START + 1000 * DAY)

    def spine(self) -> pa.Table:
        """The rows as a table."""
        leads, cutoffs = zip(*self.rows, strict=True) if self.rows else ((), ())
        return pa.table({"lead_id": pa.array(leads, pa.string()), "cutoff": pa.array(cutoffs, TIME)})

    def lead(self, lead_id: str) -> LeadHistory:
        """One lead's own history, as the service holds it."""
        lead = next(lead for lead in self.leads if lead["lead_id"] == lead_id)
        account_id = lead["account_id"]
        account = next((a for a in self.accounts if a["account_id"] == account_id), {})
        others = {a["lead_id"] for a in self.leads if account_id is not None and a["account_id"] == account_id}
        changes = [c for c in self.account_changes if c["account_id"] == account_id]
        return LeadHistory(
            lead_id,
            lead["created_at"],
            attributes={name: lead[name] for name in ("industry", "size", "renewal")},
            account_attributes={"tier": account.get("tier")},
            changes=[Change(c["field"], c["value"], c["known_at"]) for c in self.changes if c["lead_id"] == lead_id],
            events=[_own(e) for e in self.events if e["lead_id"] == lead_id],
            account_events=[self._told(e) for e in self.events if e["lead_id"] in others - {lead_id}],
            account_changes=[Change(c["field"], c["value"], c["known_at"]) for c in changes],
        )

    def _told(self, e: dict) -> Event:
        """An event of another lead, as its account knows it."""
        created = next(lead["created_at"] for lead in self.leads if lead["lead_id"] == e["lead_id"])
        return _own({**e, "known_at": max(e["known_at"], created)}, e["lead_id"])


def _own(e: dict, lead_id: str = "") -> Event:
    return Event(
        e["kind"],
        e["occurred_at"],
        e["known_at"],
        e["actor"],
        e["value"],
        e["item"],
        {"score": e["score"], "channel": e["channel"]},
        e["event_id"],
        lead_id,
    )


def event(lead_id: str, kind: str, occurred_at: int, **more: object) -> dict:
    """One event; it is known when it occurs and the lead did it, unless said otherwise."""
    blank = {"event_id": None, "actor": "lead", "value": None, "item": None, "score": None, "channel": None}
    return {"lead_id": lead_id, "kind": kind, "occurred_at": occurred_at, "known_at": occurred_at, **blank, **more}


def lead(lead_id: str, created_at: int = START, **attributes: object) -> dict:
    """One lead."""
    blank = {"account_id": None, "industry": None, "size": None, "renewal": None}
    return {"lead_id": lead_id, "created_at": created_at, **blank, **attributes}


LEAD_IDS = ("a", "b", "c")
MOMENTS = st.integers(0, 60).map(lambda k: START + k * 12 * HOUR)
NUMBERS = st.one_of(st.none(), st.sampled_from([0.0, 0.25, 3.0, -2.5, 1e6, float("nan")]))
TEXTS = st.one_of(st.none(), st.sampled_from(["x", "y", "Zürich", ""]))


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """Few leads on a coarse clock, so that ties, window edges and cutoffs meet; some events become known late."""
    leads = [
        lead(
            name,
            draw(MOMENTS),
            account_id=draw(st.sampled_from([None, "acme", "gone"])),
            industry=draw(TEXTS),
            size=draw(NUMBERS),
        )
        for name in LEAD_IDS
    ]
    events = draw(st.lists(st.builds(_event, st.sampled_from(LEAD_IDS), MOMENTS), max_size=30))
    for row in events:
        row["known_at"] = row["occurred_at"] + draw(st.sampled_from([0, 0, 0, 12 * HOUR, 7 * DAY]))
        row["kind"] = draw(st.sampled_from(["open", "view", "order", "rare"]))
        row["actor"] = draw(st.sampled_from(["lead", "lead", "marketing", "sales"]))
        row["value"], row["score"] = draw(NUMBERS), draw(NUMBERS)
        row["item"], row["channel"] = draw(TEXTS), draw(TEXTS)
    change = st.fixed_dictionaries(
        {
            "lead_id": st.sampled_from(LEAD_IDS),
            "field": st.sampled_from(["stage", "score"]),
            "value": st.one_of(TEXTS, st.just("7.5")),
            "known_at": MOMENTS,
        }
    )
    changes = draw(st.lists(change, max_size=6))
    account_change = st.fixed_dictionaries(
        {
            "account_id": st.sampled_from(["acme", "gone", "nobody"]),
            "field": st.sampled_from(["plan", "seats"]),
            "value": st.one_of(TEXTS, st.just("7.5")),
            "known_at": MOMENTS,
        }
    )
    account_changes = draw(st.lists(account_change, max_size=6))
    rows = draw(st.lists(st.tuples(st.sampled_from(LEAD_IDS), MOMENTS), min_size=1, max_size=8))
    return World(leads, events, changes, [{"account_id": "acme", "tier": "gold"}], rows, account_changes)


def _event(lead_id: str, moment: int) -> dict:
    return event(lead_id, "open", moment)


ALL_FEATURES = FeatureSet(
    (
        Count(),
        Count(window=7 * DAY),
        Count(kinds=("open",), window=DAY),
        Count(kinds=("open", "view")),
        Count(actor="sales"),
        Count(actor="marketing", window=30 * DAY),
        Count(where=Where("item", ("x", "y")), window=7 * DAY),
        Count(where=Where("value", (3.0, 0.0))),
        Count(where=Where("kind", ("order",))),
        Count(where=Where("value", at_least=0.0)),
        Count(where=(Where("value", at_least=-3.0, below=3.0), Where("item", ("x",))), window=30 * DAY),
        Count(per="account"),
        Count(per="account", kinds=("view",), window=7 * DAY),
        Count(per="account", actor="sales"),
        DistinctCount(per="account", column="lead", window=7 * DAY),
        DistinctCount(per="account", column="item"),
        Sum(per="account", column="score", window=30 * DAY),
        DaysSince(per="account"),
        DecayedSum(per="account", half_life=7 * DAY),
        GapStd(per="account"),
        Last(per="account", column="channel"),
        Ratio(left=Count(per="account", window=7 * DAY), right=Count(per="account", window=30 * DAY)),
        Count(kinds=("never",)),
        DistinctCount(column="kind"),
        DistinctCount(column="day", window=7 * DAY),
        DistinctCount(column="item", window=30 * DAY),
        DistinctCount(column="channel", kinds=("view",)),
        Sum(),
        Sum(window=7 * DAY),
        Sum(column="score", kinds=("order",)),
        Mean(),
        Mean(window=DAY),
        Max(window=7 * DAY),
        Max(column="score"),
        Min(),
        DaysSince(),
        DaysSince(kinds=("view",), window=7 * DAY),
        DaysSince(first=True),
        DaysSince(first=True, window=7 * DAY),
        DaysSince(actor="sales"),
        DecayedSum(half_life=7 * DAY),
        DecayedSum(half_life=30 * DAY, column="value"),
        DecayedSum(half_life=DAY, kinds=("open",), window=7 * DAY),
        GapMean(),
        GapMean(kinds=("open",), window=7 * DAY),
        GapStd(),
        GapStd(window=7 * DAY),
        First(),
        Last(),
        First(column="item", kinds=("order",)),
        Last(column="channel", window=7 * DAY),
        First(column="score", type="number"),
        Last(column="value", type="number", window=7 * DAY),
        Trend(short=DAY, window=7 * DAY),
        Trend(kinds=("open",), short=7 * DAY, window=30 * DAY),
        Trend(column="value", short=7 * DAY, window=30 * DAY),
        Ratio(left=Sum(), right=Count()),
        Ratio(left=DaysSince(), right=GapMean()),
        Difference(left=Trend(short=DAY, window=7 * DAY), right=Max(column="score")),
        Attribute(column="industry"),
        Attribute(column="size", type="number"),
        Attribute(column="stage", source="changes"),
        Attribute(column="score", source="changes", type="number"),
        Attribute(column="tier", source="accounts"),
        Attribute(column="plan", source="account_changes"),
        Attribute(column="seats", source="account_changes", type="number"),
        Tenure(),
        Calendar(part="month"),
        Calendar(part="weekday"),
        Calendar(part="hour"),
    )
)


@pytest.fixture(scope="session")
def any_world() -> st.SearchStrategy[World]:
    """The strategy of small worlds."""
    return worlds()


@pytest.fixture(scope="session")
def all_features() -> FeatureSet:
    """Every kind of feature, with and without windows, kinds, actors and conditions."""
    return ALL_FEATURES


@pytest.fixture(scope="session")
def make():
    """What worlds are made of by hand: ``make.event``, ``make.lead``, ``make.World``, ``make.START``."""

    class Make:
        pass

    Make.event, Make.lead, Make.World, Make.START = staticmethod(event), staticmethod(lead), World, START
    return Make
