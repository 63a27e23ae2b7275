"""The rules that a distilled table is chosen from: what marketing could write by hand, each worth one point."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from data.clock import DAY, format_duration
from data.history import History
from features.context import Attribute
from features.local import FeatureTable
from features.vocabulary import attribute_key
from models.mautic_map import MauticMap
from models.mautic_write import expressible
from models.points import replay_parts
from models.rules import Decay, Inactivity, PointsTable, Rule, When
from training.duel_play import Floats, Ints

HALF_LIVES = (7 * DAY, 30 * DAY, 90 * DAY)
RECENT = (7 * DAY, 30 * DAY)
SILENT = tuple(days * DAY for days in (7, 14, 30, 60, 90))
LIMITS = (1, 3, None)
"""Of so many events' worth a fading rule gives at the most."""
VISITS = (3, 5)
KINDS, ITEMS, LEVELS = 20, 5, 12
"""So many kinds, items of a kind and levels of an attribute are tried at the most."""
LEAST_SHARE = 0.02
"""An item or a level is tried where so many of the leads have it."""
CUTS = (0.25, 0.5, 0.75, 0.9)


@dataclass(frozen=True, eq=False)
class Candidates:
    """Rules and inactivity rules of one point each, and what each gives at n rows: ``values`` (n, candidates).

    ``about`` says what each is about, so that a table does not ask one question too often.
    """

    rules: tuple[Rule | Inactivity, ...]
    values: Floats
    about: tuple[str, ...]


def make_candidates(
    history: History, spine: pa.Table, table: FeatureTable, rows: Ints, known: MauticMap | None = None
) -> Candidates:
    """What is tried, from the facts in ``history`` alone, replayed at the rows of ``spine``.

    ``table`` says which attributes the model looks at and has their values at ``rows``. With ``known``, only what
    Mautic can have.
    """
    silent: list[Inactivity] = []
    if known is None:
        rules = [*_event_rules(history), *_field_rules(history, table, rows)]
        silent = [Inactivity(after=after, points=1) for after in SILENT]
    else:
        tried = [*_event_rules(history), *_visits(history)]
        rules = [rule for rule in tried if expressible(rule, known) is None]
    if not rules:
        return Candidates((), np.empty((len(spine), 0)), ())
    points = PointsTable.of(rules, silent)
    values = replay_parts(points, history, spine)
    about = (*(_about(rule) for rule in rules), *("silence" for _ in silent))
    varied = np.flatnonzero((values != values[:1]).any(axis=0)) if len(values) else np.empty(0, np.int64)
    every: tuple[Rule | Inactivity, ...] = (*rules, *silent)
    return Candidates(tuple(every[at] for at in varied), values[:, varied], tuple(about[at] for at in varied))


def _about(rule: Rule) -> str:
    when = rule.when
    return f"field {when.field}" if when.field is not None else f"{when.event} {when.items} {when.actor}"


def _event_rules(history: History) -> Iterator[Rule]:
    """For each frequent kind, and each frequent item of it, the ways in which it may count."""
    for kind, actor, item in _things(history):
        told = _spoken(kind) + (f": {item}" if item else "")
        when = {"event": kind, "item": item, "actor": actor}
        name = "-".join(part for part in (kind, item) if part)
        yield _rule(f"{name}-once", f"{told}, once", when, repeat="once")
        yield _rule(f"{name}-each", f"{told}, each time", when)
        by_day = {"repeat": "once_per", "key": "day"}
        yield _rule(f"{name}-days", f"{told}, each day", when, **by_day)
        for half_life in HALF_LIVES:
            days = format_duration(half_life)
            told_so = f"{told}, each day, half after {days}"
            yield _rule(f"{name}-days-half-{days}", told_so, when, decay=Decay(half_life=half_life), **by_day)
        for within in RECENT:
            days = format_duration(within)
            yield _rule(f"{name}-in-{days}", f"{told}, in the last {days}", {**when, "within": within}, repeat="once")
        for half_life in HALF_LIVES:
            days = format_duration(half_life)
            for most in LIMITS:
                yield _rule(
                    f"{name}-half-{days}" + (f"-up-to-{most}" if most else ""),
                    f"{told}, half after {days}" + (f", up to {most} of them" if most and most > 1 else ""),
                    when,
                    decay=Decay(half_life=half_life),
                    max_points=most,
                )


def _visits(history: History) -> Iterator[Rule]:
    """Repeated visits, which Mautic counts."""
    for kind, actor, item in _things(history):
        for visits in VISITS:
            when = {"event": kind, "item": item, "actor": actor, "min_count": visits}
            name = "-".join(part for part in (kind, item, f"{visits}-times") if part)
            told = _spoken(kind) + (f": {item}" if item else "")
            yield _rule(name, f"{told}, {visits} times", when, repeat="once")


def _things(history: History) -> Iterator[tuple[str, str | None, str | None]]:
    """(kind, actor, item): the kinds that most leads have, whole and by their most frequent items; no sales touches."""
    events = history.events
    events = events.filter(pc.not_equal(pc.cast(events["actor"], pa.string()), "sales"))
    leads = max(len(history.leads), 1)
    kinds = _reach(events, ["kind"])
    for (kind,), _ in kinds[:KINDS]:
        actors = pc.unique(events.filter(pc.equal(events["kind"], kind))["actor"]).to_pylist()
        actor = None if "lead" in actors else str(actors[0])
        yield kind, actor, None
        items = _reach(events.filter(pc.equal(events["kind"], kind)), ["item"])
        often = [item for (item,), reach in items if item is not None and reach >= LEAST_SHARE * leads]
        for item in often[:ITEMS] if len(often) > 1 else []:
            yield kind, actor, item


def _reach(events: pa.Table, keys: list[str]) -> list[tuple[tuple[str, ...], int]]:
    """How many leads have each value, from the most to the fewest."""
    texts = pa.table({name: pc.cast(events[name], pa.string()) for name in ("lead_id", *keys)})
    pairs = texts.group_by(["lead_id", *keys]).aggregate([])
    counted = pairs.group_by(keys).aggregate([("lead_id", "count")]).to_pylist()
    found = [(tuple(row[key] for key in keys), int(row["lead_id_count"])) for row in counted]
    return sorted(found, key=lambda one: (-one[1], str(one[0])))


def _field_rules(history: History, table: FeatureTable, rows: Ints) -> Iterator[Rule]:
    """Levels and thresholds of the attributes that the model looks at."""
    for at, feature in enumerate(table.feature_set):
        if not isinstance(feature, Attribute) or feature.type == "time" or feature.source == "account_changes":
            continue
        field = f"account_{feature.column}" if feature.of_account else feature.column
        values = table.matrix[rows, at]
        values = values[~np.isnan(values)].astype(np.float64)
        if feature.type == "category" and _is_text(history, feature):
            yield from _levels(field, table.vocabulary.levels.get(attribute_key(feature), ()), values)
        elif feature.type == "number" and len(values):
            for cut in np.unique([float(f"{cut:.3g}") for cut in np.quantile(values, CUTS)]).tolist():
                when = {"field": field, "op": "ge", "value": cut}
                yield _rule(f"{field}-from-{cut:g}", f"{_spoken(field)} {cut:g} or more", when)


def _is_text(history: History, feature: Attribute) -> bool:
    """Whether a rule can compare the field with text: changes are text, columns may be numbers."""
    if feature.source == "changes":
        return True
    column = (history.accounts if feature.of_account else history.leads).schema.field(feature.column).type
    return bool(pa.types.is_string(column))


def _levels(field: str, words: Sequence[str], values: Floats) -> Iterator[Rule]:
    counts = np.bincount(values.astype(np.int64), minlength=len(words))[: len(words)]
    for code in np.argsort(-counts, kind="stable")[:LEVELS]:
        if counts[code] >= LEAST_SHARE * max(len(values), 1):
            when = {"field": field, "op": "eq", "value": words[code]}
            yield _rule(f"{field}-{words[code]}", f"{_spoken(field)}: {words[code]}", when)


def _rule(rule_id: str, name: str, when: Mapping[str, object], **more: object) -> Rule:
    given = {key: value for key, value in when.items() if value is not None}
    known = {key: value for key, value in more.items() if value is not None}
    return Rule.model_validate({"id": rule_id, "name": name, "when": When.model_validate(given), "points": 1, **known})


def _spoken(name: str) -> str:
    return name.replace("_", " ").replace("-", " ")
