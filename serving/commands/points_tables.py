"""Rules and contestants as rows of a table on the terminal."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from models.rules import Decay, Returning, Rule
    from training.duel import Duel
    from training.points_duel import PointsDuel
    from training.rule_lifts import RuleLift


def looks_at(rule: "Rule") -> str:
    """What a rule counts, such as ``pricing_view, once; half after 30d``."""
    from data.clock import format_duration

    when = rule.when
    if when.field is not None:
        value = ", ".join(map(_plain, when.values))
        return f"{when.field} {_OPERATIONS[when.op or 'eq']} {value}"
    parts = [f"{when.event}"]
    if when.items or when.item_like:
        parts[0] += f" {', '.join(when.items) or when.item_like}"
    if when.min_count > 1:
        parts.append(f"from number {when.min_count} on")
    if when.max_count is not None:
        parts.append(f"up to number {when.max_count}")
    if when.returning is not None:
        parts.append("on returning" + _returns(when.returning))
    if when.within is not None:
        parts.append(f"in the last {format_duration(when.within)}")
    parts.append({"always": "each time", "once": "once"}.get(rule.repeat, f"once per {rule.key}"))
    fades = [] if rule.decay is None else [_fades(rule.decay)]
    most = [] if rule.max_points is None else [f"at most {rule.max_points:g}"]
    return "; ".join([", ".join(parts), *fades, *most])


def _returns(returning: "Returning") -> str:
    from data.clock import format_duration

    within = "" if returning.within is None else f" within {format_duration(returning.within)}"
    after = "" if returning.after is None else f" after {format_duration(returning.after)}"
    return f"{within}{after}"


_OPERATIONS = {"eq": "is", "ne": "is not", "in": "is one of", "ge": "≥", "le": "≤", "gt": ">", "lt": "<"}


def _plain(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _fades(decay: "Decay") -> str:
    from data.clock import format_duration

    if decay.half_life is not None:
        return f"half after {format_duration(decay.half_life)}"
    if decay.linear is not None:
        return f"down to nothing in {format_duration(decay.linear)}"
    if decay.expire is not None:
        return f"gone after {format_duration(decay.expire)}"
    return f"{decay.step_pct:g} % less every {format_duration(decay.every or 0)}"


COLUMNS = ("who calls whom", "calls", "captured", "of all", "premature", "success", "lift")


def contestants(duel: "Duel") -> list[list[str]]:
    """A row for each contestant, with 95 % intervals."""
    from training.duel_words import NAMES
    from training.wording import percent, whole

    rows = []
    for score in duel.scores:
        low, high = score.captured_interval
        less, most = score.premature_interval
        lift_low, lift_high = score.lift_interval
        rows.append(
            [
                NAMES.get(score.name, score.name),
                whole(score.calls),
                f"{whole(score.captured)} ({whole(low)} to {whole(high)})",
                percent(score.share),
                f"{whole(score.premature)} ({whole(less)} to {whole(most)})",
                percent(score.precision),
                f"{score.lift:.1f} ({lift_low:.1f} to {lift_high:.1f})",
            ]
        )
    return rows


def title(duel: "Duel") -> str:
    """What the table is about, in one line."""
    from data.clock import format_duration
    from training.wording import long_duration, whole

    how = "" if duel.given else " (no capacity is agreed: a tenth of the open leads within a horizon)"
    weeks = "one week" if duel.weeks == 1 else f"{duel.weeks:g} weeks"
    return (
        f"{duel.capacity:.4g} calls a week over {weeks}{how}: {whole(duel.leads)} open leads, "
        f"{whole(duel.outcomes)} outcomes within {long_duration(format_duration(duel.horizon))}"
    )


RULE_COLUMNS = ("rule", "points", "leads", "with it", "without", "lift", "it points")
LONGEST = 32
"""A longer name of a rule is cut, so that its figures stay on one line."""
_VERDICTS = {
    "helps": "right way",
    "none": "no difference",
    "inverse": "WRONG WAY",
    "too few": "too few",
    "never": "nobody",
}


def rule_rows(lifts: "Iterable[RuleLift]") -> list[list[str]]:
    """A row for each rule, in the order of the table."""
    from training.wording import percent, whole

    rows = []
    for one in lifts:
        lift = "-"
        if one.lift is not None and one.interval is not None:
            lift = f"{one.lift:.1f} ({one.interval[0]:.1f} to {one.interval[1]:.1f})"
        rows.append(
            [
                one.name if len(one.name) <= LONGEST else f"{one.name[: LONGEST - 1]}…",
                f"{one.points:+g}",
                whole(one.leads),
                percent(one.rate_with),
                percent(one.rate_without),
                lift,
                _VERDICTS[one.verdict],
            ]
        )
    return rows


FIGURES = ("auc", "average_precision", "log_loss", "lift_at_10")


def figure_rows(found: "PointsDuel", names: Sequence[str]) -> list[list[str]]:
    """A row of metrics for each of ``names`` that takes part."""
    from training.duel_words import NAMES
    from training.wording import figure

    return [
        [NAMES.get(name, name), *(figure(metric, found.figures[name][metric]) for metric in FIGURES)]
        for name in names
        if name in found.figures
    ]
