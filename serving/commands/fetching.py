"""A version's bundle, brought here from the registry by a process of its own."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any


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
