"""How a version takes over: the gate, the alias that moves, the trail, and the way back."""

import json
import signal
import subprocess
import sys
from dataclasses import replace
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.check import check
from data.errors import ReadinessError
from data.gate_section import Gate
from data.sections import IndexScale, MlflowSettings
from models.bundle import read_bundle
from models.index import index_of
from training.promotion import gate as gates
from training.promotion.lines import passed
from training.promotion.lock import alone
from training.promotion.promote import ask, take_over
from training.promotion.replay import replayed
from training.promotion.rollback import roll_back
from training.promotion.trail import (
    PREFIX,
    Step,
    add_step,
    champions,
    read_aliases,
    read_step,
    read_trail,
    version_before,
)
from training.registry import register
from training.tracking import open_registry
from training.version_card import LONGEST

pytestmark = [
    # MLflow 3.17 maps its tables with a loader that SQLAlchemy 2.1 will drop; it warns once, at the first store.
    pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:.*Any type hint is inferred as AnyType:UserWarning"),
    pytest.mark.filterwarnings("ignore:Operation with range is deprecated:DeprecationWarning"),
]


@pytest.fixture(scope="module")
def facts(trial):
    """The checked facts of the market that both versions are of."""
    return check(trial.contract).history


@pytest.fixture(scope="module")
def agreed(trial, tmp_path_factory):
    """The contract, with an embedded registry of its own."""
    folder = tmp_path_factory.mktemp("promotion")
    settings = MlflowSettings(experiment="tests/promotion")
    return trial.contract.model_copy(update={"folder": folder, "mlflow": settings, "spine": trial.contract.spine})


@pytest.fixture(scope="module")
def both(agreed, bundle_folder, earlier_folder):
    """A registry with version 1, the earlier one, and version 2, the later one."""
    for folder in (earlier_folder, bundle_folder):
        bundle = read_bundle(folder)
        made = SimpleNamespace(contract=agreed, report=bundle.report, reference=bundle.reference_rows())
        register(made, folder)
    return open_registry(agreed)


@pytest.fixture
def registry(both):
    """That registry as two trainings leave it: version 1 serves, version 2 wants to, nobody was ever promoted."""
    client, model = both.client, both.model
    for key in [key for key in client.get_registered_model(model).tags if key.startswith(PREFIX)]:
        client.delete_registered_model_tag(model, key)
    for number in ("1", "2"):
        for key in ("promoted_over", "gate_reason", "rolled_back_reason", "replaced_by"):
            if key in client.get_model_version(model, number).tags:
                client.delete_model_version_tag(model, number, key)
    client.set_registered_model_alias(model, "champion", "1")
    client.set_registered_model_alias(model, "challenger", "2")
    return both


@pytest.fixture(scope="module")
def verdict(agreed, facts, both):  # noqa: ARG001  version 2 must be there
    """What a gate that only what is broken does not pass says of version 2 against version 1."""
    return ask(loose(agreed), facts, "2")


def without(verdict, name, status):
    """The verdict with another answer to one line."""
    lines = tuple(replace(line, status=status) if line.name == name else line for line in verdict.judged.lines)
    return replace(verdict, judged=replace(verdict.judged, lines=lines))


def lenient(contract, **limits):
    """The contract with other limits of its gate."""
    return contract.model_copy(
        update={"gate": Gate(**{"most_changed": 1.0, "least_wins": 1, "replay_rows": 20, **limits})}
    )


def loose(contract):
    """A gate that only what is broken does not pass."""
    return lenient(contract, log_loss_margin=1.0, calibration_margin=1.0)


def test_asking_moves_nothing(agreed, facts, registry):
    """The verdict alone leaves aliases, tags and descriptions as they were."""
    before = registry.client.get_model_version(registry.model, "2")
    verdict = ask(loose(agreed), facts)
    assert {line.status for line in verdict.judged.lines} == {"passed"}
    assert (verdict.champion.number, verdict.candidate.number, verdict.promoted) == ("1", "2", False)
    assert read_aliases(registry) == {"champion": "1", "challenger": "2"}
    after = registry.client.get_model_version(registry.model, "2")
    assert (before.tags, before.description) == (after.tags, after.description)
    assert read_trail(registry) == []


def test_a_version_that_passes_takes_over_and_leaves_a_trail(agreed, verdict, registry):
    """The alias moves, the challenger's goes; trail, tags, description and artifacts say what the gate said."""
    verdict = take_over(agreed, verdict)
    assert verdict.passed
    assert verdict.promoted
    assert read_aliases(registry) == {"champion": "2"}
    (step,) = read_trail(registry)
    assert (step.action, step.came_from, step.went_to, step.reason) == ("promoted", "1", "2", "")
    version = registry.client.get_model_version(registry.model, "2")
    assert (version.tags["gate"], version.tags["promoted_over"], version.tags["promoted_by"]) == (
        "passed",
        "1",
        step.by,
    )
    assert json.loads(version.tags["gate_lines"])[0]["name"] == "replay: golden rows"
    assert version.description.startswith("AUC ")
    assert "### Gate" in version.description
    assert len(version.description) <= LONGEST
    assert registry.client.get_model_version(registry.model, "1").tags["replaced_by"] == "2"
    assert registry.client.get_run(version.run_id).data.tags["gate"] == "passed"
    names = {item.path for item in registry.client.list_artifacts(version.run_id)}
    assert {"comparison.html", "comparison.json"} <= names


def test_a_version_that_fails_stays_unless_a_reason_is_given(agreed, verdict, registry):
    """A failed line stops it; a reason overrules it and is kept with the version and on the trail."""
    failing = without(verdict, "log loss", "failed")
    assert not take_over(agreed, failing).promoted
    assert read_aliases(registry)["champion"] == "1"
    forced = take_over(agreed, failing, force="the old one reads a field that is gone")
    assert (forced.promoted, forced.passed) == (True, False)
    assert read_trail(registry)[-1].reason == "the old one reads a field that is gone"
    version = registry.client.get_model_version(registry.model, "2")
    assert (version.tags["gate"], version.tags["gate_reason"]) == ("forced", "the old one reads a field that is gone")
    assert "Reason: the old one reads a field that is gone" in version.description


@pytest.mark.usefixtures("registry")
def test_what_is_refused_cannot_be_forced(agreed, verdict):
    """A matter of integrity is no matter of opinion: no reason moves such a version."""
    broken = without(verdict, "index means the same odds", "refused")
    assert not take_over(agreed, broken, force="because I say so").promoted


def test_an_index_means_the_same_odds_before_and_after(agreed, sides):
    """The line passes where the same readiness has the same index in both versions, and is refused elsewhere."""
    earlier, later = sides
    line = gates._index(agreed, earlier, later)
    assert line.status == "passed"
    for chance in (0.001, 0.07, 0.5, 0.93):
        told = {index_of(chance, side.bundle.contract.index) for side in sides}
        assert told == {index_of(chance, agreed.index)}
    bent = later.bundle.contract.model_copy(update={"index": IndexScale(odds_at_50=0.2)})
    other = replace(later, bundle=replace(later.bundle, contract=bent))
    assert gates._index(agreed, earlier, other).status == "refused"
    assert (
        gates._index(agreed.model_copy(update={"index": IndexScale(points_to_double=20)}), None, later).status
        == "refused"
    )


def test_older_facts_do_not_take_over(sides):
    """A version of older facts than the champion's fails that line; one of the same does not."""
    earlier, later = sides
    told = [gates._fresh(*pair).status for pair in ((earlier, later), (later, earlier), (later, later))]
    assert told == ["passed", "failed", "passed"]


def test_limits_are_the_contracts(verdict):
    """Too few outcomes fail, and too many decisions that change; the limits are those of [gate]."""
    comparison = verdict.judged.comparison
    part = comparison["judged"]["horizons"][comparison["primary"]]
    for least in (part["wins"], part["wins"] + 1):
        enough = gates._figures(Gate(least_wins=least), comparison)[0]
        assert (enough.status == "passed") == (least == part["wins"])
    share = comparison["people"]["share_changed"]
    assert share > 0
    assert gates._churn(Gate(most_changed=share), comparison["people"]).status == "passed"
    assert gates._churn(Gate(most_changed=share * 0.99), comparison["people"]).status == "failed"
    assert gates._figures(Gate(), {**comparison, "judged": None})[0].status == "failed"


def test_the_champion_itself_is_no_candidate(agreed, facts, registry):
    """Asked about the champion, the gate has nothing to ask."""
    verdict = take_over(agreed, ask(agreed, facts, "champion"), force="x")
    assert (verdict.already, verdict.promoted, read_trail(registry)) == (True, False, [])


def test_without_a_champion_only_what_needs_no_comparison_is_asked(agreed, facts, registry):
    """Where nobody serves, a whole version may; nothing was replaced, so there is no way back."""
    registry.client.delete_registered_model_alias(registry.model, "champion")
    verdict = take_over(agreed, ask(agreed, facts))
    assert verdict.promoted
    assert verdict.judged.comparison is None
    assert read_aliases(registry) == {"champion": "2"}
    with pytest.raises(ReadinessError, match="no other was promoted before it"):
        roll_back(agreed)


def test_back_in_one_step_and_no_further(agreed, verdict, registry):
    """A rollback brings the version before back, says so on what it undid, and ends where nothing came before."""
    contract = agreed
    take_over(contract, verdict)
    step = roll_back(contract, "calls went wrong")
    assert (step.came_from, step.went_to) == ("2", "1")
    assert read_aliases(registry) == {"champion": "1"}
    assert [one.action for one in read_trail(registry)] == ["promoted", "rolled back"]
    tags = registry.client.get_model_version(registry.model, "2").tags
    assert (tags["gate"], tags["rolled_back_reason"]) == ("rolled back", "calls went wrong")
    with pytest.raises(ReadinessError, match="no version to go back to"):
        roll_back(contract)


def test_whoever_is_ended_after_the_alias_moved_can_go_back(agreed, verdict, registry, monkeypatch):
    """Ended between the move and the trail, the trail lacks a step, and a rollback finds the way all the same."""
    contract = agreed

    def ended(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr("training.promotion.promote.add_step", ended)
        with pytest.raises(KeyboardInterrupt):
            take_over(contract, verdict)
    assert (read_aliases(registry)["champion"], read_trail(registry)) == ("2", [])
    assert roll_back(contract).went_to == "1"
    assert read_aliases(registry)["champion"] == "1"


def test_a_verdict_about_another_champion_moves_nothing(agreed, facts, registry):
    """When the champion has changed since the gate was asked, the verdict no longer counts."""
    contract = loose(agreed)
    registry.client.delete_registered_model_alias(registry.model, "champion")
    verdict = ask(contract, facts)
    registry.client.set_registered_model_alias(registry.model, "champion", "1")
    with pytest.raises(ReadinessError, match=r"The champion is version 1 by now\. Expected none"):
        take_over(contract, verdict)
    assert read_aliases(registry)["champion"] == "1"


@pytest.mark.usefixtures("registry")
def test_a_bundle_folder_is_not_promoted(agreed, facts, bundle_folder):
    """Only what is registered can serve."""
    with pytest.raises(ReadinessError, match=r"is a bundle folder\. Expected an alias or a number"):
        ask(agreed, facts, str(bundle_folder))


def test_one_changed_bit_is_refused(sides, facts):
    """A model whose calibration differs in its last bits is found by its training rows and is no matter of opinion."""
    whole = sides[1]
    calibration = whole.bundle.model.calibration
    bent = replace(calibration, intercepts=tuple(one + 1e-13 for one in calibration.intercepts))
    model = replace(whole.bundle.model, calibration=bent)
    lines = {line.name: line for line in replayed(replace(whole, bundle=replace(whole.bundle, model=model)), facts, 5)}
    assert lines["replay: training rows"].status == "refused"
    assert passed(replayed(whole, facts, 40))


def test_leaks_must_have_been_looked_for_and_left_out(sides):
    """A suspect among the features fails; so does a training where nobody looked; what the contract trusts is named."""
    side = sides[1]
    attribute = next(feature.column for feature in side.bundle.feature_set if type(feature).__name__ == "Attribute")

    def line(**leaks):
        report = {**side.bundle.report, "leaks": {"checked": True, "quarantined": [], "overruled": [], **leaks}}
        return gates._leaks(replace(side, bundle=replace(side.bundle, report=report)))

    assert line().status == line(quarantined=["not_a_feature"]).status == "passed"
    assert line(checked=False).status == "failed"
    assert line(quarantined=[attribute]).status == "failed"
    trusted = line(overruled=[attribute])
    assert (trusted.status, attribute in trusted.found) == ("passed", True)


@given(st.floats(0.05, 1.0), st.floats(-0.1, 0.1), st.floats(0.0001, 0.1), st.floats(0.0, 0.2))
def test_not_worse_means_not_surely_worse(loss, low, width, margin):
    """The line fails exactly when all of the interval lies above the margin."""
    found = {"difference": low + width / 2, "interval": [low, low + width], "verdict": "level"}
    line = gates._not_worse("log loss", found, loss, margin)
    assert (line.status == "passed") == (low <= margin * loss)
    blank = gates._not_worse("log loss", {"difference": None, "interval": [None, None], "verdict": None}, loss, margin)
    assert blank.status == "failed"


@given(st.lists(st.one_of(st.none(), st.integers(1, 4)), max_size=20))
def test_the_way_back_is_that_of_a_pile_of_versions(moves):
    """Promotions put a version on a pile, rollbacks take one off: the trail leads back as the pile does."""
    pile, trail = ["0"], []
    for move in moves:
        if move is None and len(pile) > 1:
            undone = pile.pop()
            trail.append(Step("rolled back", undone, pile[-1], "", "", ""))
        elif move is not None and str(move) != pile[-1]:
            trail.append(Step("promoted", pile[-1], str(move), "", "", ""))
            pile.append(str(move))
    if trail:
        assert champions(trail) == pile
    assert version_before(trail, pile[-1]) == (pile[-2] if len(pile) > 1 else None)


def test_a_champion_moved_by_hand_leads_back_to_the_trail(registry):
    """When somebody moved the alias in MLflow itself, the way back is to the version that the trail ends with."""
    add_step(registry, Step("promoted", "1", "2", "now", "me", ""))
    assert version_before(read_trail(registry), "7") == "2"


def test_two_at_once_are_one_too_many_and_the_dead_hold_nothing(agreed):
    """The second is told who is at work; when the first is killed the lock is free at once."""
    code = (
        "import sys, time; from pathlib import Path; from data.contract import parse_contract\n"
        "from training.promotion.lock import alone\n"
        "contract = parse_contract(Path(sys.argv[1]).read_text(), Path(sys.argv[2]))\n"
        "with alone(contract, 'the first'): print('held', flush=True); time.sleep(60)\n"
    )
    text = agreed.folder / "contract.toml"
    text.write_text(agreed.text)
    command = [sys.executable, "-c", code, str(text), str(agreed.folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as first:
        assert first.stdout.readline().strip() == "held"
        with pytest.raises(ReadinessError, match=r"the first .* is at work on this contract"), alone(agreed, "second"):
            pass
        first.send_signal(signal.SIGKILL)
        first.wait(timeout=30)
    with alone(agreed, "second"):
        pass


TEXTS = st.text(alphabet=st.characters(blacklist_categories=("Cs", "Cc")), max_size=30)


@given(st.sampled_from(["promoted", "forced", "rolled back"]), st.one_of(st.none(), st.just("3")), TEXTS)
def test_a_step_is_read_back_as_it_was_written(action, came_from, reason):
    """The line that people read in the tags holds all that the step does, whatever the reason says."""
    step = Step(action, came_from, "12", "2026-01-31T08:00:00Z", "somebody", reason)
    assert read_step(step.to_text()) == step


@pytest.mark.parametrize("text", ["", "now | done", "now | demoted | 1 to 2 | me | ", "now | promoted | 1, 2 | me | "])
def test_what_is_no_step_is_told(text):
    """A tag that somebody changed by hand is one sentence, not a wrong way back."""
    with pytest.raises(ReadinessError, match="is written down as"):
        read_step(text)
