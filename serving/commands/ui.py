"""``readiness ui``: MLflow's own pages over the embedded registry."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from serving.commands import options


def ui(
    contract: options.Contract = options.CONTRACT,
    port: Annotated[int, typer.Option("--port", min=1, max=65_535, help="The port on 127.0.0.1.")] = 5000,
) -> None:
    """Show runs and versions in MLflow's own pages."""
    from data.contract import load_contract
    from data.errors import ReadinessError
    from serving.commands import terminal
    from training.address import PAGE_MODE, registry_uri, without_password

    agreed = load_contract(contract)
    uri = registry_uri(agreed)
    if uri.startswith("http"):
        typer.echo(f"{without_password(uri).rstrip('/')}/#/models{PAGE_MODE}")
        terminal.next_step("Versions are kept on a tracking server: open that address.")
        return
    if uri.startswith("sqlite:///") and not Path(uri.removeprefix("sqlite:///")).exists():
        raise ReadinessError(f"There is no registry at {uri} yet. Run: readiness train --contract {contract}")
    typer.echo(f"http://127.0.0.1:{port}/#/models{PAGE_MODE}")
    terminal.next_step("Open that address in some 5 seconds; Ctrl-C stops it.")
    command = [sys.executable, "-P", "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port)]
    command += ["--workers", "1"]
    own = {
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_BACKEND_STORE_URI": uri,  # not as an option: a password would be seen in the list of processes
    }
    sys.stdout.flush()
    os.execve(sys.executable, command, {**os.environ, **own})  # noqa: S606 - signals must reach MLflow itself
