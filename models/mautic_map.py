"""Which of our events Mautic's point actions look at: an explicit table, written by who knows both sides.

    [[event]]
    mautic = "url.hit"                  # a type of action; every page that its pattern matches
    kind = "page_view"                  # our kind; the item of our event is the address of the page

    [[event]]
    mautic = "page.hit"                 # landing page number 3 alone
    id = 3
    kind = "pricing_view"
    item = "plans"                      # optional: the item that our event has for it

    [[event]]
    mautic = "email.open"               # every e-mail; the item of our event is Mautic's number of the e-mail
    kind = "email_open"

    [[event]]
    mautic = "email.send"
    kind = "email_sent"
    actor = "marketing"                 # optional: lead, marketing or sales

An entry with an ``id`` or a ``url`` goes before the one without. Mautic counts a variant of a page as its parent: give
the variants' events the item of the parent.
"""

import html
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from textwrap import wrap
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from data.errors import ContractError
from models.points import sentences
from models.points_text import printable, quoted
from models.rules import When

Kind = Literal["page.hit", "url.hit", "form.submit", "asset.download", "email.open", "email.send"]
LISTS: dict[str, str] = {
    "page.hit": "pages",
    "form.submit": "forms",
    "asset.download": "assets",
    "email.open": "emails",
    "email.send": "emails",
}
"""The types of action that list what they look at by number, and the property with the list."""
TYPES: tuple[str, ...] = ("url.hit", *LISTS)


class Entry(BaseModel):
    """One kind of Mautic's events, or one thing of it, as our events have it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    mautic: Kind
    id: Annotated[int, Field(ge=1)] | None = None
    url: Annotated[str, Field(min_length=1)] | None = None
    """url.hit: the pattern exactly as the action has it."""
    kind: Annotated[str, Field(min_length=1)]
    item: Annotated[str, Field(min_length=1)] | None = None
    actor: Literal["lead", "marketing", "sales"] | None = None

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.id is not None and self.mautic == "url.hit":
            raise ValueError("url.hit has no id: give its url, exactly as the action has it.")
        if self.url is not None and self.mautic != "url.hit":
            raise ValueError(f"url belongs to url.hit; {self.mautic} has an id.")
        if self.item is not None and self.id is None and self.url is None:
            raise ValueError("item belongs to one thing: give its id or url too, or leave the item out.")
        return self


class MauticMap(BaseModel):
    """All entries."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    events: Annotated[tuple[Entry, ...], Field(alias="event")] = ()

    @model_validator(mode="after")
    def _fits(self) -> Self:
        keys = [(entry.mautic, entry.id, entry.url) for entry in self.events]
        if repeated := [key for key in dict.fromkeys(keys) if keys.count(key) > 1]:
            kind, number, url = repeated[0]
            name = f"{kind} {number or url or 'of any'}"
            raise ValueError(f"{len(repeated)} entries are given twice (first: {name}). Keep one of each.")
        return self

    def of(self, kind: str, number: int | None = None, url: str | None = None) -> Entry | None:
        """The entry of exactly this thing; without a number and a url, that of any thing of the kind."""
        found = (one for one in self.events if (one.mautic, one.id, one.url) == (kind, number, url))
        return next(found, None)


def load_map(text: str, name: str = "mautic.toml") -> MauticMap:
    """The table written in ``text``. Raises ContractError, one line for each thing that is wrong."""
    try:
        return MauticMap.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise ContractError(f"{name} is not TOML: {error}. Mend that line.") from None
    except ValidationError as error:
        raise ContractError("\n".join(f"{name}: {line}" for line in sentences(error))) from None


def looks_at(known: MauticMap, kind: str, numbers: tuple[int, ...]) -> When | str:
    """What an action of ``kind`` on these numbers (none: on any) looks at among our events; or why that is unknown."""
    if not numbers:
        return _any(known, kind)
    entries = [known.of(kind, number) or known.of(kind) for number in numbers]
    missing = [number for number, entry in zip(numbers, entries, strict=True) if entry is None]
    if missing:
        return f"the map has no entry for {kind} {missing[0]}, and none for {kind} without an id"
    found = [entry for entry in entries if entry is not None]
    ours = {(entry.kind, entry.actor) for entry in found}
    if len(ours) > 1:
        kinds = ", ".join(sorted({entry.kind for entry in found}))
        return f"its {LISTS[kind]} are events of different kinds here ({kinds}): one rule looks at one kind"
    items = [_item(entry, number) for entry, number in zip(found, numbers, strict=True)]
    if None in items and set(items) != {None}:
        return f"some of its {LISTS[kind]} have an item here and some have none: give each one, or none"
    named = tuple(dict.fromkeys(item for item in items if item is not None))
    return _when(found[0], named)


def _item(entry: Entry, number: int) -> str | None:
    """The item of our event; an entry for any thing of its kind has Mautic's number as the item."""
    return str(number) if entry.id is None else entry.item


def _any(known: MauticMap, kind: str) -> When | str:
    entry = known.of(kind)
    if entry is None:
        return f"it counts any of its {LISTS[kind]}, and the map has no entry for {kind} without an id"
    other = [one for one in known.events if one.mautic == kind and (one.kind, one.actor) != (entry.kind, entry.actor)]
    if other:
        return (
            f"it counts any of its {LISTS[kind]}, and those are events of different kinds here "
            f"({entry.kind}, {other[0].kind}): one rule looks at one kind"
        )
    return _when(entry, ())


def looks_at_url(known: MauticMap, url: str) -> When | str:
    """What a url.hit action on a pattern looks at among our events, or why that is not known."""
    entry = known.of("url.hit", url=url)
    if entry is not None:
        return _when(entry, () if entry.item is None else (entry.item,))
    entry = known.of("url.hit")
    if entry is None:
        return f"the map has no entry for url.hit with the url {url!r}, and none without a url"
    return When(event=entry.kind, actor=entry.actor, item_like=url)


def _when(entry: Entry, items: tuple[str, ...]) -> When:
    found = items[0] if len(items) == 1 else items or None
    return When(event=entry.kind, actor=entry.actor, item=found)


def address_of(given: Mapping[str, Any]) -> str:
    """The pattern of a url.hit action as Mautic compares it: without spaces around it, entities decoded."""
    return html.unescape(str(given.get("page_url") or "").strip())


def draft_map(actions: Iterable[Mapping[str, Any]], kinds: Sequence[str]) -> str:
    """A map to fill in for these actions: an entry for each type and for each thing that one of them names."""
    wanted: dict[tuple[str, str], list[str]] = {}
    for action in actions:
        kind, given = str(action.get("type")), action.get("properties")
        if kind not in TYPES:
            continue
        given = given if isinstance(given, dict) else {}
        named = address_of(given) if kind == "url.hit" else given.get(LISTS[kind])
        things = [named] if isinstance(named, str) else named if isinstance(named, list) else []
        for thing in things or [""]:
            wanted.setdefault((kind, str(thing)), []).append(str(action.get("name")))
    told = wrap(f"Your kinds: {', '.join(kinds)}", 110, break_long_words=False, break_on_hyphens=False)
    lines = [
        "# Which of your events Mautic's actions look at. Give each entry the kind of your events (and the item, where",
        "# your events have one for it); take out what they do not have: such actions are then left out by name.",
        "# An entry without id and url stands for all of its type: the item of your event is then Mautic's number, or",
        "# the address.",
        *(f"# {printable(line)}" for line in told),
    ]
    for (kind, thing), names in sorted(wanted.items()):
        lines += ["", f"# {printable('; '.join(names))}", "[[event]]", f"mautic = {quoted(kind)}"]
        if thing:
            number = kind != "url.hit" and thing.isdecimal()
            lines.append(f"id = {thing}" if number else f"url = {quoted(thing)}")
        lines.append('kind = ""  # FILL IN')
    return "\n".join(lines) + "\n"
