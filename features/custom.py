"""Own features: a Python class with one method over one lead's events. Slow, but read alike everywhere."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from features.feature import Feature, slug
from features.lead import Event
from features.reading import read_number

LARGEST = float(np.finfo(np.float32).max)


@dataclass(frozen=True, kw_only=True)
class Custom(Feature):
    """A number computed by ``value`` from the events seen at the cutoff.

    Subclass it as a frozen dataclass with keyword-only fields, and raise ``version`` whenever ``value`` changes its
    mind: the fingerprint cannot see code. ``numbers`` and ``texts`` name the further event columns to be found in
    ``Event.extra``. The class must have been imported before a feature set that names it is read from JSON.
    """

    version: ClassVar[int] = 1
    numbers: ClassVar[tuple[str, ...]] = ()
    texts: ClassVar[tuple[str, ...]] = ()
    unit: ClassVar[str] = "number"
    group: ClassVar[str] = "custom"
    null: ClassVar[str] = "as the class says"

    @property
    def derived_name(self) -> str:
        """The class name in lower case."""
        return slug(type(self).__name__)

    @abstractmethod
    def value(self, events: Sequence[Event], cutoff: int) -> float | None:
        """The number as of ``cutoff`` (microseconds), None for null.

        ``events`` are those with occurred_at and known_at before the cutoff, oldest first in the total order, sales
        touches among them (look at ``actor``); null values are None.
        """


def custom_values(customs: Sequence[Custom], events: Sequence[Event], cutoff: int) -> npt.NDArray[np.float32]:
    """The values of custom features (k,) at one cutoff; ``events`` are all of a lead's in the total order."""
    seen = [event for event in events if event.occurred_at < cutoff and event.known_at < cutoff]
    values = [read_number(custom.value(seen, cutoff)) for custom in customs]
    return np.clip(np.array(values, np.float64), -LARGEST, LARGEST).astype(np.float32)
