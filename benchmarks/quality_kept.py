"""Results of long runs, kept by what they depend on: the case, and the text of all our code that had a part in it."""

import hashlib
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
STORE = ROOT / ".readiness" / "bench" / "quality"
LIBRARIES = ("numpy", "lightgbm", "sklearn", "numba")


def fingerprint() -> str:
    """A short hash of the source of every loaded module of this repository, and of the versions of LIBRARIES."""
    digest = hashlib.sha256()
    files = {getattr(module, "__file__", None) for module in sys.modules.values()}
    for path in sorted(Path(file) for file in files if file):
        if path.suffix == ".py" and path.is_relative_to(ROOT) and ".venv" not in path.parts:
            digest.update(path.read_bytes())
    for name in LIBRARIES:
        digest.update(f"{name} {sys.modules[name].__version__}\n".encode())
    return digest.hexdigest()[:16]


def kept(name: str, mark: str, run: Callable[[], dict[str, Any]], *, again: bool = False) -> dict[str, Any]:
    """What ``run`` says, from the store if it was asked before under this name and mark, else run and stored."""
    path = STORE / f"{name}-{mark}.json"
    if path.exists() and not again:
        found: dict[str, Any] = json.loads(path.read_text())
        return found
    told = run()
    STORE.mkdir(parents=True, exist_ok=True)
    written = path.with_suffix(".new")
    written.write_text(json.dumps(told, indent=1))
    written.replace(path)
    return told
