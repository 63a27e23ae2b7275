"""The tables of an export, found by the loader's own names in a folder or a database."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from data.contract import Contract
from data.errors import SchemaError
from data.sources.files import FORMATS, open_files
from data.sources.mapping import Opened, listed


@dataclass(frozen=True)
class Export:
    """What is there: for each known table how to open it; the rest is not used."""

    where: str
    tables: Mapping[str, tuple[str, Callable[[], Opened]]]
    """The loader's name, in lower case = theirs, and how to open it."""
    unused: tuple[str, ...]
    """Their names of the tables that no importer knows."""

    def require(self, *names: str) -> None:
        """Raises SchemaError unless one of ``names`` is there."""
        if not any(name in self.tables for name in names):
            known = listed([*(theirs for theirs, _ in self.tables.values()), *self.unused])
            raise SchemaError(
                f"{self.where} has no table {' or '.join(names)}. It has {known}. Mend path, url or schema in "
                "[source]; where every name has something before or after it, say so with prefix and suffix."
            )


@contextmanager
def open_export(contract: Contract, known: Sequence[str]) -> Iterator[Export]:
    """The tables called ``known`` in the folder or the database of ``contract``. Raises SchemaError."""
    source = contract.source
    if source.url is None:
        folder = contract.source_folder
        names = {_stem(entry): partial(open_files, folder, entry) for entry in _entries(folder)}
        yield _export(contract, f"{folder}", names, known)
        return
    # SQLAlchemy takes a third of a second to import; files do without it.
    from data.sources.database import connect, open_table, table_names  # noqa: PLC0415

    with connect(contract.source.resolved_url(), contract.folder) as connection:
        place = f"{source.db_schema}." if source.db_schema else ""
        found = {name: partial(open_table, connection, place + name) for name in table_names(connection, place[:-1])}
        yield _export(contract, f"The database{f' (schema {source.db_schema})' if place else ''}", found, known)


def _entries(folder: Path) -> list[str]:
    """Files that can be tables, and folders of such files; each once, whatever the case of its name."""
    if not folder.is_dir():
        raise SchemaError(f"There is no folder {folder}. Mend path in [source].")
    entries = sorted(entry for entry in folder.iterdir() if entry.name[0] not in "._")
    return [entry.name for entry in entries if entry.is_dir() or entry.suffix.lower() in FORMATS]


def _stem(entry: str) -> str:
    return Path(entry).stem if Path(entry).suffix.lower() in FORMATS else entry


def _export(contract: Contract, where: str, found: Mapping[str, Callable[[], Opened]], known: Sequence[str]) -> Export:
    prefix, suffix = _affixes(contract, found, known)
    ours = {f"{prefix}{name}{suffix}": name for name in known}
    tables: dict[str, tuple[str, Callable[[], Opened]]] = {}
    for theirs, opener in found.items():
        name = ours.get(theirs.lower())
        if name in tables:
            raise SchemaError(f"{where} has both {tables[name][0]} and {theirs}. Expected one table {name}; move one.")
        if name is not None:
            tables[name] = (theirs, opener)
    unused = tuple(theirs for theirs in found if theirs.lower() not in ours)
    return Export(where, tables, unused)


def _affixes(contract: Contract, found: Iterable[str], known: Sequence[str]) -> tuple[str, str]:
    """What stands before and after the loader's names: as the contract says, else what fits most tables."""
    given, after = (text and text.lower() for text in (contract.source.prefix, contract.source.suffix))
    counts: Counter[tuple[str, str]] = Counter({(given or "", after or ""): 0})
    for theirs in map(str.lower, found):
        for name in known:
            before, there, behind = theirs.partition(name)
            apart = (given is not None or _ends(before[-1:])) and (after is not None or _ends(behind[:1]))
            if there and apart and given in {None, before} and after in {None, behind}:
                counts[before, behind] += 1
    return min(counts, key=lambda pair: (-counts[pair], len("".join(pair)), pair))


def _ends(sign: str) -> bool:
    """Whether a word ends here: ``leads`` is no ``lead`` with something behind it."""
    return not sign.isalpha()
