"""HubSpot, Salesforce and Marketo, as a warehouse loader lands them: one import, read as raw tables."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from data.contract import Contract
from data.sources import hubspot, marketo, salesforce
from data.sources.loading.export import open_export
from data.sources.loading.facts import Facts, raw_tables
from data.sources.loading.work import Work
from data.sources.raw import RawTables


@dataclass(frozen=True)
class Platform:
    """What an importer's module declares."""

    required: tuple[tuple[str, ...], ...]
    tables: dict[str, tuple[str, ...]]
    usual: Mapping[str, str]
    """Fields of leads that are taken where the contract names none: theirs = ours."""
    import_facts: Callable[[Work], Facts]

    @property
    def known(self) -> tuple[str, ...]:
        """Every table that is read, once."""
        return tuple(dict.fromkeys(name for names in self.tables.values() for name in names))


PLATFORMS = {
    "hubspot": Platform(hubspot.REQUIRED, hubspot.TABLES, hubspot.USUAL, hubspot.import_facts),
    "salesforce": Platform(salesforce.REQUIRED, salesforce.TABLES, salesforce.USUAL, salesforce.import_facts),
    "marketo": Platform(marketo.REQUIRED, marketo.TABLES, marketo.USUAL, marketo.import_facts),
}


def read_loaded(contract: Contract) -> RawTables:
    """The facts of an export. Raises SchemaError and ContractError."""
    importer = PLATFORMS[contract.source.kind]
    with open_export(contract, importer.known) as export:
        for names in importer.required:
            export.require(*names)
        work = Work(export, contract.source)
        return raw_tables(work, importer.import_facts(work), contract.source.kind)
