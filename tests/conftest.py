"""What every test may ask for."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("OMP_NUM_THREADS", "1")

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of public data sets beside the project; skips where it is absent."""
    if not SHARED.is_dir():
        pytest.skip(f"no public data sets at {SHARED.name}: this test needs the real tables")
    return SHARED


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """The URL of a real PostgreSQL server: READINESS_TEST_POSTGRES, or one that this session starts and stops."""
    given = os.environ.get("READINESS_TEST_POSTGRES")
    if given:
        yield given
        return
    programs = _postgres_programs()
    if programs is None:
        pytest.skip("no PostgreSQL: initdb is not on the PATH and READINESS_TEST_POSTGRES is not set")
    with _postgres_server(programs) as url:
        yield url


def _postgres_programs() -> Path | None:
    """The folder of initdb and postgres: from the PATH, or where Debian puts them."""
    found = shutil.which("initdb")
    if found:
        return Path(found).resolve().parent
    return next(iter(sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)), None)


@contextmanager
def _postgres_server(programs: Path) -> Iterator[str]:
    """A server on a free loopback port, in a folder of its own; the password is asked for, as in real life."""
    folder = Path(tempfile.mkdtemp(prefix="readiness-postgres-"))
    (folder / "password").write_text("s3cret-of-tests")
    owner = _postgres_owner(folder)
    initdb = [programs / "initdb", "-D", folder / "cluster", "-U", "readiness", "--pwfile", folder / "password"]
    options = ["-A", "scram-sha-256", "-E", "UTF8", "--locale", "C"]
    subprocess.run([*initdb, *options], check=True, capture_output=True, **owner)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = ["-c", "fsync=off", "-c", "listen_addresses=127.0.0.1", "-c", f"unix_socket_directories={folder}"]
    with (folder / "log").open("w") as log:
        server = subprocess.Popen(
            [programs / "postgres", "-D", folder / "cluster", "-p", str(port), *settings], stderr=log, **owner
        )
    try:
        _await_port(server, port, folder / "log")
        yield f"postgresql+psycopg://readiness:s3cret-of-tests@127.0.0.1:{port}/postgres"
    finally:
        server.send_signal(signal.SIGQUIT)
        server.wait(timeout=30)
        shutil.rmtree(folder, ignore_errors=True)


def _postgres_owner(folder: Path) -> dict[str, str]:
    """PostgreSQL refuses to run as root: hand the folder to another user, and the programs too."""
    if os.geteuid() != 0:
        return {}
    known = {entry.pw_name for entry in pwd.getpwall()}
    name = "postgres" if "postgres" in known else "nobody"
    for path in (folder, folder / "password"):
        shutil.chown(path, user=name)
    return {"user": name}


def _await_port(server: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    """Until the server answers, or the reason why it does not."""
    for _ in range(300):
        if server.poll() is not None:
            pytest.fail(f"PostgreSQL did not start: {log.read_text()[-500:]}")
        if "ready to accept connections" in log.read_text():
            return
        time.sleep(0.05)
    pytest.fail(f"PostgreSQL did not listen on port {port} within 15 s: {log.read_text()[-500:]}")


@contextmanager
def database(request, folder: Path, *, prepared: bool) -> Iterator[str]:
    """The URL of a database of the kind that a fixture's parameter names, sqlite or postgresql.

    Empty, or ``prepared`` with a store's tables as a copy of one that was migrated once: a tenth of the work.
    """
    if request.param == "sqlite":
        if prepared:
            shutil.copy(request.getfixturevalue("sqlite_store"), folder / "store.db")
        yield f"sqlite:///{folder / 'store.db'}"
        return
    server = request.getfixturevalue("postgres_url")
    with _postgres_database(server, request.getfixturevalue("postgres_store") if prepared else "template1") as url:
        yield url


@contextmanager
def _postgres_database(server: str, template: str) -> Iterator[str]:
    from sqlalchemy import create_engine, make_url, text

    name = f"store_{uuid.uuid4().hex}"
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name} TEMPLATE {template}"))
    yield make_url(server).set(database=name).render_as_string(hide_password=False)
    with engine.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    engine.dispose()


@pytest.fixture(scope="session")
def sqlite_store(tmp_path_factory) -> Path:
    """A database file with a store's tables and nothing in them."""
    from serving.store.store import Store

    file = tmp_path_factory.mktemp("prepared") / "store.db"
    Store.open(f"sqlite:///{file}").close()
    return file


@pytest.fixture(scope="session")
def postgres_store(postgres_url) -> Iterator[str]:
    """The name of a PostgreSQL database with a store's tables and nothing in them; nobody is connected to it."""
    from sqlalchemy import make_url

    from serving.store.store import Store

    with _postgres_database(postgres_url, "template1") as url:
        Store.open(url).close()
        yield str(make_url(url).database)


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_store_url(request, tmp_path) -> Iterator[str]:
    """The URL of an empty database: SQLite, then PostgreSQL."""
    with database(request, tmp_path, prepared=False) as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request, tmp_path) -> Iterator[str]:
    """The URL of a store without anything in it: on SQLite, then on PostgreSQL."""
    with database(request, tmp_path, prepared=True) as url:
        yield url


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def module_store_url(request, tmp_path_factory) -> Iterator[str]:
    """The URL of a store that the tests of a module share: on SQLite, then on PostgreSQL."""
    with database(request, tmp_path_factory.mktemp("store"), prepared=True) as url:
        yield url


@pytest.fixture
def store(store_url):
    """An open store without anything in it, on each kind of database."""
    from serving.store.store import Store

    opened = Store.open(store_url)
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def make_history():
    """Builds a History of plain rows.

    Leads as (lead_id, created_at), events as (lead_id, kind, occurred_at, known_at), outcomes as (lead_id, kind,
    occurred_at); times in microseconds.
    """
    import pyarrow as pa

    from data.history import History
    from data.tables import EVENTS, LEADS, OUTCOMES

    def build(leads, events=(), outcomes=(), ends_at=10**9):
        lead_rows = [{"lead_id": lead, "created_at": at, "account_id": None} for lead, at in leads]
        event_rows = [
            {"lead_id": lead, "kind": kind, "occurred_at": at, "known_at": known, "actor": "lead"}
            for lead, kind, at, known in events
        ]
        outcome_rows = [
            {"lead_id": lead, "kind": kind, "occurred_at": at, "known_at": at} for lead, kind, at in outcomes
        ]
        return History(
            pa.Table.from_pylist(lead_rows, LEADS),
            pa.Table.from_pylist(event_rows, EVENTS),
            pa.Table.from_pylist(outcome_rows, OUTCOMES),
            ends_at,
        )

    return build


@pytest.fixture(scope="session")
def dask_client():
    """A client of a real Dask cluster of two worker processes on this machine; skips where Dask is not installed."""
    pytest.importorskip("distributed", reason="no Dask: pip install 'readiness[dask]'")
    from features.dask_feed import connect

    with connect(None, 2) as client:
        yield client


@pytest.fixture(scope="session")
def spark():
    """A Spark session with two threads on this machine; skips where PySpark or Java is not installed."""
    pytest.importorskip("pyspark", reason="no Spark: pip install 'readiness[spark]'")
    if shutil.which("java") is None and "JAVA_HOME" not in os.environ:
        pytest.skip("no Java on the PATH: Spark needs version 17 or newer")
    from features.spark_session import connect

    with connect("local[2]") as session:
        session.conf.set("spark.sql.shuffle.partitions", "4")
        yield session
