"""One trial on a small simulated market: the law, the rivals, and what happens when there is little to learn."""

import json
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from data.clock import DAY, format_duration
from data.labels import label
from data.spine import SPINE, micros
from data.tables import TIME
from features.local import compute
from models.model import ReadinessModel
from training.judge import METRICS, judge
from training.learning import hazard_edges
from training.trial import run_trial

MODELS = ["prior", "points", "odoo", "logistic", "gbm", "blend"]


def _split(table, moment, clock="known_at"):
    """(rows known before ``moment``, the others)."""
    before = pc.less(table[clock], pa.scalar(moment, TIME))
    return table.filter(before), table.filter(pc.invert(before))


def _with(table, name, values):
    return table.set_column(table.schema.get_field_index(name), table.schema.field(name), values)


def _changed(history, moment):
    """Another future: later events of another kind and actor, later outcomes reversed, later changes overwritten."""
    events, later = _split(history.events, moment)
    kinds = pa.array(["never_seen" if k % 2 else "reply" for k in range(len(later))])
    later = _with(_with(later, "kind", kinds), "actor", pa.array(["lead"] * len(later)))
    outcomes, came = _split(history.outcomes, moment)
    flipped = pa.array(["lost" if kind == "won" else "won" for kind in came["kind"].to_pylist()])
    changes, then = _split(history.changes, moment)
    values = pa.array([f"other-{k % 7}" for k in range(len(then))])
    return replace(
        history,
        events=pa.concat_tables([events, later, later]),
        outcomes=pa.concat_tables([outcomes, _with(came, "kind", flipped)]),
        changes=pa.concat_tables([changes, _with(then, "value", values)]),
    )


def _ended(history, moment):
    """A history without anything that was known at or after ``moment``, new leads included."""
    past = history.upto(moment)
    return replace(past, ends_at=history.ends_at)


@pytest.fixture(scope="module")
def retrained(steady):
    """``retrained(change)``: the trial on the same market with another future."""
    contract, checked = steady

    def run(change):
        history = change(checked.history, contract.backtest.test_from)
        return run_trial(contract, replace(checked, history=history))

    return run


@pytest.mark.parametrize("change", [_changed, _ended])
def test_the_future_cannot_change_what_was_learned(retrained, steady_trial, change):
    """Whatever is known at or after the split, changed or gone: features, levels, choices and files stay the same."""
    other = retrained(change)
    assert other.report["horizons"] != steady_trial.report["horizons"]
    assert other.feature_set == steady_trial.feature_set
    assert other.feature_set.fingerprint == steady_trial.feature_set.fingerprint
    assert other.vocabulary == steady_trial.vocabulary
    assert other.report["blend"] == steady_trial.report["blend"]
    assert other.report["calibration"] == steady_trial.report["calibration"]
    assert other.judged.to_files() == steady_trial.judged.to_files()


def test_the_same_seed_gives_the_same_trial(retrained, steady_trial):
    """Run again, the model's files are the same to the byte, and so is every figure of the report."""
    again = retrained(lambda history, _: history)
    assert again.model.to_files() == steady_trial.model.to_files()
    other = {name: value for name, value in again.report.items() if name != "created_at"}
    assert other == {name: value for name, value in steady_trial.report.items() if name != "created_at"}


def test_every_model_is_judged_on_the_same_rows(steady_trial):
    """Law 6: for each horizon all rivals stand beside the blend, each figure recomputed from the test rows.

    A figure has an interval around it.
    """
    test = steady_trial.test
    for at, (horizon, told) in enumerate(steady_trial.report["horizons"].items()):
        assert horizon == format_duration(steady_trial.contract.ready.horizons[at])
        assert list(told["models"]) == MODELS
        rows = test.matured[:, at]
        assert (told["n"], told["outcomes"]) == (rows.sum(), test.outcome[rows, at].sum())
        for name, figures in told["models"].items():
            exact = judge(test.outcome[rows, at], test.predictions[name][rows, at])
            for metric in METRICS:
                low, high = figures["intervals"][metric]
                assert figures[metric] == pytest.approx(exact[metric])
                assert low <= figures[metric] + 1e-9
                assert figures[metric] <= high + 1e-9


def test_the_blend_beats_the_prior(steady_trial):
    """On this market and seed the blend has the lower log loss at each horizon, and ranks far better than chance."""
    for told in steady_trial.report["horizons"].values():
        assert told["models"]["blend"]["log_loss"] < told["models"]["prior"]["log_loss"]
        assert told["models"]["blend"]["auc"] > 0.7


def test_censored_rows_are_never_counted(steady_trial):
    """A test row whose horizon and lag reach beyond the history is left out of the figures, and counted as censored."""
    trial, ready = steady_trial, steady_trial.contract.ready
    cutoffs = micros(trial.test.cutoff)
    for at, horizon in enumerate(ready.horizons):
        matured = cutoffs + horizon + ready.reporting_lag <= trial.history.ends_at
        np.testing.assert_array_equal(trial.test.matured[:, at], matured)
        assert trial.report["horizons"][format_duration(horizon)]["n"] == matured.sum() < len(matured)
    primary = ready.horizons.index(ready.primary)
    assert trial.report["rows"]["censored"] == (~trial.test.matured[:, primary]).sum()


def test_outcomes_of_the_test_rows_are_those_of_the_history(steady_trial):
    """What came is what a loop over the outcomes finds, within [cutoff, cutoff + horizon)."""
    trial = steady_trial
    came = {}
    for row in trial.history.outcomes.filter(pc.equal(trial.history.outcomes["kind"], "won")).to_pylist():
        came.setdefault(row["lead_id"], []).append(row["occurred_at"])
    cutoffs = trial.test.cutoff.to_pylist()
    for at, horizon in enumerate(trial.contract.ready.horizons):
        for place in range(0, len(cutoffs), 3):
            lead, cutoff = trial.test.lead_id[place].as_py(), cutoffs[place]
            within = [cutoff <= when < cutoff + timedelta(microseconds=horizon) for when in came.get(lead, [])]
            assert trial.test.outcome[place, at] == any(within)


def test_what_was_trained_is_what_is_judged_and_served(steady_trial):
    """Features computed afresh for test and reference rows, scored by the loaded models, give the very same answers."""
    trial, at = steady_trial, steady_trial.model.horizons.index(steady_trial.model.primary)

    def said(model, lead_id, cutoff):
        spine = pa.table([lead_id, cutoff], schema=SPINE)
        loaded = ReadinessModel.from_files(model.to_files())
        return loaded.predict(compute(trial.history, spine, trial.feature_set, trial.vocabulary).matrix)

    judged = said(trial.judged, trial.test.lead_id, trial.test.cutoff)
    assert judged.tobytes() == trial.test.predictions["blend"].tobytes()
    scores = said(trial.model, trial.reference["lead_id"], trial.reference["cutoff"])[:, at]
    assert scores.tolist() == trial.reference["readiness"].to_pylist()


def test_chances_are_chances(steady_trial):
    """What every rival says lies in [0, 1] and does not fall with the horizon."""
    for chances in steady_trial.test.predictions.values():
        assert (np.diff(chances, axis=1) >= 0).all()
        assert ((chances >= 0) & (chances <= 1)).all()


def test_the_report_counts_what_there_was(steady_trial):
    """Rows, leads and outcomes of the report are those of the sample, and it can be written as strict JSON."""
    report = steady_trial.report
    json.dumps(report, allow_nan=False)
    json.dumps(steady_trial.card, allow_nan=False)
    assert report["features"]["count"] == len(steady_trial.feature_set)
    assert {line["feature"] for line in report["importance"]} == set(steady_trial.feature_set.names)
    pushes = [line["mean_abs_push"] for line in report["importance"]]
    assert pushes == sorted(pushes, reverse=True)
    assert pushes[0] > 0
    assert 0.0 < steady_trial.policy.threshold < 1.0


def _with_wins(steady, count):
    """The market with its first ``count`` wins only."""
    contract, checked = steady
    outcomes = checked.history.outcomes
    won = pc.equal(outcomes["kind"], "won")
    kept = outcomes.filter(won).sort_by("occurred_at").slice(0, count)
    history = replace(checked.history, outcomes=pa.concat_tables([outcomes.filter(pc.invert(won)), kept]))
    return contract, replace(checked, history=history)


@pytest.mark.parametrize(
    ("wins", "said"), [(0, "No outcome is known"), (3, "to learn from, too few to choose a model")]
)
def test_little_to_learn_is_said_and_still_answered(steady, wins, said):
    """With few outcomes, or none, the trial answers near the base rate, and a note says so."""
    contract, checked = _with_wins(steady, wins)
    trial = run_trial(contract, checked)
    assert any(said in note for note in trial.report["notes"])
    blend, prior = trial.test.predictions["blend"], trial.test.predictions["prior"]
    assert np.isfinite(blend).all()
    assert (blend > 0).all()
    assert blend.max() < 5 * prior.max() < 0.05
    assert wins or (np.ptp(blend, axis=0) < 1e-15).all()
    json.dumps(trial.report, allow_nan=False)
    assert trial.report["horizons"]["90d"]["models"]["blend"]["auc"] is None


def test_finer_bins_only_where_rows_are_partly_watched(steady, steady_trial):
    """Rows watched in part need finer bins; where all were watched to the end the horizons are enough."""
    contract, checked = steady
    known = label(checked.history, steady_trial.reference.select(["lead_id", "cutoff"]), contract.ready)
    whole = replace(known, watched=np.full(len(known.watched), 365 * DAY))
    partly = replace(whole, watched=np.where(np.arange(len(known.watched)) == 0, 40 * DAY, whole.watched))
    assert hazard_edges(contract, whole) == contract.ready.horizons
    assert len(hazard_edges(contract, partly)) == 3
