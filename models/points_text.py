"""A points table as text in the neutral format: ``models.points.load_points`` reads the very same table back."""

import json
from typing import Any

from data.clock import format_duration, iso
from models.rules import Cap, Decay, PointsTable, Returning, Rule, When


def points_text(points: PointsTable, about: str = "") -> str:
    """The table as TOML; each line of ``about`` becomes a comment on top."""
    head = [f"# {printable(line)}".rstrip() for line in about.splitlines()]
    if points.threshold is not None:
        head.append(f"threshold = {_number(points.threshold)}")
    silent = [
        "\n".join(["[[inactivity]]", f"after = {_duration(rule.after)}", f"points = {_number(rule.points)}"])
        for rule in points.inactivity
    ]
    caps = [_cap(name, cap) for name, cap in points.caps.items()]
    parts = ["\n".join(head), *map(_rule, points.rules), *silent, *caps]
    return "\n\n".join(part for part in parts if part) + "\n"


def printable(line: str) -> str:
    """A line for a comment, where TOML allows no control characters."""
    return "".join(one if one.isprintable() else " " for one in line)


def _rule(rule: Rule) -> str:
    lines = ["[[rule]]", f"id = {quoted(rule.id)}"]
    if rule.name:
        lines.append(f"name = {quoted(rule.name)}")
    lines += [f"when = {_when(rule.when)}", f"points = {_number(rule.points)}"]
    if rule.when.event is not None:
        lines.append(f"repeat = {quoted(rule.repeat)}")
    if rule.key is not None:
        lines.append(f"key = {quoted(rule.key)}")
    if rule.max_points is not None:
        lines.append(f"max_points = {_number(rule.max_points)}")
    if rule.decay is not None:
        lines.append(f"decay = {_decay(rule.decay)}")
    if rule.group is not None:
        lines.append(f"group = {quoted(rule.group)}")
    lines += [f"{key} = {iso(at)}" for key, at in (("from", rule.start), ("until", rule.until)) if at is not None]
    return "\n".join(lines)


def _when(when: When) -> str:
    """What differs from the defaults, in the order of the grammar."""
    found: dict[str, str] = {}
    for key in ("event", "item", "item_like", "actor", "min_count", "max_count", "field", "op", "value"):
        value = getattr(when, key)
        if value is not None and (key != "min_count" or value != 1):
            found[key] = _value(value)
    if when.within is not None:
        found["within"] = _duration(when.within)
    if when.returning is not None:
        found["returning"] = _returning(when.returning)
    return _inline(found)


def _returning(returning: Returning) -> str:
    times = (("within", returning.within), ("after", returning.after))
    found = {key: _duration(time) for key, time in times if time is not None}
    return _inline({**found, "to": quoted(returning.to), "since": quoted(returning.since)})


def _decay(decay: Decay) -> str:
    times = (("half_life", decay.half_life), ("linear", decay.linear), ("expire", decay.expire), ("every", decay.every))
    found = {} if decay.step_pct is None else {"step_pct": _number(decay.step_pct)}
    return _inline({**found, **{key: _duration(time) for key, time in times if time is not None}})


def _cap(name: str, cap: Cap) -> str:
    bounds = (("min", cap.min), ("max", cap.max))
    return "\n".join([f"[caps.{_key(name)}]", *(f"{key} = {_number(at)}" for key, at in bounds if at is not None)])


def _inline(found: dict[str, str]) -> str:
    return "{ " + ", ".join(f"{key} = {value}" for key, value in found.items()) + " }"


def _value(value: Any) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(map(_value, value))}]"
    return quoted(value) if isinstance(value, str) else _number(value)


def _number(value: float) -> str:
    """Shortest text that is read back as the same number; whole numbers without a point."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(int(value)) if float(value).is_integer() and abs(value) < 1e15 else repr(float(value))


def quoted(text: str) -> str:
    """A basic string of TOML; JSON's escapes are TOML's, but for DEL."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _key(name: str) -> str:
    plain = name.isascii() and name.replace("_", "").replace("-", "").isalnum()
    return name if plain else quoted(name)


def _duration(time: int) -> str:
    return quoted(format_duration(time))
