"""What a machine's very first run of the feature engine pays for compilation.

    python -m benchmarks.feature_compile [--repeats 3]

Each run is a process of its own whose cache of compiled code is empty. Prints JSON: for a first table and for a first
lead the CPU and wall seconds of imports, of compilation, and of each compiled function without those that it contains;
medians of the runs.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.feature_machine import load

Clock = tuple[float, float]


def now() -> Clock:
    """CPU and wall seconds."""
    return time.process_time(), time.perf_counter()


def since(then: Clock) -> list[float]:
    """CPU and wall seconds since."""
    return [after - before for before, after in zip(then, now(), strict=True)]


def first(what: str) -> dict[str, list[float]]:
    """The costs of the first table, or the first lead, of this process."""
    began = now()
    from features import warm  # noqa: PLC0415 - what is timed

    work: dict[str, Callable[[], object]] = {"table": warm.warm_tables, "lead": warm.warm_leads}
    found = {"import": since(began), "compilation": [0.0, 0.0]}
    _listen(found)
    work[what]()
    return found


def _listen(found: dict[str, list[float]]) -> None:
    """Enter what is compiled from now on."""
    from numba.core import event  # noqa: PLC0415 - imported by what is timed

    class Compiled(event.Listener):  # type: ignore[misc]  # numba has no types
        def __init__(self) -> None:
            self.open: list[tuple[Clock, list[float]]] = []

        def on_start(self, _: Any) -> None:
            self.open.append((now(), [0.0, 0.0]))

        def on_end(self, told: Any) -> None:
            (began, within), made = self.open.pop(), told.data["dispatcher"].py_func
            spent = since(began)
            to = self.open[-1][1] if self.open else found["compilation"]
            to[:] = [a + b for a, b in zip(to, spent, strict=True)]
            before = found.get(f"{made.__module__}.{made.__name__}", [0.0, 0.0])
            own = [a + b - c for a, b, c in zip(before, spent, within, strict=True)]
            found[f"{made.__module__}.{made.__name__}"] = own

    event.register("numba:compile", Compiled())


def fresh(what: str) -> dict[str, list[float]]:
    """``first`` in a process of its own with an empty cache."""
    with TemporaryDirectory() as cache:
        command = [sys.executable, "-m", "benchmarks.feature_compile", "--here", what]
        place = {**os.environ, "NUMBA_CACHE_DIR": cache}
        done = subprocess.run(command, env=place, capture_output=True, text=True, check=True)
    told: dict[str, list[float]] = json.loads(done.stdout)
    return told


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--here", choices=("table", "lead"), help="in this process, once, whatever its cache holds")
    asked = parser.parse_args()
    if asked.here:
        print(json.dumps(first(asked.here)))
        return
    told: dict[str, Any] = {"load_before": load()}
    for what in ("table", "lead"):
        runs = [fresh(what) for _ in range(asked.repeats)]
        told[what] = {
            name: {
                unit: round(statistics.median(run[name][k] for run in runs), 3)
                for k, unit in enumerate(("cpu", "wall"))
            }
            for name in runs[0]
        }
    print(json.dumps({**told, "load_after": load()}, indent=2))


if __name__ == "__main__":
    main()
