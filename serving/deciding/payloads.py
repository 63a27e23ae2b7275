"""Scores of leads that were sent along: kept like all that is told, apart from the lead itself."""

from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from data.clock import wall_clock
from models.scorer import Score
from serving.deciding.score_rows import Made, new_id


def made_of(score: Score, flat: Mapping[str, Any], sent: bytes) -> Made:
    """A score as it is kept; ``flat`` is its answer, ``sent`` the JSON of the lead that was scored."""
    now = wall_clock()
    used, ignored = int(flat["events_used"]), int(flat["events_ignored"])
    return Made(new_id(now), score, sha256(sent).hexdigest(), used, ignored, now, "payload")
