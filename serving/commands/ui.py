"""``readiness ui``: MLflow's own pages over the embedded registry."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from serving.commands import options

if TYPE_CHECKING:
    from data.contract import Contract


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
    _tell(agreed, f"http://127.0.0.1:{port}")
    terminal.next_step("Open the first address in some 5 seconds; Ctrl-C stops it.")
    command = [sys.executable, "-P", "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port)]
    command += ["--workers", "1"]
    own = {
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_BACKEND_STORE_URI": uri,  # not as an option: a password would be seen in the list of processes
    }
    sys.stdout.flush()
    os.execve(sys.executable, command, {**os.environ, **own})  # noqa: S606 - signals must reach MLflow itself


def _tell(agreed: "Contract", pages: str) -> None:
    """The addresses of the versions in rows, and of the registry."""
    from training.address import PAGE_MODE
    from training.experiment_page import arrange, versions_url
    from training.tracking import open_experiment, open_registry, told

    registry = open_registry(agreed)
    with told(registry.uri):
        experiment = open_experiment(registry, agreed)
        arrange(registry, experiment)
    typer.echo(versions_url(pages, experiment))
    typer.echo(f"{pages}/#/models/{registry.model}{PAGE_MODE}")
