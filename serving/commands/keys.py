"""``readiness keys``: API keys of the service."""

from typing import Annotated

import typer

from serving.commands import options

app = typer.Typer(name="keys", help="API keys of the service: create, list, revoke.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="A name to know the key by, such as marketo.")]


@app.command()
def create(name: Name, contract: options.Contract = options.CONTRACT, as_json: options.Json = False) -> None:
    """Make a key and show it once."""
    from data.contract import load_contract
    from serving.commands import terminal
    from serving.keys import create_key

    key = create_key(load_contract(contract).state_folder / "keys.json", name)
    if as_json:
        terminal.print_json({"name": name, "key": key})
    else:
        typer.echo(key)
    terminal.next_step("This key is shown once; keep it safe. Send it as Authorization: Bearer <key> or X-Api-Key.")


@app.command("list")
def list_(contract: options.Contract = options.CONTRACT, as_json: options.Json = False) -> None:
    """Show which keys there are, by name."""
    from data.contract import load_contract
    from serving.commands import terminal
    from serving.keys import read_keys

    records = read_keys(load_contract(contract).state_folder / "keys.json")
    if as_json:
        terminal.print_json([{"name": r.name, "begins": r.begins, "created_at": r.created_at} for r in records])
    else:
        rows = [(record.name, f"{record.begins}…", record.created_at) for record in records]
        terminal.print_table(f"{len(rows)} API keys", ("name", "key", "created"), rows)
    terminal.next_step("readiness keys create NAME makes one, readiness keys revoke NAME ends one.")


@app.command()
def revoke(name: Name, contract: options.Contract = options.CONTRACT) -> None:
    """End a key; a running service notices at its next request."""
    from data.contract import load_contract
    from serving.commands import terminal
    from serving.keys import revoke_key

    revoke_key(load_contract(contract).state_folder / "keys.json", name)
    terminal.say(f"The key {name!r} opens nothing any more.")
    terminal.next_step("readiness keys list shows what is left.")
