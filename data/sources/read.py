"""The fact tables that a contract names, as their source has them."""

from data.contract import Contract
from data.errors import SchemaError
from data.source_section import IMPORTERS, LOADED, TableMapping
from data.sources.files import open_files
from data.sources.mapping import map_table
from data.sources.raw import RawTable, RawTables
from data.tables import SCHEMAS


def read_source(contract: Contract) -> RawTables:
    """Every fact table of ``[source]``, mapped but not judged: what is in a cell is the business of ``check``.

    Raises SchemaError and ContractError when a table or column is not there, a file is empty or damaged, a database
    cannot be reached, or there are no leads.
    """
    source = contract.source
    if source.kind == "store":
        from data.sources.stored import read_stored  # noqa: PLC0415 - SQLAlchemy, as below

        tables = read_stored(contract)
    else:
        tables = _imported(contract) if source.kind in IMPORTERS else _mapped(contract)
    leads = tables["leads"]
    if leads.rows.num_rows == 0:
        left_out = f" ({leads.not_selected} are left out)" if leads.not_selected else ""
        raise SchemaError(f"{leads.origin} has 0 leads{left_out}. Expected at least one row; mend [source].")
    return tables


def _imported(contract: Contract) -> RawTables:
    # Polars plans for importers are not needed where tables are mapped.
    if contract.source.kind in LOADED:
        from data.sources.loaded import read_loaded  # noqa: PLC0415

        return read_loaded(contract)
    from data.sources.messages import read_messages  # noqa: PLC0415

    return read_messages(contract)


def _mapped(contract: Contract) -> RawTables:
    source = contract.source
    mappings: dict[str, TableMapping | None] = {name: getattr(source, name) for name in SCHEMAS}
    given = {name: mapping for name, mapping in mappings.items() if mapping is not None}
    return _from_database(contract, given) if source.kind == "database" else _from_files(contract, given)


def _from_files(contract: Contract, mappings: dict[str, TableMapping]) -> dict[str, RawTable]:
    zone = contract.source.timezone
    return {
        name: map_table(name, mapping, open_files(contract.source_folder, mapping.table), zone)
        for name, mapping in mappings.items()
    }


def _from_database(contract: Contract, mappings: dict[str, TableMapping]) -> dict[str, RawTable]:
    # SQLAlchemy takes a third of a second to import; files do without it.
    from data.sources.database import connect, open_table  # noqa: PLC0415

    with connect(contract.source.resolved_url(), contract.folder) as connection:
        return {
            name: map_table(name, mapping, open_table(connection, mapping.table), contract.source.timezone)
            for name, mapping in mappings.items()
        }
