"""``readiness simulate``: a market whose truth is known."""

from pathlib import Path
from typing import Annotated

import typer

from serving.commands import options

Leads = Annotated[int, typer.Option("--leads", min=1, help="How many leads.")]
Seed = Annotated[int, typer.Option("--seed", min=0, help="The same seed gives the same market.")]
World = Annotated[str, typer.Option("--world", help="steady, quick, drifting or points_driven.")]


def simulate(
    out: Annotated[Path, typer.Option("--out", "-o", help="The folder to write.")],
    leads: Leads = 5_000,
    seed: Seed = 1,
    world: World = "steady",
    quiet: options.Quiet = False,
) -> None:
    """Write a market whose truth is known, with its contract."""
    from data.simulation.folder import write
    from data.simulation.market import simulate as simulate_market
    from serving.commands import terminal

    with terminal.progress(quiet=quiet) as progress:
        market = simulate_market(world, leads, seed, progress=progress)
        write(market, out, progress=progress)
    history = market.history
    terminal.say(
        f"Wrote {history.leads.num_rows:,} leads, {history.events.num_rows:,} events, {history.outcomes.num_rows:,} "
        f"outcomes to {out}, and the truth to {out / 'truth'}."
    )
    terminal.next_step(f"readiness check --contract {out / 'readiness.toml'}")
