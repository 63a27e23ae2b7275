"""A market written to files: the facts with a contract that reads them, and the truth apart from them."""

from pathlib import Path

import pyarrow.parquet as pq

from data.clock import WEEK, format_duration, iso
from data.contract import Contract, parse_contract
from data.simulation.market import Market, Progress
from data.simulation.points import points_toml
from data.simulation.truth import truth
from data.simulation.world import World
from data.spine import build_spine

TABLES = ("leads", "events", "outcomes", "changes")


def write(market: Market, folder: Path, *, paths: int = 32, progress: Progress | None = None) -> Contract:
    """Write a market into ``folder`` (made when absent) and return the contract that reads it.

    The company's side: ``leads``, ``events``, ``outcomes`` and ``changes.parquet``, ``points.toml``,
    ``readiness.toml``. Apart from it, in ``truth/``: ``latent.parquet`` (lead_id, state, entered_at, left_at) and
    ``truth.parquet``, the best possible readiness on the rows of the contract's spine (see ``data.simulation.truth``,
    also for ``paths``).
    """
    tell = progress or (lambda _label, _share: None)
    (folder / "truth").mkdir(parents=True, exist_ok=True)
    for name in TABLES:
        pq.write_table(getattr(market.history, name), folder / f"{name}.parquet")
    pq.write_table(market.latent, folder / "truth" / "latent.parquet")
    (folder / "points.toml").write_text(points_toml(market.world.points), encoding="utf-8")
    text = contract_toml(market.world, market.leads)
    (folder / "readiness.toml").write_text(text, encoding="utf-8")
    contract = parse_contract(text, folder)
    spine = build_spine(contract.spine, contract.ready, market.history, contract.folder)
    best = truth(market, spine, contract.ready.horizons, seed=market.seed, paths=paths, progress=tell)
    pq.write_table(best, folder / "truth" / "truth.parquet")
    return contract


def contract_toml(world: World, leads: int) -> str:
    """The readiness.toml of a market with so many leads; the planted leaks are left out of the attributes."""
    attributes = ", ".join(f'"{field}"' for field in world.attributes)
    horizons = ", ".join(f'"{format_duration(horizon)}"' for horizon in world.horizons)
    return f"""\
# {world.name}: {world.about}
# A simulated market. Every line may be changed; what is left out has a default.

[ready]                             # what "ready" means here, agreed by sales and marketing
product = "{world.name}"
outcome = ["won"]                   # what we hope for
terminal = ["won", "lost"]          # what closes a lead
horizons = [{horizons}]
primary = "{format_duration(world.primary)}"
reporting_lag = "{format_duration(world.recording_lag)}"                # how long an outcome may take to be known

[source]                            # where the facts are
kind = "files"
path = "."
history_end = {iso(world.ends_at)}
events = {{ table = "events.parquet" }}
outcomes = {{ table = "outcomes.parquet" }}
changes = {{ table = "changes.parquet" }}

[source.leads]
table = "leads.parquet"
# The export has more fields ({", ".join(world.planted_leaks)}):
# sales fills them after contact or outcome, so they must not be asked.
attributes = [{attributes}]

[spine]                             # when the question is asked: this often, of every open lead
every = "{format_duration(world.every)}"
from = {iso(world.starts_at + 8 * WEEK)}         # the first leads need some time to show what they do

[points]                            # the hand-made rules that the model has to beat
file = "points.toml"
threshold = {world.points.threshold:g}

[policy]
capacity_per_week = {max(1, round(world.calls_per_week * leads / 1000))}              # hand-offs that sales can work
"""
