"""The loop: nothing new, nothing done; what was cut short is gone on with; only what passes takes over."""

from dataclasses import replace

import pytest

from data.check import check
from data.clock import DAY
from data.gate_section import Gate
from data.sections import MlflowSettings
from training import retraining
from training.promotion.trail import read_aliases, read_trail
from training.retraining import Plan, retrain
from training.tracking import open_experiment, open_registry

pytestmark = [
    # MLflow 3.17 maps its tables with a loader that SQLAlchemy 2.1 will drop; it warns once, at the first store.
    pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:.*Any type hint is inferred as AnyType:UserWarning"),
    pytest.mark.filterwarnings("ignore:Operation with range is deprecated:DeprecationWarning"),
]

ALONE = Plan(backtest=False)


@pytest.fixture(scope="module")
def agreed(trial, tmp_path_factory):
    """The contract of the small market with a registry of its own and a gate that only what is broken does not pass."""
    folder = tmp_path_factory.mktemp("loop")
    gate = Gate(most_changed=1.0, least_wins=1, replay_rows=20, log_loss_margin=1.0, calibration_margin=1.0)
    contract = trial.contract
    source = contract.source.model_copy(update={"path": str(contract.source_folder)})
    points = contract.points.model_copy(update={"file": str(contract.resolve(contract.points.file))})
    own = {"folder": folder, "mlflow": MlflowSettings(experiment="tests/loop"), "gate": gate}
    return contract.model_copy(update={**own, "source": source, "points": points})


def known_until(contract, days):
    """The facts as they were known so many days before their end."""
    checked = check(contract)
    return replace(checked, history=checked.history.upto(checked.history.ends_at - days * DAY))


def test_the_loop_from_the_first_version_to_the_second(agreed, monkeypatch):
    """The first serves; the same facts change nothing; newer facts bring a second, which is judged and takes over.

    Cut short after its registration, the second is not trained again: it is judged at the next turn.
    """
    registry = open_registry(agreed)
    first = retrain(agreed, known_until(agreed, 120), ALONE)
    assert (first.number, first.trained, first.champion, first.verdict) == ("1", True, True, None)
    again = retrain(agreed, known_until(agreed, 120), ALONE)
    assert (again.number, again.trained, again.champion) == ("1", False, True)
    assert "nothing is new since version 1" in again.notes[0]

    def ended(*_):
        raise KeyboardInterrupt

    newer = check(agreed)
    with monkeypatch.context() as broken:
        broken.setattr(retraining, "ask", ended)
        with pytest.raises(KeyboardInterrupt):
            retrain(agreed, newer, ALONE)
    assert read_aliases(registry) == {"champion": "1", "challenger": "2"}
    second = retrain(agreed, newer, ALONE)
    assert (second.number, second.trained, second.champion) == ("2", False, True)
    assert second.verdict.passed
    assert read_aliases(registry) == {"champion": "2"}
    assert [step.went_to for step in read_trail(registry)] == ["2"]
    run_id = registry.client.get_model_version(registry.model, "2").run_id
    run = registry.client.get_run(run_id).data
    loss = second.verdict.judged.comparison["judged"]["horizons"]["90d"]["metrics"]["log_loss"]
    told = run.metrics["against champion/log_loss_pct"]
    assert told == round(loss["difference"] / loss["a"] * 100, 2)
    assert run.tags["compared_with"] == "1"


def test_what_does_not_pass_stays_the_challenger_and_is_judged_once(agreed):
    """A version that fails is marked, serves nobody, and is not judged again over the same facts."""
    registry = open_registry(agreed)
    strict = agreed.model_copy(update={"gate": agreed.gate.model_copy(update={"least_wins": 100_000})})
    serving = read_aliases(registry)["champion"]
    third = retrain(strict, check(strict), replace(ALONE, fresh=True))
    assert (third.trained, third.champion, third.verdict.passed) == (True, False, False)
    assert read_aliases(registry) == {"champion": serving, "challenger": third.number}
    assert registry.client.get_model_version(registry.model, third.number).tags["gate"] == "failed"
    once_more = retrain(strict, check(strict), ALONE)
    assert (once_more.number, once_more.trained, once_more.verdict) == (third.number, False, None)


def test_a_registration_that_was_cut_short_is_made_again(agreed):
    """A version whose run did not finish lacks its report: it is as if it were not there."""
    registry, checked = open_registry(agreed), check(agreed)
    newest = max(int(one.version) for one in registry.client.search_model_versions(f"name='{registry.model}'"))
    run_id = registry.client.get_model_version(registry.model, str(newest)).run_id
    strict = agreed.model_copy(update={"gate": agreed.gate.model_copy(update={"least_wins": 100_000})})
    assert retraining._settled(strict, checked, newest) is True
    registry.client.set_terminated(run_id, "KILLED")
    assert retraining._settled(strict, checked, newest) is None
    registry.client.set_terminated(run_id, "FINISHED")


def test_runs_of_the_dead_are_marked(agreed):
    """A run that a killed process left as running is marked as killed at the next turn."""
    registry = open_registry(agreed)
    experiment = open_experiment(registry, agreed)
    left = registry.client.create_run(experiment, run_name="left behind").info.run_id
    retrain(agreed, check(agreed), ALONE)
    assert registry.client.get_run(left).info.status == "KILLED"
