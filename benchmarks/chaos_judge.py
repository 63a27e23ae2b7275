"""What must be true afterwards: read from the store itself, compared with what was acknowledged and what arrived."""

import json
from collections import Counter, defaultdict
from dataclasses import dataclass

from sqlalchemy import Connection, select

from benchmarks.chaos_clients import Ledger
from benchmarks.chaos_receiver import Receiver
from data.clock import iso
from data.store.tables import events, outcomes
from serving.store.store import Store
from serving.store.tables import deliveries, messages, transitions


@dataclass(frozen=True)
class Stored:
    """What the store holds."""

    event_ids: list[str]
    outcome_ids: list[str]
    crossings: list[tuple[str, int, str, str]]
    """Lead, moment, before, after."""
    messages: dict[str, str]
    pending: int


def stored(store: Store) -> Stored:
    """One consistent read of all that is judged."""

    def question(connection: Connection) -> Stored:
        columns = (transitions.c.lead_id, transitions.c.at, transitions.c.before, transitions.c.after)
        return Stored(
            list(connection.execute(select(events.c.event_id)).scalars()),
            list(connection.execute(select(outcomes.c.outcome_id)).scalars()),
            [tuple(row) for row in connection.execute(select(*columns).order_by(transitions.c.at))],
            dict(map(tuple, connection.execute(select(messages.c.message_id, messages.c.body)))),
            len(connection.execute(select(deliveries.c.message_id).where(deliveries.c.state == "pending")).all()),
        )

    return store.read(question)


@dataclass(frozen=True)
class Verdict:
    """Counts of what must be 0 (``wrong``) and of what there was (``seen``)."""

    wrong: dict[str, int]
    seen: dict[str, int]

    @property
    def well(self) -> bool:
        """Whether nothing is wrong."""
        return not any(self.wrong.values())


def judge(found: Stored, ledger: Ledger, receiver: Receiver) -> Verdict:
    """What is wrong, after the last delivery has come to its end."""
    facts = found.event_ids + found.outcome_ids
    sent = {one for call in ledger.calls for one in call.ids}
    acknowledged = {one for call in ledger.calls if call.acknowledged for one in call.ids}
    have = set(facts)
    halves = sum(0 < len(have & set(call.ids)) < len(call.ids) for call in ledger.calls)
    told = Counter(map(_told, found.messages.values()))
    crossed = Counter((lead, iso(at), before, after) for lead, at, before, after in found.crossings)
    wrong = {
        "acknowledged and lost": len(acknowledged - have),
        "stored twice": len(facts) - len(have),
        "stored and never sent": len(have - sent),
        "half written": halves,
        "crossed twice": _broken(found.crossings) + sum(count - 1 for count in crossed.values()),
        "crossed and not told": sum((crossed - told).values()),
        "told and not crossed": sum((told - crossed).values()),
        "not delivered": len(set(found.messages) - set(receiver.taken)) + found.pending,
        "delivered and not in the store": len(set(receiver.taken) - set(found.messages)),
        "one id, two bodies": sum(len(bodies) > 1 for bodies in receiver.bodies.values()),
        "not verified": receiver.forged,
        "refused": len(ledger.refused),
        "answered 500": ledger.statuses[500],
    }
    seen = {
        "calls": len(ledger.calls),
        "acknowledged": ledger.acknowledged,
        "events and outcomes": len(facts),
        "crossings": len(found.crossings),
        "delivered": len(receiver.taken),
        "delivered again": sum(receiver.taken.values()) - len(receiver.taken),
        "answered 503": ledger.statuses[503],
        "answered 507": ledger.statuses[507],
        "not answered": ledger.statuses[0],
    }
    return Verdict(wrong, seen)


def _told(body: str) -> tuple[str, str, str, str]:
    data = json.loads(body)["data"]
    return data["lead_id"], data["at"], data["previous_state"], data["state"]


def _broken(crossings: list[tuple[str, int, str, str]]) -> int:
    """How many crossings do not begin where the one before of that lead has ended: two writers, one lead."""
    by_lead: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for lead, _, before, after in crossings:
        by_lead[lead].append((before, after))
    broken = 0
    for steps in by_lead.values():
        left = Counter(steps)
        state = "nurture"
        while following := [step for step in left if step[0] == state and left[step]]:
            step = following[0]
            left[step] -= 1
            state = step[1]
        broken += sum(left.values())
    return broken
