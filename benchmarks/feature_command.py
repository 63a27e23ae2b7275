"""How fast the feature engine is: beside its peers, above the physical floor, as it grows, online, out of core.

    python benchmarks/features.py [--events 1m,10m] [--peers all] [--only floor,online] [--json FILE] [--write FILE]

Markets with power-law histories are generated once and kept under `.readiness/bench/`. Every run is a process of its
own: warmed up on a small market (imports, compilation, first use), then timed once, from Parquet files in the page
cache to the complete answer in memory. Engines take turns; figures are medians. CPU seconds, user and system over all
threads, come first: on a machine that others use too, wall time says more about them. Each peer's answers are compared
with the engine's on every row before a time is printed; a difference ends the command.

Sizes of 30 m events and more are computed from Parquet to Parquet only. `--json` writes speedup_vs_best_peer,
ratio_to_floor, peak_rss_mib, online_ms, and the rows behind them.
"""

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks import feature_report
from benchmarks.feature_machine import load, machine
from benchmarks.feature_parts import CUTOFFS, FEATURES, ONLINE_EVENTS, PARTS, PEERS, Asked, Part
from benchmarks.peers.environments import PINS

UNITS = {"k": 1_000, "m": 1_000_000}
HEADLINES = ("speedup_vs_best_peer", "ratio_to_floor", "peak_rss_mib", "online_ms")


def size_of(text: str) -> int:
    """The number in `5k`, `1m` or `250000`."""
    word = text.strip().lower()
    try:
        return int(float(word[:-1]) * UNITS[word[-1]]) if word[-1:] in UNITS else int(word)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no size. Expected a number such as 5k, 1m or 250000.") from None


def sizes_of(text: str) -> list[int]:
    """Several sizes, from small to large."""
    return sorted(size_of(word) for word in text.split(","))


def names_of(known: list[str]) -> object:
    """A parser of comma-separated names, `all` among them."""

    def read(text: str) -> list[str]:
        names = known if text == "all" else [word.strip() for word in text.split(",")]
        strange = [name for name in names if name not in known]
        if strange:
            raise argparse.ArgumentTypeError(f"{strange[0]!r} is not known. Expected some of: {', '.join(known)}.")
        return names

    return read


def options() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    peers = [*PEERS, *PINS]
    parser.add_argument("--events", type=sizes_of, default=[1_000_000], help="sizes, such as 1m,10m,100m")
    parser.add_argument(
        "--peers", type=names_of(peers), default=list(PEERS), help=f"all, or some of {', '.join(peers)}"
    )
    parser.add_argument("--only", type=names_of([*PARTS]), default=[*PARTS], help=f"some of {', '.join(PARTS)}")
    parser.add_argument("--repeats", type=int, default=5, help="runs of each engine; figures are medians")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument(
        "--quick", action="store_true", help="one run of everything, fewer points: does it work at all?"
    )
    parser.add_argument("--json", type=Path, help="a file for the figures and the rows behind them")
    parser.add_argument("--write", type=Path, help="a Markdown file for the tables; plots go beside it")
    return parser


def asked_for(chosen: argparse.Namespace) -> Asked:
    """The options as the parts take them."""
    quick = chosen.quick
    return Asked(
        sizes=chosen.events,
        peers=chosen.peers,
        repeats=1 if quick else chosen.repeats,
        threads=chosen.threads,
        cutoffs=(0, 26) if quick else CUTOFFS,
        features=(12, 97) if quick else FEATURES,
        online=(1, 20) if quick else ONLINE_EVENTS,
        tell=lambda text: print(text, file=sys.stderr, flush=True),
    )


def main() -> None:
    """Measure, print, write."""
    chosen = options().parse_args()
    asked = asked_for(chosen)
    told: dict[str, Any] = {"command": " ".join(["python benchmarks/features.py", *sys.argv[1:]]), "machine": machine()}
    began, parts, loads = time.monotonic(), {}, [load()]
    for name in chosen.only:
        asked.tell(f"{name}:")
        parts[name] = PARTS[name](asked)
        feature_report.show(name, parts[name])
        loads.append(load())
        busy = {"from": min(loads), "to": max(loads)}
        told |= {"threads": asked.threads, "repeats": asked.repeats, "load_average": busy}
        told |= {"minutes": (time.monotonic() - began) / 60, **dict.fromkeys(HEADLINES), **figures_of(parts)}
        told["parts"] = {name: {"rows": part.rows, "notes": part.notes} for name, part in parts.items()}
        if chosen.json:
            write_json(chosen.json, told)
    if not chosen.quick:
        feature_report.show_aims(figures_of(parts))
    if chosen.write:
        feature_report.write(chosen.write, told, parts)


def figures_of(parts: dict[str, Part]) -> dict[str, Any]:
    """The figures of all parts by name."""
    return {name: value for part in parts.values() for name, value in part.figures.items()}


def write_json(path: Path, told: dict[str, Any]) -> None:
    """After every part, so that a part that fails loses nothing before it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(told, indent=1) + "\n")


if __name__ == "__main__":
    main()
