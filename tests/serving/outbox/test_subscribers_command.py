"""``readiness subscribers``: the same over the command line."""

import json

import pytest
from sqlalchemy import select
from standardwebhooks import Webhook
from typer.testing import CliRunner

from serving.cli import app
from serving.outbox.queue import claim, settle
from serving.outbox.schedule import Answer, Verdict
from serving.store.store import Store
from serving.store.tables import deliveries


@pytest.fixture
def store_url(tmp_path):
    """The store that the contract of these tests names by default."""
    return f"sqlite:///{tmp_path / '.readiness' / 'store.db'}"


@pytest.fixture
def store(store_url, tmp_path):
    """That store, open beside the command line."""
    (tmp_path / ".readiness").mkdir()
    opened = Store.open(store_url)
    yield opened
    opened.close()


@pytest.fixture
def run(tmp_path):
    """Runs the program; gives (exit code, stdout, stderr)."""
    contract = tmp_path / "readiness.toml"
    contract.write_text(
        '[ready]\noutcome = ["won"]\nterminal = ["won", "lost"]\nhorizons = ["30d"]\nprimary = "30d"\n'
        'reporting_lag = "1d"\n[source]\npath = "."\n[source.leads]\ntable = "leads.csv"\n'
        '[source.outcomes]\ntable = "outcomes.csv"\n[spine]\nevery = "7d"\n'
    )

    def say(*words, code=0):
        done = CliRunner().invoke(app, ["subscribers", *words, "--contract", str(contract)])
        assert done.exit_code == code, done.output
        return done.stdout, done.stderr

    return say


def _listed(run):
    return json.loads(run("list", "--json")[0])


@pytest.mark.usefixtures("store")
def test_a_secret_is_exchanged(run):
    """On stdout and alone; until when both sign is said, and what is wrong is one sentence."""
    first = run("add", "crm", "https://example.org/hook")[0].strip()
    out, err = run("rotate", "crm", "--keep", "12h")
    assert Webhook(out.strip())
    assert out.strip() != first
    assert "Both sign until" in err
    assert json.loads(run("rotate", "crm", "--keep", "0s", "--json")[0])["secret"] not in {first, out.strip()}
    assert "no more" in run("rotate", "crm", "--keep", "0s")[1]
    assert "no subscriber 'nobody'" in run("rotate", "nobody", code=1)[1]
    assert "duration" in run("rotate", "crm", "--keep", "soon", code=1)[1]


def test_the_secret_is_shown_once(run, store):
    """On stdout and alone, so that a script can keep it; the list has it no more."""
    out, err = run("add", "crm", "https://example.org/hook", "--kind", "ready")
    assert Webhook(out.strip())
    assert "shown once" in err
    out_of_list = "".join(run("list") + run("list", "--json"))
    assert out.strip()[6:] not in out_of_list
    assert [(s["name"], s["state"], s["kinds"]) for s in _listed(run)] == [("crm", "active", ["readiness.lead.ready"])]
    assert len(store.read(lambda c: c.exec_driver_sql("SELECT * FROM audit").all())) == 1


def test_a_platform_gets_settings_and_no_signing_secret(run):
    """What a platform needs is given as KEY=VALUE, numbers as numbers."""
    out, _ = run(
        "add", "mautic", "https://mautic.example.org", "--platform", "mautic", "--setting", "group=3",
        "--setting", "token_env=MAUTIC_TOKEN", "--json",
    )  # fmt: skip
    assert json.loads(out) == {"name": "mautic", "secret": "", "kinds": []}


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("add", "crm", "example.org"), "Expected https://HOST/PATH"),
        (("add", "crm", "https://example.org", "--kind", "reedy"), "Did you mean"),
        (("add", "crm", "https://example.org", "--setting", "x"), "Expected KEY=VALUE"),
        (("pause", "nobody"), "Known subscribers: none"),
        (("replay", "nobody", "--from", "yesterday"), "Expected 2026-01-31"),
        (("replay", "nobody", "--from", "2026-01-31T09:30:00"), "has no zone"),
        (("replay", "nobody", "--from", "2026-01-31"), "Known subscribers: none"),
    ],
)
def test_what_is_wrong_is_one_sentence(run, words, sentence):
    """Exit code 1, and nothing on stdout."""
    out, err = run(*words, code=1)
    assert out == ""
    assert sentence in err


def test_an_address_that_would_not_be_called_is_said(run):
    """It is added all the same: the worker's environment may allow it."""
    _, err = run("add", "crm", "http://example.org/hook")
    assert "nothing would be sent: A call to http://example.org is not made." in err
    assert len(_listed(run)) == 1


def test_a_ping_goes_out_signed(run, receiver, monkeypatch):
    """Taken: exit code 0. Not taken: what was answered, and exit code 1."""
    monkeypatch.setenv("READINESS_OUTGOING_PRIVATE", "127.0.0.0/8")
    monkeypatch.setenv("READINESS_OUTGOING_HTTP", "1")
    secret = run("add", "crm", receiver.url)[0].strip()
    assert "took the ping: 204" in run("test", "crm")[1]
    assert Webhook(secret).verify(receiver.got[0].body, receiver.got[0].headers)["type"] == "readiness.ping"
    receiver.says = lambda _: (500, {}, b"out of order")
    assert "did not take the ping: 500: out of order" in run("test", "crm", code=1)[1]


def test_pause_resume_dead_replay_remove(run, store, tell):
    """The life of a subscriber, from its first message to its end."""
    run("add", "crm", "https://example.org/hook")
    run("pause", "crm")
    (message,) = tell("a", now=1_767_225_600_000_000)
    assert [(s["state"], s["pending"]) for s in _listed(run)] == [("paused", 1)]
    run("resume", "crm")
    (one,) = store.write(lambda c: claim(c, "crm", 1, 10**16, 10**16 + 1))
    store.write(lambda c: settle(c, one, Answer(400, "400: no such field"), Verdict("dead"), 5))
    assert "readiness subscribers dead crm shows why" in run("list")[1]
    (letter,) = json.loads(run("dead", "crm", "--json")[0])
    assert (letter["message_id"], letter["last_error"]) == (message, "400: no such field")
    assert "1 dead letters" in run("dead", "crm", "--requeue")[1]
    assert _listed(run)[0]["pending"] == 1
    store.write(lambda c: c.execute(deliveries.update().values(state="delivered")))
    assert "1 messages" in run("replay", "crm", "--from", "2026-01-01", "--until", "2026-01-02")[1]
    assert "0 messages" in run("replay", "crm", "--from", "2026-01-02")[1]
    assert "1 messages for it were still pending" in run("remove", "crm")[1]
    assert _listed(run) == []
    assert store.read(lambda c: c.execute(select(deliveries)).all()) == []
