"""Exploration in the store: who is drawn is handed off, its chance is kept and told, and what came of it is judged."""

import json
from dataclasses import replace

import numpy as np
import pytest
from sqlalchemy import select
from typer.testing import CliRunner

from data.clock import DAY, HOUR, WEEK, wall_clock
from data.store.tables import events, leads, outcomes
from features.lead import Event
from models.histories import lead_histories
from models.scorer import Scorer
from models.snapshot import score_history
from models.states import Look
from serving.cli import app
from serving.deciding.decide import decide
from serving.deciding.hand_offs import hand_offs
from serving.deciding.passing import begin_pass, run_pass
from serving.deciding.work_list import Wanted, work_list
from serving.live.loading import Loaded
from serving.store.store import Store
from serving.store.tables import messages, scores, shadow_scores, transitions

BORN = 20_000 * DAY
NOW = BORN + 9 * DAY
CHANCE = 0.3
NAMES = [f"lead-{k}" for k in range(60)]
BUSY = tuple(
    Event(kind, BORN + day * DAY, BORN + day * DAY) for day in range(1, 9) for kind in ("pricing_view", "reply", "demo")
)


@pytest.fixture(scope="module")
def exploring(loaded):
    """The trained bundle under a policy whose threshold nobody reaches, which explores."""
    policy = replace(loaded.bundle.policy, threshold=1.0, let_go_below=0.0, explore_chance=CHANCE, explore_seed=3)
    bundle = replace(loaded.bundle, policy=policy)
    return Loaded(bundle, Scorer(bundle), "7")


def fill(store, rows, names=NAMES, born=BORN):
    """Leads that have all done the same, enough for any policy; the last of them did one thing on one day."""
    later = born - BORN

    def write(connection):
        connection.execute(leads.insert(), [rows.lead(one, born) for one in names])
        for one in names:
            done = BUSY[:1] if one == names[-1] else BUSY
            happened = [e._replace(occurred_at=e.occurred_at + later, known_at=e.known_at + later) for e in done]
            connection.execute(events.insert(), [rows.event(one, k, event) for k, event in enumerate(happened)])

    store.write(write)


def drawn(exploring, moment, names=NAMES):
    """Who is to be handed off at a moment, by the rule itself."""
    policy = exploring.bundle.policy
    evidence = object()
    return {one for one in names[:-1] if Look.at(policy, one, moment, 0.1, evidence).lot < CHANCE}


def found(store, table):
    """All rows of a table."""
    return store.read(lambda connection: [dict(row) for row in connection.execute(select(table)).mappings()])


def test_those_that_are_drawn_are_handed_off_and_everybody_is_told_why(store, exploring, rows):
    """Crossing, message, standing and score say the chance; who could have been drawn has the rest of 1."""
    fill(store, rows)
    store.write(lambda connection: decide(connection, exploring, NAMES, NOW, "event"))
    wanted = drawn(exploring, NOW + 1)
    crossed = found(store, transitions)
    assert 5 < len(wanted) < 35
    assert {row["lead_id"] for row in crossed} == wanted
    assert {(row["after"], row["propensity"]) for row in crossed} == {("ready", CHANCE)}
    assert all(row["reason"].startswith("exploration: readiness ") for row in crossed)
    told = [json.loads(row["body"])["data"] for row in found(store, messages)]
    assert {one["lead_id"] for one in told} == wanted
    assert {one["propensity"] for one in told} == {CHANCE}
    chances = {row["lead_id"]: row["propensity"] for row in found(store, scores)}
    assert chances.pop(NAMES[-1]) is None, "one download is never enough, and nothing is drawn"
    assert chances == {one: CHANCE if one in wanted else 1.0 - CHANCE for one in NAMES[:-1]}
    listed, _ = store.read(lambda connection: work_list(connection, Wanted(("ready",)), 100))
    assert {row["lead_id"]: row["propensity"] for row in listed} == dict.fromkeys(wanted, CHANCE)


def test_nights_draw_once_a_week_and_replays_agree(store, exploring, rows):
    """Looked at night after night, a week brings as many as its lots do: the rule alone says who."""
    fill(store, rows)
    engaged = set()
    for hour in range(0, 7 * 24, 12):
        moment = NOW + hour * HOUR
        store.write(lambda connection, m=moment: decide(connection, exploring, NAMES, m, "night"))
        engaged |= drawn(exploring, moment + 1)
    assert {row["lead_id"] for row in found(store, transitions)} == engaged
    assert len(engaged) < 2 * CHANCE * len(NAMES) + 15, "two lots a lead at the most: its week began once in between"
    handed = {row["lead_id"]: row["at"] for row in found(store, transitions)}
    assert all(one in drawn(exploring, at) for one, at in handed.items())


def test_the_nightly_pass_explores_too(store, exploring, rows):
    """A pass hands off whom the lot of the week falls on, with the chance."""
    fill(store, rows, born=wall_clock() - 10 * DAY)
    store.write(lambda connection: begin_pass(connection, exploring, "night", wall_clock()))
    assert run_pass(store, exploring).finished_at is not None
    crossed = found(store, transitions)
    assert all(row["lead_id"] in drawn(exploring, row["at"]) for row in crossed)
    assert {row["propensity"] for row in crossed} == {CHANCE}


def test_the_batch_draws_as_the_service_does(exploring, trained):
    """`readiness score` of a moment and the scorer of one lead hand off the same leads, for the same reason."""
    at = trained.history.ends_at
    table = score_history(exploring.bundle, trained.history, at, reasons=0)
    ids, decisions = table["lead_id"].to_pylist(), table["decision"].to_pylist()
    online = [exploring.scorer.score(lead, at, 0) for lead in lead_histories(trained.history, ids)]
    assert decisions == [score.decision for score in online]
    assert table["decision_reason"].to_pylist() == [score.decision_reason for score in online]
    assert {score.propensity for score in online if score.decision == "hand off"} == {CHANCE}


def test_hand_offs_come_back_with_what_was_told_by_champion_and_shadow(store, exploring, rows):
    """Each with its chance, once for the champion and once for each version in its shadow; older ones are left out."""
    fill(store, rows)
    store.write(lambda connection: decide(connection, exploring, NAMES, NOW, "event"))
    crossed = found(store, transitions)
    beside = {"bundle_id": "b" * 64, "version": "8", "readiness": 0.5, "horizons": '{"30d": 0.5}', "index": 50.0}
    row = {**beside, "score_id": crossed[0]["score_id"], "lead_id": "x", "as_of": 1, "decision": None, "scored_at": 1}
    store.write(lambda connection: connection.execute(shadow_scores.insert(), [row]))
    made = store.read(lambda connection: list(hand_offs(connection, NOW, NOW + DAY)))
    assert [one.version for one in made if one.shadow] == ["8"]
    assert {one.lead_id for one in made if not one.shadow} == {one["lead_id"] for one in crossed}
    assert {(one.propensity, one.version) for one in made if not one.shadow} == {(CHANCE, "7")}
    assert made[-1].horizons == {"30d": 0.5}
    assert store.read(lambda connection: list(hand_offs(connection, NOW + 1 * DAY, NOW + WEEK))) == []
    store.write(lambda connection: connection.execute(transitions.update().values(propensity=None)))
    assert store.read(lambda connection: list(hand_offs(connection, NOW, NOW + DAY))) == []


@pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)
def test_the_command_judges_what_came_of_them(store_url, exploring, rows, trained):
    """`readiness handoffs`: the explored ones, their outcomes and what they are worth; nothing yet is a sentence."""
    ask = ["handoffs", "--contract", str(trained.contract), "--store", store_url]
    nothing = CliRunner().invoke(app, ask)
    assert nothing.exit_code == 0, nothing.output
    assert "No hand-off with a logged chance" in nothing.stderr
    store = Store.open(store_url)
    names = [f"lead-{k}" for k in range(200)]
    moment = wall_clock() - 80 * DAY
    fill(store, rows, names, moment - 9 * DAY)
    for start in range(0, 200, 50):
        part = names[start : start + 50]
        store.write(lambda connection, ids=part: decide(connection, exploring, ids, moment, "event"))
    handed = sorted({row["lead_id"] for row in found(store, transitions)})
    won = handed[::3]
    closing = [rows.outcome(one, "won", moment + 5 * DAY) for one in won]
    store.write(lambda connection: connection.execute(outcomes.insert(), closing))
    store.close()
    done = CliRunner().invoke(app, [*ask, "--json"])
    assert done.exit_code == 0, done.output
    (entry,) = json.loads(done.stdout)
    assert (entry["version"], entry["shadow"]) == ("7", False)
    assert (entry["made"], entry["matured"], entry["wins"]) == (len(handed), len(handed), len(won))
    assert entry["weighed"]["explored"] == len(handed)
    assert entry["weighed"]["effective"] == pytest.approx(len(handed))
    assert np.isfinite(entry["weighed"]["figures"]["log_loss"])
    table = CliRunner().invoke(app, ask)
    assert "7, weighed" in table.stdout
