"""The duel told in words that sales and marketing use."""

from collections.abc import Mapping, Sequence

from training.duel import RANDOM, Difference
from training.points_duel import AtThreshold, Behind
from training.rule_lifts import RuleLift, named
from training.wording import METRIC_NAMES, MODEL_NAMES, whole

NAMES = {
    **MODEL_NAMES,
    "blend": "the model",
    "points": "your points",
    "distilled": "distilled points",
    "distilled_mautic": "distilled, in Mautic",
    RANDOM: "at random",
}
MOST_NAMED = 5


def verdict(difference: Difference) -> str:
    """One sentence: who captured more, by how much, and whether chance alone could do it."""
    one, other = NAMES.get(difference.one, difference.one), NAMES.get(difference.other, difference.other)
    low, high = difference.interval
    span, many = f"{low:+,.0f} to {high:+,.0f}", whole(abs(difference.captured))
    more = "more" if difference.captured > 0 else "fewer"
    how = f"{many} {more} outcomes than" if round(difference.captured) else "as many outcomes as"
    chance = "" if low > 0 or high < 0 or not round(difference.captured) else ": that may be chance"
    return f"{one[0].upper()}{one[1:]} captured {how} {other} ({span}){chance}."


def today(one: AtThreshold) -> str:
    """What the points do as they work now."""
    return (
        f"As your points work today, everybody is called on first having {one.threshold:g} points: {whole(one.calls)} "
        f"calls ({one.calls_per_week:.1f} a week), {whole(one.captured)} captured, {whole(one.premature)} premature."
    )


def behind(name: str, figures: Mapping[str, Behind]) -> str:
    """What a table loses against the model in AUC and log loss; a minus where it is ahead."""
    told = []
    for metric, sign in (("auc", 1.0), ("log_loss", -1.0)):
        if metric in figures:
            one = figures[metric]
            bounds = sorted((sign * one.low, sign * one.high))
            loss = f"{sign * one.value:+.4f} ({bounds[0]:+.4f} to {bounds[1]:+.4f})"
            told.append(f"{METRIC_NAMES[metric]} {loss}")
    named = NAMES.get(name, name)
    return f"{named[0].upper()}{named[1:]}: lost against the model (a minus: gained): {', '.join(told)}."


def rule_sentences(lifts: Sequence[RuleLift]) -> list[str]:
    """Which rules point the wrong way, make no difference, or never fire; in this order."""
    return [
        *(_inverse(one) for one in named(lifts, "inverse")),
        *(_none(one) for one in named(lifts, "none")),
        *_counted(named(lifts, "too few"), "had too few outcomes to tell anything"),
        *_counted(named(lifts, "never"), "gave nobody any points"),
    ]


def _inverse(one: RuleLift) -> str:
    gives = f"gives {one.points:g} points" if one.points > 0 else f"takes {-one.points:g} points"
    return (
        f"{_name(one)} {gives}, but leads with it bought {_times(one)} as often as the others: it points the wrong way."
    )


def _none(one: RuleLift) -> str:
    seen = f"leads with it bought {_times(one)} as often as the others"
    return f"{_name(one)} ({one.points:+g}) makes no difference that can be seen: {seen}."


def _times(one: RuleLift) -> str:
    low, high = one.interval or (float("nan"), float("nan"))
    return f"{one.lift:.2f} times ({low:.2f} to {high:.2f})"


def _name(one: RuleLift) -> str:
    return f"“{one.name}”"


def _counted(lifts: Sequence[RuleLift], what: str) -> list[str]:
    if not lifts:
        return []
    names = ", ".join(_name(one) for one in lifts[:MOST_NAMED])
    more = f" and {len(lifts) - MOST_NAMED} more" if len(lifts) > MOST_NAMED else ""
    return [f"{len(lifts)} rule{'s' * (len(lifts) != 1)} {what}: {names}{more}."]
