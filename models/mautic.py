"""Mautic's point actions read as neutral rules, with all that Mautic really does, its defects included.

Read in Mautic 5.1.0 (mautic/mautic, PointBundle and PageBundle): an action that is not repeatable fires once for a
contact, for ever; a repeatable one on every event, re-opened e-mails too. ``page_hits`` counts all hits ever, those
before the action was published too. Nothing fades, and the total has no bounds. ``returns_within`` and
``returns_after`` are meant for the last hit of the same address, but the query has neither the address nor an order:
any page counts, and the database answers by its index on the contact, with the first hit of all. An action with a
group changes that group's score and never the contact's points.

What is accepted: ``{"points": [...], "triggers": [...], "groups": [...]}``, lists or objects by id, as the API lists
them, or a list of actions alone. Nothing is guessed: what cannot be replayed is listed with the reason.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from data.clock import SECOND, to_micros
from data.errors import ContractError
from models.mautic_doubts import doubts, general, group_id, threshold, unpublished
from models.mautic_map import LISTS, TYPES, MauticMap, address_of, looks_at, looks_at_url
from models.rules import PointsTable, Returning, Rule, When

MOST_BYTES = 20_000_000
MOST = 1e9
"""No number of an action is larger."""


@dataclass(frozen=True)
class LeftOut:
    """An action that is no rule here: Mautic's id and name for it, its type, and why."""

    id: str
    name: str
    type: str
    reason: str


@dataclass(frozen=True)
class Imported:
    """The rules (None: there are none), what was left out, and what should be known about the rest."""

    points: PointsTable | None
    left_out: tuple[LeftOut, ...]
    notes: tuple[str, ...]
    actions: int


class _LeaveOutError(Exception):
    """Why an action is no rule here."""


def read_mautic(text: str, known: MauticMap, *, group: str | None = None, name: str = "points.json") -> Imported:
    """The actions that change the contact's points, or with ``group`` (an id or a name) that group's score, as rules.

    Raises ContractError when ``text`` is not JSON of that form, or there is no such group.
    """
    whole = _parse(text, name)
    actions = _listed(whole.get("points", ()), "points", name)
    groups = _groups(whole, actions, name)
    if group is not None and group not in groups and group not in groups.values():
        raise ContractError(f"{name} has no group {group!r}. Expected one of {sorted(groups.values()) or 'none'}.")
    rules, left_out, notes = [], [], []
    for action in actions:
        try:
            _check_score(action, groups, group)
            rules.append(_rule(action, known))
            notes += doubts(action)
        except _LeaveOutError as why:
            number, named, kind = (str(action.get(key) or "") for key in ("id", "name", "type"))
            left_out.append(LeftOut(number, named, kind, str(why)))
    wanted = next((number for number, named in groups.items() if group in {number, named}), None)
    limit, more = threshold(_listed(whole.get("triggers", ()), "triggers", name), wanted)
    notes += [*more, *general(whole, actions)]
    points = PointsTable.of(rules, threshold=limit) if rules else None
    return Imported(points, tuple(left_out), tuple(notes), len(actions))


def actions_of(text: str, name: str = "points.json") -> list[Mapping[str, Any]]:
    """The actions as the file has them. Raises ContractError when it is no list of them."""
    return _listed(_parse(text, name).get("points", ()), "points", name)


def _parse(text: str, name: str) -> Mapping[str, Any]:
    if len(text) > MOST_BYTES:
        raise ContractError(
            f"{name} has {len(text):,} characters. Expected at most {MOST_BYTES:,}. Is it the right file?"
        )
    try:
        whole = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ContractError(f"{name} is not JSON: {error}. Export it again.") from None
    whole = {"points": whole} if isinstance(whole, list) else whole
    if not isinstance(whole, dict) or "points" not in whole:
        keys = sorted(whole)[:5] if isinstance(whole, dict) else type(whole).__name__
        raise ContractError(
            f"{name} has no points (it has {keys}). Expected what Mautic answers to GET /api/points: "
            '{"points": [{"id": 1, "type": "email.open", "delta": 2, ...}, ...]}.'
        )
    return whole


def _listed(found: Any, what: str, name: str) -> list[Mapping[str, Any]]:
    """A list of objects, or an object of them by id, as the API has both."""
    parts = list(found.values()) if isinstance(found, dict) else found
    if not isinstance(parts, list | tuple) or not all(isinstance(part, dict) for part in parts):
        raise ContractError(f"{name}: {what} is no list of objects. Export it again.")
    return list(parts)


def _groups(whole: Mapping[str, Any], actions: list[Mapping[str, Any]], name: str) -> dict[str, str]:
    """The names of the groups by id, from their own list and from the actions."""
    listed = _listed(whole.get("groups", whole.get("pointGroups", ())), "groups", name)
    of_actions = [action["group"] for action in actions if action.get("group")]
    found: dict[str, str] = {}
    for one in [*of_actions, *listed]:
        number = group_id(one)
        found[number] = str((one.get("name") if isinstance(one, dict) else None) or found.get(number) or number)
    return found


def _check_score(action: Mapping[str, Any], groups: Mapping[str, str], wanted: str | None) -> None:
    """Whether the action changes the score that is asked for. Raises _LeaveOutError when it changes another."""
    own = group_id(action["group"]) if action.get("group") else None
    named = None if own is None else groups[own]
    if wanted is None and own is not None:
        raise _LeaveOutError(f"it changes the score of the group {named!r} only, not the contact's points (--group)")
    if wanted is not None and wanted not in {own, named}:
        raise _LeaveOutError(f"it does not change the score of the group {wanted!r}")


def _rule(action: Mapping[str, Any], known: MauticMap) -> Rule:
    kind, given = str(action.get("type") or ""), action.get("properties") or {}
    if unpublished(action):
        raise _LeaveOutError("it is not published: Mautic gives nothing for it either")
    if kind not in TYPES:
        raise _LeaveOutError(f"its type is none of Mautic's own ({', '.join(TYPES)}): what it counts is not known here")
    if not isinstance(given, dict) and given != []:
        raise _LeaveOutError(f"its properties are {type(given).__name__}, not an object")
    given = given or {}
    when = _url_hit(given, known) if kind == "url.hit" else looks_at(known, kind, _numbers(given, LISTS[kind]))
    if isinstance(when, str):
        raise _LeaveOutError(when)
    delta = _whole(action.get("delta"), "delta")
    if not delta:
        raise _LeaveOutError("it gives 0 points")
    start, until = _moment(action, "publishUp"), _moment(action, "publishDown")
    try:
        return Rule.model_validate(
            {
                "id": f"mautic-{action.get('id')}",
                "name": str(action.get("name") or ""),
                "when": when,
                "points": delta,
                "repeat": "always" if _truth(action.get("repeatable")) else "once",
                "from": start,
                "until": None if until is None else until + SECOND,
            }
        )
    except ValueError:
        raise _LeaveOutError("it is unpublished before it is published: it never fires") from None


def _url_hit(given: Mapping[str, Any], known: MauticMap) -> When | str:
    url = address_of(given)
    if not url:
        raise _LeaveOutError("it has no address: Mautic gives nothing for it either")
    if _whole(given.get("accumulative_time"), "accumulative_time"):
        raise _LeaveOutError("it counts the seconds that a contact stayed, which our events do not have")
    when = looks_at_url(known, url)
    if isinstance(when, str):
        return when
    hits = _whole(given.get("page_hits"), "page_hits")
    within, after = (_whole(given.get(key), key) for key in ("returns_within", "returns_after"))
    if given.get("first_time") is True and hits > 1:
        raise _LeaveOutError(f"it asks for the first visit and for {hits} visits at once: it never fires")
    more: dict[str, Any] = {"min_count": max(hits, 1)}
    if given.get("first_time") is True:
        more["max_count"] = 1
    if within or after:
        times = {"within": within * SECOND or None, "after": after * SECOND or None}
        more["returning"] = Returning(**times, to="any", since="first")
    try:
        return When.model_validate({**when.model_dump(exclude_none=True), **more})
    except ValueError as error:
        raise _LeaveOutError(f"its numbers are impossible: {error}") from None


def _numbers(given: Mapping[str, Any], key: str) -> tuple[int, ...]:
    found = given.get(key) or ()
    listed = list(found.values()) if isinstance(found, dict) else found
    if not isinstance(listed, list | tuple):
        raise _LeaveOutError(f"its {key} are {type(found).__name__}, not a list of numbers")
    return tuple(_whole(one, key) for one in listed)


def _whole(value: Any, key: str) -> int:
    """A whole number that may be written as text; nothing at all is 0."""
    if value is None or value is False or value == "":
        return 0
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not number.is_integer() or abs(number) > MOST:
        raise _LeaveOutError(f"its {key} is {value!r}, not a whole number")
    return int(number)


def _truth(value: Any) -> bool:
    return value in (True, "1", "true")


def _moment(action: Mapping[str, Any], key: str) -> int | None:
    """A moment as the API writes it; Mautic keeps times in UTC."""
    if not action.get(key):
        return None
    try:
        found = datetime.fromisoformat(str(action[key]))
    except ValueError:
        raise _LeaveOutError(f"its {key} is {action[key]!r}, not a moment") from None
    return to_micros(found if found.tzinfo is not None else found.replace(tzinfo=UTC))
