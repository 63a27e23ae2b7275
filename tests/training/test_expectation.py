"""What a model of few outcomes says about itself."""

from copy import deepcopy

import pytest

from training.expectation import expectation
from training.summary import of_version


def _part(report, **changes):
    part = deepcopy(report["horizons"]["90d"])
    part.update(changes)
    return part


def test_no_win_promises_nothing(report):
    """Without a win to learn from no order among the leads is claimed."""
    told = expectation(0, _part(report, wins=0, leads=40), "blend")
    assert told["auc"] is None
    assert told["few"]
    assert "No win to learn from yet" in told["sentence"]


def test_too_few_later_wins_promise_no_figure(report):
    """Three later wins are those of single leads: no AUC is told."""
    told = expectation(12, _part(report, wins=3, leads=300), "blend")
    assert told["auc"] is None
    assert "Learned from 12 wins and judged on 3: too few to say" in told["sentence"]


def test_few_wins_are_told_with_a_wide_margin(report):
    """With six later wins the margin is Hanley and McNeil's, far wider than that of many rows; by hand."""
    auc = report["horizons"]["90d"]["models"]["blend"]["auc"]
    told = expectation(12, _part(report, wins=6, leads=106), "blend")
    one, both = auc / (2 - auc), 2 * auc**2 / (1 + auc)
    variance = (auc * (1 - auc) + 5 * (one - auc**2) + 99 * (both - auc**2)) / 600
    assert told["give_or_take"] == pytest.approx(1.96 * variance**0.5)
    assert told["sentence"].startswith(
        f"12 wins to learn from: expect an AUC of {auc:.2f} ± {told['give_or_take']:.2f}"
    )
    assert "kept close to the base rate" in told["sentence"]
    many = expectation(500, _part(report), "blend")
    assert many["give_or_take"] < told["give_or_take"] / 3
    assert not many["few"]


def test_what_is_not_shown_is_not_claimed(report):
    """An AUC whose margin reaches chance is told to be no better than that."""
    part = _part(report, wins=6, leads=106)
    part["models"]["blend"]["auc"] = 0.6
    part["models"]["blend"]["intervals"]["auc"] = [0.55, 0.65]
    assert "that it is better than chance is not shown" in expectation(30, part, "blend")["sentence"]


def test_few_wins_come_first_and_only_once(report):
    """The page of a model of few wins begins with what to expect, and tells no second, narrower margin."""
    few = deepcopy(report)
    few["expectation"] = expectation(12, _part(report, wins=6, leads=106), "blend")
    told = of_version(few)
    assert told[0] == few["expectation"]["sentence"]
    assert not any("puts the right one first" in sentence for sentence in told)
    assert any("puts the right one first" in sentence for sentence in of_version(report))
