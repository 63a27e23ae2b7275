"""The tables of the benchmark: on the terminal, and as Markdown with two plots."""

import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks import feature_plots
from benchmarks.feature_parts import Part

Column = tuple[str, Callable[[dict[str, Any]], str]]


def _number(name: str, form: str, unit: str = "") -> Callable[[dict[str, Any]], str]:
    def write(row: dict[str, Any]) -> str:
        return "" if row.get(name) is None else f"{row[name]:{form}}{unit}"

    return write


def _times(name: str) -> Callable[[dict[str, Any]], str]:
    return lambda row: "" if name not in row else f"{row[name]:,.{1 if row[name] < 100 else 0}f}"


ENGINE: Column = ("engine", lambda row: row["engine"])
EVENTS: Column = ("events", _number("events", ",d"))
ROWS: Column = ("rows", _number("rows", ",d"))
WIDTH: Column = ("features", _number("features", "d"))
CPU: Column = ("CPU s", _number("cpu_s", ".2f"))
WALL: Column = ("wall s", _number("wall_s", ".2f"))
PEAK: Column = ("MiB", _number("peak_rss_mib", ",.0f"))

COLUMNS: dict[str, list[Column]] = {
    "peers": [
        *(ENGINE, ROWS, WIDTH, CPU, WALL, PEAK),
        ("CPU x", _times("speedup")),
        ("wall x", _times("speedup_wall")),
    ],
    "floor": [
        *(EVENTS, CPU, WALL),
        ("floor s", _number("floor_cpu_s", ".2f")),
        ("x", _number("ratio_to_floor", ".2f")),
        ("coded s", _number("coded_floor_cpu_s", ".2f")),
        ("x", _number("ratio_to_coded_floor", ".2f")),
        ("integer s", _number("integer_floor_cpu_s", ".2f")),
        ("x", _number("ratio_to_integer_floor", ".2f")),
    ],
    "features": [ROWS, WIDTH, CPU, WALL, PEAK],
    "cutoffs": [
        ("cutoffs a lead", _number("cutoffs", ".3g")),
        *(ROWS, CPU, WALL, PEAK),
        ("CPU ns a cell", _number("ns_per_cell", ".1f")),
    ],
    "online": [
        ("events of the lead", _number("events", ",d")),
        WIDTH,
        ("median µs", _number("median_us", ",.0f")),
        ("p99 µs", _number("p99_us", ",.0f")),
    ],
    "memory": [EVENTS, ROWS, CPU, WALL, PEAK, ("events/s", _number("events_per_s", ",.0f"))],
}
TITLES = {
    "peers": "The same features, side by side",
    "floor": "Above the physical floor",
    "features": "More features",
    "cutoffs": "More cutoffs a lead",
    "online": "One lead online",
    "memory": "Out of core",
}
TEXTS = {
    "peers": "Every peer's answers were compared with the engine's on every row before it was timed: counts, times, "
    "categories and extremes are equal to the bit, sums and means to 1e-6. Peers may know more of the data than the "
    "engine does (`benchmarks/peers/words.py`). CPU x and wall x: how many times "
    "the engine's, for as many rows and cells.",
    "floor": "The floor is what no engine can do without, by DuckDB and NumPy on the same files: decode the columns "
    "that are needed, sort lead_id and occurred_at, write every cell once. Two stricter floors make less of the sort: "
    "the coded one looks the 18-character ids up in the leads file and sorts their numbers, the integer one finds the "
    "numbers in the file, where the engine is given texts. x: how many times as much CPU the engine takes.",
    "features": "Each set is a random mixture of the same kinds of features.",
    "cutoffs": "The same number of events, asked about ever more often.",
    "online": "`OnlineEngine.row`: encoding and kernel, 1,000 leads in turn, events made anew for each call.",
    "memory": "From Parquet to Parquet; leads go to hash buckets.",
}
Figures = dict[str, Any]


def _speedup(figures: Figures, engine: str) -> float | None:
    return figures.get("speedup", {}).get(engine)


def _growth_of(figures: Figures) -> float | None:
    """CPU over CPU, brought to ten times the events."""
    growth = figures.get("growth")
    return growth["cpu"] * 10 / growth["events"] if growth else None


def _cliff_of(figures: Figures) -> float | None:
    """Whether a cell costs more when there are many cutoffs."""
    costs = [*figures.get("ns_per_cell_by_cutoffs", {}).values()]
    return costs[-1] / costs[-2] if len(costs) > 1 else None


AIMS: list[tuple[str, float, Callable[[Figures], float | None]]] = [
    ("CPU of Polars, streaming, ours = 1", -5, lambda found: _speedup(found, "Polars, streaming")),
    ("CPU of DuckDB, packed buckets, ours = 1", -10, lambda found: _speedup(found, "DuckDB, packed buckets")),
    ("CPU of DuckDB, plain SQL, ours = 1", -20, lambda found: _speedup(found, "DuckDB, plain SQL")),
    ("CPU of pandas, ours = 1", -30, lambda found: _speedup(found, "pandas")),
    ("CPU over the floor, at worst", 2.5, lambda found: found.get("ratio_to_floor")),
    ("CPU for ten times the events", 12, _growth_of),
    ("CPU ns for each further cell", 15, lambda found: found.get("ns_per_further_cell")),
    ("CPU of a cell, most cutoffs over next", 1.5, _cliff_of),
    ("peak MiB, out of core", 4_096, lambda found: found.get("peak_rss_mib")),
    ("µs online, 20 events", 60, lambda found: found.get("online_us", {}).get(20)),
    ("µs online, 200 events", 150, lambda found: found.get("online_us", {}).get(200)),
]
"""What is measured, and what it should be: at most so much, or at least where negative."""


def table_of(name: str, part: Part) -> list[list[str]]:
    """Heads and cells."""
    columns = COLUMNS[name]
    return [[head for head, _ in columns], *([write(row) for _, write in columns] for row in part.rows)]


def aims_of(figures: Figures) -> list[list[str]]:
    """What was measured of what is aimed at."""
    lines = [["figure", "measured", "aim", "met"]]
    for words, aim, read in AIMS:
        value = read(figures)
        if value is not None:
            met = value >= -aim if aim < 0 else value <= aim
            wanted = f"at {'least' if aim < 0 else 'most'} {abs(aim):,}"
            lines.append([words, f"{value:,.2f}" if value < 100 else f"{value:,.0f}", wanted, "yes" if met else "no"])
    return lines


def show(name: str, part: Part) -> None:
    """On the terminal."""
    if part.rows:
        _print(TITLES[name], table_of(name, part))
    for note in part.notes:
        Console().print(note)


def show_aims(figures: dict[str, Any]) -> None:
    """On the terminal."""
    _print("Aims", aims_of(figures))


def _print(title: str, lines: list[list[str]]) -> None:
    table = Table(
        title=f"\n{title}",
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        padding=(0, 0, 0, 1),
        show_edge=False,
    )
    for position, head in enumerate(lines[0]):
        text = position == 0 and not any(line[0][:1].isdigit() for line in lines[1:])
        table.add_column(head, justify="left" if text else "right", no_wrap=True)
    for line in lines[1:]:
        table.add_row(*line)
    Console().print(table, "")


def markdown(lines: list[list[str]]) -> str:
    """A Markdown table."""
    ruled = [lines[0], ["---", *["---:"] * (len(lines[0]) - 1)], *lines[1:]]
    return "\n".join("| " + " | ".join(line) + " |" for line in ruled)


def write(path: Path, told: dict[str, Any], parts: dict[str, Part]) -> None:
    """The page, and its plots beside it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    plots = feature_plots.write(path.parent, {name: part.rows for name, part in parts.items()})
    chunks = [_head(told), "## Aims\n\n" + markdown(aims_of(told))]
    for name, part in parts.items():
        if part.rows or part.notes:
            chunks.append(f"## {TITLES[name]}\n\n{_filled(TEXTS[name])}")
            chunks += [markdown(table_of(name, part))] if part.rows else []
            chunks += [f"![{TITLES[name]}]({plots[name]})"] if name in plots else []
            chunks += map(_filled, part.notes)
    path.write_text("\n\n".join(chunks) + "\n")


def _filled(text: str) -> str:
    return textwrap.fill(text, 118, break_long_words=False, break_on_hyphens=False)


def _head(told: dict[str, Any]) -> str:
    machine, busy, repeats = told["machine"], told["load_average"], told["repeats"]
    runs = f"Medians of {repeats} runs, each" if repeats > 1 else "One run"
    text = f"""on {machine["processor"]}, {machine["cores"]} cores, {machine["memory"]}; {machine["system"]};
    {machine["libraries"]}. Load average {busy["from"]:.1f} to {busy["to"]:.1f}, the benchmark's own included."""
    method = f"""{runs} in a process of its own after warm-up, from Parquet in the page cache to the complete answer in
    memory, with {told["threads"]} threads. CPU seconds are user and system time over all threads. A market of 1 M
    events has 50,000 leads with power-law histories and a question a month about each lead, five or six in all."""
    caution = """Fresh memory costs system time, on virtual machines at times more than the work itself: the same engine
    on the same market differs between the tables below by as much as a factor of two. Compare within a table."""
    lede = "What features cost here, beside hand-written forms of them for other engines and above the physical floor."
    made = f"Made in {told['minutes']:.0f} minutes by\n\n    {told['command']}"
    return "\n\n".join(
        ["# Speed of the feature engine", lede, made, *(_filled(" ".join(t.split())) for t in (text, method, caution))]
    )
