"""``readiness pass``: every open lead of the store looked at once, as the nightly pass does it."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from data.clock import wall_clock
from serving.commands import options, stores

if TYPE_CHECKING:
    from data.contract import Contract
    from serving.commands.terminal import Report
    from serving.deciding.passing import Pass
    from serving.live.loading import Loaded
    from serving.store.store import Store


CANARY_S = 120.0
"""So long a bundle may take to be tried."""


def look_at_all(
    contract: options.Contract = options.CONTRACT,
    store: stores.Url = None,
    version: options.LiveVersion = None,
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
    from serving.agreeing.versions import agreed_in
    from serving.commands import terminal

    agreed = load_contract(contract)
    loaded = _loaded(agreed, contract, version, bundle)
    opened = stores.open_store(agreed, store)
    started = wall_clock()
    try:
        loaded = agreed_in(opened, loaded)
        with terminal.progress(quiet=quiet) as report:
            done = _run(opened, loaded, report)
        found = _summary(opened, loaded, done, started)
    finally:
        opened.close()
    _tell(found, time.time_ns() / 1e9 - started / 1e6, as_json=as_json)


def _loaded(agreed: "Contract", contract: Path, version: str | None, bundle: Path | None) -> "Loaded":
    """The bundle that decides: that of a folder, else what is live."""
    from serving.commands.deploy import live_of
    from serving.live.loading import load_folder, load_live
    from serving.live.pointer import read_pointer

    if bundle is not None:
        return load_folder(bundle, "", CANARY_S)
    folder = live_of(agreed, contract, version)
    pointer = read_pointer(folder)
    assert pointer is not None  # noqa: S101 - live_of has just seen to it
    return load_live(folder, pointer.current, CANARY_S, canary=False)


def _run(store: "Store", loaded: "Loaded", report: "Report") -> "Pass | None":
    """The pass when it is done; None when another worker is at it."""
    from serving.deciding.passing import begin_pass, run_pass

    store.write(lambda connection: begin_pass(connection, loaded, "night", wall_clock()))
    return run_pass(store, loaded, lambda done, total: report("looking at leads", done / max(total, 1)))


def _summary(store: "Store", loaded: "Loaded", done: "Pass | None", since: int) -> dict[str, Any]:
    """What came of it, and of the looks that were due anyway."""
    from data.clock import DAY
    from serving.deciding.tallies import looked_since, moved_since
    from serving.deciding.work_list import Wanted, how_many

    now = wall_clock()
    due = Wanted(due=True, day=now - now % DAY, cadence=loaded.bundle.policy.cadence)
    moved = store.read(lambda connection: moved_since(connection, since))
    became = {name: moved[name] for name in ("ready", "cooled", "recycled", "let go", "nurture")}
    return {
        "finished": done is not None and done.finished_at is not None,
        "looked_at": store.read(lambda connection: looked_since(connection, since)),
        **{name.replace(" ", "_"): count for name, count in became.items()},
        "due_today": store.read(lambda connection: how_many(connection, due)),
        "version": loaded.version,
        "bundle_id": loaded.bundle.bundle_id,
    }


def _tell(found: dict[str, Any], seconds: float, *, as_json: bool) -> None:
    from serving.commands import terminal
    from training.wording import counted

    if as_json:
        terminal.print_json(found)
    elif not found["finished"]:
        terminal.say("Another worker is at this pass; it goes on there.")
    else:
        terminal.say(
            f"Looked at {counted(found['looked_at'], 'lead')} in {seconds:.1f} s: {found['ready']:,} became ready, "
            f"{found['cooled']:,} cooled, {found['recycled']:,} recycled, {found['let_go']:,} let go; "
            f"{found['due_today']:,} are due for a nurture touch today."
        )
    terminal.next_step("The work list: GET /v1/leads?state=ready of readiness serve.")
