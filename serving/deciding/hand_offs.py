"""The hand-offs that the policy made, each with its chance, and what was told of the lead by whoever scored it then."""

import json
from collections.abc import Iterator
from typing import NamedTuple

from sqlalchemy import Connection, select

from serving.store.tables import scores, shadow_scores, transitions


class HandOff(NamedTuple):
    """A lead handed off ``at`` a moment (microseconds) with ``propensity``.

    ``version`` told the readiness ``horizons`` (by name, such as ``90d``) then; ``shadow``: it was in the shadow.
    """

    lead_id: str
    at: int
    propensity: float
    version: str
    shadow: bool
    horizons: dict[str, float]


def hand_offs(connection: Connection, since: int, until: int) -> Iterator[HandOff]:
    """Those made in [since, until): once for the champion of then, and once for each version in its shadow.

    Hand-offs from before propensities were logged are left out.
    """
    made = transitions.c.after == "ready", transitions.c.propensity.is_not(None)
    within = transitions.c.at >= since, transitions.c.at < until
    for table, version in ((scores, scores.c.model_version), (shadow_scores, shadow_scores.c.version)):
        wanted = (
            select(
                transitions.c.lead_id,
                transitions.c.at,
                transitions.c.propensity,
                version,
                table.c.bundle_id,
                table.c.horizons,
            )
            .join(table, table.c.score_id == transitions.c.score_id)
            .where(*made, *within)
            .order_by(transitions.c.at, transitions.c.lead_id)
        )
        for lead_id, at, propensity, number, bundle_id, horizons in connection.execute(wanted):
            name = number or bundle_id[:8]
            yield HandOff(lead_id, at, propensity, name, table is shadow_scores, json.loads(horizons))
