"""The challenger scores beside the champion: on its share of the leads, kept, told to nobody, harming nobody."""

import json
from contextlib import contextmanager
from dataclasses import replace
from threading import Event, Thread

import pytest
from sqlalchemy import create_engine, select

from data.clock import DAY
from data.errors import BundleError
from features.lead import LeadHistory
from models.bundle import read_bundle
from models.folder import FILES, write_folder
from models.lots import lot
from models.scorer import Scorer
from serving.app import create_app
from serving.deciding.needs import Needs
from serving.live.deploy import deploy, deploy_shadow, end_shadow
from serving.live.pointer import SHADOW, read_pointer, read_shadow
from serving.live.told import Told
from serving.settings import Settings, WorkerSettings
from serving.shadowing.shadow import Shadow
from serving.shadowing.waiting import Waiting
from serving.store.store import Store
from serving.store.tables import scores, shadow_scores, transitions
from serving.watching.reading import in_the_shadow

SHARE = 0.5
AT = "2026-01-31T09:30:00Z"


def lead_in(lead_id):
    """A lead as it is sent along."""
    events = [{"kind": "pricing_view", "occurred_at": "2026-01-29T14:12:00Z", "value": 48}]
    return {"lead_id": lead_id, "created_at": "2026-01-05T08:00:00Z", "as_of": AT, "events": events}


@pytest.fixture(scope="module")
def eager(trained, tmp_path_factory):
    """A challenger: the same model under a policy that hands everybody off."""
    folder = tmp_path_factory.mktemp("eager") / "bundle"
    files = {name: (trained.bundle / name).read_bytes() for name in FILES}
    policy = json.loads(files["policy.json"])
    changed = {**policy, "threshold": 0.0, "exit_below": 0.0, "min_kinds": 0, "min_days": 0, "let_go_below": 0.0}
    write_folder(folder, {**files, "policy.json": json.dumps(changed).encode()})
    return folder


@pytest.fixture
def beside(monkeypatch):
    """The shadow of the service that is made next."""
    made = []
    of = Shadow.of.__func__
    monkeypatch.setattr(Shadow, "of", classmethod(lambda cls, service: made.append(of(cls, service)) or made[-1]))
    return made


@pytest.fixture
def serving(live, served, until, store_url):
    """A way to serve what is live, with a store and a worker."""

    @contextmanager
    def put(share=SHARE):
        settings = Settings(
            live=live, require_key=False, store=store_url, shadow_share=share, worker=WorkerSettings(nightly="")
        )
        with served(create_app(settings)) as client:
            until(lambda: client.get("/readyz").status_code == 200)
            yield client

    return put


def rows(store_url, table):
    """All rows of a table."""
    engine = create_engine(store_url)
    with engine.connect() as connection:
        found = [dict(row) for row in connection.execute(select(table)).mappings()]
    engine.dispose()
    return found


def metric(client, name):
    """A number of /metrics."""
    return float(next(line for line in client.get("/metrics").text.splitlines() if line.startswith(name)).split()[1])


def test_what_is_put_in_the_shadow_is_pointed_at_and_kept(live, trained, eager, tmp_path):
    """It lies beside the champion, which stays what it was; old bundles go, it stays; ended, nothing is there."""
    before = read_pointer(live)
    now = deploy_shadow(live, eager, "2")
    assert (read_shadow(live), read_pointer(live)) == (now, before)
    assert deploy_shadow(live, eager, "2") == now, "what is there already is left alone"
    files = {name: (trained.bundle / name).read_bytes() for name in FILES}
    for number in range(4):
        report = {**json.loads(files["report.json"]), "note": number}
        write_folder(tmp_path / "made", {**files, "report.json": json.dumps(report).encode()})
        deploy(live, tmp_path / "made", str(number))
    assert read_bundle(live / now.bundle_id).bundle_id == now.bundle_id
    assert end_shadow(live) == now
    assert (read_shadow(live), end_shadow(live)) == (None, None)


def test_what_cannot_be_in_the_shadow_is_refused(live, eager, tmp_path):
    """Without a champion, with another id than asked for, with a damaged pointer: one sentence, nothing changed."""
    with pytest.raises(BundleError, match="Nothing is live"):
        deploy_shadow(tmp_path / "nothing", eager, "2")
    with pytest.raises(BundleError, match="Expected 000000000000"):
        deploy_shadow(live, eager, "2", "0" * 64)
    assert read_shadow(live) is None
    (live / SHADOW).write_text('{"bundle_id": "../../etc", "version": "1", "deployed_at": "", "deciles": []}')
    with pytest.raises(BundleError, match="does not say which bundle is in the shadow"):
        read_shadow(live)


def test_a_share_of_what_is_told_is_scored_beside_and_told_to_nobody(serving, live, eager, until, store_url):
    """Leads sent along and stored leads, asked about or looked at: the shadow's score has the challenger's own bits."""
    deploy_shadow(live, eager, "2")
    challenger = Scorer(read_bundle(eager))
    with serving() as client:
        until(lambda: 'readiness_shadow_info{bundle_id="' in client.get("/metrics").text)
        names = [f"sent-{k}" for k in range(30)]
        told = {name: client.post("/v1/score?reasons=0", json=lead_in(name)) for name in names[:20]}
        many = client.post("/v1/scores", json={"leads": [lead_in(name) for name in names[20:]]}).json()
        assert len(many["scores"]) == 10
        assert {answer.json()["decision"] for answer in told.values()} == {"nurture"}
        for k in range(20):
            client.put(f"/v1/leads/kept-{k}", json={"created_at": "2026-01-05T08:00:00Z", "attributes": {}})
            event = {"lead_id": f"kept-{k}", "kind": "pricing_view", "occurred_at": "2026-01-29T14:12:00Z"}
            assert client.post("/v1/events", json=[event]).status_code == 200
            assert client.get(f"/v1/leads/kept-{k}/score").json()["decision"] == "nurture"
        wanted = {name for name in (*names, *(f"kept-{k}" for k in range(20))) if lot("shadow", name) < SHARE}
        until(lambda: {row["lead_id"] for row in rows(store_url, shadow_scores)} == wanted)
        until(lambda: metric(client, "readiness_shadow_waiting") == 0.0)
        made = {row["score_id"]: row for row in rows(store_url, scores)}
        until(
            lambda: (
                {row["score_id"] for row in rows(store_url, shadow_scores)}
                == {key for key, row in made.items() if row["lead_id"] in wanted}
            )
        )
        beside = rows(store_url, shadow_scores)
        assert {row["version"] for row in beside} == {"2"}
        assert {row["bundle_id"] for row in beside} == {challenger.bundle.bundle_id}
        assert {row["decision"] for row in beside} == {"hand off"}
        for row in beside:
            champion = made[row["score_id"]]
            assert (row["lead_id"], row["as_of"]) == (champion["lead_id"], champion["as_of"])
            assert (row["readiness"], row["horizons"]) == (champion["readiness"], champion["horizons"])
        assert len({made[row["score_id"]]["cause"] for row in beside}) >= 3
        assert rows(store_url, transitions) == [], "it moves no lead"
        assert metric(client, "readiness_shadow_scored_total") == len(beside)
        assert metric(client, "readiness_shadow_dropped_total") == metric(client, "readiness_shadow_failed_total") == 0
        gone = next(name for name in wanted if name.startswith("kept-"))
        assert client.delete(f"/v1/leads/{gone}").status_code in {200, 204}
        assert gone not in {row["lead_id"] for row in rows(store_url, shadow_scores)}
    store = Store.open(store_url)
    read = store.read(lambda connection: in_the_shadow(connection, 0, 1 << 60))
    store.close()
    asked_now = {row["lead_id"] for row in beside if row["as_of"] >= row["scored_at"] - DAY}
    assert set(read["lead_id"].to_pylist()) == asked_now - {gone}
    assert set(read["version"].to_pylist()) == {"2 in the shadow"}
    horizons = {f"readiness_{name}" for name in challenger.bundle.horizon_names}
    assert horizons <= set(read.column_names), "the ledger of what was told judges it by the same columns"


def test_a_shadow_comes_and_goes_while_requests_are_answered(serving, live, eager, until):
    """Taken up and ended under load: every request is answered, by the champion; a damaged one is refused."""
    first, stop, answers = read_pointer(live).current.bundle_id, Event(), []

    def ask(client):
        while not stop.is_set():
            found = client.post("/v1/score?reasons=0", json=lead_in(f"lead-{len(answers)}"))
            answers.append((found.status_code, found.json()["bundle_id"]))

    with serving(share=1.0) as client:
        load = Thread(target=ask, args=(client,))
        load.start()
        try:
            now = deploy_shadow(live, eager, "2")
            until(lambda: metric(client, "readiness_shadow_scored_total") > 5)
            end_shadow(live)
            until(lambda: "readiness_shadow_info{" not in client.get("/metrics").text)
            model = live / now.bundle_id / "model.txt"
            model.write_bytes(model.read_bytes()[:-100])
            (live / SHADOW).write_text(json.dumps(now.__dict__))
            until(lambda: metric(client, "readiness_shadow_refusals_total") == 1.0)
            assert "readiness_shadow_info{" not in client.get("/metrics").text
            asked = len(answers)
            until(lambda: len(answers) > asked + 5)
        finally:
            stop.set()
            load.join()
    assert set(answers) == {(200, first)}


@pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)
def test_a_shadow_that_hangs_delays_nothing(serving, live, eager, until, beside):
    """While the challenger never answers, the champion does; what finds no room is counted; the service stops."""
    deploy_shadow(live, eager, "2")
    hung, release = Event(), Event()
    with serving(share=1.0) as client:
        until(lambda: beside[0].challenger.loaded is not None)
        beside[0].waiting = Waiting(20)
        challenger = beside[0].challenger.loaded

        class Hanging(Scorer):
            def score(self, *_):
                hung.set()
                release.wait()
                raise RuntimeError

        stuck = Hanging.__new__(Hanging)
        beside[0].challenger.loaded = replace(challenger, scorer=stuck)
        assert client.post("/v1/score", json=lead_in("first")).status_code == 200
        until(hung.is_set)
        answers = [client.post("/v1/score?reasons=0", json=lead_in(f"lead-{k}")) for k in range(60)]
        assert {answer.status_code for answer in answers} == {200}
        assert not release.is_set()
        assert metric(client, "readiness_shadow_dropped_total") >= 50
        assert metric(client, "readiness_shadow_scored_total") == 0
    release.set()  # the service has stopped, and did not wait for it


@pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)
def test_a_shadow_that_fails_harms_nobody(serving, live, eager, until, beside):
    """Its failures are counted; the champion's answers are the same, and it goes on when it works again."""
    deploy_shadow(live, eager, "2")
    with serving(share=1.0) as client:
        until(lambda: beside[0].challenger.loaded is not None)
        alone = client.post("/v1/score", json=lead_in("a")).json()
        until(lambda: metric(client, "readiness_shadow_scored_total") == 1.0)  # or it would fail with the others
        challenger = beside[0].challenger.loaded
        beside[0].challenger.loaded = replace(challenger, scorer=None)
        for _ in range(5):
            assert client.post("/v1/score", json=lead_in("a")).json() == alone
        until(lambda: metric(client, "readiness_shadow_failed_total") == 5.0)
        beside[0].challenger.loaded = challenger
        before = metric(client, "readiness_shadow_scored_total")
        client.post("/v1/score", json=lead_in("a"))
        until(lambda: metric(client, "readiness_shadow_scored_total") > before)


def told_of(bundle, lead, *, stored=False):
    """A told score of a lead."""
    return Told("s-1", lead, 40, None, bundle, stored)


def test_what_waits_is_bounded_by_what_it_holds(loaded):
    """Leads and their events count, so that many events cannot fill the memory; what is dropped is counted."""
    small = told_of(loaded.bundle, LeadHistory("a", 1))
    large = told_of(loaded.bundle, LeadHistory("b", 1, events=tuple(range(9))))
    waiting = Waiting(12)
    for told in (large, large, small, small, small):
        waiting.put(told)
    assert (len(waiting), waiting.dropped) == (3, 2)
    assert waiting.take(2, 0.0) == [large, small]
    waiting.put(large)
    assert waiting.take(9, 0.0) == [small, large]
    assert waiting.take(9, 0.0) == []


def test_leads_are_in_the_share_or_not_whoever_asks(loaded, live, store, eager):
    """The id alone decides; of many leads the share is kept; the champion's own bundle in the shadow scores nothing."""
    shadow = Shadow(live, lambda: store, 0.3)
    for k in range(2_000):
        shadow.offer(told_of(loaded.bundle, LeadHistory(f"{k}", 1)))
    assert len(shadow.waiting) == 0, "nobody is in the shadow"
    shadow.challenger.loaded = replace(loaded, bundle=read_bundle(eager))
    for k in range(2_000):
        shadow.offer(told_of(loaded.bundle, LeadHistory(f"{k}", 1)))
    assert len(shadow.waiting) == pytest.approx(600, abs=80)
    shadow.challenger.loaded = loaded
    shadow.offer(told_of(loaded.bundle, LeadHistory("0", 1)))
    assert len(shadow.waiting) == pytest.approx(600, abs=80)


def test_a_challenger_that_reads_more_reads_it_from_the_store(loaded, live, store, monkeypatch):
    """Where its features need what the champion's do not, the lead is read again, once its score is there."""
    from data.store.tables import leads

    shadow = Shadow(live, lambda: store, 1.0)
    other = read_bundle(live / read_pointer(live).current.bundle_id)
    all_of_it = Needs()
    monkeypatch.setattr(
        "serving.shadowing.shadow.needs_of",
        lambda bundle: (
            Needs(attributes=False, account_attributes=False, account_events=False)
            if bundle is loaded.bundle
            else all_of_it
        ),
    )
    told = told_of(loaded.bundle, LeadHistory("a", 1), stored=True)
    challenger = replace(loaded, bundle=other)
    assert shadow._lead(challenger, told) is None, "its score is not there yet"
    row = {column.name: 0 if column.name not in {"horizons", "reasons"} else "{}" for column in scores.c}
    texts = {c.name: "x" for c in scores.c if str(c.type) == "TEXT"}
    lead = {"lead_id": "a", "created_at": 1, "account_id": None, "implied": False, "received_at": 2, "updated_at": 2}
    lead["attributes"] = '{"industry": "software"}'

    def write(connection):
        there = {name: value for name, value in lead.items() if name in leads.c}
        connection.execute(leads.insert(), [there])
        connection.execute(scores.insert(), [{**row, **texts, "score_id": "s-1", "lead_id": "a"}])

    store.write(write)
    assert dict(shadow._lead(challenger, told).attributes) == {"industry": "software"}
    assert shadow._lead(loaded, told) is told.lead, "where nothing more is needed nothing is read"


def test_the_command_puts_a_bundle_in_the_shadow_and_takes_it_out(trained, eager):
    """`readiness deploy --shadow`, with what it answers; what excludes each other is one sentence."""
    from typer.testing import CliRunner

    from serving.cli import app

    def run(*options):
        return CliRunner().invoke(app, ["deploy", "--contract", str(trained.contract), *options])

    folder = trained.contract.parent / ".readiness" / "live"
    deploy(folder, trained.bundle, trained.said["version"])
    put = run("--shadow", "--bundle", str(eager), "--json")
    assert put.exit_code == 0, put.output
    assert (
        json.loads(put.stdout)["shadow"]["bundle_id"] == read_shadow(folder).bundle_id == read_bundle(eager).bundle_id
    )
    assert run("champion", "--shadow", "--json").exit_code == 0
    assert read_shadow(folder).version == trained.said["version"]
    assert "'challenger'" in run("--shadow").output, "there is none yet"
    ended = run("--end-shadow")
    assert (ended.exit_code, read_shadow(folder)) == (0, None)
    assert "Out of the shadow" in ended.output
    assert "Nothing was in the shadow" in run("--end-shadow").output
    for pair in (
        ("--shadow", "--rollback"),
        ("--end-shadow", "--bundle", str(eager)),
        ("--end-shadow", "--watch", "9"),
    ):
        refused = run(*pair)
        assert refused.exit_code == 1
        assert "exclude each other" in refused.output or "--watch follows" in refused.output
