"""Groups of judged rows: every row in one group, figures that are those of the rows alone, silence where it is due."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from data.clock import DAY
from data.errors import ContractError
from data.spine import micros
from training.grouped import Judgement, group_figures, segment_figures
from training.judge import judge
from training.segments import REST, UNKNOWN, Segment, by_age, by_attributes, by_meeting


def _rows(n=600, seed=0, leads=150):
    rng = np.random.default_rng(seed)
    codes = np.arange(n) % leads
    signal = rng.normal(size=n)
    outcome = rng.random(n) < 1 / (1 + np.exp(2 - signal))
    said = {"blend": 1 / (1 + np.exp(2 - signal)), "prior": np.full(n, 0.2)}
    return Judgement(codes, outcome, said)


def test_a_group_has_the_figures_of_its_rows_alone():
    """What is told of a group is what the judgement says of its rows, with leads and wins counted once."""
    rows = _rows()
    first = np.arange(600) < 250
    part = segment_figures(Segment("half", {"first": first, "rest": ~first}), rows, ("prior", "blend"), "blend", 0)
    told = part["groups"][0]
    expected = judge(rows.outcome[first], rows.said["blend"][first])
    assert {name: told["models"]["blend"][name] for name in expected} == pytest.approx(expected)
    assert told["n"] == 250
    assert told["wins"] == len(set(rows.codes[first][rows.outcome[first]].tolist()))
    assert told["rate"] == pytest.approx(rows.outcome[first].mean())
    low, high = told["rate_interval"]
    assert low < told["rate"] < high
    assert sum(group["n"] for group in part["groups"]) == 600


def test_too_few_leads_say_so_instead_of_a_figure():
    """Many rows of four winning leads are four wins: no figure, and the reason."""
    rows = _rows()
    few = Judgement(rows.codes, np.isin(rows.codes, [3, 4, 5, 6]), rows.said)
    told = group_figures(few, ("blend",), "blend", 0)
    assert (told["wins"], told["outcomes"], told["models"]) == (4, 16, {})
    assert told["why"] == "4 won of 150: too few"
    most = Judgement(rows.codes, ~few.outcome, rows.said)
    assert group_figures(most, ("blend",), "blend", 0)["why"] == "4 did not win of 150: too few"
    none = group_figures(few.take(np.zeros(600, bool)), ("blend",), "blend", 0)
    assert (none["n"], none["rate"], none["why"]) == (0, None, "0 won of 0: too few")


def test_attributes_with_few_levels_are_found_and_leaks_are_not(steady):
    """By default texts with few levels, best filled first; no field that knows too much; every row in one group."""
    contract, checked = steady
    lead_id = checked.history.leads["lead_id"].combine_chunks().take(pa.array(np.arange(300) % 200))
    found = by_attributes(contract, checked.history, lead_id)
    assert 1 <= len(found) <= 3
    for segment in found:
        assert (np.sum(list(segment.masks.values()), axis=0) == 1).all()
        assert all(mask.any() for name, mask in segment.masks.items() if name in {REST, UNKNOWN})
    avoided = by_attributes(contract, checked.history, lead_id, avoid={found[0].name})
    assert found[0].name not in [segment.name for segment in avoided]
    values = dict(zip(*(checked.history.leads[name].to_pylist() for name in ("lead_id", found[0].name)), strict=True))
    for level, mask in found[0].masks.items():
        if level not in {REST, UNKNOWN}:
            assert {values[lead] for lead in lead_id.filter(pa.array(mask)).to_pylist()} <= {level}


def test_the_contract_names_segments(steady):
    """What the contract asks for is shown, however many levels; a name that is not there is one sentence."""
    contract, checked = steady
    lead_id = checked.history.leads["lead_id"].combine_chunks()
    asked = contract.model_copy(update={"backtest": contract.backtest.model_copy(update={"segments": ("employees",)})})
    (segment,) = by_attributes(asked, checked.history, lead_id)
    assert segment.name == "employees"
    assert (np.sum(list(segment.masks.values()), axis=0) == 1).all()
    wrong = contract.model_copy(update={"backtest": contract.backtest.model_copy(update={"segments": ("shoe_size",)})})
    with pytest.raises(ContractError, match=r"1 attributes that leads do not have \(first: 'shoe_size'\)"):
        by_attributes(wrong, checked.history, lead_id)


def test_ages_are_days_since_creation(steady):
    """A lead's age at a cutoff is counted in whole days; bins hold nearly equally many rows, in order."""
    _, checked = steady
    leads = checked.history.leads
    created, days = micros(leads["created_at"]), np.arange(len(leads)) % 100
    segment = by_age(checked.history, leads["lead_id"].combine_chunks(), created + days * DAY + 7)
    bounds = [int(name.split(" ")[0]) for name in segment.masks]
    assert bounds == sorted(bounds)
    sizes = [int(mask.sum()) for mask in segment.masks.values()]
    assert sum(sizes) == len(leads)
    assert max(sizes) < 1.2 * min(sizes)
    for name, mask in segment.masks.items():
        assert days[mask].min() == int(name.split(" ")[0])


def test_leads_met_before_stand_apart():
    """Rows of leads that the model learned from, and those of leads that are new to it."""
    met = np.array([True, False, True])
    assert [mask.tolist() for mask in by_meeting(met).masks.values()] == [met.tolist(), (~met).tolist()]


def test_segments_do_not_depend_on_facts_to_come(steady):
    """A segment is an attribute of the lead: other outcomes leave it as it is."""
    contract, checked = steady
    lead_id = checked.history.leads["lead_id"].combine_chunks()
    without = replace(checked.history, outcomes=checked.history.outcomes.slice(0, 0))
    one, other = by_attributes(contract, checked.history, lead_id), by_attributes(contract, without, lead_id)
    assert [segment.name for segment in one] == [segment.name for segment in other]
