"""The closed loop: week by week somebody chooses whom sales calls, and the market responds.

Until the policy takes over, touches come as the world has them; what was recorded by then is the history to learn from.
From there on nobody is touched but by the calls of the policy. Several policies meet the same market (``fork``): the
same leads with the same random numbers, until they are treated otherwise.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from data.clock import WEEK, iso
from data.errors import ContractError
from data.history import History
from data.simulation.crowd import Log, draw_states, join_logs
from data.simulation.fork import Fork, start_fork
from data.simulation.ledgers import event_table, outcome_table
from data.simulation.population import arrivals, draw_leads, entry_states, multipliers
from data.simulation.rates import rates_of
from data.simulation.states import Codes, Micros
from data.simulation.world import World
from data.spine import NEVER, micros, positions

CALL = 0
"""The place of calls among the touches of a world."""


@dataclass(frozen=True)
class Seen:
    """What the company knows at ``moment`` (microseconds since 1970), when it chooses whom to call.

    ``history`` is what was recorded and known before it. ``open`` are the leads that are open in the company's books,
    as positions in ``history.leads``; ``called`` (n leads) is when each was last called in the loop, long ago for none.
    """

    moment: int
    history: History
    open: Micros
    called: Micros


Caller = Callable[[Seen], Micros]
"""Chooses the leads to call, as positions in the table of leads."""


@dataclass(frozen=True)
class Books:
    """All that was written down so far, known yet or not."""

    events: pa.Table
    outcomes: pa.Table


@dataclass(frozen=True)
class Opening:
    """A market at the moment ``at`` at which a policy takes over; nothing in it is changed by a run."""

    world: World
    seed: int
    leads: pa.Table
    at: int
    fork: Fork
    books: Books

    @property
    def history(self) -> History:
        """What was recorded and known before the policy took over."""
        return _known(self, self.books, self.at)


@dataclass(frozen=True)
class Course:
    """What a policy did and what came of it, from ``opening.at`` to ``until`` (microseconds since 1970).

    c calls: the lead, when, and its hidden state before and after. ``log`` is all that happened, the calls included;
    ``history`` is what was recorded and known at the end.
    """

    opening: Opening
    until: int
    lead: Micros
    at: Micros
    before: Codes
    after: Codes
    log: Log
    history: History


def untouched_from(world: World, moment: int) -> World:
    """The same world, but from ``moment`` (microseconds since 1970) on nobody is touched by chance.

    Raises ContractError for a moment outside its history, or for a world whose company already calls by a policy.
    """
    if not world.starts_at < moment < world.ends_at or world.company is not None:
        raise ContractError(
            f"A policy cannot take over in world {world.name!r} at {iso(moment)}. Expected a world without a company "
            f"that calls by points, and a moment between {iso(world.starts_at)} and {iso(world.ends_at)}."
        )
    quiet = [replace(r, touches=tuple(replace(t, per_month=0.0) for t in r.touches)) for r in world.regimes]
    past = [r for r in world.regimes if r.starts_at < moment]
    now = replace(quiet[len(past) - 1], starts_at=moment)
    return replace(world, regimes=(*past, now, *quiet[len(past) :]))


def open_market(world: World, leads: int, seed: int, at: int) -> Opening:
    """The market of ``world`` with so many leads in its whole history, as it stands when a policy takes over ``at``."""
    quiet = untouched_from(world, at)
    people, walk = np.random.SeedSequence([seed, at]).spawn(2)
    rng = np.random.default_rng(people)
    table = draw_leads(quiet, arrivals(quiet, leads, rng), rng)
    start = draw_states(entry_states(quiet, table), rng.random(leads))
    fork = start_fork(rates_of(quiet), start, micros(table["created_at"]), multipliers(quiet, table), walk)
    return Opening(quiet, seed, table, at, fork, _write(quiet, seed, table, fork.advance(at), at, 0))


def run_loop(opening: Opening, caller: Caller, weeks: int) -> Course:
    """Let ``caller`` choose at the opening and every week after it, ``weeks`` times in all, and the market respond.

    The course ends a week after the last choice. Leads that are closed in truth and not yet in the books can be called;
    nothing comes of it. Raises ContractError when the weeks reach beyond the world.
    """
    until = opening.at + weeks * WEEK
    if until > opening.world.ends_at:
        raise ContractError(
            f"{weeks} weeks from {iso(opening.at)} reach beyond the end of world {opening.world.name!r}, "
            f"{iso(opening.world.ends_at)}. Ask for fewer, or let the policy take over earlier."
        )
    fork, books = opening.fork.copy(), opening.books
    called = np.full(len(opening.leads), -NEVER, np.int64)
    logs: list[Log] = []
    calls: list[tuple[Micros, Micros, Codes, Codes]] = []
    for moment in range(opening.at, until, WEEK):
        chosen = np.unique(caller(_see(opening, books, moment, called)))
        before = fork.walkers.state[chosen]
        touched = fork.touch(chosen, CALL)
        called[chosen] = moment
        calls.append((chosen, np.full(len(chosen), moment), before, fork.walkers.state[chosen]))
        week = join_logs([touched, fork.advance(moment + WEEK)])
        books = _add(books, _write(opening.world, opening.seed, opening.leads, week, moment, len(books.events)))
        logs.append(week)
    lead, at, before, after = (np.concatenate(part) for part in zip(*calls, strict=True))
    return Course(opening, until, lead, at, before, after, join_logs(logs), _known(opening, books, until))


def _write(world: World, seed: int, leads: pa.Table, log: Log, moment: int, numbered: int) -> Books:
    """What a log leaves in the books; the clerk's luck depends on the moment, not on the policy."""
    rng = np.random.default_rng([seed, moment // WEEK])
    events = event_table(world, leads["lead_id"], log, rng, numbered)
    return Books(events, outcome_table(world, leads, log, rng))


def _add(books: Books, more: Books) -> Books:
    events = pa.concat_tables([books.events, more.events])
    return Books(events, pa.concat_tables([books.outcomes, more.outcomes]))


def _known(opening: Opening, books: Books, moment: int) -> History:
    whole = History(leads=opening.leads, events=books.events, outcomes=books.outcomes, ends_at=moment)
    return whole.upto(moment)


def _see(opening: Opening, books: Books, moment: int, called: Micros) -> Seen:
    history = _known(opening, books, moment)
    closed = np.zeros(len(history.leads), bool)
    closed[positions(history.outcomes["lead_id"], history.leads["lead_id"])] = True
    return Seen(moment, history, np.flatnonzero(~closed), called[: len(history.leads)])
