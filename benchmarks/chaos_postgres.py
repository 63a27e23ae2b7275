"""A PostgreSQL server of our own, that may be crashed and started again, with its usual durability."""

import os
import pwd
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, make_url, text

from benchmarks.chaos_programs import free_port

_PASSWORD = "s3cret-of-chaos"  # noqa: S105 - of a server that lives for this run


@dataclass(frozen=True)
class Postgres:
    """A cluster in a folder, with the programs that run it."""

    programs: Path
    folder: Path
    port: int
    owner: dict[str, Any]

    def url(self, database: str = "postgres") -> str:
        """The URL of a database of it."""
        return f"postgresql+psycopg://readiness:{_PASSWORD}@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        """Start it; returns when it answers."""
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={self.folder}"
        self._ctl("start", "-l", str(self.folder / "log"), "-o", options)

    def stop(self) -> None:
        """Stop it in order, as an update does: whoever is connected is cut off, and everything is flushed."""
        self._ctl("stop", "-m", "fast")

    def crash(self) -> None:
        """Stop it as a crash would: nothing is flushed, and it recovers from its log at the next start."""
        self._ctl("stop", "-m", "immediate")

    def database(self, tablespace: Path | None = None) -> str:
        """The URL of a new database; its tables lie in ``tablespace`` if one is given."""
        name = f"chaos_{uuid.uuid4().hex[:12]}"
        engine = create_engine(make_url(self.url()), isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            where = ""
            if tablespace is not None:
                connection.execute(text(f"CREATE TABLESPACE t_{name} LOCATION '{tablespace}'"))
                where = f" TABLESPACE t_{name}"
            connection.execute(text(f"CREATE DATABASE {name}{where}"))
        engine.dispose()
        return self.url(name)

    def _ctl(self, *words: str) -> None:
        command = [self.programs / "pg_ctl", "-D", self.folder / "cluster", "-w", "-t", "60", *words]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **self.owner)


def programs() -> Path | None:
    """The folder of PostgreSQL's programs: from the PATH, or where Debian puts them."""
    found = shutil.which("initdb")
    if found and (Path(found).resolve().parent / "pg_ctl").exists():
        return Path(found).resolve().parent
    return next(iter(sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)), None)


@contextmanager
def postgres() -> Iterator[Postgres]:
    """A running server, gone afterwards. Raises RuntimeError where PostgreSQL is not installed."""
    found = programs()
    if found is None:
        raise RuntimeError("There is no PostgreSQL here: initdb and pg_ctl were not found. Install it, or use sqlite.")
    folder = Path(tempfile.mkdtemp(prefix="readiness-chaos-postgres-"))
    (folder / "password").write_text(_PASSWORD)
    owner = owner_of(folder, folder / "password")
    initdb = [found / "initdb", "-D", folder / "cluster", "-U", "readiness", "--pwfile", folder / "password"]
    options = ["-A", "scram-sha-256", "-E", "UTF8", "--locale", "C"]
    subprocess.run([*initdb, *options], check=True, capture_output=True, **owner)
    server = Postgres(found, folder, free_port(), owner)
    server.start()
    try:
        yield server
    finally:
        server.crash()
        shutil.rmtree(folder, ignore_errors=True)


def owner_of(*paths: Path) -> dict[str, Any]:
    """PostgreSQL refuses to run as root: hand the paths to another user, and run its programs as that one."""
    if os.geteuid() != 0:
        return {}
    known = {entry.pw_name for entry in pwd.getpwall()}
    name = "postgres" if "postgres" in known else "nobody"
    for path in paths:
        shutil.chown(path, user=name)
    return {"user": name}
