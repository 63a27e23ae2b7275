"""Items into the store of a running service: judged beside the event loop, written in pieces, answered when durable."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from sqlalchemy import Connection

from data.clock import wall_clock
from serving.beside import beside
from serving.ingest.items import Rejected, Told
from serving.ingest.reading import Door
from serving.ingest.take import take
from serving.ingest.tally import Taken
from serving.live.loading import Loaded
from serving.store.store import Store

PIECE = 1_000
"""So many things are written at a time, so that a large call does not keep the small ones waiting."""
_BESIDE = 200
"""More things than this are not looked at in the event loop."""


async def store_raw(
    store: Store, door: Door[Any], raw: Sequence[Any], *, backfill: bool, loaded: Loaded | None, by: str
) -> Taken:
    """What was read through ``door``, stored."""
    told = door.told(raw) if len(raw) <= _BESIDE else await beside(door.told, raw)
    return await store_told(store, told, backfill=backfill, loaded=loaded, by=by)


async def store_told(
    store: Store, told: Told, *, backfill: bool = False, loaded: Loaded | None = None, by: str = ""
) -> Taken:
    """The account of a call, when everything in it is durable. ``by``: the name of the key, for the audit trail.

    The pieces of a call are commits of their own: when the store fails in the middle, the whole call may be sent again.
    """
    taken = duplicates = 0
    refused: list[Rejected] = list(told.rejected)
    for piece in _pieces(told):
        account = await store.awrite(partial(_taken, piece, wall_clock(), backfill, loaded, by))
        taken += account.taken
        duplicates += account.duplicates
        refused += account.refused
    return Taken(taken, duplicates, tuple(sorted(refused, key=lambda one: one.index)))


def _taken(piece: Told, at: int, backfill: bool, loaded: Loaded | None, by: str, connection: Connection) -> Taken:
    return take(connection, piece, at, backfill=backfill, loaded=loaded, by=by)


def _pieces(told: Told) -> list[Told]:
    """Cut between things that were sent, never between the items of one."""
    pieces: list[Told] = []
    start = 0
    while start < len(told.items):
        end = min(start + PIECE, len(told.items))
        while end < len(told.items) and told.items[end].index == told.items[end - 1].index:
            end += 1
        pieces.append(Told(told.items[start:end]))
        start = end
    return pieces
