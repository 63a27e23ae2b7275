"""``readiness keys``: API keys of the service."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from serving.commands import options, stores

if TYPE_CHECKING:
    from serving.keys import KeyRecord
    from serving.store.store import Store

app = typer.Typer(name="keys", help="API keys of the service: create, list, revoke.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="A name to know the key by, such as marketo.")]
Scopes = Annotated[
    list[str] | None,
    typer.Option(
        "--scope", help="What it may do: score, ingest, read or admin; may be repeated. Default: the first three."
    ),
]


@app.command()
def create(
    name: Name,
    scope: Scopes = None,
    contract: options.Contract = options.CONTRACT,
    store: stores.Url = None,
    no_store: stores.NoStore = False,
    as_json: options.Json = False,
) -> None:
    """Make a key and show it once."""
    from serving import key_file, key_store
    from serving.commands import terminal
    from serving.keys import USUAL, checked_scopes

    scopes = checked_scopes(scope or USUAL)
    with _place(contract, store, no_store=no_store) as place:
        if isinstance(place, Path):
            key = key_file.create_key(place, name, scopes)
        else:
            key = key_store.create_key(place, name, scopes)
    if as_json:
        terminal.print_json({"name": name, "key": key, "scopes": list(scopes)})
    else:
        typer.echo(key)
    terminal.next_step("This key is shown once; keep it safe. Send it as Authorization: Bearer <key> or X-Api-Key.")


@app.command("list")
def list_(
    contract: options.Contract = options.CONTRACT,
    store: stores.Url = None,
    no_store: stores.NoStore = False,
    as_json: options.Json = False,
) -> None:
    """Show which keys there are, what they may do, and when they were last used."""
    from data.clock import iso
    from serving import key_file, key_store
    from serving.commands import terminal
    from training.wording import counted

    with _place(contract, store, no_store=no_store) as place:
        records = key_file.read_keys(place) if isinstance(place, Path) else place.read(key_store.valid_keys)
    if as_json:
        terminal.print_json([_flat(record) for record in records])
    else:
        rows = [
            (r.name, f"{r.begins}…", " ".join(r.scopes), iso(r.created_at), _moment(r.last_used_at)) for r in records
        ]
        terminal.print_table(counted(len(rows), "API key"), ("name", "key", "scopes", "created", "last used"), rows)
    terminal.next_step("readiness keys create NAME makes one, readiness keys revoke NAME ends one.")


@app.command()
def revoke(
    name: Name,
    contract: options.Contract = options.CONTRACT,
    store: stores.Url = None,
    no_store: stores.NoStore = False,
) -> None:
    """End a key; running services notice within a second."""
    from serving import key_file, key_store
    from serving.commands import terminal

    with _place(contract, store, no_store=no_store) as place:
        if isinstance(place, Path):
            key_file.revoke_key(place, name)
        else:
            key_store.revoke_key(place, name)
    terminal.say(f"The key {name!r} opens nothing any more.")
    terminal.next_step("readiness keys list shows what is left.")


@contextmanager
def _place(contract: Path, url: str | None, *, no_store: bool) -> "Iterator[Path | Store]":
    """Where keys are kept: the open store, or without one the key file."""
    from data.contract import load_contract

    agreed = load_contract(contract)
    if no_store:
        yield stores.keys_file(agreed)
        return
    store = stores.open_store(agreed, url)
    try:
        yield store
    finally:
        store.close()


def _flat(record: "KeyRecord") -> dict[str, object]:
    from data.clock import iso

    return {
        "name": record.name,
        "begins": record.begins,
        "scopes": list(record.scopes),
        "created_at": iso(record.created_at),
        "last_used_at": None if record.last_used_at is None else iso(record.last_used_at),
    }


def _moment(micros: int | None) -> str:
    from data.clock import iso

    return "" if micros is None else iso(micros)
