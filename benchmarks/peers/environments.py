"""Peers that cannot live beside current libraries: an environment for each, made on demand by venv and pip."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Pins:
    """What to install, what to run in it, and how large a slice it can stand (events)."""

    title: str
    module: str
    packages: tuple[str, ...]
    events: int
    warm_events: int


PINS = {
    "temporian": Pins(
        "Temporian",
        "benchmarks.peers.temporian_sets",
        ("temporian==0.9.0", "pandas==2.2.3", "numpy==1.26.4", "pyarrow>=18,<20"),
        100_000,
        400,
    ),
    "featuretools": Pins(
        "Featuretools",
        "benchmarks.peers.featuretools_dfs",
        ("featuretools==1.31.0", "pandas<3", "setuptools<80", "pyarrow>=21,<27"),
        1_000,
        40,
    ),
}


def prepare(name: str, store: Path) -> tuple[Path | None, str]:
    """The environment's Python, or None and the reason why there is none."""
    return make(name, PINS[name].packages, store)


def make(name: str, packages: tuple[str, ...], store: Path) -> tuple[Path | None, str]:
    """The Python of an environment with these packages, or None and the reason why there is none."""
    folder = store / f"venv-{name}"
    python, ready = folder / "bin" / "python", folder / "ready"
    if ready.exists() and ready.read_text() == "\n".join(packages):
        return python, ""
    store.mkdir(parents=True, exist_ok=True)
    made = _run([sys.executable, "-m", "venv", "--clear", folder])
    made = made or _run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *packages])
    if made:
        return None, f"its environment could not be made ({made})."
    ready.write_text("\n".join(packages))
    return python, ""


def _run(command: list[object]) -> str:
    """The last line of what went wrong, or nothing."""
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)
    lines = (done.stderr or done.stdout).strip().splitlines() or ["no message"]
    return lines[-1] if done.returncode else ""
