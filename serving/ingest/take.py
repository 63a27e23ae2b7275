"""Items into the store, in the transaction that is open: every kind in bulk, each thing once, the rest refused by name.

The order within a call matters only where ids change their meaning: what stands before a link or an erasure is stored
before it, what stands after it afterwards.
"""

from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from itertools import groupby

from sqlalchemy import Connection, bindparam, func, select

from data.store.tables import events
from serving.deciding.decide import AT_ONCE, decide
from serving.deciding.marks import mark
from serving.deciding.owners import owners
from serving.deciding.rules import Rules, remembered, rules_of
from serving.deciding.words import Said, closing, gives_back, in_order, tell, touch
from serving.ingest.accounts import AccountTold, describe_accounts
from serving.ingest.erasing import erase
from serving.ingest.happenings import add_happenings, add_visits
from serving.ingest.items import (
    AccountItem,
    EraseItem,
    EventItem,
    Item,
    LeadItem,
    LinkItem,
    OutcomeItem,
    Placed,
    Told,
    VisitItem,
)
from serving.ingest.judging import News, When, judge_described, judge_happening, judge_link
from serving.ingest.links import given, link
from serving.ingest.people import LeadTold, be_there, describe_leads, is_there
from serving.ingest.tally import Moved, Refused, Taken, Tally
from serving.live.loading import Loaded

TRIES = 5
"""So often ids may change their meaning while a call is stored."""
QUICK_EVENTS = 5_000
"""Leads with more events than this together are left to the worker: to score them takes long in a transaction."""
_SOME = select(func.count()).select_from(
    select(events.c.occurred_at)
    .where(events.c.lead_id.in_(bindparam("ids", expanding=True)))
    .limit(QUICK_EVENTS + 1)
    .subquery()
)


def take(
    connection: Connection,
    told: Told,
    received_at: int,
    *,
    backfill: bool = False,
    loaded: Loaded | None = None,
    by: str = "",
) -> Taken:
    """Store what is told; ``received_at`` in microseconds. Nothing but ``connection`` is touched, so it may run again.

    ``backfill``: a past is loaded, and what does not say when it was known was known when it happened. ``loaded`` is
    the model in use: with one, a few leads are looked at at once; those of a past, of large calls and without a model
    stay marked for the worker. ``by`` is who asks, for the audit trail.
    """
    tries = 1 if connection.dialect.name == "sqlite" else TRIES  # SQLite has one writer: nobody else moves anything
    for left in reversed(range(tries)):
        call = _Call(connection, When(received_at, backfill), by)
        try:
            with connection.begin_nested() if tries > 1 else nullcontext():
                call.take(told, loaded)
        except Moved:
            if not left:
                raise
        else:
            break
    return call.tally.taken()


class _Call:
    """What one call has found so far."""

    def __init__(self, connection: Connection, when: When, by: str) -> None:
        self.connection, self.when, self.by, self.tally = connection, when, by, Tally()
        self.news: list[News] = []
        self.touched: set[str] = set()

    def take(self, told: Told, loaded: Loaded | None) -> None:
        """Everything that is told, in its order, and what follows from it. Raises Moved."""
        for rejected in told.rejected:
            self.tally.refuse(rejected.index, rejected.reason)
        for turns, group in groupby(told.items, key=lambda placed: isinstance(placed.item, LinkItem | EraseItem)):
            if turns:
                for placed in group:
                    self.turn(placed)
            else:
                self.store(list(group))
        self.mark_and_tell(loaded)

    def store(self, placed: Sequence[Placed]) -> None:
        """Things that happened, and what is said of leads and accounts."""
        good = list(self._judged(placed))
        ids = [str(getattr(one, "lead_id", "")) for one, _ in good if not isinstance(one, AccountTold)]
        known = owners(self.connection, ids)
        described, happened, own, unknown, companies = [], [], [], [], []
        visitors = {one.lead_id for one, visit in good if visit and not isinstance(one, AccountTold)}
        for one, visit in good:
            if isinstance(one, AccountTold):
                companies.append(one)
                continue
            owner, since = known.get(one.lead_id, (one.lead_id, 0))
            if isinstance(one, LeadTold):
                described.append(one._replace(lead_id=owner))
            elif not visit:
                happened.append(one._replace(lead_id=owner))
                own.append(happened[-1])
            elif one.lead_id in known:
                happened.append(one._replace(lead_id=owner, known_at=max(one.known_at, since)))
            else:
                unknown.append(one)
        self.touched |= describe_leads(self.connection, described, self.when, self.tally)
        self.touched |= describe_accounts(self.connection, companies, self.when, self.tally)
        add_visits(self.connection, unknown, self.when.received_at, self.tally)
        self._add(happened, own, self.tally)
        self._add(given(self.connection, {one: known[one] for one in visitors & known.keys()}), [], Tally())
        if self.connection.dialect.name != "sqlite" and owners(self.connection, ids) != known:
            raise Moved

    def _judged(self, placed: Sequence[Placed]) -> Iterator[tuple[News | LeadTold | AccountTold, bool]]:
        """What can be stored, and whether it is a visitor's."""
        for index, item in ((one.index, one.item) for one in placed):
            try:
                yield _judge(index, item, self.when), isinstance(item, VisitItem)
            except Refused as refused:
                self.tally.refuse(index, str(refused))

    def turn(self, placed: Placed) -> None:
        """A link or an erasure: from here on an id means something else."""
        item = placed.item
        if isinstance(item, EraseItem):
            erased = erase(self.connection, item.lead_id, self.by, self.when.received_at)
            self.touched -= set(erased.ids)
            self.news = [one for one in self.news if one.lead_id not in erased.ids]
            self.tally.new(placed.index) if erased.total else self.tally.known(placed.index)
            return
        assert isinstance(item, LinkItem)  # noqa: S101 - the other kind is dealt with; this tells the type checker
        try:
            known_at = judge_link(item, self.when)
        except Refused as refused:
            self.tally.refuse(placed.index, str(refused))
            return
        lead_id, visits, fresh = link(self.connection, item, known_at, self.when.received_at)
        self.touched = {lead_id if one == item.other_id else one for one in self.touched}
        if fresh and is_there(self.connection, lead_id):
            self.touched.add(lead_id)
        self.news = [one._replace(lead_id=lead_id) if one.lead_id == item.other_id else one for one in self.news]
        self.tally.new(placed.index) if fresh else self.tally.known(placed.index)
        self._add(visits, [], Tally())  # these were counted when they came

    def _add(self, news: Sequence[News], own: Sequence[News], tally: Tally) -> None:
        """``own``: those under the lead's own id. A lead is no older than they are, whatever it did as a visitor."""
        first: dict[str, int] = {}
        for one in own:
            first[one.lead_id] = min(one.item.occurred_at, first.get(one.lead_id, one.item.occurred_at))
        be_there(self.connection, first, self.when.received_at)
        visited = [one for one in news if one.lead_id not in first]
        since = {one.lead_id: one.known_at for one in sorted(visited, key=lambda one: -one.known_at)}
        be_there(self.connection, since, self.when.received_at, guess=False)
        new = add_happenings(self.connection, news, self.when.received_at, tally)
        self.news += new
        self.touched |= {one.lead_id for one in new}

    def mark_and_tell(self, loaded: Loaded | None) -> None:
        """Mark the leads of which something is new; tell what sales said of them, and look at them if they are few."""
        ids, now = sorted(self.touched), self.when.received_at
        mark(self.connection, ids, now)
        said = [one for one in self.news if isinstance(one.item, OutcomeItem) or one.item.actor == "sales"]
        rules = None if loaded is None else rules_of(loaded.bundle, loaded.version)
        if said and (rules := rules or remembered(self.connection)) is not None:
            tell(self.connection, rules, _words(said, rules), now)
        if loaded is not None and not self.when.backfill and len(ids) <= AT_ONCE and self._quick(ids):
            decide(self.connection, loaded, ids, now, "event")

    def _quick(self, ids: Sequence[str]) -> bool:
        """Whether the histories of these leads are short enough for others to wait while they are scored."""
        return self.connection.execute(_SOME, {"ids": ids}).scalar_one() <= QUICK_EVENTS


def _judge(index: int, item: Item, when: When) -> News | LeadTold | AccountTold:
    """Raises Refused."""
    match item:
        case EventItem() | OutcomeItem():
            return judge_happening(index, item, when)
        case VisitItem():
            return judge_happening(index, item.event, when)
        case LeadItem():
            judge_described(item, when)
            return LeadTold(index, item, item.lead_id)
        case AccountItem():
            judge_described(item, when)
            return AccountTold(index, item)
        case _:
            raise TypeError(f"{type(item).__name__} is nothing that is stored")


def _words(news: Sequence[News], rules: Rules) -> list[Said]:
    """What sales said, as it became known: that it took a lead up or gives it back, and outcomes that close it."""
    return in_order((one.item.occurred_at, _word(one, rules)) for one in news)


def _word(one: News, rules: Rules) -> Said | None:
    if isinstance(one.item, OutcomeItem):
        return closing(rules, one.lead_id, one.item.kind, one.known_at)
    return touch(one.lead_id, one.known_at, given_back=one.item.given_back or gives_back(one.item.extra))
