"""The same facts give the same History, wherever they are kept and in whatever order."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data.check import check
from data.sources.raw import raw_table
from data.tables import SCHEMAS

TYPES = {"string": sa.Text, "int64": sa.BigInteger, "double": sa.Float, "bool": sa.Boolean}
ATTRIBUTES = {"leads": ["industry", "employees", "partner", "since"], "events": ["depth"], "outcomes": []}


def content(history):
    """A history as plain values, its rows in the order of their content."""
    tables = {name: getattr(history, name) for name in SCHEMAS}
    rows = {name: sorted(map(repr, table.to_pylist())) for name, table in tables.items()}
    return history.ends_at, {name: str(table.schema) for name, table in tables.items()}, rows


def mapping(form, schema=""):
    """The tables of a [source] section that takes every attribute."""
    return "\n".join(
        f'{name} = {{table = "{schema}{name}{form}", attributes = {columns}}}'.replace(", attributes = []", "")
        for name, columns in ATTRIBUTES.items()
    )


def store(url, facts, schema=None):
    """Arrow tables as tables of a database."""
    engine = sa.create_engine(url)
    metadata = sa.MetaData(schema=schema)
    for name, table in facts.items():
        columns = [sa.Column(f.name, TYPES.get(str(f.type), sa.DateTime(timezone=True))) for f in table.schema]
        made = sa.Table(name, metadata, *columns)
        made.create(engine)
        with engine.begin() as connection:
            connection.execute(made.insert(), table.to_pylist())
    engine.dispose()


@pytest.fixture
def expected(contract_of, save, facts):
    """The content of the small market read from Parquet, which declares every type."""
    save(facts, "parquet")
    return content(check(contract_of(f'timezone = "UTC"\n{mapping(".parquet")}')).history)


def test_csv_like_parquet(contract_of, save, facts, expected):
    """CSV, where all is text, gives the same values and the same types as Parquet."""
    save(facts, "csv")
    assert content(check(contract_of(f'timezone = "UTC"\n{mapping(".csv")}')).history) == expected


def test_sqlite_like_parquet(contract_of, facts, expected, tmp_path):
    """SQLite, which has no times, gives the same as Parquet."""
    store(f"sqlite:///{tmp_path}/crm.db", facts)
    source = f'kind = "database"\nurl = "sqlite:///crm.db"\ntimezone = "UTC"\n{mapping("")}'
    assert content(check(contract_of(source)).history) == expected


def test_postgres_like_parquet(contract_of, facts, expected, postgres_url):
    """PostgreSQL gives the same as Parquet, in whatever zone its server lives."""
    engine = sa.create_engine(postgres_url)
    with engine.begin() as connection:
        connection.execute(sa.text("DROP SCHEMA IF EXISTS same CASCADE"))
        connection.execute(sa.text("CREATE SCHEMA same"))
        connection.execute(sa.text("ALTER ROLE CURRENT_USER SET timezone = 'Asia/Kolkata'"))
    store(postgres_url, facts, "same")
    source = f'kind = "database"\nurl = "{postgres_url}"\ntimezone = "UTC"\n{mapping("", "same.")}'
    try:
        assert content(check(contract_of(source)).history) == expected
    finally:
        with engine.begin() as connection:
            connection.execute(sa.text("DROP SCHEMA same CASCADE"))
            connection.execute(sa.text("ALTER ROLE CURRENT_USER RESET timezone"))
        engine.dispose()


START = datetime(2024, 1, 1, tzinfo=UTC)
ids = st.sampled_from(["a", "b", "c", None])
times = st.integers(0, 3).map(lambda days: START + timedelta(days=days))
lead_rows = st.fixed_dictionaries({"lead_id": ids, "created_at": times, "size": st.sampled_from([1.0, 2.0, None])})
event_rows = st.fixed_dictionaries(
    {
        "lead_id": ids,
        "kind": st.sampled_from(["open", "click"]),
        "occurred_at": times,
        "known_at": times,
        "event_id": st.sampled_from(["1", "2", None]),
        "depth": st.sampled_from([1.0, 2.0]),
    }
)


def table(name, rows, columns):
    """Rows as an Arrow table with the types of ``data.tables``."""
    fixed = SCHEMAS[name]
    fields = [fixed.field(c).with_nullable(True) if c in fixed.names else pa.field(c, pa.float64()) for c in columns]
    return pa.Table.from_pylist(rows, pa.schema(fields))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(lead_rows, max_size=6), st.lists(event_rows, max_size=8), st.randoms(use_true_random=False))
def test_any_order_of_rows(contract_of, leads, events, random):
    """Whatever the order of rows, also among duplicates, the History has the same content."""
    found = []
    for _ in range(2):
        tables = {
            "leads": table("leads", leads, ["lead_id", "created_at", "size"]),
            "events": table("events", events, ["lead_id", "kind", "occurred_at", "known_at", "event_id", "depth"]),
            "outcomes": SCHEMAS["outcomes"].empty_table(),
        }
        found.append(
            content(check(contract_of(), {name: raw_table(name, rows) for name, rows in tables.items()}).history)
        )
        random.shuffle(leads)
        random.shuffle(events)
    assert found[0] == found[1]


cells = st.one_of(
    st.sampled_from(["a", "b", "", "nan", "1", "1.0", "lead", "sales", "x,y", 'say "hi"', "ü", "2024-01-05T00:00:00Z"]),
    st.datetimes(datetime(1960, 1, 1), datetime(2210, 1, 1)).map(str),  # noqa: DTZ001 - naive times are part of the mess
    st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=5),
)
HEADERS = {
    "leads": ["lead_id", "created_at", "size"],
    "events": ["lead_id", "kind", "occurred_at", "known_at", "event_id", "actor", "value", "item"],
    "outcomes": ["lead_id", "kind", "occurred_at", "value"],
}


def mess(name):
    """Rows of arbitrary cells, as many as the table has columns."""
    row = st.lists(cells, min_size=len(HEADERS[name]), max_size=len(HEADERS[name]))
    return st.lists(row, max_size=8)


def quoted(rows):
    """Rows as CSV text, every cell in quotes."""
    return "".join(",".join('"' + cell.replace('"', '""') + '"' for cell in row) + "\r\n" for row in rows)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(mess("leads"), mess("events"), mess("outcomes"), st.sampled_from(["", 'timezone = "Europe/London"\n']))
def test_good_and_bad_is_all(contract_of, write, leads, events, outcomes, zone):
    """However messy the cells: good + bad = read, each bad row has one reason, and each good row is good again."""
    rows = {"leads": [["a", "2024-01-01T00:00:00Z", "1"], *leads], "events": events, "outcomes": outcomes}
    write(**{name: quoted([HEADERS[name], *rows[name]]) for name in rows})
    source = zone + "\n".join(f'{name} = {{table = "{name}.csv"}}' for name in rows)
    checked = check(contract_of(source))
    for report in checked.report.tables:
        assert report.read == len(rows[report.table]) == report.accepted + report.rejected
        assert report.accepted == getattr(checked.history, report.table).num_rows
        bad = checked.rejected[report.table]
        assert report.rejected == bad.num_rows == sum(reason is not None for reason in bad["reason"].to_pylist())
    again = check(contract_of(source), {name: raw_table(name, getattr(checked.history, name)) for name in rows})
    assert again.report.rejected == 0
    assert content(again.history) == content(checked.history)


def test_many_rows_keep_their_further_columns(contract_of):
    """With bad rows in between and more rows than one slice, every further value stays with its row."""
    count = 1_100_000
    rng = np.random.default_rng(7)
    known = rng.random(count) < 0.9
    events = pa.table(
        {
            "lead_id": pa.array(np.where(known, "a", "nobody")),
            "kind": pa.array(["k"]).take(pa.array(np.zeros(count, np.int32))),
            "occurred_at": pa.array(np.arange(count) + 1_704_067_200_000_000, pa.timestamp("us", "UTC")),
            "depth": pa.array(np.arange(count)),
        }
    )
    leads = pa.table({"lead_id": ["a"], "created_at": pa.array([START], pa.timestamp("us", "UTC"))})
    raw = {
        "leads": raw_table("leads", leads),
        "events": raw_table("events", events),
        "outcomes": raw_table("outcomes", SCHEMAS["outcomes"].empty_table()),
    }
    good = check(contract_of(), raw).history.events
    rows = np.flatnonzero(known)
    assert (good["depth"].to_numpy() == rows).all()
    assert (good["occurred_at"].cast(pa.int64()).to_numpy() - 1_704_067_200_000_000 == rows).all()
