"""`readiness watch` over a real store: what was served, joined with what came of it, computed again, told, and kept."""

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from sqlalchemy import select, update
from typer.testing import CliRunner

from data.clock import DAY, WEEK, iso
from data.contract import load_contract
from data.errors import ReadinessError
from data.tables import LEADS
from models.bundle import read_bundle
from models.lots import lot
from serving.cli import app
from serving.deciding.decide import decide
from serving.deciding.hand_offs import hand_offs
from serving.outbox.kinds import ALARM
from serving.platforms.writeback import request_for
from serving.store.store import Store
from serving.store.tables import deliveries, messages, scores, shadow_scores, subscribers, watched
from serving.watching.keeping import keep, last_look
from serving.watching.reading import facts_of, in_the_shadow, served
from serving.watching.replaying import replayed
from training.comparing.side import make_side
from training.watching.alarms import Alarm
from training.watching.drift import drift
from training.watching.told import weekly
from training.watching.watch import Asked, watch
from training.watching.words import sentences

WEEKS = 8


@pytest.fixture(scope="module")
def served_store(module_store_url, filling, loaded, trained):
    """A store with the facts of the market, whose open leads were looked at twice a week for eight weeks."""
    store = Store.open(module_store_url)
    store.write(filling())
    ids = trained.history.leads["lead_id"].to_pylist()
    end = trained.history.ends_at
    for at in range(end - WEEKS * WEEK, end, WEEK):
        for moment in (at, at + 2 * DAY):
            store.write(lambda connection, moment=moment: decide(connection, loaded, ids, moment, "night"))
    yield store
    store.close()


@pytest.fixture(scope="module")
def contract(trained):
    """The contract of the market."""
    return load_contract(trained.contract)


@pytest.fixture(scope="module")
def facts(served_store, contract, trained):
    """What the store knows at the end."""
    url = served_store.engine.url.render_as_string(hide_password=False)
    return facts_of(contract, url, trained.history.ends_at)


def find(trained):
    """The only bundle there is, by its id."""
    bundle = read_bundle(trained.bundle)
    return lambda bundle_id, _version: bundle if bundle_id == bundle.bundle_id else None


def told_of(store, history):
    """The scores that a look reads."""
    return store.read(lambda connection: served(connection, 0, history.ends_at))


def test_the_first_score_of_a_lead_in_a_week_is_read(served_store, facts):
    """The database leaves out the same rows as the rule does; every one is a score that was served."""
    told = told_of(served_store, facts)
    assert len(weekly(told)) == len(told)
    rows = served_store.read(
        lambda connection: connection.execute(select(scores.c.lead_id, scores.c.as_of, scores.c.horizons)).all()
    )
    first = {}
    for lead_id, as_of, horizons in sorted(rows, key=lambda row: row[1]):
        first.setdefault((lead_id, as_of // WEEK), (as_of, json.loads(horizons)["30d"]))
    columns = [told["lead_id"].to_pylist(), told["as_of"].cast("int64").to_pylist(), told["readiness_30d"].to_pylist()]
    assert sorted((lead, at, said) for lead, at, said in zip(*columns, strict=True)) == sorted(
        (lead, at, said) for (lead, _), (at, said) in first.items()
    )
    assert len(rows) > len(first) > 100


def test_a_score_about_the_past_told_nobody_anything_then(served_store, facts):
    """Asked later about an earlier moment: it is no part of what was served at that moment."""
    before = len(told_of(served_store, facts))
    row = served_store.read(lambda connection: dict(connection.execute(select(scores).limit(1)).mappings().one()))
    late = {**row, "score_id": "asked later", "as_of": row["as_of"] - 8 * WEEK}
    served_store.write(lambda connection: connection.execute(scores.insert(), [late]))
    assert len(told_of(served_store, facts)) == before
    served_store.write(lambda connection: connection.execute(scores.delete().where(scores.c.score_id == "asked later")))


def test_served_scores_come_out_of_the_batch_to_the_last_bit(served_store, facts, trained):
    """Written lead by lead as of their moments; computed again as one table from the facts that the store has now."""
    found = served_store.read(lambda connection: replayed(connection, facts, find(trained), facts.ends_at, 150))
    assert (found.scores, found.differ, found.first, found.changed, found.impossible) == (150, 0, None, 0, 0)


def test_one_bit_is_found(served_store, facts, trained):
    """A score whose horizons were written otherwise than they were computed is named; then it is as before."""
    row = served_store.read(
        lambda connection: connection.execute(
            select(scores.c.score_id, scores.c.horizons).order_by(scores.c.scored_at.desc(), scores.c.score_id.desc())
        ).first()
    )
    told = json.loads(row.horizons)
    wrong = json.dumps({**told, "30d": told["30d"] + 2**-50})

    def write(text):
        change = update(scores).where(scores.c.score_id == row.score_id).values(horizons=text)
        served_store.write(lambda connection: connection.execute(change))

    write(wrong)
    found = served_store.read(lambda connection: replayed(connection, facts, find(trained), facts.ends_at, 50))
    write(row.horizons)
    assert (found.differ, found.first) == (1, row.score_id)


def test_facts_that_arrived_later_are_no_difference(served_store, facts, trained, rows):
    """An event of the past that came in afterwards: its lead's scores cannot be compared, and are counted apart."""
    lead_id, as_of = served_store.read(
        lambda connection: connection.execute(
            select(scores.c.lead_id, scores.c.as_of).order_by(scores.c.scored_at.desc(), scores.c.score_id.desc())
        ).first()
    )
    from data.store.tables import events
    from features.lead import Event

    late = rows.event(lead_id, 0, Event("reply", as_of - DAY, as_of - DAY, "lead", None, None, {}, "late"), as_of + DAY)
    served_store.write(lambda connection: connection.execute(events.insert(), [late]))
    found = served_store.read(lambda connection: replayed(connection, facts, find(trained), facts.ends_at, 50))
    served_store.write(lambda connection: connection.execute(events.delete().where(events.c.event_id == "late")))
    assert found.changed >= 1
    assert (found.differ, found.scores + found.changed) == (0, 50)


def test_a_bundle_that_is_not_at_hand_is_counted(served_store, facts):
    """Nothing is computed again, and nothing is said to be equal."""
    found = served_store.read(lambda connection: replayed(connection, facts, lambda *_: None, facts.ends_at, 50))
    assert (found.scores, found.impossible) == (0, 50)


@pytest.fixture(scope="module")
def look(served_store, facts, contract, trained):
    """A look at all of it."""
    side = make_side("version 7", trained.bundle, read_bundle(trained.bundle), "7")
    return watch(Asked(contract, side, facts, told_of(served_store, facts), facts.ends_at))


def test_a_look_has_the_form_that_its_readers_expect(look):
    """Key by key; JSON all through."""
    body = look.to_dict()
    json.dumps(body, allow_nan=False)
    assert body["horizon"] == "30d"
    assert {entry["horizon"] for entry in body["ledger"]} == {"7d", "30d"}
    for entry in body["ledger"]:
        assert entry["version"] == "7"
        assert 0 <= entry["happened_low"] <= entry["happened"] <= entry["happened_high"] <= 1
        assert sum(one["scores"] for one in entry["bins"]) == entry["scores"]
    assert {entry["what"] for entry in body["drift"]} > {"readiness", "industry", "engagement_count_30d"}
    assert set(body["drift"][0]) == {"what", "version", "distance", "noise", "p", "alarm"}
    assert set(body["contact"]) >= {"ready", "never_contacted", "bins", "explored"}
    assert body["contact"]["ready"] > 0
    assert set(body["replay"]) >= {"scores", "differ", "first"}
    segments = {entry["segment"] for entry in body["ledger"]}
    assert any(segment.startswith("country=") for segment in segments)


def test_the_shadow_is_judged_beside_and_raises_no_alarm(served_store, facts, contract, trained, look):
    """What a version told nobody has entries of its own, on its share of the leads; hand-offs have chances."""
    rows = served_store.read(lambda connection: connection.execute(select(scores)).mappings().all())
    beside = []
    for row in rows:
        if lot("shadow", row["lead_id"]) < 0.5:
            told = {name: row[name] for name in ("score_id", "lead_id", "as_of", "index", "decision", "scored_at")}
            horizons = dict.fromkeys(json.loads(row["horizons"]), 0.5)
            said = {"bundle_id": "b" * 64, "version": "8", "readiness": 0.5, "horizons": json.dumps(horizons)}
            beside.append({**told, **said})
    served_store.write(lambda connection: connection.execute(shadow_scores.insert(), beside))
    shadow = served_store.read(lambda connection: in_the_shadow(connection, 0, facts.ends_at))
    made = served_store.read(lambda connection: list(hand_offs(connection, 0, facts.ends_at)))
    side = make_side("version 7", trained.bundle, read_bundle(trained.bundle), "7")
    told = told_of(served_store, facts)
    found = watch(Asked(contract, side, facts, told, facts.ends_at, shadow=shadow, hand_offs=made))
    body = found.to_dict()
    json.dumps(body, allow_nan=False)
    by_version = {entry["version"]: entry for entry in body["ledger"] if entry["segment"] == "all"}
    assert set(by_version) == {"7", "8 in the shadow"}
    champion, challenger = by_version["7"], by_version["8 in the shadow"]
    assert challenger["told"] == 0.5
    assert challenger["log_loss"] == pytest.approx(0.6931, abs=1e-3)
    assert 0 < challenger["leads"] < champion["leads"]
    assert body["alarms"] == look.to_dict()["alarms"]
    judged = {(entry["version"], entry["shadow"]): entry for entry in body["hand_offs"]}
    assert judged["7", False]["made"] > 0
    assert judged["7", False]["weighed"]["explored"] == 0
    assert ("8", True) in judged
    assert any("Version 8 in the shadow" in sentence for sentence in sentences(body))


def test_a_store_that_served_nothing_is_looked_at_all_the_same(contract, facts, served_store, trained):
    """Drift and sources are there, the ledger and the audit are empty, and it is said."""
    side = make_side("version 7", trained.bundle, read_bundle(trained.bundle), "7")
    nothing = served_store.read(lambda connection: served(connection, 0, 1))
    body = watch(Asked(contract, side, facts, nothing, facts.ends_at)).to_dict()
    assert (body["ledger"], body["contact"]["ready"], body["contact"]["bins"]) == ([], 0, [])
    assert len(body["drift"]) > 20
    assert body["notes"][0].startswith("No served scores were there")


def test_drift_needs_no_leads_of_the_training(facts, trained):
    """A service whose leads are others than those that the model was made from: the distances are the same."""
    bundle = read_bundle(trained.bundle)
    ids = pa.array([f"other {lead}" for lead in facts.leads["lead_id"].to_pylist()], pa.string())
    place = {lead: at for at, lead in enumerate(facts.leads["lead_id"].to_pylist())}

    def renamed(table):
        rows = pa.array([place[lead] for lead in table["lead_id"].to_pylist()])
        return table.set_column(table.column_names.index("lead_id"), LEADS.field("lead_id"), ids.take(rows))

    tables = {name: renamed(getattr(facts, name)) for name in ("leads", "events", "outcomes", "changes")}
    same, other = (drift(bundle, "7", one, 0.1) for one in (facts, replace(facts, **tables)))
    assert [one["what"] for one in same.entries] == [one["what"] for one in other.entries]
    assert same.leads == other.leads
    moved = [(a["distance"], b["distance"]) for a, b in zip(same.entries, other.entries, strict=True)]
    assert np.allclose(*zip(*moved, strict=True), atol=1e-9)


def test_an_alarm_is_told_once(store):
    """With the look that found it, to those who want it; the same alarm the next night is not new, and told no more."""
    row = {
        "platform": "webhook",
        "url": "https://example.org/",
        "secret": "",
        "settings": "{}",
        "active": True,
        "made_at": 1,
        "stopped_because": None,
    }
    wants = [{**row, "name": "all", "kinds": "[]"}, {**row, "name": "ready", "kinds": '["readiness.lead.ready"]'}]
    store.write(lambda connection: connection.execute(subscribers.insert(), wants))
    alarm = Alarm("silent-source", "reply", "Nothing of reply has arrived.", 400 * DAY)
    body = {"at": 401 * DAY, "as_of": 400 * DAY, "product": "leads", "version": "7", "alarms": [alarm.to_dict()]}
    assert store.read(last_look) is None
    store.write(lambda connection: keep(connection, body, [alarm]))
    store.write(lambda connection: keep(connection, {**body, "at": body["at"] + DAY}, []))
    assert store.read(last_look)["at"] == body["at"] + DAY
    assert len(store.read(lambda connection: connection.execute(select(watched)).all())) == 2
    kind, text = store.read(lambda connection: connection.execute(select(messages.c.kind, messages.c.body)).one())
    told = json.loads(text)
    assert (kind, told["type"], told["subject"]) == (ALARM, ALARM, "silent-source: reply")
    assert told["data"]["text"] == "Nothing of reply has arrived."
    assert (told["data"]["since"], told["data"]["as_of"]) == ("1971-02-05T00:00:00Z", "1971-02-05T00:00:00Z")
    queued = store.read(lambda connection: connection.execute(select(deliveries.c.subscriber)).scalars().all())
    assert queued == ["all"]
    assert request_for("hubspot", "https://example.org", {}, told) is None  # no lead to write it to


def test_an_alarm_that_stands_keeps_its_beginning(served_store, facts, contract, trained):
    """Facts that end ten days before the look: what should have arrived since is silent, the next night still."""
    side = make_side("version 7", trained.bundle, read_bundle(trained.bundle), "7")
    later = replace(facts, ends_at=facts.ends_at + 10 * DAY)
    told = told_of(served_store, facts)
    first = watch(Asked(contract, side, later, told, later.ends_at))
    silent = {one.subject for one in first.new if one.kind == "silent-source"}
    assert {"page_view", "email_open"} <= silent
    night = replace(facts, ends_at=later.ends_at + DAY)
    second = watch(Asked(contract, side, night, told, night.ends_at, first.to_dict()))
    assert silent.isdisjoint(one.subject for one in second.new)
    assert {one.since for one in second.alarms if one.subject in silent} == {later.ends_at}


def readiness(*words):
    """The program."""
    command = [sys.executable, "-P", "-m", "serving.cli", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def asked(*words, verb="watch"):
    """A verb of the program in this process."""
    return CliRunner().invoke(app, [verb, *map(str, words)])


@pytest.fixture(scope="module")
def own(trained, tmp_path_factory):
    """A contract of its own with the market's facts and bundle, and scores of two moments as files."""
    folder = tmp_path_factory.mktemp("own")
    text = trained.contract.read_text().replace('path = "."', f'path = "{trained.contract.parent}"')
    (folder / "readiness.toml").write_text(
        text.replace("file = ", f'file = "{trained.contract.parent}/points.toml" # ')
    )
    shutil.copytree(trained.bundle, folder / "bundle")
    end = trained.history.ends_at
    for at in (end - 10 * WEEK, end - 6 * WEEK):
        words = ["--bundle", folder / "bundle", "--at", iso(at), "--no-reasons", "--quiet"]
        done = asked("-c", folder / "readiness.toml", "-o", folder / f"{at}.parquet", *words, verb="score")
        assert done.exit_code == 0, done.stderr
    return folder


def test_scores_in_files_are_watched_without_a_store(own):
    """Exit 0 where nothing is alarming; the page is written, the look is remembered."""
    words = ["-c", own / "readiness.toml", "--bundle", own / "bundle", "--quiet", "--json", "--no-mlflow"]
    scores_of = [word for file in sorted(own.glob("*.parquet")) for word in ("--scores", file)]
    done = asked(*words, "--html", own / "watch.html", *scores_of)
    assert done.exit_code in {0, 3}, done.stderr
    body = json.loads(done.stdout)
    assert (done.exit_code == 3) == bool(body["alarms"])
    (entry,) = [one for one in body["ledger"] if (one["segment"], one["horizon"]) == ("all", "30d")]
    assert entry["scores"] > 100
    assert body["replay"]["scores"] == 0
    assert "No score was recomputed: scores in files" in body["notes"][-1]
    page = (own / "watch.html").read_text()
    assert "data:image/png" in page
    assert "what became of what was served" in page
    assert json.loads((own / ".readiness" / "watched.json").read_text())["as_of"] == body["as_of"]


@pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy:DeprecationWarning")
def test_a_look_is_a_run_of_an_experiment_of_its_own(look, contract):
    """Beside that of the versions: figures by version, and the look as a page, a plot and JSON."""
    from training.tracking import open_registry
    from training.watching.runs import experiment_of, log_watch

    body = look.to_dict()
    url = log_watch(contract, body)
    registry = open_registry(contract)
    experiment = registry.client.get_experiment_by_name(experiment_of(contract).experiment)
    run = registry.client.search_runs([experiment.experiment_id])[0]
    assert run.info.run_id in url
    assert (run.data.tags["kind"], run.data.params["as_of"]) == ("watch", iso(body["as_of"]))
    (entry,) = [one for one in body["ledger"] if (one["segment"], one["horizon"]) == ("all", "30d")]
    assert run.data.metrics[f"30d/told_x100/version {entry['version']}"] == pytest.approx(entry["told"] * 100)
    files = {one.path for one in registry.client.list_artifacts(run.info.run_id)}
    assert files == {"watch.html", "watch.json", "lived.png"}


def test_alarms_are_exit_code_3(own):
    """Told in a table and by the exit code; a folder of scores is read whole."""
    contract = own / "alarmed.toml"
    contract.write_text((own / "readiness.toml").read_text() + "\n[watch]\nmost_never_contacted = 0.01\n")
    words = ["-c", contract, "--bundle", own / "bundle", "--quiet", "--no-mlflow", "--no-keep"]
    done = asked(*words, "--scores", own)
    assert done.exit_code == 3, done.stderr
    assert "never-contacted: hand-offs, all" in done.stdout
    assert done.stderr.splitlines()[-1].startswith("→ What each alarm means")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--store", "sqlite:///nowhere.db"], "There is no store at"),
        (["--store", "sqlite:///a.db", "--scores", "b"], "Give one of them"),
        (["--version", "1", "--bundle", "b"], "Give one of them"),
        (["--source", "."], "Give --scores too"),
        (["--as-of", "2999-01-01T00:00:00Z"], "is after now"),
        (["--nightly", "25:00"], "Expected a time of day"),
        (["--nightly", "03:00", "--json"], "Leave out --as-of and --json"),
    ],
)
def test_what_cannot_be_looked_at_is_one_sentence_and_exit_1(own, words, sentence):
    """What was found, and what to do."""
    done = asked("-c", own / "readiness.toml", "--quiet", *words)
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.startswith("error: ")
    assert sentence in done.stderr


def test_the_store_is_watched_by_the_program(served_store, module_store_url, own, trained):
    """Read, judged, computed again, kept: as of the end of the facts, on both kinds of database."""
    words = ["-c", own / "readiness.toml", "--bundle", own / "bundle", "--store", module_store_url]
    more = ["--as-of", iso(trained.history.ends_at), "--replay", "40", "--no-mlflow", "--quiet", "--json"]
    done = readiness("watch", *words, *more)
    assert done.returncode in {0, 3}, done.stderr
    body = json.loads(done.stdout)
    assert (body["replay"]["scores"], body["replay"]["differ"]) == (40, 0)
    assert served_store.read(last_look)["as_of"] == body["as_of"]
    assert Path(own, ".readiness", "store.db").exists() is False


def test_a_night_comes_once(monkeypatch):
    """At its time, not before, and not again until the next night."""
    from serving.commands import watching

    now = [5 * DAY + 2 * 3_600 * 1_000_000]
    monkeypatch.setattr("data.clock.wall_clock", lambda: now[0])
    monkeypatch.setattr(watching.time, "sleep", lambda seconds: now.__setitem__(0, now[0] + int(seconds * 1_000_000)))
    nights = watching.nights("03:00")
    assert [next(nights) for _ in range(3)] == [5 * DAY + 3 * 3_600 * 1_000_000 + k * DAY for k in range(3)]
    with pytest.raises(ReadinessError, match="time of day"):
        next(watching.nights("3"))
