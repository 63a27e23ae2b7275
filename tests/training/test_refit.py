"""The model that serves: the judged settings, learned once more from everything known at the end."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from data.clock import DAY
from data.spine import micros
from data.tables import TIME
from models.bundle import read_bundle
from tests.training.refitted import at_the_end
from training.decision import make_policy
from training.folds import LEAST_OUTCOMES
from training.refit import whole_ground
from training.sample import draw_sample
from training.trial import run_trial


@pytest.fixture(scope="module")
def ground(steady, steady_trial):
    """(what the serving model of the market learned from, its sample)."""
    contract, checked = steady
    sample = draw_sample(contract, checked.history, lambda _what, _share: None)
    return whole_ground(contract, checked.history, sample, steady_trial.judged.edges), sample


def test_it_learns_from_the_rows_that_were_judged_on(ground, steady_trial):
    """Cells of test rows teach as far as they have been watched at the end, and of training rows what came since."""
    known, sample = ground
    count, told = len(sample.train), steady_trial.report["refit"]
    assert known.cutoffs[count:].min() >= sample.test_from > known.cutoffs[:count].max()
    assert len(known.cells(np.arange(count, len(known.cutoffs)))) > 0
    assert (known.labels.watched[:count] > sample.known.watched)[known.labels.watched[:count] >= 0].all()
    assert told["rows"] == (known.labels.watched >= known.edges[0]).sum() > len(sample.train)
    assert told["wins"] > steady_trial.report["expectation"]["train_wins"]
    assert steady_trial.model.to_files() != steady_trial.judged.to_files()


def test_nothing_is_learned_from_a_lead_that_is_known_to_be_closed(steady, steady_trial, ground):
    """A win that became known after the split closes the rows between the win and then: they teach no cell."""
    contract, checked = steady
    sample = ground[1]
    outcomes = checked.history.outcomes
    moment = pa.scalar(sample.test_from, TIME)
    early = pc.less(outcomes["occurred_at"], pa.scalar(sample.test_from - 60 * DAY, TIME))
    late = pc.and_(early, pc.equal(outcomes["kind"], "won"))
    known_at = pc.if_else(late, moment, outcomes["known_at"])
    told_late = outcomes.set_column(
        outcomes.schema.get_field_index("known_at"), outcomes.schema.field("known_at"), known_at
    )
    history = replace(checked.history, outcomes=told_late)
    drawn = draw_sample(contract, history, lambda _what, _share: None)
    known = whole_ground(contract, history, drawn, steady_trial.judged.edges)
    won = dict(zip(*(outcomes.filter(late)[name].to_pylist() for name in ("lead_id", "occurred_at")), strict=True))
    at = {lead: int(when.timestamp() * 1_000_000) for lead, when in won.items()}
    closed = np.array([at.get(lead, np.inf) < cutoff for lead, cutoff in zip(known.leads, known.cutoffs, strict=True)])
    assert closed.sum() > LEAST_OUTCOMES
    assert not np.isin(known.cells(np.arange(len(known.cutoffs))).rows, np.flatnonzero(closed)).any()


def test_figures_and_folder_keep_what_was_judged(bundle_folder, trial):
    """The bundle brings both: the one that serves, and the judged one whose answers the report is about."""
    bundle = read_bundle(bundle_folder)
    assert bundle.model.to_files() == trial.model.to_files()
    assert bundle.judged.to_files() == trial.judged.to_files() != trial.model.to_files()


def test_it_can_be_left_at_the_judged_one(steady):
    """With ``[model] refit = false`` the judged model serves, and no note speaks of another."""
    contract, checked = steady
    still = contract.model_copy(update={"model": contract.model.model_copy(update={"refit": False})})
    trial = run_trial(still, checked)
    assert trial.model is trial.judged
    assert trial.report["refit"] is None
    assert not [note for note in trial.report["notes"] if "serves learned" in note]
    assert micros(trial.reference["cutoff"]).max() < micros(trial.test.cutoff).min()


def test_a_reader_is_told(steady_trial):
    """A note says from how much the serving model learned, and that the figures are not its own."""
    [note] = [note for note in steady_trial.report["notes"] if "serves learned" in note]
    assert f"{steady_trial.report['refit']['rows']:,} rows" in note
    assert "figures are those of the judged one" in note


def test_the_threshold_stands_at_the_level_that_serves(steady, steady_trial, ground):
    """It is set on what the judged members say of later rows under the blend and slopes of what serves.

    Their level is that of the end as they find it: they have learned from less, and may be further from it.
    """
    contract, checked = steady
    test = steady_trial.test
    rows = np.ascontiguousarray(ground[1].table.matrix[ground[1].test])
    at_its_level = at_the_end(steady_trial).predict(rows)
    other = replace(test, predictions={**test.predictions, "blend": at_its_level})
    policy = make_policy(contract, checked.history, ground[1], other)
    assert policy.threshold == steady_trial.policy.threshold
    assert policy.threshold != make_policy(contract, checked.history, ground[1], test).threshold
