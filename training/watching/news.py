"""Kinds of events and levels of attributes that the model was not made with.

Something new is told when chance would hardly have kept it from the model: were a level as frequent before as since,
none of its leads would have come before with a certain, small chance, and that is the p-value. A level that one lead
in a thousand has is thus not told at its first lead, and one that a third of the new leads have is told at once.
Where no lead from before is known, as in a store that began with the model, its reference rows stand for them.
"""

from collections.abc import Collection, Iterator

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from scipy.stats import binom, hypergeom

from data.history import History
from data.spine import Micros, micros, positions
from data.tables import TIME
from features.columns import texts_of
from features.context import LOGGED, Attribute
from features.feature_set import FeatureSet
from features.vocabulary import attribute_key
from models.bundle import Bundle
from training.watching.alarms import Finding
from training.wording import counted, percent


def new_kinds(bundle: Bundle, history: History, since: int) -> list[Finding]:
    """Kinds of events first known at or after ``since`` (microseconds), by the leads that did them."""
    events = history.events
    earlier = events.filter(pc.less(events["known_at"], pa.scalar(since, TIME)))
    known = set(pc.unique(earlier["kind"]).to_pylist()) or set(bundle.card.get("kinds") or ())
    before, after = _exposure(history, since)
    share = after / max(before + after, 1.0) if before else 0.5
    found = []
    for kind in sorted(set(pc.unique(events["kind"]).to_pylist()) - known):
        rows = events.filter(pc.equal(events["kind"], kind))
        leads = pc.count_distinct(rows["lead_id"]).as_py()
        text = (
            f"The model was made without events of the kind {kind!r}; by now {counted(leads, 'lead')} did that. They "
            "count as engagement, and no feature asks about them."
        )
        found.append(Finding(kind, float(share**leads), text))
    return found


def _exposure(history: History, since: int) -> tuple[float, float]:
    """How long leads were there before a moment and after it, summed over leads."""
    created = micros(history.leads["created_at"])
    before = np.maximum(since - created, 0).astype(np.float64)
    after = np.maximum(history.ends_at - np.maximum(created, since), 0).astype(np.float64)
    return float(before.sum()), float(after.sum())


def new_levels(bundle: Bundle, history: History, since: int) -> list[Finding]:
    """Levels of the attributes that the model asks about, of leads created at or after ``since`` and of none before."""
    created = micros(history.leads["created_at"])
    found = []
    for attribute in _categories(bundle.feature_set):
        leads, levels = _levels(history, attribute)
        if not len(leads):
            continue
        newer = created[leads] >= since
        earlier = {level for level, new in zip(levels, newer, strict=True) if not new}
        named = bundle.vocabulary.levels.get(attribute_key(attribute), ())
        known = earlier | set(named)
        rare = _rare_before(bundle, attribute) if newer.all() else None
        found += list(_unknown(attribute, levels, newer, known, rare))
    return found


def _rare_before(bundle: Bundle, attribute: Attribute) -> float:
    """Of the values that the model learned from, the share that has no level of its own; a half where there are none.

    By Laplace's rule of succession: none of many may have been one of few.
    """
    kept = bundle.reference_rows()[attribute.name].drop_null()
    pooled = bundle.vocabulary.words(attribute_key(attribute))[-1]
    others = pc.sum(pc.equal(kept.cast(pa.string()), pooled)).as_py() or 0
    return float((others + 1) / (len(kept) + 2))


def _unknown(
    attribute: Attribute,
    levels: list[str],
    newer: npt.NDArray[np.bool_],
    known: Collection[str],
    rare: float | None,
) -> Iterator[Finding]:
    """Each level that is not ``known``; ``rare`` is the share of such ones before where no lead tells."""
    names, counts = np.unique([level for level in levels if level not in known], return_counts=True)
    total, late = len(levels), int(newer.sum())
    for name, count in zip(names.tolist(), counts.tolist(), strict=True):
        p = float(hypergeom.sf(count - 1, total, count, late) if rare is None else binom.sf(count - 1, late, rare))
        text = (
            f"{name!r} is new among the values of {attribute.column}: {counted(count, 'lead')} "
            f"({percent(count / late)} of those that came since) have it, and to the model it is one of the rare ones."
        )
        yield Finding(f"{attribute.column}={name}", p, text)


def _categories(features: FeatureSet) -> Iterator[Attribute]:
    for feature in features:
        if isinstance(feature, Attribute) and feature.type == "category" and not feature.of_account:
            yield feature


def _levels(history: History, attribute: Attribute) -> tuple[Micros, list[str]]:
    """The leads (positions) that have a value, and the first value of each."""
    if attribute.source in LOGGED:
        table = history.changes.filter(pc.equal(history.changes["field"], attribute.column)).sort_by("known_at")
        values = texts_of(table["value"])
        leads = positions(table["lead_id"], history.leads["lead_id"])
    elif attribute.column in history.leads.column_names:
        values, leads = texts_of(history.leads[attribute.column]), np.arange(len(history.leads))
    else:
        return np.empty(0, np.int64), []
    known = np.flatnonzero(values.codes >= 0)
    first = known[np.unique(leads[known], return_index=True)[1]]
    return leads[first], [values.levels[code] for code in values.codes[first]]
