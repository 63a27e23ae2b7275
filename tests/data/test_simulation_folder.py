"""A market on disk is ready to use: its contract loads, its facts pass the check, its truth lies apart."""

import numpy as np
import pyarrow.parquet as pq
import pytest

from data.check import check
from data.clock import format_duration
from data.contract import load_contract
from data.simulation.folder import write
from data.simulation.market import simulate
from data.simulation.worlds import WORLDS
from data.spine import build_spine


@pytest.fixture(scope="module", params=sorted(WORLDS))
def written(request, tmp_path_factory):
    """A market of each world, written."""
    market = simulate(request.param, 250, 4)
    folder = tmp_path_factory.mktemp("markets") / request.param
    return market, folder, write(market, folder, paths=4)


def test_the_contract_reads_the_facts(written):
    """The check takes every row but the repeated ones, and only honest attributes come through."""
    market, folder, contract = written
    assert load_contract(folder / "readiness.toml") == contract
    checked = check(contract)
    repeated = len(market.history.events) - len(set(market.history.events["event_id"].to_pylist()))
    assert len(checked.history.events) == len(market.history.events) - repeated
    assert sum(len(table) for table in checked.rejected.values()) == repeated > 0
    for name in ("leads", "outcomes", "changes"):
        assert len(getattr(checked.history, name)) == len(getattr(market.history, name))
    assert checked.history.ends_at == market.history.ends_at
    assert not set(market.world.planted_leaks) & set(checked.history.leads.column_names)
    assert set(market.world.attributes) <= set(checked.history.leads.column_names)


def test_the_truth_answers_the_contract_row_by_row(written):
    """truth.parquet has exactly the rows of the contract's spine and a probability for each horizon."""
    _, folder, contract = written
    best = pq.read_table(folder / "truth" / "truth.parquet")
    spine = build_spine(contract.spine, contract.ready, check(contract).history, contract.folder)
    assert all(best[name].equals(spine[name]) for name in ("lead_id", "cutoff"))
    for horizon in contract.ready.horizons:
        chance = best[f"p_{format_duration(horizon)}"].to_numpy()
        assert ((chance >= 0) & (chance <= 1)).all()
        assert np.ptp(chance) > 0.05


def test_the_company_does_not_see_the_truth(written):
    """What the contract names lies in the folder; hidden states and best answers lie in truth/ alone."""
    _, folder, _ = written
    assert sorted(path.name for path in folder.iterdir()) == [
        "changes.parquet",
        "events.parquet",
        "leads.parquet",
        "outcomes.parquet",
        "points.toml",
        "readiness.toml",
        "truth",
    ]
    assert sorted(path.name for path in (folder / "truth").iterdir()) == ["latent.parquet", "truth.parquet"]
