"""The leak detector on public data whose traps are known, as an unwary analyst would have joined them."""

import pytest

from benchmarks import leaks_command as benchmark  # how it joins and reads the sets is under test here too
from training.leaks.detect import find_leaks


@pytest.mark.parametrize("name", ["bank_marketing", "olist", "online_retail", "oulad"])
def test_what_must_be_found_is_found_and_nothing_else(name, shared_data):
    """``duration`` and every column of the closed deals are quarantined; no honest field is even watched."""
    contract, history = benchmark.real(name, shared_data / name)
    found = find_leaks(contract, history)
    assert {finding.field for finding in found.left_out} == set(benchmark.SETS[name])
    assert {f.field for f in found.findings if f.verdict == "clean"} == {
        f.field for f in found.findings if f.field not in benchmark.SETS[name]
    }


def test_macro_indicators_know_nothing_of_one_time(shared_data):
    """Rates and indices of the bank follow the base rate through the years; among leads of a day they say nothing."""
    contract, history = benchmark.real("bank_marketing", shared_data / "bank_marketing")
    by_name = {finding.field: finding for finding in find_leaks(contract, history).findings}
    for name in ("euribor3m", "nr.employed", "emp.var.rate", "cons.price.idx"):
        assert abs(by_name[name].alone.value - 0.5) < 0.05
    assert by_name["duration"].alone.low > 0.85
    assert by_name["duration"].alone.value > by_name["duration"].ablation.auc_without + 0.2
