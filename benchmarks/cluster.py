"""One market three times: features here, on Dask and on Spark; a model trained here and on Dask; a worker killed.

    python -P benchmarks/cluster.py [--leads 20000] [--write docs/scaling.md]

Everything runs on this machine: a Dask cluster of two worker processes, a Spark session with two threads. So the times
say what the engines cost, not how far they scale. Every figure of the table in docs/scaling.md comes from here.
"""

import argparse
import os
import platform
import re
import shutil
import signal
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from data.check import check
from data.clock import DAY
from data.contract import Contract, load_contract
from data.facts import Facts, write_facts
from data.history import History
from data.simulation.folder import write
from data.simulation.market import simulate
from data.spine import build_spine
from features import dask_feed, spark_feed, spark_session
from features.catalog import default_catalog
from features.levels import learn
from features.local import compute
from features.partition import FeatureWork, Laid, feature_table, from_labelled
from features.profile import profile
from features.tables import read_tables
from training.cluster import train_on_cluster
from training.trial import Trial, run_trial

ORDER = [("lead_id", "ascending"), ("cutoff", "ascending")]
MARKS = "<!-- figures -->", "<!-- end of figures -->"


class Bench:
    """A market with its facts, its rows and its features, and what was measured with them."""

    def __init__(self, leads: int, folder: Path) -> None:
        write(simulate("steady", leads, 1), folder, paths=1)
        agreed = load_contract(folder / "readiness.toml")
        self.contract: Contract = agreed.model_copy(
            update={"backtest": agreed.backtest.model_copy(update={"folds": 2})}
        )
        self.checked = check(self.contract)
        self.history: History = self.checked.history
        self.folder = folder
        self.facts: Facts = write_facts(self.history, folder / "facts")
        self.feature_set = default_catalog(profile(self.history, self.history.ends_at))
        self.vocabulary = learn(self.history, self.feature_set, self.history.ends_at)
        self.rows = Laid(self.contract.spine, self.contract.ready)
        spine = build_spine(self.contract.spine, self.contract.ready, self.history, folder)
        self.spine = spine.sort_by(ORDER)
        self.work = FeatureWork(self.feature_set, self.vocabulary, self.rows)
        self.lines: list[tuple[str, str, str]] = []

    def timed(self, what: str, how: Callable[[], Any], note: Callable[[Any], str]) -> Any:
        """The result of ``how``; its wall time becomes a line."""
        print(what, flush=True)
        started = time.perf_counter()
        result = how()
        seconds = time.perf_counter() - started
        self.lines.append((what, f"{seconds:.1f}", note(result)))
        return result

    def same(self, out: Path) -> str:
        """Whether the parts in ``out`` are the local table, row for row and bit for bit."""
        table = pa.concat_tables(read_tables(str(out))).sort_by(ORDER)
        found = from_labelled(table, self.feature_set, self.vocabulary)
        rows = found.spine.equals(self.spine)
        different = int((found.matrix.view(np.uint32) != self.local.view(np.uint32)).sum()) if rows else -1
        return f"{len(table):,} rows, {different} of {found.matrix.size:,} cells differ from local"

    def here(self) -> None:
        """Features on this machine."""

        def run() -> Any:
            return compute(self.history, self.spine, self.feature_set, self.vocabulary)

        run()
        self.local = self.timed(
            "features, local, 2 threads, facts in memory",
            run,
            lambda t: f"{len(t.spine):,} rows of {t.matrix.shape[1]}",
        ).matrix

    def dask(self, client: Any, what: str, name: str, progress: Callable[[str, float], None] | None = None) -> None:
        """Features on the Dask cluster, from Parquet to Parquet."""

        def run() -> Path:
            out = self.folder / name
            scratch = str(self.folder / "scratch")
            with dask_feed.cut(client, self.facts, scratch, buckets=16, progress=progress) as cut:
                dask_feed.write_parts(client, cut, self.work, str(out), "computing features", progress)
            return out

        self.timed(what, run, self.same)

    def spark(self, session: Any, what: str, name: str) -> None:
        """Features on Spark, from Parquet to Parquet."""
        answer = feature_table(self.history, self.spine.slice(0, 0), self.feature_set, self.vocabulary).schema

        def run() -> Path:
            tables = spark_session.read_tables(session, self.facts.root)
            frame = spark_feed.on_buckets(tables, self.facts.ends_at, self.work, answer, buckets=16)
            spark_session.write_parts(frame, str(self.folder / name))
            return self.folder / name

        self.timed(what, run, self.same)

    def train(self, client: Any) -> None:
        """The trial of every fourth week here, with another seed, and on the cluster."""
        spine = self.contract.spine.model_copy(update={"every": 28 * DAY})
        contract = self.contract.model_copy(update={"spine": spine})
        other = contract.model_copy(update={"model": contract.model.model_copy(update={"seed": 1})})
        scratch = str(self.folder / "scratch")
        self.timed("train, local", lambda: run_trial(contract, self.checked), losses)
        self.timed("train, local, another seed", lambda: run_trial(other, self.checked), losses)
        self.timed("train, Dask", lambda: train_on_cluster(client, contract, self.facts, scratch), losses)


def losses(trial: Trial) -> str:
    """Held-out log loss of the booster and of the blend on the primary horizon."""
    part = trial.report["horizons"][trial.report["primary"]]
    said = {name: part["models"][name]["log_loss"] for name in ("gbm", "blend")}
    return f"log loss on {part['n']:,} later rows: booster {said['gbm']:.4f}, blend {said['blend']:.4f}"


class Killer:
    """Kills one worker process, once, when features are being computed."""

    def __init__(self, client: Any) -> None:
        self.client, self.killed = client, False

    def __call__(self, label: str, _share: float) -> None:
        """SIGKILL after the first bucket."""
        if label == "computing features" and not self.killed:
            self.killed = True
            os.kill(next(iter(self.client.run(os.getpid).values())), signal.SIGKILL)


def main() -> None:
    """Run everything, print the table, write it into the page."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--leads", type=int, default=20_000)
    asked.add_argument("--write", type=Path)
    options = asked.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="readiness-cluster-"))
    try:
        bench = Bench(options.leads, folder)
        bench.here()
        with dask_feed.connect(None, 2) as client:
            bench.dask(client, "features, Dask, first time (workers start and load the kernel)", "dask-cold")
            bench.dask(client, "features, Dask, again", "dask-warm")
            bench.dask(client, "features, Dask, one of two workers killed on the way", "dask-killed", Killer(client))
            client.wait_for_workers(2)
            bench.train(client)
        with spark_session.connect("local[2]") as session:
            bench.spark(session, "features, Spark, first time", "spark-cold")
            bench.spark(session, "features, Spark, again", "spark-warm")
        text = page(bench, options.leads)
    finally:
        shutil.rmtree(folder)
    print(text)
    if options.write:
        whole = options.write.read_text(encoding="utf-8")
        figures = f"{MARKS[0]}\n{text}\n{MARKS[1]}"
        pattern = f"{re.escape(MARKS[0])}.*{re.escape(MARKS[1])}"
        options.write.write_text(re.sub(pattern, lambda _: figures, whole, flags=re.DOTALL), encoding="utf-8")


def page(bench: Bench, leads: int) -> str:
    """The figures as Markdown."""
    command = f"python -P benchmarks/cluster.py --leads {leads} --write docs/scaling.md"
    facts = f"{len(bench.history.leads):,} leads, {len(bench.history.events):,} events"
    head = f"`{command}`, {os.cpu_count()} cores, Python {platform.python_version()}: {facts}, 16 buckets.\n\n"
    rows = "\n".join(f"| {what} | {seconds} | {note} |" for what, seconds, note in bench.lines)
    return f"{head}| what | seconds | result |\n|---|---:|---|\n{rows}"


if __name__ == "__main__":
    main()
