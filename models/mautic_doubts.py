"""What should be known of points read from Mautic: thresholds, defects, and what the file does not tell."""

from collections.abc import Mapping, Sequence
from typing import Any

_READ = {"points", "triggers", "groups", "pointGroups", "total"}
_WRITERS = {"forms": "form actions", "campaigns": "campaign actions"}


def group_id(group: Any) -> str:
    """The id of a group that is given as an object or by its id alone."""
    return str(group.get("id") if isinstance(group, dict) else group)


def unpublished(one: Mapping[str, Any]) -> bool:
    """Whether an action or a trigger is said to be switched off."""
    return one.get("isPublished") in (False, "0")


def threshold(triggers: Sequence[Mapping[str, Any]], group: str | None) -> tuple[float | None, list[str]]:
    """The points from which triggers of a score (None: the contact's points) run, where they agree, and notes."""
    notes, at = [], []
    for trigger in triggers:
        own = group_id(trigger["group"]) if trigger.get("group") else None
        if own != group or unpublished(trigger):
            continue
        try:
            at.append(float(trigger["points"]))
        except (KeyError, TypeError, ValueError):
            notes.append(f"The trigger {_named(trigger)} has no number of points: it was not read.")
            continue
        events = trigger.get("events") or ()
        notes.append(
            f"The trigger {_named(trigger)} runs {len(events)} events at {at[-1]:g} points, once for a contact, for "
            "ever: a lead that falls below and comes back does not run it again."
        )
    if len(set(at)) > 1:
        listed = ", ".join(f"{points:g}" for points in sorted(set(at)))
        notes.append(
            f"Triggers run at {listed} points: which one means that sales is asked is not guessed (--threshold)."
        )
    return (at[0] if len(set(at)) == 1 else None), notes


def _named(one: Mapping[str, Any]) -> str:
    return repr(str(one.get("name") or one.get("id") or "without a name"))


def doubts(action: Mapping[str, Any]) -> list[str]:
    """What Mautic does for an action that is read, and that its words do not say."""
    given = action.get("properties") or {}
    found = []
    if given.get("returns_within") or given.get("returns_after"):
        found.append(
            f"{_named(action)}: Mautic measures the return from the contact's first hit of any page, not from the last "
            "visit to this one (a defect of 5.1); it is replayed so."
        )
    if str(given.get("page_hits") or "0") not in {"0", "1"} and action.get("publishUp"):
        found.append(f"{_named(action)}: visits before it was published count too, as in Mautic.")
    if given.get("first_time") is True:
        found.append(
            f"{_named(action)}: replayed as meant, for the first visit; where Mautic counts the visit itself, it never "
            "fires there."
        )
    return found


def general(whole: Mapping[str, Any], actions: Sequence[Mapping[str, Any]]) -> list[str]:
    """What the file does not tell."""
    found = []
    if actions and not any("group" in action for action in actions):
        found.append(
            "No action names a group, and Mautic's API does not list them: an action with a group does not change the "
            "contact's points. Take such actions out of the file."
        )
    for key in sorted(set(whole) - _READ):
        kept = whole[key]
        size = len(kept) if isinstance(kept, list | dict) else 1
        found.append(
            f"{_WRITERS.get(key, key)} ({size}) in the file were not read: the points that they give are missing."
        )
    found.append(
        "Points that form actions, campaigns (adjust points) or the API gave are not in a list of point actions; nor "
        "does it tell who was logged in to Mautic, whose visits have no points."
    )
    return found
