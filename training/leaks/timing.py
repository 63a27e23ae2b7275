"""When the change history says that a field was written first: at creation, after a sales touch, after the outcome."""

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from data.history import History
from data.spine import NEVER, Micros, micros, positions
from features.columns import moments_of, numbers_of, texts_of
from features.context import Attribute
from training.leaks.fields import AT_CREATION
from training.leaks.finding import Timing, Written
from training.leaks.groups import LEAST, Groups, Mask


def timing(history: History, attribute: Attribute, groups: Groups, spine: pa.Table | None) -> Timing | None:
    """The timing of a field that is logged in ``history.changes``; None without any write.

    ``spine``: the rows for which the column of the leads table is held against what was known then.
    """
    first = first_write(history, attribute.column)
    written = first != NEVER
    if not written.any():
        return None
    parts = {
        "all": np.ones(len(first), bool),
        "won": groups.won,
        "lost": groups.lost,
        "open": ~groups.won & ~groups.lost,
    }
    return Timing(
        int(written.sum()),
        float((first[written] <= groups.created[written] + AT_CREATION).mean()),
        {name: _written(first, groups, part) for name, part in parts.items()},
        None if spine is None else _differs(history, attribute, spine),
    )


def _written(first: Micros, groups: Groups, part: Mask) -> Written:
    """The writes of the leads of ``part``."""
    return Written(
        int(part.sum()),
        float((first[part] != NEVER).mean()) if part.any() else 0.0,
        *_after(first, groups.touched_at, groups, part),
        *_after(first, groups.outcome_at, groups, part),
    )


def first_write(history: History, field: str) -> Micros:
    """When each lead's ``field`` became known for the first time; NEVER where it did not."""
    changes = history.changes.filter(pc.equal(history.changes["field"], field))
    first = np.full(len(history.leads), NEVER, np.int64)
    np.minimum.at(first, positions(changes["lead_id"], history.leads["lead_id"]), micros(changes["known_at"]))
    return first


def _after(first: Micros, moment: Micros, groups: Groups, part: Mask) -> tuple[float | None, float | None]:
    """Of the leads of ``part`` that were written and had their ``moment``: (share written after it, by chance)."""
    both = part & (first != NEVER) & (moment != NEVER)
    if both.sum() < LEAST:
        return None, None
    life = np.maximum(groups.ends_at - groups.created[both], 1)
    return float((first[both] > moment[both]).mean()), float(((groups.ends_at - moment[both]) / life).clip(0, 1).mean())


def _differs(history: History, attribute: Attribute, spine: pa.Table) -> float | None:
    """The share of the rows in which the column is not what the changes known at the cutoff say."""
    if attribute.column not in history.leads.column_names or not len(spine):
        return None
    lead, cutoff = positions(spine["lead_id"], history.leads["lead_id"]), micros(spine["cutoff"])
    changes = history.changes.filter(pc.equal(history.changes["field"], attribute.column))
    at, of = micros(changes["known_at"]), positions(changes["lead_id"], history.leads["lead_id"])
    values = _plain(changes["value"], attribute, padding=1)
    shown = _plain(history.leads[attribute.column], attribute)[lead]
    return float((shown != values[last_before(of, at, lead, cutoff)]).mean())


def last_before(of: Micros, at: Micros, lead: Micros, cutoff: Micros) -> Micros:
    """For each row the place of the lead's last change before its cutoff; len(of) where there is none."""
    moments = np.unique(np.concatenate([at, cutoff]))
    order = np.lexsort((at, of))
    key = of * (len(moments) + 1) + np.searchsorted(moments, at)
    asked = lead * (len(moments) + 1) + np.searchsorted(moments, cutoff)
    place = np.maximum(np.searchsorted(key[order], asked) - 1, 0)
    mine = (key[order][place] < asked) & (of[order][place] == lead)
    return np.where(mine, order[place], len(of))


def _plain(column: pa.ChunkedArray, attribute: Attribute, padding: int = 0) -> npt.NDArray[np.object_]:
    """Each value as the feature reads it, None where null, and so many more that are null."""
    values = np.full(len(column) + padding, None, object)
    if attribute.type == "category":
        texts = texts_of(column)
        values[: len(column)] = np.array([*texts.levels, None], object)[texts.codes]
        return values
    numbers = numbers_of(column) if attribute.type == "number" else moments_of(column)
    known = np.flatnonzero(~np.isnan(numbers))
    values[known] = numbers[known]
    return values
