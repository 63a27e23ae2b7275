"""``readiness subscribers``: who is told when a lead is ready, cooled, won."""

import asyncio
import json
import os
from typing import Annotated, Any

import typer

from data.clock import wall_clock
from serving.commands import options, stores, subscribers_backlog
from serving.commands.subscribers_backlog import Kinds, Name, opened, write

app = typer.Typer(
    name="subscribers", help="Who is told of crossings: add, list, pause, resume, test, replay.", no_args_is_help=True
)

app.command()(subscribers_backlog.replay)
app.command()(subscribers_backlog.dead)
_BY = "the command line"


@app.command()
def add(
    name: Name,
    url: Annotated[str, typer.Argument(help="Where messages go; for a platform its base address.")],
    kind: Kinds = None,
    platform: Annotated[
        str, typer.Option("--platform", help="webhook, hubspot, marketo, salesforce, dynamics or mautic.")
    ] = "webhook",
    setting: Annotated[
        list[str] | None, typer.Option("--setting", help="KEY=VALUE that a platform needs; may be repeated.")
    ] = None,
    secret_env: Annotated[
        str | None, typer.Option("--secret-env", help="The worker's environment variable that holds the secret.")
    ] = None,
    contract: options.Contract = options.CONTRACT,
    store: stores.Url = None,
    as_json: options.Json = False,
) -> None:
    """Tell somebody of crossings from now on; shows the signing secret once."""
    from serving.commands import terminal
    from serving.outbox import subscribers

    made = subscribers.new_subscriber(
        name,
        url,
        wall_clock(),
        platform=platform,
        kinds=kind or (),
        settings=dict(map(_setting, setting or ())),
        secret_env=secret_env,
    )
    _warn(url)
    write(contract, store, lambda connection: subscribers.add(connection, made, _BY))
    if as_json:
        terminal.print_json({"name": name, "secret": made.secret, "kinds": list(made.kinds)})
    elif made.secret:
        typer.echo(made.secret)
    shown = "The secret is shown once; it verifies the messages. " if made.secret else ""
    terminal.next_step(f"{shown}readiness subscribers test {name} sends a signed ping.")


@app.command("list")
def list_(
    contract: options.Contract = options.CONTRACT, store: stores.Url = None, as_json: options.Json = False
) -> None:
    """Show who is told, and how many of its messages are pending, delivered and dead."""
    from serving.commands import terminal
    from serving.outbox import subscribers
    from serving.subscribing.schemas import subscriber_out
    from training.wording import counted

    with opened(contract, store) as kept:
        found = [subscriber_out(one, counts) for one, counts in kept.read(subscribers.every)]
    if as_json:
        terminal.print_json([one.model_dump() for one in found])
    else:
        rows = [
            (
                s.name,
                s.platform,
                s.url,
                s.state,
                " ".join(s.kinds) or "all",
                *map(str, (s.pending, s.delivered, s.dead)),
            )
            for s in found
        ]
        columns = ("name", "platform", "url", "state", "kinds", "pending", "delivered", "dead")
        terminal.print_table(counted(len(rows), "subscriber"), columns, rows, numeric=(5, 6, 7))
        for one in found:
            if one.stopped_because:
                terminal.say(f"{one.name} is stopped: {one.stopped_because}.")
    dead = next((one.name for one in found if one.dead), None)
    terminal.next_step(
        f"readiness subscribers dead {dead} shows why." if dead else "readiness subscribers add NAME URL adds one."
    )


@app.command()
def pause(name: Name, contract: options.Contract = options.CONTRACT, store: stores.Url = None) -> None:
    """Send it nothing until it is resumed; its messages wait."""
    from serving.commands import terminal
    from serving.outbox import subscribers

    write(contract, store, lambda connection: subscribers.pause(connection, name))
    terminal.next_step(f"Messages for {name} wait. readiness subscribers resume {name} sends them.")


@app.command()
def resume(name: Name, contract: options.Contract = options.CONTRACT, store: stores.Url = None) -> None:
    """Send to it again, what waited first."""
    from serving.commands import terminal
    from serving.outbox import subscribers

    before = write(contract, store, lambda connection: subscribers.resume(connection, name))
    missed = "What was made while it was stopped is sent by: " if before.stopped_because else "To send older ones too: "
    terminal.next_step(f"{missed}readiness subscribers replay {name} --from DATE.")


@app.command()
def rotate(
    name: Name,
    keep: Annotated[
        str, typer.Option("--keep", help="So long the secret before signs too, such as 12h or 7d; 0s ends it now.")
    ] = "1d",
    contract: options.Contract = options.CONTRACT,
    store: stores.Url = None,
    as_json: options.Json = False,
) -> None:
    """Exchange its signing secret; shows the new one once. Meanwhile messages carry the signatures of both."""
    from data.clock import iso, parse_duration
    from serving.commands import terminal
    from serving.outbox import signing

    now, both = wall_clock(), parse_duration(keep)
    made = write(contract, store, lambda connection: signing.rotate(connection, name, now, both, _BY))
    if as_json:
        terminal.print_json({"name": name, "secret": made.secret, "both_until": iso(now + both)})
    else:
        typer.echo(made.secret)
    until = f"Both sign until {iso(now + both)}" if both else "The one before signs no more"
    terminal.next_step(f"The secret is shown once. {until}: give it to the receiver of {name}, then test.")


@app.command()
def remove(name: Name, contract: options.Contract = options.CONTRACT, store: stores.Url = None) -> None:
    """Forget a subscriber and what was still to be sent to it."""
    from serving.commands import terminal
    from serving.outbox import subscribers

    count = write(contract, store, lambda connection: subscribers.remove(connection, name, wall_clock(), _BY))
    terminal.say(f"{name} is told nothing more; {count} messages for it were still pending.")
    terminal.next_step("readiness subscribers list shows who is left.")


@app.command("test")
def ping_(name: Name, contract: options.Contract = options.CONTRACT, store: stores.Url = None) -> None:
    """Send a signed ping now; exit code 1 when it was not taken."""
    from serving.commands import terminal
    from serving.outbox import subscribers
    from serving.subscribing.pinging import ping

    with opened(contract, store) as kept:
        subscriber = kept.read(lambda connection: subscribers.find(connection, name))
    answer = asyncio.run(ping(subscriber, os.environ))
    if not answer.delivered:
        terminal.say(f"{name} did not take the ping: {answer.error or answer.status}")
        terminal.next_step("Mend it, then test again: messages are retried meanwhile.")
        raise typer.Exit(1)
    terminal.say(f"{name} took the ping: {answer.status}.")
    terminal.next_step(f"It is told of crossings as they happen. readiness subscribers dead {name} shows what failed.")


def _setting(text: str) -> tuple[str, Any]:
    """KEY=VALUE, the value as JSON where it is JSON. Raises ContractError."""
    from data.errors import ContractError

    key, sign, value = text.partition("=")
    if not sign or not key.strip():
        raise ContractError(f"--setting {text[:80]!r} names no value. Expected KEY=VALUE, such as token_env=CRM_TOKEN.")
    try:
        return key.strip(), json.loads(value)
    except ValueError:
        return key.strip(), value


def _warn(url: str) -> None:
    """Say when this environment would not let a message out to ``url``; the worker's may."""
    from data.errors import ReadinessError
    from serving.commands import terminal
    from serving.egress import check_url, from_environment

    try:
        check_url(from_environment(os.environ), url)
    except ReadinessError as error:
        terminal.say(f"As things are here, nothing would be sent: {error}")
