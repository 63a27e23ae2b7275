"""Old scores go, counted; what explains where a lead stands stays, and what cannot be judged yet."""

import json
import time

import pytest
from sqlalchemy import select
from typer.testing import CliRunner

from data.clock import DAY
from serving.cli import app
from serving.deciding import pruning
from serving.deciding.pruning import Found, Old, find_old, prune
from serving.store.tables import METADATA, scores, shadow_scores, standings, transitions

NOW = time.time_ns() // 1_000
OLD = Old(before=NOW - 400 * DAY, judged=NOW - 450 * DAY)


def blank(table):
    """A row of zeroes and empty texts."""
    return {c.name: c.type.python_type() for c in METADATA.tables[table.name].columns if not c.nullable}


def score(score_id, told=500, asked=500, **more):
    """A score that was told so many days ago, about the moment so many days ago."""
    moments = {"as_of": NOW - asked * DAY, "scored_at": NOW - told * DAY}
    return {**blank(scores), "score_id": score_id, "lead_id": "a", "horizons": "{}", "reasons": "[]", **moments, **more}


@pytest.fixture
def scored(store, rows):
    """A lead with scores of every sort."""
    told = [
        *(score(f"night-{k}", asked=500 + k) for k in range(7)),
        score("sent along", lead_id="elsewhere", cause="payload"),
        score("of a job", job_id="j"),
        score("last look"),
        score("behind a crossing"),
        score("still judged", told=420, asked=420),
        score("recent", told=399, asked=399),
    ]
    standing = {**blank(standings), "lead_id": "a", "state": "ready", "score_id": "last look"}
    crossed = {**blank(transitions), "transition_id": "t", "lead_id": "a", "score_id": "behind a crossing"}
    by_sales = {**blank(transitions), "transition_id": "u", "lead_id": "a", "at": 1, "score_id": None}

    def write(connection):
        connection.execute(METADATA.tables["leads"].insert(), [rows.lead("a", NOW - 600 * DAY)])
        shadows = [{**blank(shadow_scores), "score_id": one, "horizons": "{}"} for one in ("night-3", "last look")]
        moved = ((standings, [standing]), (transitions, [crossed, by_sales]))
        for table, found in ((scores, told), (shadow_scores, shadows), *moved):
            for row in found:
                connection.execute(table.insert(), [row])

    store.write(write)
    return store


def left(store, table=scores):
    """The ids of the scores that are there."""
    return sorted(store.read(lambda c: c.execute(select(table.c.score_id)).scalars()))


def test_old_scores_go_and_the_others_stay(scored, monkeypatch):
    """Piece by piece, as many as were counted; a second time there is nothing to do."""
    monkeypatch.setattr(pruning, "AT_ONCE", 4)
    assert scored.read(lambda c: find_old(c, OLD)) == Found(go=9, named=2, judged=1)
    assert prune(scored, OLD) == 9
    assert left(scored) == ["behind a crossing", "last look", "recent", "still judged"]
    assert left(scored, shadow_scores) == ["last look"]
    assert scored.read(lambda c: find_old(c, OLD)) == Found(go=0, named=2, judged=1)
    assert prune(scored, OLD) == 0


def test_as_a_command_it_only_counts_until_it_is_told(scored, store_url, tmp_path):
    """Without --yes nothing goes; with it what was counted does; an age that is none is one sentence."""
    contract = tmp_path / "readiness.toml"
    contract.write_text(
        '[ready]\noutcome = ["won"]\nterminal = ["won", "lost"]\nhorizons = ["30d", "90d"]\nprimary = "30d"\n'
        'reporting_lag = "3d"\n[source]\nkind = "store"\n[watch]\nlook_back = "357d"\n'
        f'[serving]\nstore = "{store_url}"\n'
    )

    def run(*words, code=0):
        command = ["store", "prune", "--contract", str(contract), "--scores-older-than", *words]
        done = CliRunner().invoke(app, command)
        assert done.exit_code == code, done.output
        return done.stdout, done.stderr

    before = left(scored)
    found = {"go": 9, "named": 2, "judged": 1}
    assert json.loads(run("400d", "--json")[0]) == {"found": found, "gone": 0}
    out, err = run("400d")
    assert ("would go" in out, "--yes" in err, left(scored)) == (True, True, before)
    assert json.loads(run("400d", "--yes", "--json")[0]) == {"found": found, "gone": 9}
    assert len(left(scored)) == 4
    assert "not a duration" in run("a year", code=1)[1]
