"""One run of one engine in a process of its own: warmed up on a small market, then timed once.

    python -m benchmarks.feature_child ENGINE FOLDER --warm FOLDER [--threads 2] [--save FILE.npy] [--count N]

The last line of the output is JSON: CPU seconds (user and system, all threads) and wall seconds from the Parquet files
to the complete answer in memory, and the peak of the resident memory until then. What is saved is a float32 matrix of
rows in the order of the spine file and features in the order of the questions; NaN is null, a category is its position
among the levels. Features that the engine does not answer are left out, and named in the JSON.
"""

import argparse
import importlib
import json
import resource
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Matrix = npt.NDArray[np.float32]


def cpu_seconds() -> float:
    """User and system time of this process and of the children it has waited for."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


def peak_mib() -> float:
    """The largest resident memory of this program so far.

    Not ``ru_maxrss`` where there is something better: that one also remembers the process that started this one.
    """
    status = Path("/proc/self/status")
    if status.exists():
        words = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM")).split()
        return int(words[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform != "darwin" else 1024**2)


def timed(work: Any) -> tuple[Any, dict[str, float]]:
    """What ``work()`` returns, and what it cost."""
    cpu, wall = cpu_seconds(), time.perf_counter()
    answer = work()
    cost = {"cpu": cpu_seconds() - cpu, "wall": time.perf_counter() - wall, "peak_mib": peak_mib()}
    return answer, cost


def matrix_of(table: pa.Table, names: list[str], levels: dict[str, list[str]]) -> Matrix:
    """The columns ``names`` as float32 in the order of ``row``; each category by its level."""
    order = np.argsort(table["row"].to_numpy())
    matrix = np.empty((len(table), len(names)), np.float32)
    for position, name in enumerate(names):
        column = table[name]
        if name in levels:
            column = pc.index_in(column.cast(pa.string()), value_set=pa.array(levels[name]))
        numbers = column.cast(pa.float64(), safe=False).to_numpy()
        matrix[:, position] = numbers[order]
    return matrix


def run(asked: argparse.Namespace) -> dict[str, Any]:
    """Warm up, run once, save."""
    pa.set_cpu_count(asked.threads)
    engine = importlib.import_module(asked.engine)
    more = {"count": asked.count} if asked.count else {}
    engine.compute(asked.warm, asked.threads, **more)
    answer, cost = timed(lambda: engine.compute(asked.folder, asked.threads, **more))
    told: dict[str, Any] = {**cost, "parts": getattr(answer, "parts", {})}
    if asked.save:
        wanted = json.loads(asked.questions.read_text())
        table = engine.as_arrow(answer)
        names = [name for name in wanted["names"] if name in table.column_names]
        np.save(asked.save, matrix_of(table, names, wanted["levels"]))
        told["names"] = names
    return told


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("engine", help="a module with compute and as_arrow: see peers/words.py")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--warm", type=Path, required=True)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--count", type=int, default=0)
    parser.add_argument("--save", type=Path)
    parser.add_argument("--questions", type=Path, help="JSON with the names of the features and the levels")
    print(json.dumps(run(parser.parse_args())))


if __name__ == "__main__":
    main()
