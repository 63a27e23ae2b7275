"""What the runs say together: means over seeds with intervals, as tables."""

from collections.abc import Callable

from benchmarks.policy_report import Interval, interval, table
from benchmarks.unlearning_learner import EVERY, WINDOW
from benchmarks.unlearning_runs import LOOPS, RECORDED, Asked, Lived, Run

HEAD = (
    *("outcomes recorded", "loop", "won deals", "more than no exploration", "leads lost to a premature call"),
    *("AUC at first", "AUC of the last", "excess log loss at first", "of the last", "deals its last call list adds"),
)
JUDGED_HEAD = ("of the readiness told", "by the calls as they are", "weighed by propensity", "exact, of all leads")


def told(asked: Asked, measured: list[Run]) -> str:
    """The size of the comparison and its tables."""
    nobody = interval([float(run.nobody) for run in measured])[0]
    head = (
        f"World {asked.world}, {asked.leads:,} leads, {measured[0].capacity} calls a week, {asked.trainings} "
        f"trainings, a slice of {asked.share:.0%}, {len(measured)} seeds from {asked.seeds.start}. About "
        f"{measured[0].open:,} leads are open at a time; {nobody:.0f} deals are won when "
        "nobody calls. Means over seeds, 95 % intervals in brackets; differences are seed by seed."
    )
    return "\n\n".join([head, outcomes(measured), differences(measured), judgement(measured)])


def outcomes(measured: list[Run]) -> str:
    """The table of the loops."""
    rows = []
    for kind in RECORDED:
        for name in LOOPS:
            one = _each(measured, kind, name)
            first = [("auc", 0, 3), ("auc", -1, 3), ("excess", 0, 1), ("excess", -1, 1), ("list_gain", -1, 2)]
            rows.append(
                [
                    kind,
                    name,
                    said(interval([float(lived.won) for lived in one]), 0),
                    ""
                    if name == "no exploration"
                    else said(_less(measured, kind, name, lambda it: it.won), 1, sign=True),
                    said(interval([float(lived.lost) for lived in one]), 0),
                    *(said(interval([lived.learned[at][what] for lived in one]), digits) for what, at, digits in first),
                ]
            )
    return table(HEAD, rows)


def differences(measured: list[Run]) -> str:
    """What a slice and chance alone change: in the first model that saw only its own policy, and in the last three."""
    trainings = len(measured[0].loops["of every lead"]["a slice"].learned) - 1
    own = min(-(-WINDOW // EVERY), trainings)
    parts = {f"{own}, the first of its own policy alone": slice(own, own + 1), "the last three": slice(-3, None)}
    rows = []
    for kind in RECORDED:
        for name in list(LOOPS)[1:]:
            for words, part in parts.items():
                figures = (("auc", 4), ("excess", 1), ("list_gain", 2))
                cells = [
                    said(_less(measured, kind, name, _mean(what, part)), digits, sign=True) for what, digits in figures
                ]
                rows.append([kind, f"{name} less no exploration", words, *cells])
    return table(
        ("outcomes recorded", "difference", "trainings", "AUC", "excess log loss", "deals its list adds"), rows
    )


def judgement(measured: list[Run]) -> str:
    """What the calls of the slice say of its readiness, beside the truth."""
    rows = []
    for name, words, digits in (("auc", "AUC", 3), ("log_loss", "log loss", 4)):
        parts = ([getattr(run.judged, how)[name] for run in measured] for how in ("plain", "weighed", "exact"))
        rows.append([words, *(said(interval(values), digits) for values in parts)])
    inside = [low <= run.judged.exact["auc"] <= high for run in measured for low, high in [run.judged.intervals["auc"]]]
    widths = [high - low for run in measured for low, high in [run.judged.intervals["auc"]]]
    sizes = [interval([float(getattr(run.judged, name)) for run in measured])[0] for name in ("calls", "explored")]
    effective = interval([run.judged.effective for run in measured])[0]
    words = (
        f"Of {sizes[0]:.0f} matured calls {sizes[1]:.0f} were explored; weighed they tell as much as {effective:.0f}. "
        f"The weighed AUC's 95 % interval is {interval(widths)[0]:.2f} wide on average and held the exact one in "
        f"{sum(inside)} of {len(inside)} markets."
    )
    return f"{table(JUDGED_HEAD, rows)}\n\n{words}"


def _each(measured: list[Run], kind: str, name: str) -> list[Lived]:
    return [run.loops[kind][name] for run in measured]


def _less(measured: list[Run], kind: str, name: str, of: Callable[[Lived], float]) -> Interval:
    """How much more of something a loop has than the one without exploration, seed by seed."""
    pairs = zip(_each(measured, kind, name), _each(measured, kind, "no exploration"), strict=True)
    return interval([of(one) - of(other) for one, other in pairs])


def _mean(what: str, part: slice) -> Callable[[Lived], float]:
    """The mean of a figure over some of the models: one model alone is mostly luck."""
    return lambda lived: sum(one[what] for one in lived.learned[part]) / len(lived.learned[part])


def said(found: Interval, digits: int, *, sign: bool = False) -> str:
    """``382 (376 to 388)``; without an interval where there is one seed."""
    plus = "+" if sign else ""
    mean, low, high = (f"{value:{plus}.{digits}f}" for value in found)
    return mean if low in {"nan", "+nan"} else f"{mean} ({low} to {high})"
