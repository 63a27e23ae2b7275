"""``readiness ui``: MLflow's own pages over the embedded registry."""

import os
import subprocess
import sys
from typing import Annotated

import typer

from serving.commands import options


def ui(
    contract: options.Contract = options.CONTRACT,
    port: Annotated[int, typer.Option("--port", min=1, max=65_535, help="The port on 127.0.0.1.")] = 5000,
) -> None:
    """Show runs and versions in MLflow's own pages."""
    from data.contract import load_contract
    from serving.commands import terminal

    agreed = load_contract(contract)
    mode = "?workflowType=machine_learning"
    if agreed.mlflow.uri and agreed.mlflow.uri.startswith("http"):
        typer.echo(f"{agreed.mlflow.uri.rstrip('/')}/{mode}")
        terminal.next_step("The contract names a tracking server: open that address.")
        return
    store = agreed.mlflow.uri or f"sqlite:///{(agreed.state_folder / 'mlflow.db').resolve()}"
    typer.echo(f"http://127.0.0.1:{port}/{mode}")
    terminal.next_step("Open that address in some 5 seconds; Ctrl-C stops it.")
    command = [sys.executable, "-P", "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port)]
    command += ["--workers", "1", "--backend-store-uri", store]
    quiet = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
    raise typer.Exit(subprocess.run(command, env={**os.environ, **quiet}, check=False).returncode)  # noqa: S603 - ours
