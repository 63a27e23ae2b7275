"""Neutral rules as Mautic's point actions, and what Mautic has no words for."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from data.clock import SECOND, iso
from models.mautic_map import LISTS, Entry, MauticMap
from models.rules import PointsTable, Rule


@dataclass(frozen=True)
class Inexpressible:
    """A rule, or a part of the table, that Mautic cannot have, and why."""

    id: str
    reason: str


def write_mautic(points: PointsTable, known: MauticMap) -> tuple[dict[str, Any], tuple[Inexpressible, ...]]:
    """The table as ``{"points": [...], "triggers": [...]}``, and each thing that is not in it, with the reason.

    A rule is written only where Mautic gives the same points for it; ``models.mautic.read_mautic`` reads it back.
    """
    actions: list[dict[str, Any]] = []
    lost: list[Inexpressible] = []
    for rule in points.rules:
        found = _action(rule, known, len(actions) + 1)
        if isinstance(found, str):
            lost.append(Inexpressible(rule.id, found))
        else:
            actions.append(found)
    lost += [
        Inexpressible("inactivity", "silence takes no points in Mautic: nothing runs when nothing happens")
    ] * bool(points.inactivity)
    lost += [Inexpressible(f"caps.{name}", "points have no bounds in Mautic") for name in points.caps]
    triggers = [] if points.threshold is None else [_trigger(points.threshold)]
    return {"points": actions, "triggers": triggers}, tuple(lost)


def expressible(rule: Rule, known: MauticMap) -> str | None:
    """Why Mautic cannot have the rule; None when it can."""
    found = _action(rule, known, 1)
    return found if isinstance(found, str) else None


def _trigger(threshold: float) -> dict[str, Any]:
    """Mautic compares whole points: from 59.5 on is from 60 on."""
    at = int(-(-threshold // 1))
    return {
        "id": 1,
        "name": "Hand off to sales",
        "points": at,
        "color": "a0acb8",
        "triggerExistingLeads": False,
        "events": [],
    }


def _action(rule: Rule, known: MauticMap, number: int) -> dict[str, Any] | str:
    reason = _reason(rule)
    if reason is not None:
        return reason
    found = _looks_at(rule, known)
    if isinstance(found, str):
        return found
    kind, properties = found
    return {
        "id": number,
        "name": rule.name or rule.id,
        "type": kind,
        "delta": int(rule.points),
        "repeatable": rule.repeat == "always",
        "properties": properties,
        "publishUp": None if rule.start is None else iso(rule.start),
        "publishDown": None if rule.until is None else iso(rule.until - SECOND),
        "isPublished": True,
        "group": None,
    }


def _reason(rule: Rule) -> str | None:
    """Which word of the rule Mautic does not have."""
    when, returning = rule.when, rule.when.returning
    words = [
        (when.field is not None, "fields give no points in Mautic, only what a contact does"),
        (rule.decay is not None, "points do not fade in Mautic"),
        (rule.repeat == "once_per", f"once per {rule.key} is not possible in Mautic: once for ever, or always"),
        (rule.max_points is not None, "an action has no upper limit in Mautic"),
        (when.within is not None, "Mautic counts all that ever happened, not the last days"),
        (not rule.points.is_integer(), f"Mautic's points are whole numbers, this rule gives {rule.points:g}"),
        (rule.group is not None, "a group's points are a score of their own in Mautic, not a part of the contact's"),
        (
            returning is not None and (returning.to, returning.since) != ("any", "first"),
            "Mautic measures a return from the first visit of any page, whatever was meant",
        ),
    ]
    return next((why for holds, why in words if holds), None)


def _looks_at(rule: Rule, known: MauticMap) -> tuple[str, dict[str, Any]] | str:
    """The type and the properties of the action for what the rule looks at."""
    when = rule.when
    entries = [one for one in known.events if (one.kind, one.actor) == (when.event, when.actor)]
    if not entries:
        return f"the map has no entry for the kind {when.event!r}"
    visits = when.min_count > 1 or when.max_count is not None or when.returning is not None
    for kind in dict.fromkeys(entry.mautic for entry in entries):
        of_kind = [entry for entry in entries if entry.mautic == kind]
        found = _url(rule, of_kind) if kind == "url.hit" else None if visits else _list(rule, of_kind, known)
        if found is not None:
            return kind, found
    if visits:
        return "counting visits and returns is possible for url.hit alone"
    wanted = when.item_like or when.item or "any"
    return f"the map does not say what {wanted!r} of the kind {when.event!r} is in Mautic"


def _url(rule: Rule, entries: Sequence[Entry]) -> dict[str, Any] | None:
    when = rule.when
    url = _address(rule, entries)
    if url is None or when.max_count not in {None, 1}:
        return None
    returning = when.returning
    times = (None, None) if returning is None else (returning.within, returning.after)
    return {
        "page_url": url,
        "page_hits": when.min_count if when.min_count > 1 else None,
        "first_time": True if when.max_count == 1 else None,
        "accumulative_time": None,
        "returns_within": None if times[0] is None else times[0] // SECOND,
        "returns_after": None if times[1] is None else times[1] // SECOND,
    }


def _address(rule: Rule, entries: Sequence[Entry]) -> str | None:
    """The pattern of the page's address in Mautic."""
    when, special = rule.when, set("*?[]\\&")
    for entry in entries:
        if entry.url is not None and when.item_like is None and when.items == ((entry.item,) if entry.item else ()):
            return entry.url
    if all(entry.url is not None for entry in entries):
        return None
    if when.item_like is not None:
        return None if "&" in when.item_like or when.item_like != when.item_like.strip() else when.item_like
    if len(when.items) == 1:
        return None if special & set(when.items[0]) else when.items[0]
    return None


def _list(rule: Rule, entries: Sequence[Entry], known: MauticMap) -> dict[str, Any] | None:
    """The numbers that an action lists, or an empty list where it takes any."""
    when, kind = rule.when, entries[0].mautic
    if when.item_like is not None:
        return None
    numbers: list[int] = []
    for item in when.items or (None,):
        exact = [entry.id for entry in entries if entry.id is not None and entry.item == item]
        general = known.of(kind) in entries
        if exact and not (item is None and general):
            numbers += exact
        elif (
            general
            and item is not None
            and item.isascii()
            and item.isdecimal()
            and known.of(kind, int(item)) is None
            and item[0] != "0"
        ):
            numbers.append(int(item))
        elif general and item is None and all(one in entries for one in known.events if one.mautic == kind):
            return {LISTS[kind]: []}
        else:
            return None
    return {LISTS[kind]: numbers}
