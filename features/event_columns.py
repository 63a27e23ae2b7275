"""A lead's events column by column: what the online engine reads, and what parsers and databases bring.

To make an event of each row costs as much as to compute the features, so that is done only for whoever looks at one.
"""

from array import array
from collections.abc import Iterator, Mapping, Sequence
from itertools import repeat
from typing import Self, TypeAlias, overload

from features.lead import NOTHING_MORE, Event, Scalar

Moments: TypeAlias = "array[int]"
"""Microseconds since 1970, of type code ``q``: a sequence to Python, and memory to compiled code."""


class EventColumns(Sequence[Event]):
    """n events, in any order. ``ids`` and ``leads`` are None where no event has any.

    Further columns come as ``extras``, an event's each, or by name as ``further``, where None is absent.
    """

    __slots__ = (
        "_different",
        "_latest",
        "_made",
        "actors",
        "extras",
        "further",
        "ids",
        "items",
        "kinds",
        "known",
        "leads",
        "occurred",
        "values",
    )

    def __init__(
        self,
        kinds: Sequence[str],
        occurred: Moments,
        known: Moments,
        actors: Sequence[str],
        values: Sequence[Scalar],
        items: Sequence[Scalar],
        extras: Sequence[Mapping[str, Scalar]] | None = None,
        ids: Sequence[str | None] | None = None,
        leads: Sequence[str] | None = None,
        further: Mapping[str, Sequence[Scalar]] | None = None,
    ) -> None:
        self.kinds, self.occurred, self.known, self.actors = kinds, occurred, known, actors
        self.values, self.items, self.extras, self.ids, self.leads = values, items, extras, ids, leads
        self.further = further
        self._made: list[Event] | None = None
        self._different: int | None = None
        self._latest: int | None = None

    @classmethod
    def of(cls, events: Sequence[Event]) -> "EventColumns":
        """The columns of any events."""
        if isinstance(events, EventColumns):
            return events
        if not events:
            return cls((), array("q"), array("q"), (), (), ())
        kinds, occurred, known, actors, values, items, extras, ids, leads = zip(*events, strict=True)
        return cls(kinds, array("q", occurred), array("q", known), actors, values, items, extras, ids, leads)

    def take(self, places: Sequence[int]) -> Self:
        """The events at these places."""
        occurred, known = (array("q", [times[place] for place in places]) for times in (self.occurred, self.known))
        kinds, actors = ([texts[place] for place in places] for texts in (self.kinds, self.actors))
        values, items = ([column[place] for place in places] for column in (self.values, self.items))
        extras = None if self.extras is None else [self.extras[place] for place in places]
        ids = None if self.ids is None else [self.ids[place] for place in places]
        leads = None if self.leads is None else [self.leads[place] for place in places]
        further = self.further and {name: [column[place] for place in places] for name, column in self.further.items()}
        return type(self)(kinds, occurred, known, actors, values, items, extras, ids, leads, further)

    def seen(self, as_of: int) -> Self:
        """Those that had happened and were known before a moment (microseconds)."""
        if not self.kinds or self.latest() < as_of:
            return self
        times = enumerate(zip(self.occurred, self.known, strict=True))
        return self.take([place for place, (occurred, known) in times if occurred < as_of and known < as_of])

    def latest(self) -> int:
        """The last moment at which one of them happened or became known. Raises ValueError when there are none."""
        if self._latest is None:
            happened = max(self.occurred)
            known = happened if self.known is self.occurred else max(self.known)
            self._latest = max(happened, known)
        return self._latest

    def column(self, name: str) -> Sequence[Scalar]:
        """The raw values of any column by its name."""
        if name == "kind":
            return self.kinds
        if name == "value":
            return self.values
        if name == "item":
            return self.items
        if name == "lead":
            return [""] * len(self.kinds) if self.leads is None else self.leads
        if self.further is not None and (found := self.further.get(name)) is not None:
            return found
        return [None] * len(self.kinds) if self.extras is None else [more.get(name) for more in self.extras]

    def different(self) -> int:
        """How many events there are; of those with one id there is one."""
        if self._different is None:
            ids = () if self.ids is None else self.ids
            apart = set(ids)
            twice = len(ids) - len(apart) - (ids.count(None) - 1 if None in apart else 0)
            self._different = len(self.kinds) - twice
        return self._different

    def __len__(self) -> int:
        return len(self.kinds)

    def __iter__(self) -> Iterator[Event]:
        return iter(self._events())

    @overload
    def __getitem__(self, place: int) -> Event: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[Event]: ...
    def __getitem__(self, place: int | slice) -> Event | Sequence[Event]:
        return self._events()[place]

    def __eq__(self, other: object) -> bool:
        return self._events() == list(other) if isinstance(other, Sequence) else NotImplemented

    __hash__ = None  # type: ignore[assignment]  # as of a list

    def _events(self) -> list[Event]:
        if self._made is None:
            extras = repeat(NOTHING_MORE) if self.extras is None else self.extras
            if self.further:
                rows = zip(*self.further.values(), strict=True)
                names = tuple(self.further)
                extras = [{name: x for name, x in zip(names, row, strict=True) if x is not None} for row in rows]
            ids = repeat(None) if self.ids is None else self.ids
            leads = repeat("") if self.leads is None else self.leads
            own = (self.kinds, self.occurred, self.known, self.actors, self.values, self.items)
            events = zip(*own, extras, ids, leads)  # noqa: B905 - what repeats has no end
            # By the constructor of tuples, which takes a third of the time that naming the fields takes.
            self._made = list(map(tuple.__new__, repeat(Event), events))
        return self._made
