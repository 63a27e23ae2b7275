"""The worth of a feature, told."""

from collections.abc import Iterator

from training.wording import METRIC_NAMES, counted
from training.worth import Gain, Worth

WHAT = {
    "learned": "Learning with it saves {log_loss} of log loss and adds {auc} of AUC.",
    "shuffled": "Shuffled among leads asked about at the same time: log loss {log_loss} higher, AUC {auc} lower.",
}


def sentences(found: Worth) -> Iterator[str]:
    """The answer first, then what it rests on."""
    many = len(found.names)
    named = found.names[0] if many == 1 else f"{many} features together"
    yield f"{found.answer.capitalize()}: {named}."
    yield (
        f"Judged on {counted(found.rows, 'row')} of {counted(found.leads, 'lead')}, of whom {found.wins:,} had the "
        "outcome; all of it was known before the rows that judge a version begin."
    )
    yield from _alone(found)
    for kind, gains in (("learned", found.learned), ("shuffled", found.shuffled)):
        if gains:
            yield WHAT[kind].format(**{metric: gain(one, metric) for metric, one in gains.items()})


def _alone(found: Worth) -> Iterator[str]:
    """What the strongest knows alone, and each that is suspect."""
    told = {name: (known.auc, known.verdict) for name, known in found.alone.items() if known.auc is not None}
    strongest = max(told, key=lambda name: told[name][0].value, default=None)
    for name, (auc, verdict) in told.items():
        if name == strongest or verdict != "clean":
            suspect = "" if verdict == "clean" else ": more than a feature can be expected to know, look closer"
            yield f"Alone, {name} ranks with AUC {auc.value:.3f} ({auc.low:.3f} to {auc.high:.3f}){suspect}."


def gain(one: Gain, metric: str) -> str:
    """``+0.0021 (-0.0004 to +0.0046)``, with the decimals that the figure deserves."""
    places = 4 if METRIC_NAMES[metric] == "log loss" else 3
    return f"{one.value:+.{places}f} ({one.low:+.{places}f} to {one.high:+.{places}f})"
