"""The definition workshop: what each way of saying "ready" would have meant."""

import tomllib

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.clock import DAY, WEEK
from data.contract import load_contract
from data.errors import ContractError, SchemaError
from data.tables import TIME
from training.defining.candidates import Choices, candidate_outcomes, ready_for
from training.defining.labelled import agreement, read_labelled
from training.defining.meaning import LaterRows, handed_off, meaning
from training.defining.words import COLUMNS, rows
from training.defining.workshop import chosen, hold_workshop
from training.defining.writing import set_key, write_definition


@pytest.fixture(scope="module")
def facts(steady):
    """The checked facts of the small market."""
    return steady[1].history


@pytest.fixture(scope="module")
def found(steady, facts, tmp_path_factory):
    """A workshop over that market with a file in which sales called exactly those ready who won within 90 days."""
    contract = steady[0]
    at = facts.ends_at - 150 * DAY
    leads = facts.leads.filter(pa.compute.less(facts.leads["created_at"], pa.scalar(at, TIME)))["lead_id"].to_pylist()
    won = {
        row["lead_id"]
        for row in facts.outcomes.set_column(2, "at", facts.outcomes["occurred_at"].cast("int64")).to_pylist()
        if row["kind"] == "won" and at <= row["at"] < at + 90 * DAY
    }
    path = tmp_path_factory.mktemp("labelled") / "labelled.parquet"
    moments = pa.array([at] * len(leads), TIME)
    pq.write_table(pa.table({"lead_id": leads, "ready": [lead in won for lead in leads], "at": moments}), path)
    return hold_workshop(contract, facts, None, read_labelled(path, facts.ends_at))


def test_every_outcome_and_horizon_is_looked_at_with_several_volumes(found, steady):
    """Candidates are numbered from 1: each outcome and horizon at half, all and twice what sales can work."""
    candidates = found["candidates"]
    assert [one["number"] for one in candidates] == [*range(1, len(candidates) + 1)]
    pairs = [(one["outcome"], one["horizon"]) for one in candidates]
    assert pairs == [("won", "30d")] * 3 + [("won", "90d")] * 3
    capacity = steady[0].policy.capacity_per_week
    assert [one["asked_per_week"] for one in candidates[:3]] == [capacity / 2, capacity, capacity * 2]


def test_volumes_are_kept_and_lower_thresholds_catch_more(found):
    """No candidate hands off more than it was set for; with the threshold going down more is handed off and caught."""
    for one in found["candidates"]:
        assert one["per_week"] <= one["asked_per_week"] + 1e-9
    for three in (found["candidates"][:3], found["candidates"][3:]):
        thresholds, counts, caught = ([one[key] for one in three] for key in ("threshold", "handed_off", "caught"))
        assert thresholds == sorted(thresholds, reverse=True)
        assert counts == sorted(counts)
        assert caught == sorted(caught)


def test_a_quick_model_knows_something_and_sales_who_knew_agree(found):
    """It ranks better than chance, and agrees more than by chance with a file that was right."""
    wide = found["candidates"][-1]
    assert wide["auc"] > 0.6
    assert wide["precision"] > wide["rate"]
    assert wide["agreement"]["n"] > 50
    assert wide["agreement"]["kappa"] > 0.0


def test_the_table_has_a_cell_for_each_column(found):
    """Each candidate is a row."""
    told = list(rows(found))
    assert {len(row) for row in told} == {len(COLUMNS)}
    assert len(told) == len(found["candidates"])


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 20), st.floats(0, 1), st.booleans()), max_size=40))
def test_hand_offs_are_those_of_a_diary(entries):
    """Going through the weeks in order with a diary of when each lead may be handed off again finds the same rows."""
    unique = {(lead, week): (lead, week, score, able) for lead, week, score, able in entries}
    entries = list(unique.values())
    codes, weeks, scores, enough = (
        (np.array(column) for column in zip(*entries, strict=True)) if entries else [np.empty(0)] * 4
    )
    later = LaterRows(
        codes.astype(int), weeks.astype(int) * WEEK, np.full(len(codes), 10**18), enough.astype(bool), 30 * DAY
    )
    rest, free, expected = 3 * WEEK, {}, []
    for place in sorted(range(len(entries)), key=lambda k: entries[k][1]):
        lead, week, score, able = entries[place]
        if able and score >= 0.5 and week * WEEK >= free.get(lead, 0):
            expected.append(place)
            free[lead] = week * WEEK + rest
    assert sorted(handed_off(later, np.asarray(scores, float), 0.5, rest).tolist()) == sorted(expected)


def test_what_a_threshold_means_by_hand():
    """Two leads by hand: one hand-off is right ten days ahead, one is wrong, one outcome was never handed off."""
    day = np.int64(DAY)
    later = LaterRows(
        codes=np.array([0, 0, 1, 2]),
        cutoffs=np.array([0, 7, 7, 14]) * day,
        time_to=np.array([17, 10, 10**6, 5]) * day,
        enough=np.array([True, True, True, False]),
        horizon=30 * DAY,
    )
    told = meaning(later, np.array([0.1, 0.9, 0.8, 0.9]), 0.5, 30 * DAY)
    assert (told["handed_off"], told["right"], told["precision"], told["lead_time_days"]) == (2, 1, 0.5, 10.0)
    assert (told["outcomes"], told["caught"], told["share_caught"], told["per_week"]) == (2, 1, 0.5, 1.0)


def test_agreement_by_hand_and_where_there_is_nothing_to_say():
    """Kappa of a table by hand; None where both call all leads the same."""
    ready = np.array([True] * 25 + [False] * 25)
    said = np.array([True] * 20 + [False] * 5 + [True] * 10 + [False] * 15)
    told = agreement(ready, said)
    assert (told["n"], told["same"]) == (50, 35)
    assert told["kappa"] == pytest.approx((0.7 - 0.5) / (1 - 0.5))
    assert agreement(ready[:25], ready[:25])["kappa"] is None
    assert agreement(np.empty(0, bool), np.empty(0, bool)) == {"n": 0, "same": 0, "kappa": None}


def test_a_labelled_file_says_yes_or_no(tmp_path):
    """CSV with yes and no, judged at the end unless it says when; anything else is one sentence."""
    path = tmp_path / "labelled.csv"
    path.write_text("lead_id,ready\na,Yes\nb,0\n")
    read = read_labelled(path, 5 * DAY)
    assert read.ready.tolist() == [True, False]
    assert read.spine["cutoff"].cast("int64").to_pylist() == [5 * DAY] * 2
    path.write_text("lead_id,ready\na,maybe\n")
    with pytest.raises(SchemaError, match=r"1 of 1 values of ready are neither yes nor no \(first: 'maybe'\)"):
        read_labelled(path, 0)
    path.write_text("lead_id,ready,at\na,yes,2026-01-01\n")
    with pytest.raises(SchemaError, match="Expected times with a zone"):
        read_labelled(path, 0)
    with pytest.raises(ContractError, match="is not there"):
        read_labelled(tmp_path / "none.csv", 0)


def test_outcomes_are_those_that_happened(steady, facts):
    """What is asked for must be in the facts; what closes a lead without being hoped for is no candidate."""
    assert candidate_outcomes(steady[0], facts, ()) == ["won"]
    with pytest.raises(ContractError, match=r"1 outcomes are in no row .*'upgraded'"):
        candidate_outcomes(steady[0], facts, ["upgraded"])
    other = ready_for(steady[0], "lost", [60 * DAY, 30 * DAY])
    assert (other.outcome, other.horizons, other.primary) == (("lost",), (30 * DAY, 60 * DAY), 60 * DAY)


CONTRACT = """\
# ours
[ready]   # agreed
outcome = ["won"]   # what we hope for
terminal = [
    "won",  # closes
    "lost",
]
horizons = ["30d", "90d"]
primary = "90d"

[policy]
capacity_per_week = 9   # calls

[source]
leads = { table = "leads.csv" }
outcomes = { table = "outcomes.csv" }
"""


def candidate(**changes):
    """A candidate of a workshop."""
    return {"outcome": "won", "horizon": "60d", "threshold": 0.31, "asked_per_week": None, **changes}


def test_the_chosen_definition_is_written_and_the_one_before_kept(tmp_path):
    """Only what was chosen changes, comments stay, the version grows, and the old contract is kept by its version."""
    path = tmp_path / "readiness.toml"
    path.write_text(CONTRACT)
    kept = write_definition(path, load_contract(path), candidate())
    assert kept.read_text() == CONTRACT
    new = load_contract(path)
    assert (new.ready.version, new.ready.primary, new.ready.horizons) == (2, 60 * DAY, (30 * DAY, 60 * DAY, 90 * DAY))
    assert (new.policy.enter, new.policy.capacity_per_week) == (0.31, None)
    assert "# what we hope for" in path.read_text()
    assert path.read_text().startswith("# ours\n[ready]   # agreed\n")
    again = write_definition(path, new, candidate(outcome="lost", horizon="30d", asked_per_week=4.5))
    assert again != kept
    third = load_contract(path)
    assert (third.ready.version, third.ready.outcome, third.ready.primary) == (3, ("lost",), 30 * DAY)
    assert (third.policy.enter, third.policy.capacity_per_week) == (None, 4.5)
    assert sorted(file.name for file in kept.parent.iterdir()) == ["0001.toml", "0002.toml"]


def test_a_contract_in_another_layout_is_left_alone(tmp_path):
    """What cannot be changed line by line is not changed at all, and the sentence says what to write."""
    path = tmp_path / "readiness.toml"
    text = CONTRACT.replace("[policy]\ncapacity_per_week = 9   # calls\n", "").replace(
        "# ours\n", "policy.capacity_per_week = 9\n"
    )
    path.write_text(text)
    with pytest.raises(ContractError, match="cannot be changed line by line"):
        write_definition(path, load_contract(path), candidate())
    assert path.read_text() == text


@given(
    st.sampled_from(["outcome", "primary", "version"]),
    st.one_of(st.none(), st.integers(0, 9), st.text('ab #"', max_size=6)),
)
def test_setting_a_key_changes_that_key_alone(key, value):
    """Whatever is set, the text reads back with that key changed and everything else as it was."""
    before, after = tomllib.loads(CONTRACT), tomllib.loads(set_key(CONTRACT, "ready", key, value))
    expected = {name: part for name, part in before["ready"].items() if name != key}
    assert after["ready"] == expected | ({} if value is None else {key: value})
    assert {name: part for name, part in after.items() if name != "ready"} == {
        name: part for name, part in before.items() if name != "ready"
    }


def test_a_candidate_that_is_not_there_is_told(found):
    """The numbers are those of the table."""
    assert chosen(found, 1)["number"] == 1
    with pytest.raises(ContractError, match=r"There is no candidate 99\. Expected one from 1 to 6"):
        chosen(found, 99)


def test_thresholds_may_be_asked_for(steady, facts):
    """Asked for by threshold, each candidate has that threshold and no volume that it was set for."""
    told = hold_workshop(steady[0], facts, Choices(horizons=[90 * DAY], thresholds=[0.1, 0.3]))
    assert [(one["threshold"], one["asked_per_week"]) for one in told["candidates"]] == [(0.1, None), (0.3, None)]
