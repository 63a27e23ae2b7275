"""``readiness serve``: the champion over HTTP."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from serving.commands import options


def serve(
    contract: options.Contract = options.CONTRACT,
    version: Annotated[str, typer.Option("--version", help="An alias or a version number.")] = "champion",
    bundle: Annotated[
        Path | None, typer.Option("--bundle", help="Serve this bundle folder; no registry is asked.")
    ] = None,
    host: Annotated[str, typer.Option("--host", help="The address to listen at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65_535, help="The port; 0 takes a free one.")] = 8000,
    no_auth: Annotated[bool, typer.Option("--no-auth", help="No API keys; only on a loopback host.")] = False,
) -> None:
    """Serve the champion over HTTP."""
    from data.contract import load_contract
    from serving.commands.terminal import next_step
    from serving.launch import listen, run
    from serving.settings import Settings, keys_from_environment

    agreed = load_contract(contract)
    keys_file = agreed.state_folder / "keys.json"
    keys = keys_from_environment(os.environ.get("READINESS_API_KEYS"))
    Settings(bundle=Path(), require_key=not no_auth, host=host)  # refuse before anything is fetched
    if not no_auth:
        _require_keys(keys_file, keys, contract)
    fetched = {"folder": str(bundle), "number": ""} if bundle else fetch(contract, version, agreed.state_folder)
    settings = Settings(
        Path(fetched["folder"]), keys_file, keys, require_key=not no_auth, host=host, version=str(fetched["number"])
    )

    def announce(url: str) -> None:
        sys.stdout.write(f"{url}\n")
        sys.stdout.flush()
        next_step(f"API at {url}/docs, state at {url}/readyz; Ctrl-C stops it.")

    run(settings, listen(host, port), announce)


def _require_keys(file: Path, keys: tuple[str, ...], contract: Path) -> None:
    from data.errors import ContractError
    from serving.keys import read_keys

    if not keys and not read_keys(file):
        raise ContractError(
            f"There are no API keys in {file} nor in READINESS_API_KEYS. `readiness keys create NAME --contract "
            f"{contract}` makes one; on a loopback host --no-auth serves without."
        )


def fetch(contract: Path, reference: str, state_folder: Path) -> dict[str, Any]:
    """The bundle of a version, copied from the registry: its folder and its number.

    MLflow runs in a process of its own, so that the serving process never imports it. Raises ContractError.
    """
    from data.errors import ContractError

    into = state_folder / "bundles"
    command = [sys.executable, "-P", "-m", "training.fetch", str(contract), reference, str(into)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own program
    if done.returncode != 0:
        raise ContractError(done.stderr.strip().splitlines()[-1].removeprefix("error: ") if done.stderr else "no word")
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found
