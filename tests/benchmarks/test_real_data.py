"""The benchmark on public data: verdicts by hand, pairs that share their noise, windows that never look ahead."""

import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from benchmarks import real_rolling  # noqa: E402
from benchmarks.real_baselines import BASELINES, plain_features  # noqa: E402
from benchmarks.real_paired import Difference, figures, paired  # noqa: E402
from benchmarks.real_protocols import contract_of, run  # noqa: E402
from benchmarks.real_recipes import RECIPES, best  # noqa: E402
from benchmarks.real_rolling import between, roll, roll_own, windows, with_attributes  # noqa: E402
from benchmarks.real_tables import clear, compared, count_line, loses  # noqa: E402
from data.check import check  # noqa: E402
from data.spine import build_spine, micros  # noqa: E402
from features.profile import Profile  # noqa: E402
from training.judge import Ranking, gains  # noqa: E402


@pytest.mark.parametrize(
    ("figure", "value", "verdict"),
    [
        ("auc", 0.021, "beats"),
        ("auc", 0.019, "ties"),
        ("auc", -0.021, "loses"),
        ("log_loss", -0.021, "beats"),
        ("log_loss", -0.019, "ties"),
        ("log_loss", 0.021, "loses"),
    ],
)
def test_a_difference_counts_beyond_two_standard_errors_in_the_direction_of_its_figure(figure, value, verdict):
    """With a standard error of 0.01: a higher AUC is better, a higher log loss is worse."""
    assert Difference(figure, value, 0.01).verdict == verdict


def test_a_model_ties_with_itself_without_any_noise():
    """Both are judged on the same draws: what they share cancels, to the last bit."""
    generator = np.random.default_rng(1)
    said = generator.uniform(0.01, 0.99, 300)
    outcome = generator.random(300) < said
    for one in paired(np.arange(300).astype(object), outcome, said, {"itself": said}, draws=20)["itself"]:
        assert (one.value, one.error, one.verdict) == (0.0, 0.0, "ties")


def test_rows_of_one_lead_are_one_piece_of_evidence():
    """Each lead four times over, the error stays; taken for four leads, it would be half as large."""
    generator = np.random.default_rng(2)
    chance = generator.uniform(0.05, 0.95, 400)
    outcome = generator.random(400) < chance
    rough = np.clip(chance + generator.normal(0, 0.2, 400), 0.02, 0.98)

    def error(leads, times):
        said = {"rough": np.tile(rough, times)}
        return paired(leads, np.tile(outcome, times), np.tile(chance, times), said)["rough"][0].error

    once = error(np.arange(400).astype(object), 1)
    assert error(np.tile(np.arange(400), 4).astype(object), 4) == pytest.approx(once)
    assert error(np.arange(1600).astype(object), 4) == pytest.approx(once / 2, rel=0.2)


@pytest.mark.parametrize("decimals", [1, 9])
def test_alift_is_the_area_under_the_curve_of_gains(decimals):
    """With many ties and with none, the closed form is what the trapezoids of the curve come to."""
    generator = np.random.default_rng(3)
    score = np.round(generator.random(200), decimals)
    outcome = generator.random(200) < score
    curve = gains(outcome, score, 201)
    area = np.trapezoid(curve["captured"], curve["contacted"])
    assert figures(Ranking.of(outcome, score))["alift"] == pytest.approx(area)


def test_windows_tile_the_rows_and_never_learn_from_what_they_answer():
    """Every row from the first window on is answered for once, by what came just before its window."""
    planned = list(windows(1_234, 400, learned=500, step=100))
    assert [row for window in planned for row in range(window.now, window.after)] == list(range(400, 1_234))
    assert all(window.first == max(window.now - 500, 0) for window in planned)


def test_the_recipe_is_that_of_the_latest_windows_alone():
    """One that was far better long ago is not remembered; the least sum over the last two wins."""
    old, later, latest = (np.full(len(RECIPES), 9.0) for _ in range(3))
    old[0], later[5], latest[5], latest[7] = -100.0, 1.0, 8.0, 2.0
    assert best([old, later, latest], 2) == RECIPES[5]


def test_a_clear_win_loses_nowhere_and_beats_each_baseline_somewhere():
    """By hand: one protocol clear, one that beats one baseline alone, one that loses a figure."""

    def against(*values):
        pairs = zip(("auc", "log_loss"), values, strict=True)
        return [Difference(figure, value, 0.01) for figure, value in pairs]

    told = {
        "clear": {BASELINES[0]: against(0.05, 0.0), BASELINES[1]: against(0.0, -0.05)},
        "half": {BASELINES[0]: against(0.05, -0.05), BASELINES[1]: against(0.0, 0.0)},
        "lost": {BASELINES[0]: against(0.05, 0.05), BASELINES[1]: against(0.05, -0.05)},
    }
    assert [clear(each) for each in told.values()] == [True, False, False]
    assert [loses(each) for each in told.values()] == [False, False, True]
    words = " ".join(count_line(told).split())
    assert "beats the baseline in 7, ties in 4 and loses in 1" in words
    assert "on 2 (all but lost), and wins clearly on 1 (clear)" in words


def test_the_baselines_see_counts_recencies_and_attributes_of_what_was_known():
    """A history of two kinds: its counts by window and kind, its recencies and its age; without events, the age."""
    known = Profile({"open": 60, "click": 40}, {}, {}, {}, ())
    assert set(plain_features(known).names) == {
        "tenure_days",
        *("engagement_count_30d", "engagement_count_90d", "engagement_count"),
        *("engagement_days_since", "engagement_days_since_first"),
        *("open_count", "click_count"),
    }
    assert plain_features(Profile({}, {}, {}, {}, ())).names == ("tenure_days",)


def test_all_models_of_a_protocol_are_judged_on_the_same_rows_and_olist_is_not_lost(shared_data):
    """On the public table: 1,303 leads of May 2018, and no baseline is better by more than two standard errors."""
    outcome = run("olist", shared_data)
    assert {len(said) for said in outcome.judged.said.values()} == {len(outcome.judged.outcome)} == {1_303}
    assert set(BASELINES) < set(outcome.judged.said)
    assert not loses(compared(outcome.judged))


def test_what_comes_after_a_window_cannot_change_its_answers(shared_data, monkeypatch):
    """Played on the first 1,100 calls and on the first 1,050, the window that both have says the same, to the bit."""
    monkeypatch.setattr(real_rolling, "REMEMBERED", 1)
    contract = with_attributes(contract_of("bank_marketing", shared_data), ("campaign",))
    history = check(contract).history
    spine = build_spine(contract.spine, contract.ready, history, contract.folder)
    cutoffs = np.sort(micros(spine["cutoff"]))
    longer, shorter = (
        roll(contract, history.upto(int(cutoffs[rows])), lambda _what: None, learned=1_000, step=50)
        for rows in (1_100, 1_050)
    )
    assert (len(longer[0].outcome), len(shorter[0].outcome)) == (100, 50)
    assert longer[1][:1] == shorter[1]
    for name, said in shorter[0].said.items():
        assert np.array_equal(longer[0].said[name][:50], said)
    first = next(windows(len(cutoffs), 1_000, 1_000, 50))
    assert between(contract, cutoffs, first).backtest.test_from == int(cutoffs[1_000])


def test_a_window_can_be_trained_for_itself(shared_data):
    """The training's own choice for one window answers for its calls alone, the same again, beside the baselines."""
    contract = with_attributes(contract_of("bank_marketing", shared_data), ("campaign",))
    history = check(contract).history
    spine = build_spine(contract.spine, contract.ready, history, contract.folder)
    cutoffs = np.sort(micros(spine["cutoff"]))
    few = history.upto(int(cutoffs[1_650]))
    one, again = (roll_own(contract, few, lambda _what: None, 2, 1_500, 50) for _ in range(2))
    assert len(one.outcome) == 100
    assert set(one.said) == {"blend", "logistic", "gbm", *BASELINES}
    assert {name: said.tobytes() for name, said in one.said.items()} == {
        name: said.tobytes() for name, said in again.said.items()
    }
