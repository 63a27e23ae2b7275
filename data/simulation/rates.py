"""A world as arrays that compiled code reads: all rates per day, regimes first, states in the order of ``STATES``."""

from dataclasses import replace
from functools import cache
from typing import NamedTuple

import numpy as np

from data.errors import ContractError
from data.simulation.states import ALIVE, BOUGHT, DEAD, OPEN, READY, SILENT, STATES, Floats, Micros, code
from data.simulation.world import ByState, Move, Regime, Signal, Touch, World


class Rates(NamedTuple):
    """r regimes, k signals, t touches, d distinct delays.

    ``forward``, ``steady`` and ``deadly`` (r, 8, 8) are moves per day, multiplied by a lead's pace, by 1 and by its
    loss; their diagonals are 0. ``emit`` (r, 6, k) is events per day, multiplied by its activity. ``touch`` (r, t) is
    touches per day and ``jump`` (r, t, 6, 8) where they lead. ``starts`` (r + 1) bounds the regimes in microseconds.
    ``level`` (k, 6) and ``spread`` (k) are mean and deviation of the logarithm of an event's value; spread 0 means no
    value. ``late`` (k) is the share of late rows. ``delays`` (d) are the distinct delays, longest first, and
    ``seen`` (r, d + 1, 6) the rate of all rows that are known by the cutoff where so many delays reach beyond it.
    Sums, so that a walk need not add: ``leaving`` (r, 8, 3) of the three kinds of moves, ``emitting`` (r, 6) of events,
    ``touching`` (r) of touches.
    """

    starts: Micros
    forward: Floats
    steady: Floats
    deadly: Floats
    emit: Floats
    touch: Floats
    jump: Floats
    level: Floats
    spread: Floats
    late: Floats
    delay: Micros
    delays: Micros
    seen: Floats
    leaving: Floats
    emitting: Floats
    touching: Floats


@cache
def rates_of(world: World) -> Rates:
    """The arrays of a world. Raises ContractError when its regimes differ in more than their rates."""
    regimes, signals = world.regimes, world.regimes[0].signals
    _check_regimes(world)
    emit = np.stack([_emission(regime.signals) for regime in regimes])
    touch = np.array([[touch.per_month / 30 for touch in r.touches] for r in regimes])
    groups = [
        np.stack([_moves(r, world.recorded, group) for r in regimes]) for group in ("forward", "steady", "deadly")
    ]
    late = np.array([signal.late for signal in signals])
    delay = np.array([signal.delay if signal.late else 0 for signal in signals], np.int64)
    delays = np.unique(delay[delay > 0])[::-1].copy()
    ages = np.iinfo(np.int64)
    return Rates(
        starts=np.array([ages.min, *(r.starts_at for r in regimes[1:]), ages.max], np.int64),
        forward=groups[0],
        steady=groups[1],
        deadly=groups[2],
        emit=emit,
        touch=touch,
        jump=np.stack([np.stack([jump_matrix(touch, world.recorded) for touch in r.touches]) for r in regimes]),
        level=np.array([np.log(_six(s.seconds)) if s.seconds else np.zeros(OPEN) for s in signals]),
        spread=np.array([s.spread if s.seconds else 0.0 for s in signals]),
        late=late,
        delay=delay,
        delays=delays,
        seen=_seen(emit, late, delay, delays),
        leaving=np.stack([group.sum(axis=2) for group in groups], axis=2),
        emitting=emit.sum(axis=2),
        touching=touch.sum(axis=1),
    )


def jump_matrix(touch: Touch, recorded: float) -> Floats:
    """Where a touch leads (6, 8): rows are open states, columns all states, each row sums to 1."""
    matrix = np.zeros((OPEN, len(STATES)))
    for jump in touch.jumps:
        _put(matrix, code(jump.before), code(jump.after), jump.probability, recorded)
    matrix[np.arange(OPEN), np.arange(OPEN)] += 1.0 - matrix.sum(axis=1)
    return matrix


def symbol_names(world: World) -> list[tuple[str, str | None]]:
    """(kind, item) of each symbol: the signals, then the touches."""
    regime = world.regimes[0]
    return [(s.kind, s.item) for s in regime.signals] + [(t.kind, None) for t in regime.touches]


def _check_regimes(world: World) -> None:
    """What the arrays hold once for all regimes must be the same in all."""
    first = _lasting(world.regimes[0])
    for place, regime in enumerate(world.regimes[1:], 2):
        if _lasting(regime) != first:
            raise ContractError(
                f"World {world.name!r}: regime {place} names other signals or touches than the first, or another "
                "order, values or delays. Expected regimes that differ in rates, jumps and sources only."
            )


def _lasting(regime: Regime) -> list[Signal | str]:
    """What every regime of a world shares: its signals but for their rates, and the kinds of its touches."""
    signals = [replace(signal, per_month=(0.0, 0.0, 0.0, 0.0, 0.0)) for signal in regime.signals]
    return [*signals, *(touch.kind for touch in regime.touches)]


def _six(rates: ByState) -> Floats:
    """Five numbers as six: the silent are like the dead."""
    return np.array([*rates, rates[-1]])


def _emission(signals: tuple[Signal, ...]) -> Floats:
    return np.column_stack([_six(signal.per_month) for signal in signals]) / 30


def _moves(regime: Regime, recorded: float, wanted: str) -> Floats:
    matrix = np.zeros((len(STATES), len(STATES)))
    for move in regime.moves:
        if _group(move) == wanted:
            _put(matrix, code(move.before), code(move.after), move.per_month / 30, recorded)
    return matrix


def _group(move: Move) -> str:
    """Which multiplier a move obeys: towards the purchase, towards death, or none."""
    before, after = code(move.before), code(move.after)
    if after == DEAD:
        return "deadly"
    return "forward" if before < ALIVE and (after == before + 1 or (before, after) == (READY, BOUGHT)) else "steady"


def _put(matrix: Floats, before: int, after: int, amount: float, recorded: float) -> None:
    """Add ``amount``; a death is split between those that will be recorded and those that will not."""
    if after == DEAD:
        matrix[before, DEAD] += amount * recorded
        matrix[before, SILENT] += amount * (1 - recorded)
    else:
        matrix[before, after] += amount


def _seen(emit: Floats, late: Floats, delay: Micros, delays: Micros) -> Floats:
    """Rates of the rows known by a cutoff, by how many of the delays (longest first) reach beyond it: (r, d + 1, 6)."""
    shares = [np.where(np.isin(delay, delays[:reaching]), 1.0 - late, 1.0) for reaching in range(len(delays) + 1)]
    return np.stack([emit @ share for share in shares], axis=1)
