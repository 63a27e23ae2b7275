"""A look told: sentences for everybody, alarms first, and rows of tables."""

from collections.abc import Iterator, Mapping
from typing import Any

from data.clock import iso
from training.watching.ledger import ALL, primary_of
from training.wording import counted, day, figure, long_duration, percent, whole

Body = Mapping[str, Any]

ALARM_COLUMNS = ("alarm", "since", "what was found")
LEDGER_COLUMNS = (
    "version",
    "horizon",
    "group",
    "scores",
    "leads",
    "told",
    "happened",
    "95 % interval",
    "log loss",
    "lift",
)
BIN_COLUMNS = ("told from", "to", "scores", "told", "happened", "95 % interval")
DRIFT_COLUMNS = ("feature", "distance", "by chance", "p", "")
CONTACT_COLUMNS = ("readiness from", "to", "scores", "contacted")
MOST_DRIFT = 10
"""So many features are shown on a terminal."""


def sentences(body: Body) -> list[str]:
    """The findings of a look."""
    return [*_alarms(body), *_lived(body), *_contact(body), *_replay(body)]


def _alarms(body: Body) -> Iterator[str]:
    count = len(body["alarms"])
    yield f"{counted(count, 'alarm')} on {day(iso(body['as_of']))}." if count else "Nothing is alarming."


def _lived(body: Body) -> Iterator[str]:
    found = primary_of(body["ledger"], body["horizon"])
    if not found:
        yield f"No score has matured for {long_duration(body['horizon'])} yet: nothing can be said of what came true."
    for entry in found:
        yield (
            f"Version {entry['version']}: of {counted(entry['scores'], 'score')} of {counted(entry['leads'], 'lead')} "
            f"{percent(entry['happened'])} came true within {long_duration(entry['horizon'])} "
            f"({_between(entry)}), told were {percent(entry['told'])}."
        )


def _contact(body: Body) -> Iterator[str]:
    contact = body["contact"]
    if contact["ready"]:
        yield (
            f"Of {counted(contact['ready'], 'lead')} handed off {whole(contact['answered_in_time'])} were contacted "
            f"within {long_duration(contact['within'])}, {whole(contact['never_contacted'])} never; "
            f"{whole(contact['explored'])} were handed off by a lot, and {counted(contact['besides'], 'lead')} heard "
            "from sales without a hand-off."
        )


def _replay(body: Body) -> Iterator[str]:
    replay = body["replay"]
    if replay["scores"]:
        same = "all the same to the last bit" if not replay["differ"] else f"{whole(replay['differ'])} differ"
        yield f"{counted(replay['scores'], 'served score')} computed again: {same}."


def alarm_rows(body: Body) -> Iterator[list[str]]:
    """A row for each alarm, in ALARM_COLUMNS."""
    for alarm in body["alarms"]:
        yield [f"{alarm['kind']}: {alarm['subject']}", day(iso(alarm["since"])), alarm["text"]]


def ledger_rows(body: Body, *, segments: bool = True) -> Iterator[list[str]]:
    """A row for each version and horizon, and with ``segments`` for each of those, in LEDGER_COLUMNS."""
    for entry in body["ledger"]:
        if entry["segment"] != ALL and not segments:
            continue
        yield [
            str(entry["version"]),
            long_duration(entry["horizon"]),
            entry["segment"],
            whole(entry["scores"]),
            whole(entry["leads"]),
            percent(entry["told"]),
            percent(entry["happened"]),
            _between(entry),
            figure("log_loss", entry["log_loss"]),
            figure("lift_at_10", entry["lift"]),
        ]


def bin_rows(entry: Body) -> Iterator[list[str]]:
    """A row for each group of an entry of the ledger, in BIN_COLUMNS."""
    for one in entry["bins"]:
        edges = [percent(one["low"]), percent(one["high"]), whole(one["scores"])]
        yield [*edges, percent(one["told"]), percent(one["happened"]), _between(one)]


def drift_rows(body: Body, most: int | None = None) -> Iterator[list[str]]:
    """A row for each feature, the surest first, in DRIFT_COLUMNS."""
    for entry in body["drift"][:most]:
        told = [entry["what"], f"{entry['distance']:.3f}", f"{entry['noise']:.3f}", f"{entry['p']:.1g}"]
        yield [*told, "alarm" if entry["alarm"] else ""]


def contact_rows(body: Body) -> Iterator[list[str]]:
    """A row for each group by readiness, in CONTACT_COLUMNS."""
    for one in body["contact"]["bins"]:
        yield [percent(one["low"]), percent(one["high"]), whole(one["scores"]), percent(one["contacted"])]


def _between(entry: Body) -> str:
    return " to ".join(percent(round(entry[f"happened_{end}"], 4)) for end in ("low", "high"))
