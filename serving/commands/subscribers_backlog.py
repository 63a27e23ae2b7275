"""``readiness subscribers replay`` and ``dead``: telling again what was told, or could not be."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from data.clock import wall_clock
from serving.commands import options, stores

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from serving.store.store import Store

T = TypeVar("T")
Name = Annotated[str, typer.Argument(help="The subscriber's name, such as crm.")]
Kinds = Annotated[
    list[str] | None, typer.Option("--kind", help="Only this kind, such as ready or won; may be repeated.")
]


def replay(
    name: Name,
    since: Annotated[str, typer.Option("--from", help="From this moment on: 2026-01-31 or 2026-01-31T09:30:00Z.")],
    until: Annotated[str | None, typer.Option("--until", help="Before this moment. Default: now.")] = None,
    kind: Kinds = None,
    contract: options.Contract = options.CONTRACT,
    store: stores.Url = None,
) -> None:
    """Send what was made in a range again, oldest first, with the ids that it had."""
    from serving.commands import terminal
    from serving.outbox import backlog

    begin, end = _moment(since, "--from"), wall_clock() if until is None else _moment(until, "--until")
    count = write(contract, store, lambda connection: backlog.replay(connection, name, begin, end, kind or ()))
    terminal.say(f"{count} messages are sent to {name} again.")
    terminal.next_step("readiness subscribers list shows how far it is; the service or readiness work sends them.")


def dead(
    name: Name,
    requeue: Annotated[bool, typer.Option("--requeue", help="Send them again, all or the one given.")] = False,
    message: Annotated[str | None, typer.Option("--message", help="Only this message id.")] = None,
    contract: options.Contract = options.CONTRACT,
    store: stores.Url = None,
    as_json: options.Json = False,
) -> None:
    """Show the dead letters of a subscriber: at most 1,000, the oldest first; or send them again."""
    from serving.commands import terminal
    from serving.outbox import backlog
    from serving.subscribing.schemas import delivery_out

    if requeue:
        count = write(contract, store, lambda connection: backlog.requeue(connection, name, wall_clock(), message))
        terminal.say(f"{count} dead letters are sent to {name} again.")
        return
    with opened(contract, store) as kept:
        rows = kept.read(lambda connection: backlog.listed(connection, name, "dead", 1_000))
    found = [delivery_out(row) for row in rows if message in {None, row["message_id"]}]
    if as_json:
        terminal.print_json([one.model_dump() for one in found])
    else:
        shown = [(d.message_id, d.kind, d.lead_id, d.made_at, str(d.attempts), d.last_error) for d in found]
        columns = ("message", "kind", "lead", "made", "tries", "last answer")
        terminal.print_table(f"{len(found)} dead letters of {name}", columns, shown, numeric=(4,))
    terminal.next_step(f"readiness subscribers dead {name} --requeue sends them again.")


@contextmanager
def opened(contract: Any, url: str | None) -> "Iterator[Store]":
    """The open store of a contract, for a moment."""
    from data.contract import load_contract

    store = stores.open_store(load_contract(contract), url)
    try:
        yield store
    finally:
        store.close()


def write(contract: Any, url: str | None, change: "Callable[[Connection], T]") -> T:
    """Make one change in the store of a contract."""
    with opened(contract, url) as store:
        return store.write(change)


def _moment(text: str, option: str) -> int:
    """Microseconds of a date (its midnight, UTC) or of a moment with its zone. Raises ContractError."""
    from datetime import UTC, datetime

    from data.clock import to_micros
    from data.errors import ContractError

    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise ContractError(f"{option} is {text[:40]!r}. Expected 2026-01-31 or 2026-01-31T09:30:00Z.") from None
    if moment.tzinfo is None:
        if len(text.strip()) > len("2026-01-31"):
            raise ContractError(f"{option} is {text[:40]!r}, which has no zone. Expected one, such as Z for UTC.")
        moment = moment.replace(tzinfo=UTC)
    return to_micros(moment)
