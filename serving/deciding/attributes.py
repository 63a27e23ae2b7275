"""Attributes of a lead or an account as of a moment, from the log of their changes."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from operator import itemgetter

from features.lead import Change, Scalar
from serving.deciding.fingerprint import Row
from serving.deciding.statements import Rows


@dataclass(frozen=True)
class Attributes:
    """``values`` as of a moment, and the ``changes`` known by then; ``pending``: when the next one becomes known.

    ``rows`` are what both were made from, for the fingerprint.
    """

    values: Mapping[str, Scalar] = field(default_factory=dict)
    changes: tuple[Change, ...] = ()
    pending: int | None = None
    rows: tuple[Row, ...] = ()


NONE = Attributes()


def attributes_of(present: str, logged: Rows, as_of: int) -> Attributes:
    """What ``logged`` (field, value, known_at) says just before ``as_of``.

    Of a field that was never logged the ``present`` value (JSON) counts.
    """
    known = [row for row in logged if row[2] < as_of]
    known.sort(key=itemgetter(2, 0))
    ever = {row[0] for row in logged}
    unlogged = {name: value for name, value in json.loads(present).items() if name not in ever}
    values = {**unlogged, **{name: value for name, value, _ in known}}
    rows = (*known, *((name, value, None) for name, value in unlogged.items()))
    later = [row[2] for row in logged if row[2] >= as_of]
    return Attributes(values, tuple(map(Change._make, known)), min(later, default=None), rows)
