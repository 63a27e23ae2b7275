"""``readiness serve``: the champion over HTTP."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from serving.commands import options, stores, working

if TYPE_CHECKING:
    from data.contract import Contract


def serve(
    contract: options.Contract = options.CONTRACT,
    version: options.LiveVersion = None,
    bundle: Annotated[
        Path | None, typer.Option("--bundle", help="Serve this bundle folder and no other; no registry is asked.")
    ] = None,
    host: Annotated[str, typer.Option("--host", help="The address to listen at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65_535, help="The port; 0 takes a free one.")] = 8000,
    no_auth: Annotated[bool, typer.Option("--no-auth", help="No API keys; only on a loopback host.")] = False,
    store: stores.Url = None,
    no_store: stores.NoStore = False,
    worker: Annotated[
        bool, typer.Option("--worker/--no-worker", help="Also work: deliver, look at leads, run jobs and nights.")
    ] = True,
    nightly: working.Nightly = working.NIGHTLY,
    keep_days: working.KeepDays = working.KEEP_DAYS,
    shadow_share: working.ShadowShare = working.SHADOW_SHARE,
    root_path: Annotated[
        str,
        typer.Option("--root-path", help="Behind a proxy that shows it below a path and takes that away: /scores."),
    ] = "",
) -> None:
    """Serve the champion over HTTP.

    With a store, and no champion yet, it takes in news until the first model is deployed.
    """
    from serving import collecting

    collecting.seldom()  # before what follows is imported
    from data.contract import load_contract
    from serving.commands.deploy import live_of
    from serving.commands.terminal import next_step
    from serving.launch import listen, run
    from serving.settings import Settings, keys_from_environment

    agreed = load_contract(contract)
    keys = keys_from_environment(os.environ.get("READINESS_API_KEYS"))
    Settings(require_key=not no_auth, host=host, root_path=root_path)  # refuse before anything is fetched
    url = None if no_store else stores.store_of(agreed, store)
    if not no_auth:
        _require_keys(agreed, keys, url, contract)
    settings = Settings(
        bundle or Path(),
        stores.keys_file(agreed),
        keys,
        require_key=not no_auth,
        host=host,
        live=None if bundle else live_of(agreed, contract, version, needed=url is None),
        store=url,
        store_folder=agreed.folder,
        source=agreed.source,
        product=agreed.ready.product,
        worker=working.settings(nightly, keep_days) if worker else None,
        root_path=root_path,
        shadow_share=shadow_share,
    )

    def announce(url: str) -> None:
        sys.stdout.write(f"{url}\n")
        sys.stdout.flush()
        next_step(f"API at {url}/docs, state at {url}/readyz; Ctrl-C stops it.")

    run(settings, listen(host, port), announce)


def _require_keys(agreed: "Contract", keys: tuple[str, ...], url: str | None, contract: Path) -> None:
    """Raises ContractError when nobody could ask. A store that does not answer now is not waited for here."""
    from data.errors import ContractError
    from serving.key_file import read_keys
    from serving.key_store import valid_keys
    from serving.store.failures import StoreDown

    file = stores.keys_file(agreed)
    place = str(file)
    if url is None:
        found = bool(read_keys(file))
    else:
        place = "the store"
        try:
            store = stores.open_store(agreed, url)
        except StoreDown:
            return
        try:
            found = bool(store.read(valid_keys))
        finally:
            store.close()
    if not keys and not found:
        raise ContractError(
            f"There are no API keys in {place} nor in READINESS_API_KEYS. `readiness keys create NAME --contract "
            f"{contract}` makes one; on a loopback host --no-auth serves without."
        )
