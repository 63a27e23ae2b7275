"""Databases: real ones, read in batches, with one clear error for each thing that is wrong and no secret in it."""

import pytest
import sqlalchemy as sa

from data.check import check
from data.contract import parse_contract
from data.errors import ContractError, SchemaError
from data.sources import database
from data.sources.read import read_source

READY = '[ready]\noutcome = ["won"]\nterminal = ["won"]\nhorizons = ["30d"]\nprimary = "30d"\n'
TYPES = {"string": sa.Text, "int64": sa.BigInteger, "double": sa.Float, "bool": sa.Boolean}


def store(engine, tables, schema=None):
    """Arrow tables as tables of a database, with the types that it would give them."""
    metadata = sa.MetaData(schema=schema)
    for name, table in tables.items():
        columns = [
            sa.Column(field.name, TYPES.get(str(field.type), sa.DateTime(timezone=True))) for field in table.schema
        ]
        made = sa.Table(name, metadata, *columns)
        made.drop(engine, checkfirst=True)
        made.create(engine)
        if table.num_rows:
            with engine.begin() as connection:
                connection.execute(made.insert(), table.to_pylist())


def database_contract(url, folder, schema="", **tables):
    """A contract over three tables of a database."""
    names = {"leads": "leads", "events": "events", "outcomes": "outcomes", **tables}
    lines = [f'{name} = {{table = "{schema}{table}"}}' for name, table in names.items()]
    return parse_contract("\n".join([READY, "[source]", 'kind = "database"', f'url = "{url}"', *lines]), folder)


@pytest.fixture
def sqlite(tmp_path, facts):
    """The small market as an SQLite file beside the contract."""
    engine = sa.create_engine(f"sqlite:///{tmp_path}/crm.db")
    store(engine, facts)
    engine.dispose()
    return "sqlite:///crm.db"


@pytest.fixture
def postgres(postgres_url, facts):
    """The small market in a schema of its own of a real server."""
    engine = sa.create_engine(postgres_url)
    with engine.begin() as connection:
        connection.execute(sa.text("DROP SCHEMA IF EXISTS crm CASCADE"))
        connection.execute(sa.text("CREATE SCHEMA crm"))
    store(engine, facts, "crm")
    yield postgres_url
    with engine.begin() as connection:
        connection.execute(sa.text("DROP SCHEMA crm CASCADE"))
    engine.dispose()


def run(url, statements):
    """Statements on a real server, committed."""
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(sa.text(statement))
    engine.dispose()


def test_a_table_that_is_not_there(tmp_path, sqlite):
    """A missing table is an error that lists those that are there."""
    with pytest.raises(SchemaError, match=r"no table 'visits'\. It has events, leads, outcomes"):
        read_source(database_contract(sqlite, tmp_path, events="visits"))


def test_a_column_that_is_not_there(tmp_path, sqlite):
    """A missing column is an error that names its table and the columns that are there."""
    engine = sa.create_engine(f"sqlite:///{tmp_path}/crm.db")
    with engine.begin() as connection:
        connection.execute(sa.text("ALTER TABLE events RENAME COLUMN kind TO type"))
    engine.dispose()
    with pytest.raises(SchemaError, match=r"events has no column 'kind'.* It has lead_id, type"):
        read_source(database_contract(sqlite, tmp_path))


def test_a_missing_sqlite_file(tmp_path):
    """A missing SQLite file is an error, and is not made by asking for it."""
    with pytest.raises(SchemaError, match=r"There is no SQLite file .*nowhere\.db"):
        read_source(database_contract("sqlite:///nowhere.db", tmp_path))
    assert not (tmp_path / "nowhere.db").exists()


def test_a_file_that_is_no_database(tmp_path):
    """A file that is no database is an error in one sentence."""
    (tmp_path / "crm.db").write_text("lead_id,created_at\n" * 100)
    with pytest.raises(SchemaError, match="cannot be read: file is not a database"):
        read_source(database_contract("sqlite:///crm.db", tmp_path))


def test_a_sqlite_file_cut_off(tmp_path, sqlite):
    """A database file cut off in the middle is an error in one sentence."""
    path = tmp_path / "crm.db"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(SchemaError, match=r"cannot be read: .*malformed"):
        read_source(database_contract(sqlite, tmp_path))


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("hello", "url is not a database URL"),
        ("mysql://u:hidden@h/d", "of kind 'mysql'"),
        ("$NO_SUCH_VARIABLE_OF_READINESS", "the environment has no NO_SUCH_VARIABLE_OF_READINESS"),
    ],
)
def test_urls_that_cannot_be(tmp_path, url, message):
    """What is no URL, or of a kind that we do not read, is an error of the contract."""
    with pytest.raises(ContractError, match=message) as caught:
        read_source(database_contract(url, tmp_path))
    assert "hidden" not in str(caught.value)


def test_a_server_that_does_not_answer(tmp_path):
    """A server that is not there is one sentence without the password."""
    with pytest.raises(
        SchemaError, match=r"postgresql\+psycopg://crm:\*\*\*@127\.0\.0\.1:1/d cannot be read"
    ) as caught:
        read_source(database_contract("postgresql://crm:top-secret@127.0.0.1:1/d", tmp_path))
    assert "top-secret" not in str(caught.value)


def test_a_password_with_an_at_sign(tmp_path):
    """No piece of a password that breaks its URL is printed."""
    with pytest.raises(SchemaError) as caught:
        read_source(database_contract("postgresql://crm:abc@def/ghi@127.0.0.1:1/d?password=jklm", tmp_path))
    assert not [piece for piece in ("abc", "def", "ghi", "jklm") if piece in str(caught.value)]


def test_a_wrong_password(tmp_path, postgres):
    """A wrong password is said as such, and not shown."""
    wrong = sa.make_url(postgres).set(password="wr0ng-one")  # noqa: S106 - wrong on purpose
    engine = sa.create_engine(wrong)
    try:
        with engine.connect():
            pytest.skip("this server lets anyone in")
    except sa.exc.OperationalError:
        engine.dispose()
    with pytest.raises(SchemaError, match="password authentication failed") as caught:
        read_source(database_contract(wrong.render_as_string(hide_password=False), tmp_path))
    assert "wr0ng-one" not in str(caught.value)


def test_the_driver_need_not_be_named(tmp_path, postgres, monkeypatch):
    """A plain postgresql:// URL from the environment is enough."""
    plain = sa.make_url(postgres).set(drivername="postgresql").render_as_string(hide_password=False)
    monkeypatch.setenv("READINESS_SOURCE_URL", plain)
    raw = read_source(database_contract("$READINESS_SOURCE_URL", tmp_path, "crm."))
    assert raw["events"].rows.num_rows == 5
    assert raw["events"].origin == "crm.events"


def test_reading_changes_nothing(postgres, tmp_path):
    """The connection is for reading only: a statement that writes is refused by the server."""
    with pytest.raises(SchemaError, match="read-only transaction"), database.connect(postgres, tmp_path) as connection:
        connection.execute(sa.text("DELETE FROM crm.events"))


def test_batches_join(tmp_path, sqlite, postgres, monkeypatch, facts):
    """The size of a batch makes no difference, although a batch may lack every value of a column."""
    monkeypatch.setattr(database, "BATCH_ROWS", 1)
    for contract in (database_contract(sqlite, tmp_path), database_contract(postgres, tmp_path, "crm.")):
        rows = read_source(contract)["events"].rows
        assert rows.num_rows == 5
        assert sorted(map(str, rows["value"].to_pylist())) == sorted(map(str, facts["events"]["value"].to_pylist()))


def test_views(tmp_path, postgres):
    """A view is as good as a table."""
    run(postgres, ["CREATE VIEW crm.some_events AS SELECT * FROM crm.events WHERE kind = 'open'"])
    raw = read_source(database_contract(postgres, tmp_path, "crm.", events="some_events"))
    assert raw["events"].rows.num_rows == 4


def test_types_that_only_postgres_has(tmp_path, postgres):
    """UUIDs, exact numbers, dates and infinite times arrive as what they mean; what cannot be is a bad row."""
    run(
        postgres,
        [
            "CREATE TABLE crm.l2 (lead_id uuid, created_at timestamptz, score numeric(9, 2), born date)",
            "INSERT INTO crm.l2 VALUES ('0b99dab7-1519-032b-917d-c641cdd7ac5b', '2024-1-1 1:00+1', 10.5, '1990-2-3')",
            "INSERT INTO crm.l2 VALUES ('0b99dab7-1519-032b-917d-c641cdd7ac5c', 'infinity', 'NaN', 'infinity')",
        ],
    )
    contract = database_contract(postgres, tmp_path, "crm.", leads="l2")
    leads = contract.source.leads.model_copy(update={"attributes": ("score", "born")})
    source = contract.source.model_copy(update={"leads": leads, "timezone": "UTC"})
    checked = check(contract.model_copy(update={"source": source}))
    (lead,) = checked.history.leads.to_pylist()
    assert lead["lead_id"] == "0b99dab7-1519-032b-917d-c641cdd7ac5b"
    assert lead["created_at"].isoformat() == "2024-01-01T00:00:00+00:00"
    assert lead["score"] == 10.5
    assert lead["born"].isoformat() == "1990-02-03T00:00:00+00:00"
    assert [row["reason"] for row in checked.rejected["leads"].to_pylist()] == ["created_at is not a time"]


def test_sqlite_columns_of_several_types(tmp_path, sqlite):
    """SQLite keeps any value in any column: numbers among text stay what they say, and bad ones become bad rows."""
    engine = sa.create_engine(f"sqlite:///{tmp_path}/crm.db")
    with engine.begin() as connection:
        for lead, when, value in ((1, "2024-01-05 00:00:00Z", "'12'"), (2, "soon", "1.5"), (3, "2024-03-05Z", "'x'")):
            connection.execute(
                sa.text(f"INSERT INTO outcomes VALUES ({lead}, 'won', '{when}', {value})")  # noqa: S608 - three fixed rows
            )
    engine.dispose()
    contract = database_contract(sqlite, tmp_path)
    source = contract.source.model_copy(update={"timezone": "UTC"})
    report = check(contract.model_copy(update={"source": source})).report.tables[2]
    assert {bad.reason: bad.count for bad in report.rejections} == {
        "occurred_at is not a time": 2,
        "outcome before the lead was created": 1,
    }


def test_tie_step_needs_an_order(tmp_path, sqlite):
    """The rows of a database have no order, so that no time can be made of it."""
    contract = database_contract(sqlite, tmp_path)
    leads = contract.source.leads.model_copy(update={"tie_step": 1})
    source = contract.source.model_copy(update={"leads": leads})
    with pytest.raises(ContractError, match="has a tie_step, but leads has no order of rows"):
        read_source(contract.model_copy(update={"source": source}))
