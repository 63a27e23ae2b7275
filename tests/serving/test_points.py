"""``readiness points``: imported, beaten in the open, distilled back; each run as users run it."""

import json

import pytest
from typer.testing import CliRunner

from data.contract import load_contract
from data.simulation.folder import write
from data.simulation.market import simulate
from models.mautic import read_mautic
from models.mautic_map import load_map
from models.points import load_points
from serving.cli import app

ACTIONS = {
    "points": [
        {"id": 1, "name": "Opens", "type": "email.open", "delta": 2, "repeatable": True, "properties": {"emails": []}},
        {"id": 2, "name": "Demo", "type": "form.submit", "delta": 40, "properties": {"forms": [3]}, "group": None},
        {"id": 3, "name": "Chats", "type": "chat.start", "delta": 10, "properties": []},
    ],
    "triggers": [{"id": 1, "name": "MQL", "points": 40, "events": []}],
}
MAP = """
[[event]]
mautic = "email.open"
kind = "email_open"
[[event]]
mautic = "form.submit"
id = 3
kind = "demo_request"
[[event]]
mautic = "url.hit"
url = "*/pricing*"
kind = "pricing_view"
"""


def points(*words):
    """The verb group, run within this process."""
    return CliRunner().invoke(app, ["points", *map(str, words)])


@pytest.mark.parametrize("verb", ["import", "duel", "distil"])
def test_every_verb_of_points_has_help(verb):
    """Each says what it does and what its options are; nothing of a help text is lost."""
    done = points(verb, "--help")
    assert done.exit_code == 0
    assert "--contract" in done.stdout


def test_a_neutral_table_is_checked_against_the_facts(trained, tmp_path):
    """Each rule is listed with what it counts and how many leads have its points; the table is written as it was."""
    own = trained.contract.parent / "points.toml"
    out = tmp_path / "copy.toml"
    done = points("import", own, "-c", trained.contract, "-o", out)
    assert done.exit_code == 0, done.output
    table = load_points(own.read_text())
    assert load_points(out.read_text()) == table
    assert all(rule.name in done.stdout for rule in table.rules)
    assert all(len(line.rstrip()) <= 100 for line in done.stdout.splitlines())
    told = json.loads(points("import", own, "-c", trained.contract, "-o", out, "--force", "--json", "-q").stdout)
    assert [rule["id"] for rule in told["rules"]] == [rule.id for rule in table.rules]
    assert any(rule["leads"] for rule in told["rules"])
    grouped = points("import", own, "-c", trained.contract, "-o", out, "--group", "Fit", "-q")
    assert "belong to Mautic's JSON" in grouped.stderr
    again = points("import", own, "-c", trained.contract, "-o", out)
    assert (again.exit_code, again.stdout) == (1, "")
    assert "--force" in again.stderr


def test_mautic_needs_a_map_and_drafts_one(trained, tmp_path):
    """Nothing is guessed: a draft with an entry for each action is written, and the sentence says to fill it in."""
    file, out = tmp_path / "mautic.json", tmp_path / "points.toml"
    file.write_text(json.dumps(ACTIONS))
    done = points("import", file, "-c", trained.contract, "-o", out, "-q")
    assert (done.exit_code, done.stdout) == (1, "")
    assert "--map" in done.stderr
    draft = (tmp_path / "mautic.toml").read_text()
    assert "email_open" in draft
    filled = draft.replace('kind = ""', 'kind = "email_open"')
    assert [entry.id for entry in load_map(filled).events] == [None, 3]
    assert not out.exists()


def test_mautics_actions_become_a_table(trained, tmp_path):
    """What can be replayed is written as TOML, what cannot is listed with the reason, defects and doubts are told."""
    file, known, out = tmp_path / "mautic.json", tmp_path / "map.toml", tmp_path / "points.toml"
    file.write_text(json.dumps(ACTIONS))
    known.write_text(MAP)
    done = points("import", file, "-c", trained.contract, "-o", out, "--map", known)
    assert done.exit_code == 0, done.output
    assert load_points(out.read_text()) == read_mautic(json.dumps(ACTIONS), load_map(MAP)).points
    assert "1 of 3 actions are no rules here" in done.stdout
    assert "Chats" in done.stdout
    assert "logged in" in done.stderr
    assert done.stderr.splitlines()[-1].startswith("→ Write `[points]`")
    nothing = points(
        "import", file, "-c", trained.contract, "-o", tmp_path / "n.toml", "--map", known, "--group", "Fit"
    )
    assert "no group 'Fit'" in nothing.stderr
    file.write_text(json.dumps({"points": ACTIONS["points"][2:]}))
    nothing = points("import", file, "-c", trained.contract, "-o", tmp_path / "n.toml", "--map", known)
    assert nothing.exit_code == 1
    assert "None of the 1 actions" in nothing.stderr
    assert "chat.start 'Chats'" in nothing.stderr


def test_rules_on_fields_that_are_not_there_are_refused(trained, tmp_path):
    """A rule on a field that the facts do not have would give nothing in silence: it is an error."""
    file = tmp_path / "own.toml"
    file.write_text('[[rule]]\nid = "x"\nwhen = { field = "turnover", op = "gt", value = 5 }\npoints = 3\n')
    done = points("import", file, "-c", trained.contract, "-o", tmp_path / "out.toml", "-q")
    assert done.exit_code == 1
    assert "'turnover'" in done.stderr


def test_the_duel_of_a_trained_version(trained, tmp_path):
    """At the contract's capacity everybody calls as often; tables for people, all figures for machines, a picture."""
    plot = tmp_path / "duel.png"
    done = points("duel", "-c", trained.contract, "--plot", plot, "-q")
    assert done.exit_code == 0, done.output
    assert "calls a week" in done.stdout
    assert "The model captured" in done.stderr
    assert plot.read_bytes().startswith(b"\x89PNG")
    assert all(len(line.rstrip()) <= 100 for line in done.stdout.splitlines())
    of_bundle = ("-c", trained.contract, "--bundle", trained.bundle, "--json", "-q")
    told = json.loads(points("duel", *of_bundle).stdout)
    fought = told["duel"]
    assert fought["capacity"] == load_contract(trained.contract).policy.capacity_per_week
    assert [score["name"] for score in fought["scores"]] == ["blend", "points", "odoo", "random"]
    assert len({score["calls"] for score in fought["scores"]}) == 1
    assert told["figures"]["blend"]["auc"] == pytest.approx(trained.said["test"]["models"]["blend"]["auc"], abs=1e-9)
    assert {rule["verdict"] for rule in told["rules"]} <= {"helps", "none", "inverse", "too few", "never"}
    fewer = json.loads(points("duel", *of_bundle, "--capacity", "0.5").stdout)["duel"]
    assert fewer["scores"][0]["calls"] < fought["scores"][0]["calls"]
    wrong = points("duel", "-c", trained.contract, "--plot", tmp_path / "duel.doc")
    assert (wrong.exit_code, wrong.stdout) == (1, "")


def test_distilled_points_duel_like_any_other(trained, tmp_path):
    """What is written reads back, duels as the points of a customer, and captures there what distil said."""
    out, mautic, known = tmp_path / "d.toml", tmp_path / "d.json", tmp_path / "map.toml"
    known.write_text(MAP)
    common = ("-c", trained.contract, "--bundle", trained.bundle, "-o", out, "-q")
    assert "--map" in points("distil", *common, "--mautic", mautic).stderr
    told = json.loads(points("distil", *common, "--mautic", mautic, "--map", known, "--json").stdout)
    table = load_points(out.read_text())
    assert 1 <= len(table.rules) + len(table.inactivity) <= 20
    scores = {score["name"]: score for score in told["duel"]["scores"]}
    own = json.loads(points("duel", *common[:4], "--points", out, "--json", "-q").stdout)["duel"]
    assert own["scores"][1]["captured"] == scores["distilled"]["captured"]
    back = read_mautic(mautic.read_text(), load_map(MAP))
    assert len(back.points.rules) == len(told["tables"]["distilled_mautic"]["rule"])
    assert any("fade" in one["why"] or "fields" in one["why"] for one in told["mautic_cannot"])
    assert points("distil", *common).exit_code == 1
    shown = points("distil", *common, "--force", "--rules", "3")
    assert "Distilled points: " in shown.stdout
    assert "lost against the model" in shown.stderr


def test_without_points_there_is_no_duel(trained, tmp_path):
    """A contract without [points] is a sentence that names the verb to run."""
    text = trained.contract.read_text()
    contract = tmp_path / "readiness.toml"
    contract.write_text(text.replace("[points]", "[leaks]").replace('file = "points.toml"', "").split("threshold")[0])
    done = points("duel", "-c", contract, "--source", trained.contract.parent, "-q")
    assert (done.exit_code, done.stdout) == (1, "")
    assert "readiness points import" in done.stderr


@pytest.mark.filterwarnings("ignore")  # MLflow warns of its own code
def test_without_any_version_one_is_trained(tmp_path):
    """Where nothing was trained yet the duel trains as `readiness train` does, and registers the version."""
    write(simulate("quick", 100, 6), tmp_path, paths=1)
    contract = tmp_path / "readiness.toml"
    text = contract.read_text().replace('every = "7d"', 'every = "28d"')
    contract.write_text(f"{text}\n[backtest]\nfolds = 2\n\n[model]\nbins = 1\nthreads = 1\n\n[leaks]\ncheck = false\n")
    done = points("duel", "-c", contract, "--json", "-q")
    assert done.exit_code == 0, (done.output, done.exception)
    assert json.loads(done.stdout)["duel"]["scores"][0]["name"] == "blend"
    assert (tmp_path / ".readiness" / "mlflow.db").exists()
    assert len(list((tmp_path / ".readiness" / "bundles").iterdir())) == 1
