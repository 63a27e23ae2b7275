"""The company's hand-made points: what they are, and their text in the neutral points format."""

from dataclasses import dataclass

from data.clock import format_duration


@dataclass(frozen=True)
class EventRule:
    """So many points for each event of a kind (and item), halved every ``half_life``; or once, for ever.

    ``half_life`` is in microseconds; ``None`` means that the points are given once and stay.
    """

    id: str
    name: str
    kind: str
    points: float
    item: str | None = None
    half_life: int | None = None


@dataclass(frozen=True)
class FieldRule:
    """So many points for an attribute: ``op`` is eq, in, ge, le, gt, lt or ne."""

    id: str
    name: str
    field: str
    op: str
    value: str | float | tuple[str, ...]
    points: float


@dataclass(frozen=True)
class PointsTable:
    """The rules, never below 0 in total, and the threshold from which sales should call."""

    threshold: float
    events: tuple[EventRule, ...]
    fields: tuple[FieldRule, ...]


def points_toml(table: PointsTable) -> str:
    """The rules in the neutral points format."""
    head = [
        "# The points that marketing gives by hand: what a lead did, fading with time, and who the lead is.",
        f"threshold = {table.threshold:g}",
        "",
    ]
    rules = [_event_text(rule) for rule in table.events] + [_field_text(rule) for rule in table.fields]
    return "\n".join([*head, *rules, "[caps.total]\nmin = 0\n"])


def _event_text(rule: EventRule) -> str:
    item = f", item = {_literal(rule.item)}" if rule.item is not None else ""
    lines = [
        "[[rule]]",
        f"id = {_literal(rule.id)}",
        f"name = {_literal(rule.name)}",
        f"when = {{ event = {_literal(rule.kind)}{item} }}",
        f"points = {rule.points:g}",
    ]
    if rule.half_life is None:
        lines.append('repeat = "once"')
    else:
        lines.append('repeat = "always"')
        lines.append(f'decay = {{ half_life = "{format_duration(rule.half_life)}" }}')
    return "\n".join([*lines, ""])


def _field_text(rule: FieldRule) -> str:
    lines = [
        "[[rule]]",
        f"id = {_literal(rule.id)}",
        f"name = {_literal(rule.name)}",
        f'when = {{ field = "{rule.field}", op = "{rule.op}", value = {_literal(rule.value)} }}',
        f"points = {rule.points:g}",
    ]
    return "\n".join([*lines, ""])


def _literal(value: str | float | tuple[str, ...]) -> str:
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, tuple):
        return f"[{', '.join(map(_literal, value))}]"
    return f"{value:g}"
