"""Two real versions side by side: on which rows, with which figures, and what it would do to people."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import spearmanr

from data.check import check
from data.clock import DAY, to_micros
from data.errors import ContractError, NotMaturedError
from models.bundle import read_bundle
from models.index import index_of
from models.snapshot import score_history
from training.comparing.comparison import Asked, compare_versions
from training.comparing.moved import GRID, split, told_apart
from training.comparing.page import render_comparison
from training.comparing.people import overlap, rank_correlation
from training.comparing.question import common_question
from training.comparing.side import find_side, make_side
from training.comparing.words import moved_rows, sentences


@pytest.fixture(scope="module")
def facts(trial):
    """The checked facts of the market that both versions are of."""
    return check(trial.contract).history


@pytest.fixture(scope="module")
def compared(trial, facts, sides):
    """The earlier version against the later one."""
    return compare_versions(trial.contract, facts, *sides)


def micros_of(text):
    """Microseconds of an ISO time."""
    from datetime import datetime

    return to_micros(datetime.fromisoformat(text))


def test_both_are_judged_on_rows_that_neither_has_learned(compared, sides, trial, facts):
    """The rows begin where the later of both trainings ended; there are as many as a count by hand finds."""
    since = max(side.learned_until for side in sides)
    assert sides[0].learned_until < sides[1].learned_until == since
    assert micros_of(compared["judged"]["from"]) >= since
    created = dict(
        zip(facts.leads["lead_id"].to_pylist(), facts.leads["created_at"].cast("int64").to_pylist(), strict=True)
    )
    closed: dict[str, int] = {}
    rows = zip(
        facts.outcomes["lead_id"].to_pylist(),
        facts.outcomes["kind"].to_pylist(),
        facts.outcomes["occurred_at"].cast("int64").to_pylist(),
        strict=True,
    )
    for lead, kind, at in rows:
        if kind in trial.contract.ready.terminal:
            closed[lead] = min(at, closed.get(lead, at))
    asked, step = trial.contract.spine.start, trial.contract.spine.every
    lag, count = trial.contract.ready.reporting_lag, 0
    cutoff = asked
    while cutoff + 90 * DAY + lag <= facts.ends_at:
        if cutoff >= since:
            count += sum(born <= cutoff and closed.get(lead, cutoff) >= cutoff for lead, born in created.items())
        cutoff += step
    assert compared["judged"]["horizons"]["90d"]["n"] == count


def test_the_later_version_has_the_figures_of_its_own_report(compared, trial):
    """On its own test rows a loaded bundle has the very figures that its trial reported."""
    for horizon, part in trial.report["horizons"].items():
        told = compared["judged"]["horizons"][horizon]
        assert (told["n"], told["outcomes"]) == (part["n"], part["outcomes"])
        for metric in ("auc", "log_loss", "brier", "ece", "average_precision", "lift_at_10"):
            assert told["metrics"][metric]["b"] == pytest.approx(part["models"]["blend"][metric], rel=1e-12)


def test_every_difference_is_b_minus_a(compared):
    """In every horizon and group the difference is the one figure less the other, inside its interval."""
    parts = [*compared["judged"]["horizons"].values()]
    parts += [group for segment in compared["judged"]["segments"] for group in segment["groups"] if not group["why"]]
    assert len(parts) > 3
    for part in parts:
        for found in part["metrics"].values():
            assert found["difference"] == found["b"] - found["a"]
            assert found["interval"][0] <= found["difference"] <= found["interval"][1]


def test_segments_hold_every_judged_row_once(compared):
    """The groups of a segment add up to the rows that were judged."""
    for segment in compared["judged"]["segments"]:
        assert sum(group["n"] for group in segment["groups"]) == compared["judged"]["horizons"]["90d"]["n"]


def test_people_are_those_that_scoring_finds(compared, sides, facts, trial):
    """Ranks, decisions, call lists and movers are those of both versions' own tables of scores."""
    tables = [score_history(side.bundle, facts, facts.ends_at) for side in sides]
    people = compared["people"]
    said = [table["readiness"].to_pylist() for table in tables]
    assert people["rank_correlation"] == pytest.approx(spearmanr(*said).statistic)
    decided = list(zip(*(table["decision"].to_pylist() for table in tables), strict=True))
    assert people["decisions_changed"] == sum(one != other for one, other in decided)
    assert sum(row["leads"] for row in people["decisions"]) == people["leads"] == len(decided)
    names = tables[0]["lead_id"].to_pylist()
    size = people["call_list"]["size"]
    lists = [{names[k] for k in sorted(range(len(names)), key=lambda k: (-one[k], names[k]))[:size]} for one in said]
    assert people["call_list"]["in_both"] == len(lists[0] & lists[1])
    first = people["movers"][0]
    place = names.index(first["lead_id"])
    scale = trial.contract.index
    far = [abs(index_of(one, scale) - index_of(other, scale)) for one, other in zip(*said, strict=True)]
    assert far[place] == max(far)
    for side, table in zip(("a", "b"), tables, strict=True):
        row = table.slice(place, 1).to_pylist()[0]
        assert first[f"readiness_{side}"] == row["readiness"]
        assert first[f"decision_{side}"] == row["decision"]
        told = [row[name] for name in ("reason_1", "reason_2", "reason_3") if row[name]]
        assert first[f"reasons_{side}"] == told


def test_a_promotion_of_the_same_version_changes_nobody(trial, facts, sides):
    """A version against itself: no figure, no rank, no decision and no index moves; the model has no part."""
    later = sides[1]
    found = compare_versions(trial.contract, facts, later, later)
    for part in found["judged"]["horizons"].values():
        assert {metric["difference"] for metric in part["metrics"].values()} == {0.0}
    people, moved = found["people"], found["moved"]
    assert people["rank_correlation"] == pytest.approx(1.0)
    assert (people["decisions_changed"], people["index_moved"]["most"]) == (0, 0.0)
    assert people["call_list"]["in_both"] == people["call_list"]["size"]
    assert (moved["mean_by_model"], moved["model_share"]) == (0.0, 0.0)
    assert moved["mean_change"] == moved["mean_by_lead"] > 0.0


def test_what_happens_later_does_not_change_what_is_told_of_a_date(trial, facts, sides):
    """Asked as of an earlier date, people and movements are the same whether or not the facts go on."""
    end = facts.ends_at - 40 * DAY
    asked = Asked(end - 30 * DAY, end)
    told = [compare_versions(trial.contract, known, *sides, asked=asked) for known in (facts, facts.upto(end))]
    assert told[0]["people"] == told[1]["people"]
    assert told[0]["moved"] == told[1]["moved"]


def test_without_later_rows_that_is_said(trial, facts, sides):
    """Facts that end where a version has learned judge nothing; people are told all the same."""
    known = facts.upto(sides[1].learned_until)
    found = compare_versions(trial.contract, known, *sides)
    assert found["judged"] is None
    assert any("0 matured rows begin at or after" in note for note in found["notes"])
    assert found["people"]["leads"] > 0
    assert "Too few" not in " ".join(sentences(found))


def test_other_questions_are_not_compared(sides):
    """Versions of different definitions of ready are refused, with what differs."""
    contract = sides[1].bundle.contract
    ready = contract.ready.model_copy(update={"outcome": ("lost",)})
    other = replace(sides[1], bundle=replace(sides[1].bundle, contract=contract.model_copy(update={"ready": ready})))
    with pytest.raises(ContractError, match=r"different questions: \[ready\] outcome differ .*'won'.*'lost'"):
        common_question(sides[0], other)


def test_dates_must_be_within_the_history(trial, facts, sides):
    """Dates that do not follow each other, or lie after the end, are one sentence."""
    for asked in (Asked(facts.ends_at, facts.ends_at), Asked(None, facts.ends_at + 1)):
        with pytest.raises(NotMaturedError, match="Expected the first before the second"):
            compare_versions(trial.contract, facts, *sides, asked=asked)


def test_a_lead_that_was_not_there_cannot_be_split(trial, facts, sides):
    """A lead that was not open at both dates is named."""
    with pytest.raises(ContractError, match=r"1 leads were not open at both .*'nobody'"):
        compare_versions(trial.contract, facts, *sides, asked=Asked(leads=["nobody"]))


def test_the_parts_of_every_mover_add_up_exactly(compared):
    """For each lead what the lead did and what the model did is the whole change, to the last bit."""
    movers = compared["moved"]["movers"]
    assert any(row["by_model"] != 0.0 for row in movers)
    for row in movers:
        assert row["by_lead"] + row["by_model"] == row["after"] - row["before"]
    for _, before, after, lead, model in moved_rows(movers):
        assert round(float(before) * 10) + round(float(lead) * 10) + round(float(model) * 10) == round(
            float(after) * 10
        )


POINTS = st.floats(0.0, 100.0)


@given(POINTS, POINTS, POINTS, POINTS)
def test_any_change_adds_up_and_each_part_is_its_own(a0, a1, b0, b1):
    """Whatever four indexes are given: exact sums; no part for who did not move; both orders count alike."""
    given_ = [np.array([one]) for one in (a0, a1, b0, b1)]
    moved = split(*given_)
    assert (moved.by_lead + moved.by_model == moved.after - moved.before).all()
    assert np.abs(moved.after - b1).max() <= GRID
    same_model, same_lead = split(*given_[:2], *given_[:2]), split(*[given_[0]] * 2, *[given_[2]] * 2)
    assert same_model.by_model[0] == 0.0 == same_lead.by_lead[0]
    first_lead, first_model = (a1 - a0) + (b1 - a1), (b0 - a0) + (b1 - b0)
    assert first_lead == pytest.approx(first_model)
    assert moved.by_lead[0] == pytest.approx(((a1 - a0) + (b1 - b0)) / 2, abs=4 * GRID)
    before, after, lead, model = told_apart(moved.before[0], moved.after[0], moved.by_lead[0])
    assert before + lead + model == pytest.approx(after, abs=1e-9)


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=3, max_size=40))
def test_rank_correlation_is_spearmans(pairs):
    """Ranks with ties are Spearman's; none where one of both holds all alike."""
    a, b = (np.array(column, float) for column in zip(*pairs, strict=True))
    found = rank_correlation(a, b)
    if len(set(a)) == 1 or len(set(b)) == 1:
        assert found is None
    else:
        assert found == pytest.approx(spearmanr(a, b).statistic)


def test_of_equals_the_first_is_called():
    """A list of leads with the same readiness is the same list for both."""
    assert overlap(np.ones(9), np.zeros(9), 4) == 4


def test_the_page_holds_everything_and_fetches_nothing(compared):
    """One page, with every mover in it, texts escaped, and no address outside of it."""
    first = compared["people"]["movers"][0]
    marked = {**first, "reasons_a": ["<b>bold</b>"]}
    people = {**compared["people"], "movers": [marked, *compared["people"]["movers"][1:]]}
    page = render_comparison({**compared, "people": people, "mlflow_url": None})
    assert "<b>bold</b>" not in page
    assert "&lt;b&gt;bold&lt;/b&gt;" in page
    assert all(mover["lead_id"] in page for mover in people["movers"])
    assert "http" not in page.replace("http-equiv", "")
    assert "data:image/png;base64," in page


def test_a_comparison_is_json(compared):
    """Machines get the whole comparison, without a NaN in it."""
    assert json.loads(json.dumps(compared, allow_nan=False))["a"]["name"] == "earlier"


def test_a_folder_is_a_side(trial, bundle_folder):
    """A bundle folder is compared without any registry."""
    side = find_side(trial.contract, str(bundle_folder))
    assert (side.number, side.run_id) == (None, None)
    assert side.bundle.bundle_id == read_bundle(bundle_folder).bundle_id
    assert make_side("x", bundle_folder, side.bundle).learned_until == side.learned_until
