"""[source]: where the facts are, and what tables, columns and kinds are called there."""

import os
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from data.errors import ContractError
from data.terms import Duration, Moment, Name, Section


class TableMapping(Section):
    """Where one fact table is and what its columns are called there."""

    table: str
    """A file (``.parquet``, ``.csv``, a folder or a glob of them), or a table of the database."""
    columns: dict[str, str] = Field(default={})
    """Our column = theirs. A column that is not named here is looked for under our own name."""
    kind: str | None = None
    """The kind of every row, where the source has no column for it."""
    kinds: dict[str, str] = Field(default={})
    """Their kind = ours. Kinds that are not named here keep their own name."""
    where: dict[str, str | int | float | bool | list[str | int | float | bool]] = Field(default={})
    """Only the rows whose column (theirs) has this value, or one of these."""
    attributes: tuple[str, ...] | None = None
    """leads and accounts: the further columns (theirs) to take; events: further columns to look at. None takes none."""
    tie_step: Duration = 0
    """Where times are coarse but rows are in order: each row of equal time is put so much after the one before."""


IMPORTERS = ("hubspot", "salesforce", "marketo", "segment", "rudderstack")
"""Kinds of source whose tables are known: the contract maps none of them."""
LOADED = ("hubspot", "salesforce", "marketo")
"""Those of them that a warehouse loader lands as tables; their times are UTC and come without a zone."""
_MAPPED = ("leads", "events", "outcomes", "changes", "accounts", "account_changes")


class Source(Section):
    """Where the facts are."""

    kind: Literal["files", "database", "hubspot", "salesforce", "marketo", "segment", "rudderstack", "store"] = "files"
    """Files, tables of a database, the export of a platform, whose tables are known, or the service's own store."""
    path: str = "."
    """The folder of the files."""
    url: str | None = None
    """A database URL, or `$NAME` of the environment that holds one. store: another store than the service's own."""
    db_schema: str | None = Field(default=None, alias="schema")
    """hubspot, salesforce, marketo with a url: the schema of the database where the tables are."""
    prefix: str | None = None
    """hubspot, salesforce, marketo: what stands before the loader's name of a table. Default: found out."""
    suffix: str | None = None
    """Likewise what stands after it, such as ``_data`` where ``contact`` is in ``contact_data.csv``."""
    won: tuple[Name, ...] = ()
    """hubspot, salesforce, marketo: the stages (ids or labels) that mean won. Default: what the stages say.

    segment, rudderstack: the track events that mean won."""
    lost: tuple[Name, ...] = ()
    """Likewise for lost."""
    attributes: tuple[Name, ...] | None = None
    """Importers: the fields of leads to take. Default: the usual ones of the platform; of histories, all fields."""
    timezone: str | None = None
    """The zone of times that come without one. Without it, a naive time is a bad row."""
    history_end: Moment | None = None
    """The end of the history. Default: just after the last known_at of events and outcomes."""
    leads: TableMapping | None = None
    """Needed, unless the platform brings its tables."""
    events: TableMapping | None = None
    """What leads and sales did. Without it only attributes and time tell anything."""
    outcomes: TableMapping | None = None
    """Needed, unless the platform brings its tables."""
    changes: TableMapping | None = None
    """What fields of leads became, and when: they are then read as of the cutoff."""
    accounts: TableMapping | None = None
    """The companies that leads belong to."""
    account_changes: TableMapping | None = None
    """Likewise what their fields became."""

    @model_validator(mode="before")
    @classmethod
    def _loaders_speak_utc(cls, given: Any) -> Any:
        """A warehouse loader writes UTC without saying so; the contract may say otherwise."""
        if isinstance(given, dict) and given.get("kind") in LOADED:
            return {"timezone": "UTC", **given}
        return given

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.kind == "database" and not self.url:
            raise ValueError("a database source needs its url, such as url = '$READINESS_SOURCE_URL'.")
        if self.kind not in {"database", "store", *LOADED} and self.url:
            raise ValueError("url belongs to kind = 'database' or 'store' and to loaders' tables; files have a path.")
        self._check_tables()
        for key in ("schema", "prefix", "suffix", "won", "lost", "attributes"):
            takes = LOADED if key in {"schema", "prefix", "suffix"} else IMPORTERS
            if getattr(self, "db_schema" if key == "schema" else key) and self.kind not in takes:
                raise ValueError(f"{key} belongs to kind = {' or '.join(map(repr, takes))}. Remove it.")
        if self.db_schema and not self.url:
            raise ValueError("schema names a part of a database: give its url too, or remove schema.")
        return self

    def _check_tables(self) -> None:
        """Files and databases need their mapping, importers bring their own."""
        mappings = {name: getattr(self, name) for name in _MAPPED}
        given = [name for name, mapping in mappings.items() if mapping is not None]
        known = (*IMPORTERS, "store")
        if self.kind in known and given:
            raise ValueError(
                f"kind = {self.kind!r} knows its tables, but [source.{given[0]}] maps one. Remove [source.{given[0]}], "
                "or map all tables with kind = 'files' or 'database'."
            )
        missing = [name for name in ("leads", "outcomes") if name not in given]
        if self.kind not in known and missing:
            raise ValueError(f"[source.{missing[0]}] is missing. Add it, with the table where {missing[0]} are.")

    def resolved_url(self) -> str:
        """The database URL with ``$NAME`` read from the environment. Raises ContractError when it is not set."""
        url = self.url or ""
        if not url.startswith("$"):
            return url
        if url[1:] not in os.environ:
            raise ContractError(
                f"[source] url is {url}, but the environment has no {url[1:]}. Set it to the database URL."
            )
        return os.environ[url[1:]]
