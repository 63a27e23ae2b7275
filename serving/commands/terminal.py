"""What the verbs share: tables on stdout, progress on stderr, JSON for machines, a last line that says what to do."""

import json
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

Report = Callable[[str, float], None]
"""Told how far a long piece of work is: what it is doing, and the share that is done (0 to 1)."""

_PIPED_WIDTH = 100


def stdout() -> Console:
    """Where answers go. Without a terminal a table is 100 columns wide."""
    return Console(width=None if sys.stdout.isatty() else _PIPED_WIDTH, highlight=False)


def stderr() -> Console:
    """Where everything else goes: progress, errors, hints."""
    return Console(stderr=True, width=None if sys.stderr.isatty() else _PIPED_WIDTH, highlight=False)


def say(text: str) -> None:
    """One line about what is going on, on stderr."""
    stderr().print(Text(text), soft_wrap=True)


def next_step(text: str) -> None:
    """The last line: what to do next. On stderr, so that stdout holds the answer alone."""
    stderr().print(Text.assemble(("→ ", "green"), text), soft_wrap=True)


def print_json(value: Any) -> None:
    """One JSON document on stdout, and nothing else."""
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")
    sys.stdout.flush()


def print_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]], numeric: Iterable[int] = ()) -> None:
    """A table on stdout; the columns at the positions ``numeric`` are aligned to the right."""
    right = set(numeric)
    table = Table(header_style="bold", box=None, pad_edge=False)
    for position, name in enumerate(columns):
        table.add_column(name, justify="right" if position in right else "left", overflow="fold", no_wrap=not position)
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    out = stdout()
    out.print(Text(title, style="bold"))
    out.print(table)
    out.print()


@contextmanager
def progress(*, quiet: bool = False) -> Iterator[Report]:
    """Progress of long work on stderr: a bar on a terminal, one line per step elsewhere, nothing when ``quiet``."""
    if quiet:
        yield lambda _label, _share: None
    elif not sys.stderr.isatty():
        yield _lines()
    else:
        parts = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
        with Progress(*parts, console=stderr()) as bar:
            steps = _Bars(bar)
            yield steps
            steps.finish()


def _lines() -> Report:
    seen: set[str] = set()
    started = time.perf_counter()

    def report(label: str, _share: float) -> None:
        if label not in seen:
            seen.add(label)
            say(f"[{time.perf_counter() - started:5.1f} s] {label}")

    return report


class _Bars:
    """A bar for each label; the one before is full when the next begins."""

    def __init__(self, bar: Progress) -> None:
        self._bar = bar
        self._tasks: dict[str, TaskID] = {}

    def __call__(self, label: str, share: float) -> None:
        if label not in self._tasks:
            self.finish()
            self._tasks[label] = self._bar.add_task(label, total=1.0)
        self._bar.update(self._tasks[label], completed=min(share, 1.0))

    def finish(self) -> None:
        """Fill every bar."""
        for task in self._tasks.values():
            self._bar.update(task, completed=1.0)
