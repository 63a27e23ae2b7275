"""The figures of the serving benchmark as Markdown."""

from typing import Any

AIMS: dict[str, tuple[str, float, str]] = {
    "score_over_hello": ("at most", 2.5, "CPU of a score without reasons, hello = 1"),
    "score_with_reasons_over_hello": ("at most", 8.0, "CPU of a score with reasons, hello = 1"),
    "stored_with_reasons_over_hello": ("at most", 12.0, "CPU of a stored lead, 200 events, with reasons, hello = 1"),
    "mlflow_over_score": ("at least", 50.0, "CPU of mlflow models serve, our score = 1"),
    "bentoml_over_score": ("at least", 4.0, "CPU of BentoML, our score = 1"),
    "mlserver_over_score": ("at least", 3.0, "CPU of MLServer, our score = 1"),
    "p99_ms_at_half_load": ("at most", 15.0, "p99 in ms at half load, with reasons"),
    "ingest_events_per_second": ("at least", 5_000.0, "durable events a second, batches of 100"),
    "start_up_s": ("at most", 2.5, "seconds from start to first score"),
    "memory_mib": ("at most", 250.0, "MiB resident then"),
}


def report(told: dict[str, Any]) -> str:
    """The page."""
    about, half, ingest = told["machine"], told["half_load"], told["ingest"]
    made = (
        f"Made in {told['minutes']:.0f} minutes by `python benchmarks/serving.py` on {about['processor']}, "
        f"{about['cores']} cores, {about['memory']}; {about['system']}; load average {told['load'][0]:.1f} before, "
        f"{told['load'][1]:.1f} after."
    )
    lines = [
        "# What an answer costs",
        "",
        "CPU, latency and memory of an answer, beside a bare FastAPI hello and other model servers in the same run.",
        "",
        made,
        "",
        "## Aims",
        "",
        "| figure | measured | aim | met |",
        "| --- | ---: | ---: | ---: |",
    ]
    for name, (way, aim, words) in AIMS.items():
        value = told["ratios"].get(name)
        shown = "not run" if value is None else f"{value:,.2f}" if value < 1_000 else f"{value:,.0f}"
        met = {True: "yes", False: "no", None: ""}[told["met"][name]]
        lines.append(f"| {words} | {shown} | {way} {aim:,g} | {met} |")
    lines += ["", "## Side by side", "", _HOW, "", "| server | CPU µs | hello = 1 | requests/s | p50 ms | p99 ms |"]
    lines.append("| --- | ---: | ---: | ---: | ---: | ---: |")
    base = told["servers"]["hello"]["cpu_us"]
    for name, one in told["servers"].items():
        figures = f"{one['cpu_us']:,.0f} | {one['cpu_us'] / base:.2f} | {one['per_second']:,.0f}"
        lines.append(f"| {name} | {figures} | {one['p50_ms']:.2f} | {one['p99_ms']:.2f} |")
    halves = (
        f"At half load ({half['rate']:,.0f} scores with reasons a second) p50 is {half['p50_ms']:.2f} ms and p99 "
        f"{half['p99_ms']:.2f} ms. Ingest: {ingest['events_per_second']:,.0f} durable events a second on SQLite, "
        f"{ingest['cpu_us_per_event']:.0f} µs of CPU each."
    )
    lines += [
        "",
        halves,
        "",
        "| server | MiB resident after the run |",
        "| --- | ---: |",
        *(f"| {name} | {mib:,.0f} |" for name, mib in told["memory_mib"].items()),
    ]
    lines += [f"\n{name} was not run: {reason}" for name, reason in told["skipped"].items()]
    return "\n".join(lines) + "\n"


_HOW = (
    "CPU microseconds a request of all the server's processes, medians of the rounds, four connections in a closed "
    "loop.\nThe peers get finished features and predict; a stored lead is read from SQLite with its 200 events.\n"
    "BentoML and MLServer predict one bin of the booster; ours reads 21 events of JSON, computes the features, and\n"
    "blends, calibrates and decides. `mlserver` is MLServer as it comes, where a worker process predicts;\n"
    "`mlserver-inline` is told to predict in the process that answers."
)
