"""Quarantine in training: suspects stay out unless the contract trusts them, and the report shows what that changed."""

import json
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from data.check import check
from data.clock import DAY
from data.contract import load_contract
from data.simulation.folder import write
from data.simulation.market import simulate
from features.local import compute
from training import figures
from training.judge import METRICS
from training.leaks import telling
from training.leaks.fields import features_of
from training.registry import _tags
from training.report import render_report
from training.sample import draw_sample
from training.trial import run_trial
from training.version_card import LONGEST, version_card

PLANTED = {"deal_size_band", "decision_maker", "last_call_result", "lost_reason"}


@pytest.fixture(scope="module")
def leaky(tmp_path_factory):
    """A small market whose contract takes the planted fields for attributes and has no change history."""
    folder = tmp_path_factory.mktemp("leaky")
    market = simulate("quick", 900, 5)
    write(market, folder, paths=1)
    text = (folder / "readiness.toml").read_text()
    text = text.replace('changes = { table = "changes.parquet" }\n', "")
    fields = ", ".join(f'"{name}"' for name in sorted(PLANTED))
    (folder / "readiness.toml").write_text(text.replace("attributes = [", f"attributes = [{fields}, "))
    agreed = load_contract(folder / "readiness.toml")
    contract = agreed.model_copy(
        update={
            "spine": agreed.spine.model_copy(update={"every": 28 * DAY}),
            "backtest": agreed.backtest.model_copy(update={"folds": 2}),
            "model": agreed.model.model_copy(update={"threads": 1, "bins": 1}),
        }
    )
    return contract, check(contract)


def _ruled(contract, **rules):
    return contract.model_copy(update={"leaks": contract.leaks.model_copy(update=rules)})


@pytest.fixture(scope="module")
def by_default(leaky):
    """The trial when the contract says nothing about leaks."""
    return run_trial(*leaky)


@pytest.fixture(scope="module")
def trusted(leaky):
    """The trial when the contract trusts one suspect and takes an honest field away."""
    contract, checked = leaky
    return run_trial(_ruled(contract, trust=("lost_reason",), quarantine=("browser",)), checked)


def test_suspects_are_left_out_by_default(by_default):
    """No feature, level, importance or reference column of a planted field is left; the report names all of them."""
    assert set(by_default.report["leaks"]["quarantined"]) == PLANTED
    assert not PLANTED & set(by_default.feature_set.names)
    assert not PLANTED & set(by_default.reference.column_names)
    assert not {f"leads.{name}" for name in PLANTED} & set(by_default.vocabulary.levels)
    assert by_default.report["features"]["fingerprint"] == by_default.feature_set.fingerprint
    assert {"industry", "source", "browser"} <= set(by_default.feature_set.names)


def test_the_report_shows_both_decisions_on_the_same_rows(by_default):
    """Beside the served figures, which are the contest's own, stand those with the quarantined fields, far too good."""
    found = by_default.report["leaks"]["figures"]
    primary = by_default.report["horizons"][by_default.report["primary"]]
    assert (found["horizon"], found["n"]) == (by_default.report["primary"], primary["n"])
    assert list(found["models"]) == ["served", "with_quarantined"]
    assert found["models"]["served"] == primary["models"]["blend"]
    assert found["models"]["with_quarantined"]["auc"] > found["models"]["served"]["auc"] + 0.05
    assert set(METRICS) <= set(found["models"]["with_quarantined"])
    json.dumps(by_default.report, allow_nan=False)


def test_the_contract_overrules_by_name(trusted):
    """A trusted suspect is learned from, an honest field that is named is not; figures show both decisions."""
    names = set(trusted.feature_set.names)
    assert "lost_reason" in names
    assert not (PLANTED - {"lost_reason"} | {"browser"}) & names
    leaks = trusted.report["leaks"]
    assert leaks["overruled"] == ["lost_reason"]
    models = leaks["figures"]["models"]
    assert list(models) == ["served", "with_quarantined", "without_trusted"]
    assert models["without_trusted"]["auc"] < models["served"]["auc"] < models["with_quarantined"]["auc"]


def test_when_nobody_looks_nothing_is_left_out(leaky):
    """``check = false`` learns from every field, makes no further model, and the report says that nobody looked."""
    contract, checked = leaky
    trial = run_trial(_ruled(contract, check=False), checked)
    assert set(trial.feature_set.names) >= PLANTED
    assert trial.report["leaks"]["figures"] is None
    assert trial.report["leaks"]["checked"] is False
    assert telling.summary(trial.report["leaks"]) == "Nobody looked for fields that know too much."


def test_leaving_a_field_out_moves_no_other_number(leaky):
    """All other columns are the same to the last bit as if the field had never been there."""
    contract, checked = leaky
    whole = draw_sample(contract, checked.history, lambda _what, _share: None)
    part = whole.without({"lost_reason", "browser"})
    assert len(part.table.feature_set) == len(whole.table.feature_set) - 2
    afresh = compute(checked.history, part.table.spine, part.table.feature_set, part.table.vocabulary)
    assert afresh.matrix.tobytes() == part.table.matrix.tobytes()
    bare = replace(checked.history, leads=checked.history.leads.drop_columns(["lost_reason", "browser"]))
    never = draw_sample(contract, bare, lambda _what, _share: None)
    assert never.table.feature_set == part.table.feature_set
    assert never.table.vocabulary == part.table.vocabulary
    np.testing.assert_array_equal(never.table.matrix, part.table.matrix)
    assert whole.without({"nothing"}) is whole


def test_a_field_is_found_whatever_the_catalog_calls_it(leaky):
    """A column whose name is taken by another feature gets a suffix there; its quarantine holds all the same."""
    contract, checked = leaky
    taken = draw_sample(contract, checked.history, lambda _what, _share: None).table.feature_set.names[0]
    leads = checked.history.leads.append_column(taken, checked.history.leads["lost_reason"])
    history = replace(checked.history, leads=leads)
    whole = draw_sample(contract, history, lambda _what, _share: None).table.feature_set
    suffixed = {name for name in whole.names if name.startswith(f"{taken}_") and len(name) == len(taken) + 7}
    assert features_of({taken}, whole) == suffixed
    assert len(suffixed) == 1
    trial = run_trial(_ruled(contract, check=False, quarantine=(taken,)), replace(checked, history=history))
    assert set(whole.names) - set(trial.feature_set.names) == suffixed


def test_people_are_told(by_default, trusted):
    """The page and the version card name every suspect, its decision and both figures; nothing is cut off."""
    for trial, decision in ((by_default, "left out"), (trusted, "suspect, trusted by the contract")):
        page, card = render_report(trial.report, {}), version_card(trial.report, "0" * 64)
        assert len(card) <= LONGEST
        for name in PLANTED:
            assert f"<code>{name}</code>" in page
            assert f"**{name}**" in card
        assert decision in page
        assert decision in card
        assert "with the quarantined fields" in page
        assert "| with the quarantined fields |" in card
    assert any("On the same" in note for note in telling.notes(trusted.report))
    assert any(note.startswith("browser is left out by the contract") for note in telling.notes(trusted.report))


def test_mlflow_is_told(trusted):
    """How many suspects there are, and each decision's figures in the scales of all others."""
    told = figures.metrics(trusted.report)
    assert (told["leaks/quarantined"], told["leaks/overruled"]) == (4.0, 1.0)
    tags = _tags(trusted, "0" * 64)
    assert set(tags["leaks_quarantined"].split(", ")) == PLANTED - {"lost_reason"} | {"browser"}
    assert tags["leaks_overruled"] == "lost_reason"
    for name, model in trusted.report["leaks"]["figures"]["models"].items():
        assert told[f"leaks/auc_x100/{name}"] == pytest.approx(100 * model["auc"])
        assert told[f"leaks/log_loss_x1000/{name}"] == pytest.approx(1000 * model["log_loss"])


def test_text_from_the_facts_is_escaped(leaky):
    """A column name with markup in it stays text in the page and in the card."""
    contract, checked = leaky
    values = checked.history.leads["lost_reason"]
    leads = checked.history.leads.append_column("<b>reason", pa.chunked_array(values.chunks))
    trial = run_trial(contract, replace(checked, history=replace(checked.history, leads=leads)))
    assert "<b>reason" in trial.report["leaks"]["quarantined"]
    assert "<b>reason" not in render_report(trial.report, {})
    assert "<b>reason" not in version_card(trial.report, "0" * 64)
