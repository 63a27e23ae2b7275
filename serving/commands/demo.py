"""``readiness demo``: a market, a contest, a champion, a served score: everything, on this machine."""

import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from serving.commands import options
from serving.commands.simulate import Leads, Seed, World

if TYPE_CHECKING:
    from training.keeping import Made

FOLDER = Path(".readiness/demo")


def demo(
    leads: Leads = 6_000,
    seed: Seed = 1,
    world: World = "steady",
    folder: Annotated[Path, typer.Option("--dir", help="Where everything is written.")] = FOLDER,
    quiet: options.Quiet = False,
) -> None:
    """Show everything at once: a simulated market, a contest, a trained champion, a served score."""
    from data.check import check
    from data.contract import load_contract
    from data.simulation.folder import write
    from data.simulation.market import simulate
    from serving.commands import terminal
    from serving.commands.asked import lead_request
    from training.keeping import make_version

    path = folder / "readiness.toml"
    with terminal.progress(quiet=quiet) as progress:
        write(simulate(world, leads, seed, progress=progress), folder, progress=progress)
        contract = load_contract(path)
        progress("checking the facts", 0.0)
        checked = check(contract)
        made = make_version(contract, checked, progress)
        progress("judging the exact ceiling", 0.0)
        ceiling = ceiling_of(made, folder / "truth" / "truth.parquet")
        progress("starting the service", 0.0)
        lead, as_of = ready_lead(made)
        answer = _score(path, "champion", lead_request(checked.history, lead, as_of), folder / "service.log")
    _tell(made, ceiling, answer, checked.report.rejected)
    terminal.say(f"Registered {made.version.name} version {made.version.number} as {made.version.alias}.")
    terminal.say(f"The report with plots: readiness ui --contract {path}, then {made.version.run_url}")
    terminal.say(f"A contract to copy: {path}")
    terminal.next_step(f"Your own facts: readiness init --from DIR. This model: readiness serve -c {path} --no-auth")


def ceiling_of(made: "Made", truth: Path) -> dict[str, float]:
    """METRICS of the exact probability on the test rows of the primary horizon."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    from data.clock import format_duration
    from training.judge import judge

    test, primary = made.trial.test, made.trial.contract.ready.primary
    column = made.trial.contract.ready.horizons.index(primary)
    rows = pa.table({"lead_id": test.lead_id, "cutoff": test.cutoff, "row": np.arange(len(test.lead_id))})
    name = f"p_{format_duration(primary)}"
    joined = rows.join(pq.read_table(truth, columns=["lead_id", "cutoff", name]), ["lead_id", "cutoff"]).sort_by("row")
    chance = joined[name].to_numpy()
    known = test.matured[:, column] & ~np.isnan(chance)
    return judge(test.outcome[known, column], chance[known])


def ready_lead(made: "Made") -> tuple[str, int]:
    """The lead of the last test cutoff that the served model finds readiest, and that cutoff (microseconds)."""
    import numpy as np

    from data.spine import micros

    test, ready = made.trial.test, made.trial.contract.ready
    cutoffs = micros(test.cutoff)
    last = np.flatnonzero(cutoffs == cutoffs.max())
    readiness = test.predictions[made.trial.report["served"]][last, ready.horizons.index(ready.primary)]
    row = last[int(readiness.argmax())]
    return test.lead_id[int(row)].as_py(), int(cutoffs[row])


def _score(contract: Path, version: str, body: dict[str, Any], log: Path) -> dict[str, Any]:
    from serving.commands.probe import running_service

    with running_service(contract, version, secrets.token_urlsafe(32), log) as service:
        return service.post("/v1/score", body)


def _tell(made: "Made", ceiling: dict[str, float], answer: dict[str, Any], rejected: int) -> None:
    from serving.commands import terminal
    from serving.commands.contest import print_contest

    report = made.trial.report
    primary = report["primary"]
    history = report["history"]
    terminal.say(
        f"A market of {history['leads']:,} leads, {history['events']:,} events and {history['outcomes']:,} outcomes; "
        f"{rejected:,} bad rows were left out, with reasons (readiness check)."
    )
    print_contest(report, primary, {**report["horizons"][primary]["models"], "ceiling": ceiling})
    shown = [(name, f"{value:.4g}" if isinstance(value, float) else str(value)) for name, value in answer.items()]
    terminal.print_table("One lead, scored over HTTP: POST /v1/score", ("field", "answer"), shown)
