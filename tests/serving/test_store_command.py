"""``readiness store``: status, migration without loss, loading."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import create_engine, inspect, select, text

from data.clock import iso
from data.simulation.folder import write
from data.simulation.market import simulate
from data.store.tables import events
from serving.ingest.items import EventItem, LeadItem, OutcomeItem, Placed, Told
from serving.ingest.take import take
from serving.store import schema
from serving.store.alone import must_be_alone
from serving.store.failures import StoreError
from serving.store.schema import HEAD
from serving.store.store import Store

T0 = 1_700_000_000_000_000
LATER = '''
"""A later step, as a next version would bring one."""

import sqlalchemy as sa
from alembic import op

revision = "test_later"
down_revision = "0001"


def upgrade() -> None:
    with op.batch_alter_table("leads") as table:
        table.add_column(sa.Column("owner", sa.Text(), nullable=False, server_default="nobody"))
    op.create_index("ix_events_kind", "events", ["kind"])
    op.create_table("notes", sa.Column("note_id", sa.Integer(), primary_key=True))


def downgrade() -> None:
    raise NotImplementedError
'''


@pytest.fixture
def contract(tmp_path, empty_store_url):
    """A small market in files, whose contract names the store."""
    write(simulate("quick", 40, 3), tmp_path, paths=1)
    file = tmp_path / "readiness.toml"
    file.write_text(file.read_text() + f"\n[serving]\nstore = '{empty_store_url}'\n")
    return file


def _run(contract, *words):
    command = [sys.executable, "-P", "-m", "serving.cli", "store", *words, "--contract", str(contract)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def _fill(store):
    items = [
        LeadItem(lead_id="a", created_at=T0, attributes={"size": 5.0}),
        *(EventItem(lead_id=f"L-{k % 7}", kind="page", occurred_at=T0 + k, item="ü") for k in range(300)),
        OutcomeItem(lead_id="a", kind="won", occurred_at=T0 + 9),
    ]
    told = Told([Placed(place, item) for place, item in enumerate(items)])
    store.write(lambda connection: take(connection, told, T0 + 1_000))


def _rows(url, names):
    engine = create_engine(url)
    with engine.connect() as connection:
        found = {}
        for name in names:
            table = text(f'SELECT * FROM "{name}"')  # noqa: S608 - a name of our own
            rows = connection.execute(table).mappings().all()
            found[name] = sorted((sorted(dict(row).items(), key=repr) for row in rows), key=repr)
    engine.dispose()
    return found


@pytest.fixture
def later(tmp_path, monkeypatch):
    """This version, as if it came with one more step."""
    folder = tmp_path / "versions"
    folder.mkdir()
    (folder / "later.py").write_text(LATER.replace("0001", HEAD))
    made, own = schema._config, Path(schema.__file__).parent / "migrations" / "versions"

    def config():
        found = made()
        found.set_main_option("path_separator", "newline")
        found.set_main_option("version_locations", f"{own}\n{folder}")
        return found

    monkeypatch.setattr(schema, "_config", config)
    monkeypatch.setattr(schema, "HEAD", "test_later")


def test_a_migration_keeps_every_row(empty_store_url, request):
    """A store of an older version with data in it, brought to the next: every row is there, with what is new."""
    store = Store.open(empty_store_url)
    _fill(store)
    store.close()
    names = inspect(engine := create_engine(empty_store_url)).get_table_names()
    engine.dispose()
    before = _rows(empty_store_url, names)
    request.getfixturevalue("later")
    with pytest.raises(StoreError, match="readiness store migrate"):
        Store.open(empty_store_url)
    engine = create_engine(empty_store_url)
    assert schema.migrate(engine).found == HEAD
    assert schema.revision(engine).found == "test_later"
    engine.dispose()
    after = _rows(empty_store_url, names)
    owner = ("owner", "nobody")
    assert {name for name in names if before[name] != after[name]} == {"leads", "alembic_version"}
    assert [[pair for pair in row if pair != owner] for row in after["leads"]] == before["leads"]
    assert all(owner in row for row in after["leads"])
    assert len(before["events"]) == 300


def test_a_store_in_use_is_not_migrated(empty_store_url):
    """A service that has the store open is found; once it is gone, the way is free."""
    service = Store.open(empty_store_url)
    service.read(lambda connection: connection.execute(select(events.c.kind)).all())
    engine = schema_engine(empty_store_url)
    with pytest.raises(StoreError, match="stop the services"):
        must_be_alone(engine)
    service.close()
    must_be_alone(engine)
    engine.dispose()
    Store.open(empty_store_url).close()


def schema_engine(url):
    """An engine as the command has it."""
    from data.store.address import open_engine
    from data.store.address import store_url as url_of

    return open_engine(url_of(url, Path()))


def test_the_verbs_from_an_empty_place_to_a_loaded_store(contract, empty_store_url):
    """Status of nothing, migrate, load, status, load again: each says what is there and what to do next."""
    if empty_store_url.startswith("sqlite"):
        nothing = _run(contract, "status")
        assert nothing.returncode == 1
        assert "There is no store at" in nothing.stderr
    made = _run(contract, "migrate", "--json")
    assert made.returncode == 0, made.stderr
    assert json.loads(made.stdout) == {"before": None, "after": HEAD}
    assert "already" in _run(contract, "migrate").stderr
    loaded = _run(contract, "load", "--json", "--quiet")
    assert loaded.returncode == 0, loaded.stderr
    told = json.loads(loaded.stdout)
    assert told["bad_rows"] > 0
    assert told["tables"]["leads"] == {"taken": 40, "duplicates": 0, "refused": []}
    again = _run(contract, "load", "--quiet")
    assert again.returncode == 0
    assert "What was left out" in again.stdout
    assert 'kind = "store"' in again.stderr
    said = json.loads(_run(contract, "status", "--json").stdout)
    assert said["revision"] == said["expected_revision"] == HEAD
    assert said["rows"]["events"] == told["tables"]["events"]["taken"]
    assert said["size_bytes"] > 100_000
    assert "s3cret" not in said["store"]
    assert said["store"].startswith(("sqlite:///", "postgresql://")), "as people write it, without a driver"
    assert "rows" in _run(contract, "status").stdout


def test_a_store_is_not_loaded_into_itself(contract):
    """The store as the source of a load is a mistake, and is said to be one."""
    text_ = contract.read_text()
    start, end = text_.index("[source]"), text_.index("[spine]")
    contract.write_text(f'{text_[:start]}[source]\nkind = "store"\n\n{text_[end:]}')
    done = _run(contract, "load")
    assert done.returncode == 1
    assert "the store itself" in done.stderr


def test_a_future_row_is_listed_with_its_reason(contract, empty_store_url, tmp_path):
    """What a store refuses is told by row and reason; the others are loaded."""
    import pyarrow.parquet as pq

    rows = pq.read_table(tmp_path / "outcomes.parquet").to_pylist()
    future = T0 * 4
    rows[0]["occurred_at"] = rows[0]["known_at"] = rows[0]["occurred_at"].replace(year=2150)
    pq.write_table(pq.read_table(tmp_path / "outcomes.parquet").from_pylist(rows), tmp_path / "outcomes.parquet")
    text_ = contract.read_text()
    line = next(line for line in text_.splitlines() if line.startswith("history_end"))
    contract.write_text(text_.replace(line, f"history_end = {iso(future)}"))
    told = json.loads(_run(contract, "load", "--json", "--quiet").stdout)
    [refused] = told["tables"]["outcomes"]["refused"]
    assert "which is not yet" in refused["reason"]
    assert told["tables"]["outcomes"]["taken"] == len(rows) - 1
    assert empty_store_url
