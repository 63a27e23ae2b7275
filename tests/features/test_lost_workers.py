"""A worker that is killed in the middle costs time, not results."""

import os
import signal
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data.check import check
from data.contract import load_contract
from data.facts import write_facts
from data.simulation.folder import write
from data.simulation.market import simulate
from features.catalog import default_catalog
from features.dask_feed import cut, write_parts
from features.levels import learn
from features.local import compute
from features.partition import FeatureWork, Laid, from_labelled, open_leads
from features.profile import profile


@dataclass
class Killer:
    """A progress that kills one worker process, once, after the first piece of the work of a ``label`` is done."""

    client: object
    label: str
    killed: list[int] = field(default_factory=list)

    def __call__(self, label, share):
        """Kill the first worker, in the middle of the work."""
        if label == self.label and not self.killed and share < 1:
            pid = next(iter(self.client.run(os.getpid).values()))
            os.kill(pid, signal.SIGKILL)
            self.killed.append(pid)


@pytest.fixture(scope="module")
def market(tmp_path_factory):
    """(contract, history) of a small market."""
    folder = tmp_path_factory.mktemp("market")
    write(simulate("quick", 300, 5), folder, paths=1)
    contract = load_contract(folder / "readiness.toml")
    return contract, check(contract).history


@pytest.mark.parametrize("label", ["cutting the facts", "computing features"])
def test_a_worker_killed_in_the_middle_costs_no_row_and_no_bit(label, market, dask_client, tmp_path):
    """SIGKILL to one of two worker processes: the other one and its successor finish, and nothing is left behind."""
    contract, history = market
    feature_set = default_catalog(profile(history, history.ends_at))
    vocabulary = learn(history, feature_set, history.ends_at)
    facts = write_facts(history, tmp_path / "facts")
    killer = Killer(dask_client, label)
    rows = Laid(contract.spine, contract.ready)
    with cut(dask_client, facts, str(tmp_path / "scratch"), buckets=24, progress=killer) as cut_facts:
        work = FeatureWork(feature_set, vocabulary, rows)
        parts = write_parts(dask_client, cut_facts, work, str(tmp_path / "out"), "computing features", killer)
    assert len(killer.killed) == 1
    assert {path.name for path in (tmp_path / "out").iterdir()} == {part.file for part in parts}
    assert not (tmp_path / "scratch").exists()
    found = pa.concat_tables([pq.read_table(tmp_path / "out" / part.file) for part in parts])
    table = from_labelled(found.sort_by([("lead_id", "ascending"), ("cutoff", "ascending")]), feature_set, vocabulary)
    spine = rows.of(history, None).sort_by([("lead_id", "ascending"), ("cutoff", "ascending")])
    expected = compute(history, spine, feature_set, vocabulary, threads=1)
    assert table.spine.equals(spine)
    np.testing.assert_array_equal(table.matrix.view(np.uint32), expected.matrix.view(np.uint32))
    dask_client.wait_for_workers(2, timeout=60)
    assert killer.killed[0] not in dask_client.run(os.getpid).values()


def test_an_error_in_a_bucket_is_the_error(market, dask_client, tmp_path):
    """What a bucket raises is what the caller gets, in one sentence, and the scratch files go all the same."""
    from data.errors import SchemaError
    from features.definitions import Sum
    from features.feature_set import FeatureSet
    from features.vocabulary import Vocabulary

    contract, history = market
    facts = write_facts(history, tmp_path / "facts")
    work = FeatureWork(FeatureSet((Sum(column="nowhere"),)), Vocabulary({}), Laid(contract.spine, contract.ready))
    with (
        pytest.raises(SchemaError, match="has no column 'nowhere'"),
        cut(dask_client, facts, str(tmp_path / "scratch"), buckets=3) as cut_facts,
    ):
        write_parts(dask_client, cut_facts, work, str(tmp_path / "out"), "computing features")
    assert not (tmp_path / "scratch").exists()
    assert len(open_leads(history, contract.ready, history.ends_at))
