"""``readiness store``: the database that the service keeps, looked after."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from serving.commands import options, store_prune, stores

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from data.check import Checked
    from serving.ingest.loading import Account

app = typer.Typer(name="store", help="The service's store: status, migrate, load, prune.", no_args_is_help=True)


@app.command()
def status(
    contract: options.Contract = options.CONTRACT, store: stores.Url = None, as_json: options.Json = False
) -> None:
    """Say what the store holds: its revision, its size, the rows of each table."""
    from data.store.address import shown
    from serving.commands import terminal
    from serving.store.schema import revision

    with _engine(contract, store) as engine:
        found = revision(engine)
        said: dict[str, Any] = {
            "store": shown(engine.url),
            "revision": found.found,
            "expected_revision": found.expected,
            "size_bytes": _size(engine),
            "rows": _counts(engine),
        }
    if as_json:
        terminal.print_json(said)
    else:
        rows = [(name, f"{count:,}") for name, count in said["rows"].items()]
        terminal.print_table(f"The store {said['store']}", ("table", "rows"), rows, numeric=(1,))
        terminal.say(f"Revision {found.found}, {said['size_bytes'] / 1e6:,.1f} MB.")
    if found.found != found.expected:
        terminal.next_step(f"This version expects revision {found.expected}: readiness store migrate")


@app.command()
def migrate(
    contract: options.Contract = options.CONTRACT, store: stores.Url = None, as_json: options.Json = False
) -> None:
    """Bring the store to this version's tables; nothing is lost. Nobody may use it meanwhile."""
    from serving.commands import terminal
    from serving.store.alone import must_be_alone
    from serving.store.schema import migrate as bring
    from serving.store.schema import revision

    with _engine(contract, store, new=True) as engine:
        before = revision(engine)
        if before.found != before.expected:
            if before.found is not None:
                must_be_alone(engine)
            bring(engine)
    if as_json:
        terminal.print_json({"before": before.found, "after": before.expected})
    elif before.found == before.expected:
        terminal.say(f"The store is at revision {before.expected} already.")
    else:
        terminal.say(f"The store went from {before.found or 'nothing'} to revision {before.expected}.")
    terminal.next_step("readiness serve")


@app.command()
def load(
    contract: options.Contract = options.CONTRACT,
    source: options.Source = None,
    store: stores.Url = None,
    rejected: Annotated[
        Path | None, typer.Option("--rejected", help="Write the bad rows and their reasons to this folder, as CSV.")
    ] = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Load the contract's facts into the store, each as it was known then. Safe to repeat."""
    from data.check import check, write_rejected
    from data.contract import load_contract
    from data.errors import ContractError
    from serving.commands import terminal
    from serving.ingest.loading import load_history

    agreed = load_contract(contract, source)
    if agreed.source.kind == "store":
        raise ContractError("[source] is the store itself. Expected files or a database to load from: mend [source].")
    with terminal.progress(quiet=quiet) as progress:
        progress("checking the facts", 0.0)
        checked = check(agreed)
        if rejected is not None:
            write_rejected(checked, rejected)
        opened = stores.open_store(agreed, store)
        try:
            loaded = load_history(opened, checked.history, progress)
        finally:
            opened.close()
    if as_json:
        terminal.print_json(_summary(checked, loaded))
    else:
        _show(checked, loaded)
    if checked.report.rejected and rejected is None:
        terminal.say(f"--rejected DIR writes the {checked.report.rejected:,} bad rows with their reasons.")
    terminal.next_step('readiness serve, or train on what is there: [source] kind = "store"')


app.command()(store_prune.prune)


def _summary(checked: "Checked", loaded: "dict[str, Account]") -> dict[str, Any]:
    return {
        "bad_rows": checked.report.rejected,
        "tables": {
            name: {
                "taken": one.taken,
                "duplicates": one.duplicates,
                "refused": [{"row": refused.index, "reason": refused.reason} for refused in one.refused],
            }
            for name, one in loaded.items()
        },
    }


def _show(checked: "Checked", loaded: "dict[str, Account]") -> None:
    """A line for each table, then a line for each reason."""
    from collections import Counter

    from serving.commands import terminal

    bad = {table.table: table.rejected for table in checked.report.tables}
    rows = [
        (name, f"{one.taken:,}", f"{one.duplicates:,}", f"{len(one.refused):,}", f"{bad.get(name, 0):,}")
        for name, one in loaded.items()
    ]
    columns = ("table", "new", "there already", "refused", "bad rows")
    terminal.print_table("Loaded into the store", columns, rows, numeric=range(1, 5))
    reasons = Counter((name, one.reason) for name, account in loaded.items() for one in account.refused)
    reasons.update({(t.table, each.reason): each.count for t in checked.report.tables for each in t.rejections})
    if reasons:
        told = [(name, reason, f"{count:,}") for (name, reason), count in reasons.most_common()]
        terminal.print_table("What was left out", ("table", "reason", "rows"), told, numeric=(2,))


@contextmanager
def _engine(contract: Path, url: str | None, *, new: bool = False) -> "Iterator[Engine]":
    """An engine for the store of a contract, let go of in the end; ``new``: the store may be a file that is not there.

    Raises StoreError when there is no store, or its database does not answer.
    """
    from sqlalchemy.exc import DBAPIError

    from data.contract import load_contract
    from data.store.address import open_engine, store_url
    from serving.store.failures import StoreError, told

    agreed = load_contract(contract)
    place = store_url(stores.store_of(agreed, url), agreed.folder)
    if place.get_backend_name() == "sqlite" and not Path(str(place.database)).is_file():
        if not new:
            raise StoreError(
                f"There is no store at {place.database}. Expected one: `readiness serve` or `readiness store load` "
                "makes it."
            )
        Path(str(place.database)).parent.mkdir(parents=True, exist_ok=True)
    engine = open_engine(place)
    try:
        yield engine
    except DBAPIError as error:
        raise told(error) from None
    finally:
        engine.dispose()


def _counts(engine: "Engine") -> dict[str, int]:
    """The rows of each table that is there."""
    from sqlalchemy import func, inspect, select

    from serving.store.tables import METADATA

    there = set(inspect(engine).get_table_names())
    with engine.connect() as connection:
        return {
            table.name: connection.execute(select(func.count()).select_from(table)).scalar_one()
            for table in METADATA.sorted_tables
            if table.name in there
        }


def _size(engine: "Engine") -> int:
    """Bytes on disk."""
    from sqlalchemy import text

    if engine.dialect.name == "sqlite":
        file = Path(str(engine.url.database))
        return sum(part.stat().st_size for part in (file, Path(f"{file}-wal")) if part.is_file())
    with engine.connect() as connection:
        return int(connection.execute(text("SELECT pg_database_size(current_database())")).scalar_one())
