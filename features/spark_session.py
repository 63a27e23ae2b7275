"""A Spark session, the fact tables that it sees, and the Parquet that it writes (extra ``spark``)."""

import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from data.errors import ContractError, SchemaError
from features.partition import OF_ACCOUNTS

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

NAMES = ("leads", "events", "outcomes", "changes", *OF_ACCOUNTS)
QUIET = {"spark.ui.enabled": "false", "spark.ui.showConsoleProgress": "false", "spark.sql.session.timeZone": "UTC"}


@contextmanager
def connect(master: str | None = None) -> "Iterator[SparkSession]":
    """The session that is there (as under spark-submit), or one at ``master``; without either, on this machine.

    Raises ContractError when PySpark or Java is not installed, or when the session cannot start.
    """
    sql = _pyspark()
    running = sql.SparkSession.getActiveSession()
    if running is not None:
        yield running
        return
    builder = sql.SparkSession.builder.appName("readiness")
    for name, value in QUIET.items():
        builder = builder.config(name, value)
    if master is None or master.startswith("local"):
        os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)  # not whatever python3 is on the PATH
        builder = builder.config("spark.driver.bindAddress", "127.0.0.1").config("spark.driver.host", "127.0.0.1")
    try:
        with arrow_only():
            session = builder.master(master or "local[*]").getOrCreate()
            session.sparkContext.setLogLevel("ERROR")
    except Exception as error:
        raise ContractError(
            f"Spark did not start ({type(error).__name__}: {str(error).splitlines()[0]}). Expected Java 17 or newer on "
            "the PATH, and a master that answers. Install Java, or correct --scheduler."
        ) from error
    try:
        yield session
    finally:
        session.stop()


def _pyspark() -> Any:
    try:
        with arrow_only():
            from pyspark import sql  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise ContractError(
            f"The Spark engine is not installed ({error}). Install it with: pip install 'readiness[spark]'"
        ) from None
    return sql


@contextmanager
def arrow_only() -> "Iterator[None]":
    """PySpark warns of pandas 3 wherever it could use pandas; here it never does."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas", FutureWarning)
        yield


def read_tables(session: "SparkSession", root: str) -> "dict[str, DataFrame]":
    """The fact tables at ``root``: a folder or an address of Parquet, or ``table:NAME`` for a database of the catalog.

    Raises SchemaError when leads, events or outcomes are not there.
    """
    if root.startswith("table:"):
        base = root.removeprefix("table:")
        found = {
            name: session.table(f"{base}.{name}") for name in NAMES if session.catalog.tableExists(f"{base}.{name}")
        }
    else:
        found = {name: frame for name in NAMES if (frame := _parquet(session, root, name)) is not None}
    missing = [name for name in ("leads", "events", "outcomes") if name not in found]
    if missing:
        raise SchemaError(
            f"{root} has no {missing[0]} ({len(missing)} of 3 tables are missing). Expected leads, events and outcomes "
            "as Parquet, or as tables of the database. `readiness check --output DIR` writes them."
        )
    return found


def _parquet(session: "SparkSession", root: str, name: str) -> "DataFrame | None":
    from pyspark.errors import AnalysisException  # noqa: PLC0415 - an extra

    for place in (f"{root}/{name}.parquet", f"{root}/{name}"):
        try:
            return session.read.parquet(place)
        except AnalysisException as error:
            if error.getCondition() != "PATH_NOT_FOUND":
                raise
    return None


def write_parts(frame: "DataFrame", folder: str) -> None:
    """Run ``frame`` and write it to ``folder`` as Parquet, with times in microseconds UTC as everywhere else."""
    conf, name = frame.sparkSession.conf, "spark.sql.parquet.outputTimestampType"
    before = conf.get(name)
    conf.set(name, "TIMESTAMP_MICROS")
    try:
        frame.write.mode("overwrite").parquet(folder)
    finally:
        conf.set(name, before or "INT96")
