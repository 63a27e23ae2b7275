"""The fact tables that a contract names, as their source has them."""

from data.contract import Contract, TableMapping
from data.errors import SchemaError
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
    mappings: dict[str, TableMapping | None] = {name: getattr(source, name) for name in SCHEMAS}
    given = {name: mapping for name, mapping in mappings.items() if mapping is not None}
    tables = _from_database(contract, given) if source.kind == "database" else _from_files(contract, given)
    leads = tables["leads"]
    if leads.rows.num_rows == 0:
        left_out = f" ({leads.not_selected} are left out by where)" if leads.not_selected else ""
        raise SchemaError(f"{leads.origin} has 0 leads{left_out}. Expected at least one row; mend [source.leads].")
    return tables


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
