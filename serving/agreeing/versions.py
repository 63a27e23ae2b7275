"""Versions of the policy: a capacity that a person agreed on, kept with who and why, never changed.

The capacity is what stays agreed; its thresholds are those of the curve of the bundle in use (``models.agreement``). A
version without a capacity goes back to the policy that the bundle brings. The row keeps the policy as it was when it
was agreed, so that the history can be read whatever model serves later.
"""

import json
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select

from data.errors import ContractError, ReadinessError
from models.agreement import curve_of, policy_at
from models.bundle import Bundle
from models.policy import Policy
from serving.live.loading import Loaded
from serving.store.store import Store
from serving.store.tables import audit, policies
from serving.store.upsert import insert_new

LONGEST_WHY = 500
MOST = 1e6
_LATEST = select(policies).order_by(policies.c.version.desc()).limit(1)


class Overtaken(ReadinessError):  # noqa: N818 - what happened, not what went wrong
    """Somebody else agreed on something meanwhile."""

    def __init__(self, found: int, expected: int) -> None:
        super().__init__(
            f"The policy is at version {found}, the change was made from version {expected}: somebody else saved one "
            "meanwhile. Look at that first, then save again."
        )


@dataclass(frozen=True)
class Agreement:
    """A version: since when (microseconds), by whom (a key's name) and why.

    ``capacity`` in hand-offs a week, None for what the bundle brings. ``policy`` is as of then, with ``bundle_id``.
    """

    version: int
    at: int
    by: str
    why: str
    capacity: float | None
    bundle_id: str
    policy: Policy


@dataclass(frozen=True)
class Change:
    """What somebody wants to agree on, having looked at version ``since`` (0: none was saved yet)."""

    capacity: float | None
    why: str
    by: str
    since: int


def latest(connection: Connection) -> Agreement | None:
    """What was agreed last; None: nothing yet, the policy of the bundle decides."""
    row = connection.execute(_LATEST).first()
    return None if row is None else _agreement(row)


def history(connection: Connection, at_most: int = 50) -> list[Agreement]:
    """The last versions, latest first."""
    statement = select(policies).order_by(policies.c.version.desc()).limit(at_most)
    return [_agreement(row) for row in connection.execute(statement)]


def agree(connection: Connection, loaded: Loaded, change: Change, now: int) -> Agreement:
    """Keep a new version and a line of the audit trail, in the caller's transaction.

    ``loaded``: the bundle in use. Raises ContractError for a change that cannot be, Overtaken when another version was
    saved since the one that was looked at.
    """
    why = " ".join(change.why.split())
    if not why or len(why) > LONGEST_WHY:
        raise ContractError(
            f"why has {len(why)} characters. Expected 1 to {LONGEST_WHY}: say in a sentence why this is agreed."
        )
    if change.capacity is not None:
        _must_be_told(loaded.bundle, change.capacity)
    found = connection.execute(select(func.max(policies.c.version))).scalar() or 0
    if found != change.since:
        raise Overtaken(found, change.since)
    policy = deciding(loaded, change.capacity)
    made = Agreement(found + 1, now, change.by, why, change.capacity, loaded.bundle.bundle_id, policy)
    if not insert_new(connection, policies, [_row(made)]):
        raise Overtaken(made.version, change.since)
    detail = {"version": made.version, "capacity_per_week": made.capacity, "threshold": policy.threshold, "why": why}
    line = {"at": now, "action": "policy agreed", "subject": f"version {made.version}", "by": change.by}
    connection.execute(insert(audit), [{**line, "detail": json.dumps(detail)}])
    return made


def deciding(loaded: Loaded, capacity: float | None) -> Policy:
    """The policy by which a bundle decides for an agreed capacity; the one that it brings for None."""
    return loaded.brought if capacity is None else policy_at(loaded.bundle, capacity)


def apply(loaded: Loaded, agreed: Agreement | None) -> Loaded:
    """The bundle in use, deciding by what was agreed; as it came where nothing was."""
    if agreed is None:
        return loaded
    scorer = loaded.scorer.deciding_by(deciding(loaded, agreed.capacity))
    return replace(loaded, bundle=scorer.bundle, scorer=scorer, policy_version=agreed.version, own=loaded.brought)


def agreed_in(store: Store, loaded: Loaded) -> Loaded:
    """The bundle, deciding by what was agreed last in a store."""
    return apply(loaded, store.read(latest))


def _must_be_told(bundle: Bundle, capacity: float) -> None:
    """Raises ContractError for a capacity of which nobody knows what it would mean."""
    curve = curve_of(bundle)
    if curve is None:
        raise ContractError(
            "The bundle in use was trained without a curve of capacities: it does not know the threshold of another "
            "capacity. Train again with this version of Readiness, or set [policy] capacity_per_week."
        )
    if not curve.lowest <= capacity <= MOST:
        raise ContractError(
            f"capacity_per_week is {capacity:g}. Expected from {curve.lowest:g} hand-offs a week on, up to {MOST:g}."
        )


def _row(made: Agreement) -> dict[str, Any]:
    return {
        "version": made.version,
        "at": made.at,
        "by": made.by,
        "why": made.why,
        "capacity": made.capacity,
        "bundle_id": made.bundle_id,
        "body": made.policy.to_json().decode(),
    }


def _agreement(row: Row[Any]) -> Agreement:
    found = row._mapping  # noqa: SLF001 - SQLAlchemy's documented way to columns by name
    names = ("version", "at", "by", "why", "capacity", "bundle_id")
    return Agreement(**{name: found[name] for name in names}, policy=Policy.from_json(found["body"].encode()))
