"""The leak detector on markets whose truth is known: what was planted is found, what is honest is left alone."""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from data.clock import DAY, iso, to_micros
from data.contract import parse_contract
from data.errors import ContractError
from data.simulation.folder import contract_toml
from data.simulation.market import simulate
from data.simulation.worlds import WORLDS
from data.spine import micros, positions
from data.tables import ACCOUNTS, TIME, empty
from features.profile import profile
from training.leaks import rows
from training.leaks.detect import find_leaks

LEADS = 800


@pytest.fixture(scope="module")
def market():
    """``market(world)``: (contract, history as an export shows it, the whole market); made once."""
    made = {}

    def of(world):
        if world not in made:
            simulated = simulate(world, LEADS, 7)
            export = replace(simulated.history, changes=empty("changes"))
            made[world] = _contract(simulated), export, simulated
        return made[world]

    return of


def _contract(market, leaks="", **model):
    from pathlib import Path

    contract = parse_contract(f"{contract_toml(market.world, market.leads)}\n[leaks]\n{leaks}", Path())
    return contract.model_copy(update={"model": contract.model.model_copy(update={"threads": 1, **model})})


def _verdicts(leaks):
    return {finding.field: finding.verdict for finding in leaks.findings}


@pytest.mark.parametrize("world", WORLDS)
def test_an_export_alone_gives_the_planted_leaks_away(market, world):
    """Without any change history every planted field is quarantined and every honest one is clean, names aside."""
    contract, export, simulated = market(world)
    neutral = {name: f"field_{k}" for k, name in enumerate(simulated.world.planted_leaks)}
    unnamed = export.leads.rename_columns([neutral.get(name, name) for name in export.leads.column_names])
    for history, planted in ((export, set(neutral)), (replace(export, leads=unnamed), set(neutral.values()))):
        verdicts = _verdicts(find_leaks(contract, history))
        assert {name for name, verdict in verdicts.items() if verdict == "quarantined"} == planted
        assert {name for name, verdict in verdicts.items() if verdict == "clean"} == set(simulated.world.attributes)


@pytest.mark.parametrize("world", WORLDS)
def test_with_changes_the_column_leaks_and_the_feature_is_safe(market, world):
    """A field read from its change history stays, and it is said that its column in the leads table would leak."""
    contract, _, simulated = market(world)
    found = {finding.field: finding for finding in find_leaks(contract, simulated.history).findings}
    for name in simulated.world.planted_leaks:
        finding = found[name]
        assert (finding.source, finding.verdict, finding.left_out) == ("changes", "clean", False)
        assert finding.column_leaks
        assert finding.reasons[0].endswith("so safe; the column itself would leak")
        assert finding.timing.differs > 0.05
        assert finding.timing.at_creation < 0.05
    assert found["lost_reason"].timing.groups["lost"].after_outcome == 1.0
    assert not any(found[name].column_leaks for name in simulated.world.attributes)


def test_a_change_history_with_the_times_of_an_import_hides_nothing(market):
    """Where every change is dated to the lead's creation, reading it as of the cutoff is no excuse: out they go."""
    contract, export, simulated = market("steady")
    changes = simulated.history.changes
    created = export.leads["created_at"].take(pa.array(positions(changes["lead_id"], export.leads["lead_id"])))
    dated = changes.set_column(changes.schema.get_field_index("known_at"), changes.schema.field("known_at"), created)
    found = {finding.field: finding for finding in find_leaks(contract, replace(export, changes=dated)).findings}
    for name in simulated.world.planted_leaks:
        assert found[name].source == "changes"
        assert found[name].verdict == "quarantined"
        assert "its times are not those of the writing" in found[name].reasons[0]


def test_large_histories_are_drawn_from(market, monkeypatch):
    """Of more leads than the limit a seeded draw is looked at, with all facts of its leads; the verdicts hold."""
    contract, export, simulated = market("steady")
    monkeypatch.setattr(rows, "MOST_LEADS", 700)
    drawn = rows.draw_leads(export, 1)
    assert len(drawn.leads) == 700
    assert drawn.leads.equals(rows.draw_leads(export, 1).leads)
    assert not drawn.leads.equals(rows.draw_leads(export, 2).leads)
    ids = drawn.leads["lead_id"].combine_chunks()
    for name in ("events", "outcomes"):
        whole = getattr(export, name)
        assert getattr(drawn, name).equals(whole.filter(pc.is_in(whole["lead_id"], ids)))
    found = find_leaks(contract, export)
    assert found.leads == 700
    assert {finding.field for finding in found.left_out} == set(simulated.world.planted_leaks)


def test_reasons_are_sentences_with_their_figures(market):
    """The figures in the sentences are those of the evidence, counted afresh from the tables."""
    contract, export, _ = market("steady")
    finding = next(each for each in find_leaks(contract, export).findings if each.field == "lost_reason")
    ids = export.leads["lead_id"]
    lost = positions(export.outcomes.filter(pc.equal(export.outcomes["kind"], "lost"))["lead_id"], ids)
    share = export.leads["lost_reason"].take(pa.array(lost)).is_valid().to_numpy().mean()
    assert (finding.late.sign, finding.late.group) == ("filled", "lost")
    assert finding.late.worked == pytest.approx(share)
    assert f"filled for {share:.0%}".replace("%", " %") in finding.reasons[0]
    assert f"{finding.late.n_worked:,} lost leads" in finding.reasons[0]
    assert finding.ablation.auc_with > finding.ablation.auc_without
    assert finding.ablation.log_loss_with < finding.ablation.log_loss_without


def _written_late(history, values, unwritten, kind):
    """A column that shows ``unwritten`` until a lead is won, and then one of ``values``."""
    won = positions(
        history.outcomes.filter(pc.equal(history.outcomes["kind"], "won"))["lead_id"], history.leads["lead_id"]
    )
    column = [unwritten] * len(history.leads)
    for k, lead in enumerate(won):
        column[lead] = values[k % len(values)]
    return pa.array(column, kind)


@pytest.mark.parametrize(
    ("values", "unwritten", "kind"),
    [
        ((9_000.0, 12_000.0, 40_000.0), 0.0, pa.float64()),
        ((9_000.0, 12_000.0, 40_000.0), None, pa.float64()),
        (("customer",), "new", pa.string()),
        (("yes",), None, pa.string()),
    ],
)
def test_whatever_it_looks_like_before_it_is_written(market, values, unwritten, kind):
    """An amount that is 0 or empty, a stage that moves on, a box that is ticked: all of them are quarantined."""
    contract, export, _ = market("steady")
    leads = export.leads.append_column("x", _written_late(export, values, unwritten, kind))
    found = find_leaks(contract, replace(export, leads=leads))
    assert _verdicts(found)["x"] == "quarantined"


def test_a_moment_that_is_written_late(market):
    """A date that only closed leads have is quarantined, whatever it is called."""
    contract, export, _ = market("steady")
    closed = dict(
        zip(export.outcomes["lead_id"].to_pylist(), micros(export.outcomes["known_at"]).tolist(), strict=True)
    )
    at = pa.array([closed.get(lead) for lead in export.leads["lead_id"].to_pylist()], TIME)
    found = find_leaks(contract, replace(export, leads=export.leads.append_column("x_at", at)))
    assert _verdicts(found)["x_at"] == "quarantined"


def test_a_field_of_the_account_that_is_written_late(market):
    """The account's tier is set when one of its leads has won: quarantined under ``account.tier``; its size is not."""
    contract, export, _ = market("steady")
    won = export.outcomes.filter(pc.equal(export.outcomes["kind"], "won"))["lead_id"].combine_chunks()
    winners = set(export.leads.filter(pc.is_in(export.leads["lead_id"], won))["account_id"].to_pylist())
    ids = sorted(set(export.leads["account_id"].to_pylist()))
    accounts = pa.table(
        [ids, [float(k % 90) for k in range(len(ids))], ["gold" if a in winners else None for a in ids]],
        schema=pa.schema([*ACCOUNTS, ("size", pa.float64()), ("tier", pa.string())]),
    )
    found = find_leaks(contract, replace(export, accounts=accounts))
    assert _verdicts(found)["account.tier"] == "quarantined"
    assert _verdicts(found)["account.size"] == "clean"


def test_a_new_or_an_old_form_field_is_not_quarantined(market):
    """A field that was asked only from a day on, or only until then, is missing by age, not by fate."""
    contract, export, simulated = market("steady")
    middle = (simulated.world.starts_at + simulated.world.ends_at) // 2
    for asked in (micros(export.leads["created_at"]) >= middle, micros(export.leads["created_at"]) < middle):
        column = pc.if_else(pa.array(asked), export.leads["seniority"].combine_chunks(), pa.scalar(None, pa.string()))
        found = find_leaks(contract, replace(export, leads=export.leads.append_column("form", column)))
        assert _verdicts(found)["form"] in ("clean", "watch")


def test_a_strong_field_that_was_known_at_creation_is_clean(market):
    """A field that says more than any other of who will win, and is there for everyone from the start, is clean."""
    contract, export, _ = market("steady")
    ids = export.leads["lead_id"]
    won = np.zeros(len(ids), bool)
    won[positions(export.outcomes.filter(pc.equal(export.outcomes["kind"], "won"))["lead_id"], ids)] = True
    # the young have not been won yet: what marks a winner marks as many of them
    doomed = np.where(micros(export.leads["created_at"]) > export.ends_at - 120 * DAY, 0.35, np.where(won, 0.6, 0.3))
    column = pa.array(np.where(np.random.default_rng(3).random(len(ids)) < doomed, "direct", "other"))
    found = find_leaks(contract, replace(export, leads=export.leads.append_column("channel", column))).findings
    by_name = {finding.field: finding for finding in found}
    honest = [finding.alone.value for finding in found if finding.verdict == "clean"]
    assert by_name["channel"].alone.value == max(honest) > 0.58
    assert by_name["channel"].verdict == "clean"


def test_too_few_outcomes_are_said(market):
    """With three wins strength is not guessed at: a note says what is missing; what the export shows still counts."""
    contract, export, _ = market("steady")
    won = pc.equal(export.outcomes["kind"], "won")
    few = pa.concat_tables([export.outcomes.filter(won).slice(0, 3), export.outcomes.filter(pc.invert(won))])
    found = find_leaks(contract, replace(export, outcomes=few))
    assert len(found.notes) == 1
    assert "cannot be told" in found.notes[0]
    assert all(finding.alone is None and finding.ablation is None for finding in found.findings)
    assert _verdicts(found)["lost_reason"] == "quarantined"


def test_before_any_row_has_matured_it_says_so(market):
    """A young history is no error: a note says that strength cannot be told yet."""
    contract, export, simulated = market("steady")
    found = find_leaks(contract, export.upto(simulated.world.starts_at + 40 * DAY))
    assert "cannot be told yet" in found.notes[0]
    assert {finding.verdict for finding in found.findings} <= {"clean", "watch"}


def test_what_became_an_identifier_is_still_looked_at(market):
    """A column that had few levels before the split and is a name for each lead now is judged as training reads it."""
    contract, export, simulated = market("steady")
    split = simulated.world.starts_at + 300 * DAY
    created = micros(export.leads["created_at"])
    names = [f"old {k % 5}" if at < split else f"name {k}" for k, at in enumerate(created)]
    few = sum(created < split) // 20
    names = [
        name if at >= split or k % few == 0 else None for k, (name, at) in enumerate(zip(names, created, strict=True))
    ]
    leads = export.leads.append_column("badge", pa.array(names, pa.string()))
    backtest = contract.backtest.model_copy(update={"test_from": split})
    history = replace(export, leads=leads)
    assert "badge" not in {attribute.column for attribute in profile(history, history.ends_at).attributes}
    assert "badge" in {attribute.column for attribute in profile(history, split).attributes}
    assert "badge" in _verdicts(find_leaks(contract.model_copy(update={"backtest": backtest}), history))


def test_without_leads_there_is_nothing_to_tell(market):
    """An empty history gives no findings, and no crash."""
    contract, export, _ = market("steady")
    assert find_leaks(contract, export.upto(0)).findings == ()


def test_the_contract_rules_by_name(market):
    """A trusted suspect stays and is still told; a field to quarantine goes, whatever it is."""
    _, export, simulated = market("quick")
    contract = _contract(simulated, 'trust = ["lost_reason"]\nquarantine = ["browser"]')
    found = find_leaks(contract, export)
    by_name = {finding.field: finding for finding in found.findings}
    assert [finding.field for finding in found.overruled] == ["lost_reason"]
    assert by_name["lost_reason"].reasons
    assert by_name["lost_reason"].verdict == "quarantined"
    left_out = {finding.field for finding in found.left_out}
    assert left_out == {"deal_size_band", "decision_maker", "last_call_result", "browser"}


def test_an_unknown_name_is_one_sentence(market):
    """A name that the facts do not have is an error that suggests the nearest one."""
    _, export, simulated = market("quick")
    with pytest.raises(ContractError, match=r"\[leaks\] trust names 1 fields.*Did you mean 'lost_reason'\?"):
        find_leaks(_contract(simulated, 'trust = ["lost_reasn"]'), export)
    with pytest.raises(ContractError, match="both trusted and quarantined"):
        _contract(simulated, 'trust = ["browser"]\nquarantine = ["browser"]')


def test_without_looking_the_rulings_still_hold(market):
    """``check = false`` looks at nothing, says so, and leaves out what the contract names."""
    _, export, simulated = market("quick")
    found = find_leaks(_contract(simulated, 'check = false\nquarantine = ["browser"]'), export)
    assert not found.checked
    assert [finding.field for finding in found.left_out] == ["browser"]
    assert "[leaks] check = false" in found.notes[0]


def test_the_same_seed_finds_the_same(market):
    """Drawn rows and quick models are seeded: again and again the same findings, to the last digit."""
    contract, export, _ = market("quick")
    assert find_leaks(contract, export) == find_leaks(contract, export)


def test_later_outcomes_cannot_change_how_strong_a_field_is(market):
    """Strength is measured before the split: outcomes that become known after it are not looked at."""
    contract, export, _ = market("steady")
    split = to_micros(datetime(2024, 12, 1, tzinfo=UTC))
    contract = contract.model_copy(update={"backtest": contract.backtest.model_copy(update={"test_from": split})})
    before = pc.less(export.outcomes["known_at"], pa.scalar(split, TIME))
    other = replace(export, outcomes=export.outcomes.filter(before))
    strength = [
        {finding.field: (finding.alone, finding.missing) for finding in find_leaks(contract, history).findings}
        for history in (export, other)
    ]
    assert strength[0] == strength[1], iso(split)
