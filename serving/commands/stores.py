"""Which store a verb uses, said once for all verbs."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from data.contract import Contract
    from serving.store.store import Store

Url = Annotated[
    str | None,
    typer.Option("--store", help="The store's URL: sqlite:///FILE or postgresql://... Default: the contract's."),
]
NoStore = Annotated[bool, typer.Option("--no-store", help="Use no store: what is asked is answered, nothing is kept.")]


def store_of(contract: "Contract", url: str | None) -> str:
    """The URL of the store: as given, else the contract's, else an SQLite file in the state folder."""
    return url or contract.store_url


def open_store(contract: "Contract", url: str | None) -> "Store":
    """The open store of a contract; keys of an older version's file are taken over. Raises ReadinessError."""
    from serving.commands import terminal
    from serving.key_store import import_file
    from serving.store.store import Store

    contract.state_folder.mkdir(parents=True, exist_ok=True)
    store = Store.open(store_of(contract, url), contract.folder, contract.ready.product)
    taken = import_file(store, keys_file(contract))
    if taken:
        terminal.say(f"{taken} API keys of {keys_file(contract)} were taken over into the store.")
    return store


def keys_file(contract: "Contract") -> Path:
    """Where keys are kept without a store."""
    return contract.state_folder / "keys.json"
