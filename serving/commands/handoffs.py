"""``readiness handoffs``: what came of the hand-offs, as they are and weighed by the chance that each had."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from serving.commands import options, stores

if TYPE_CHECKING:
    from training.handed_off import Entry

Days = Annotated[int, typer.Option("--days", min=1, help="Hand-offs of so many days back.")]
_SHOWN = {"auc": "AUC", "log_loss": "log loss", "brier": "Brier", "lift_at_10": "lift@10 %"}


def handoffs(
    contract: options.Contract = options.CONTRACT,
    store: stores.Url = None,
    days: Days = 365,
    as_json: options.Json = False,
) -> None:
    """Judge every version, the shadow's too, by what came of the hand-offs of the store.

    Whom the threshold hands off is chosen by the readiness that is to be judged. Weighed by the logged chance they
    stand for all leads that could have been handed off, where the contract gives some of them to exploration.
    """
    from data.clock import DAY, wall_clock
    from data.contract import load_contract
    from serving.deciding.hand_offs import hand_offs
    from serving.watching.reading import facts_of
    from training.handed_off import judged

    agreed = load_contract(contract)
    opened, now = stores.open_store(agreed, store), wall_clock()
    try:
        made = opened.read(lambda connection: list(hand_offs(connection, now - days * DAY, now)))
    finally:
        opened.close()
    entries = judged(agreed, facts_of(agreed, stores.store_of(agreed, store), now), made) if made else []
    _tell(entries, contract, as_json=as_json)


def _tell(entries: "list[Entry]", contract: Path, *, as_json: bool) -> None:
    from serving.commands import terminal

    if as_json:
        terminal.print_json([entry.to_dict() for entry in entries])
        return
    if not entries:
        terminal.say("No hand-off with a logged chance is in the store yet: the service logs them from now on.")
        return
    head = ("version", "hand-offs", "matured", "wins", "explored", "worth", *_SHOWN.values())
    terminal.print_table("Hand-offs, as they are and weighed", head, list(_rows(entries)), range(1, len(head)))
    _warn(entries)
    terminal.next_step(f"readiness handoffs --json --contract {contract} has the intervals.")


def _warn(entries: "list[Entry]") -> None:
    """What is not to be relied on."""
    from serving.commands import terminal
    from training.weighted import FEW_WINS

    weighed = [entry.weighed for entry in entries if entry.weighed is not None]
    most = max((one.explored_wins for one in weighed), default=0)
    if not any(one.explored for one in weighed):
        terminal.say("Nobody was explored: what is said holds of leads above the threshold only ([policy] explore).")
    elif most < FEW_WINS:
        terminal.say(
            f"Of the explored leads {most} had the outcome. Expected {FEW_WINS} at the least: until then the weighed "
            "figures are mostly luck, and their intervals too narrow."
        )


def _rows(entries: "list[Entry]") -> "Iterator[list[str]]":
    for entry in entries:
        name = f"{entry.version}{' (shadow)' if entry.shadow else ''}"
        counts = [str(entry.made), str(entry.matured), str(entry.wins)]
        if entry.plain is None or entry.weighed is None:
            yield [name, *counts, *[""] * (2 + len(_SHOWN))]
            continue
        yield [name, *counts, "", "", *(_figure(entry.plain[one]) for one in _SHOWN)]
        weighed = entry.weighed
        figures = [_figure(weighed.figures[one]) for one in _SHOWN]
        yield [f"{name}, weighed", "", "", "", str(weighed.explored), f"{weighed.effective:.0f}", *figures]


def _figure(value: float) -> str:
    return "" if value != value else f"{value:.3f}"  # noqa: PLR0124 - NaN is what differs from itself
