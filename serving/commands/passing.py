"""``readiness pass``: every open lead of the store looked at once, as the nightly pass does it."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from serving.commands import options, stores

if TYPE_CHECKING:
    from serving.commands.terminal import Report
    from serving.deciding.passing import Pass
    from serving.service import Loaded
    from serving.store.store import Store


def look_at_all(
    contract: options.Contract = options.CONTRACT,
    store: stores.Url = None,
    version: Annotated[str, typer.Option("--version", help="An alias or a version number.")] = "champion",
    bundle: Annotated[
        Path | None, typer.Option("--bundle", help="Decide with this bundle folder; no registry is asked.")
    ] = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Look at every open lead of the store once: silence too is information. For cron, beside a running service.

    A pass that was interrupted goes on where it was.
    """
    from data.contract import load_contract
    from models.bundle import read_bundle
    from models.scorer import Scorer
    from serving.commands import engines, terminal
    from serving.service import Loaded

    agreed = load_contract(contract)
    folder, number = engines.bundle_files(contract, agreed.state_folder, version, bundle)
    read = read_bundle(folder)
    loaded = Loaded(read, Scorer(read), number or "")
    opened = stores.open_store(agreed, store)
    started = time.perf_counter()
    try:
        with terminal.progress(quiet=quiet) as report:
            done = _run(opened, loaded, report)
        found = _summary(opened, loaded, done)
    finally:
        opened.close()
    _tell(found, time.perf_counter() - started, as_json=as_json)


def _run(store: "Store", loaded: "Loaded", report: "Report") -> "Pass | None":
    """The pass when it is done; None when another worker is at it."""
    from serving.deciding.passing import begin_pass, run_pass

    store.write(lambda connection: begin_pass(connection, loaded, "night", time.time_ns() // 1_000))
    return run_pass(store, loaded, lambda done, total: report("looking at leads", done / max(total, 1)))


def _summary(store: "Store", loaded: "Loaded", done: "Pass | None") -> dict[str, Any]:
    from data.clock import DAY
    from serving.deciding.work_list import Wanted, how_many

    now = time.time_ns() // 1_000
    due = Wanted(due=True, day=now - now % DAY, cadence=loaded.bundle.policy.cadence)
    counts = {} if done is None else done.counts
    became = {name: counts.get(name, 0) for name in ("ready", "cooled", "recycled", "let go", "nurture")}
    return {
        "finished": done is not None and done.finished_at is not None,
        "looked_at": counts.get("looked", 0),
        **{name.replace(" ", "_"): count for name, count in became.items()},
        "due_today": store.read(lambda connection: how_many(connection, due)),
        "version": loaded.version,
        "bundle_id": loaded.bundle.bundle_id,
    }


def _tell(found: dict[str, Any], seconds: float, *, as_json: bool) -> None:
    from serving.commands import terminal

    if as_json:
        terminal.print_json(found)
    elif not found["finished"]:
        terminal.say("Another worker is at this pass; it goes on there.")
    else:
        terminal.say(
            f"Looked at {found['looked_at']:,} open leads in {seconds:.1f} s: {found['ready']:,} became ready, "
            f"{found['cooled']:,} cooled, {found['recycled']:,} recycled, {found['let_go']:,} let go; "
            f"{found['due_today']:,} are due for a nurture touch today."
        )
    terminal.next_step("The work list: GET /v1/leads?state=ready of readiness serve.")
