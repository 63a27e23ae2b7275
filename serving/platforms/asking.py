"""Scores of stored leads, as the platforms' answers are made of them: flat, or one sentence that says why not."""

from collections.abc import Iterable, Mapping
from typing import Any

from data.errors import ReadinessError
from serving.deciding.answers import flat
from serving.deciding.asking import Question, score_stored
from serving.deciding.recorder import Recorder
from serving.live.loading import Loaded
from serving.store.failures import StoreDown
from serving.store.store import Store

Told = Mapping[str, Any] | str


async def score_of(store: Store, recorder: Recorder, loaded: Loaded, lead_id: str) -> Told:
    """The score of a lead as of now, with its horizons; a sentence where it has none. Raises StoreDown."""
    try:
        answer = await score_stored(store, recorder, loaded, Question(lead_id))
    except StoreDown:
        raise
    except ReadinessError as error:
        return str(error)
    return {**flat(answer.made, loaded, answer.since), "horizons": dict(answer.made.score.horizons)}


async def scores_of(store: Store, recorder: Recorder, loaded: Loaded, lead_ids: Iterable[str]) -> dict[str, Told]:
    """The same for several leads, one after the other: others are answered in between."""
    return {lead_id: await score_of(store, recorder, loaded, lead_id) for lead_id in lead_ids}
