"""What a check found: counts that add up, a reason and a first example for each kind of bad row."""

import json
from dataclasses import asdict, dataclass

from data.clock import iso


@dataclass(frozen=True)
class Rejection:
    """One reason, how many rows of a table it met, and the first of them."""

    reason: str
    count: int
    example: str


@dataclass(frozen=True)
class PartReport:
    """The account of one table of an export: ``read == used + sum of left_out``, and of what was made some is bad."""

    origin: str
    read: int
    used: int
    """Rows of which facts were made."""
    made: int
    """Those facts; they are among ``TableReport.read``."""
    bad: int
    """How many of those facts are bad rows."""
    left_out: dict[str, int]
    """By reason: deleted, merged into another lead, and so on."""

    @property
    def good(self) -> int:
        """How many of those facts are good."""
        return self.made - self.bad


@dataclass(frozen=True)
class TableReport:
    """The account of one fact table: ``read == accepted + sum of the rejections``, always."""

    table: str
    origin: str
    read: int
    """Rows that were looked at; those that ``where`` left out are not among them."""
    not_selected: int
    accepted: int
    rejections: tuple[Rejection, ...]
    parts: tuple[PartReport, ...] = ()
    """Where an importer makes this table of several: the account of each."""

    @property
    def rejected(self) -> int:
        """How many rows are bad."""
        return sum(rejection.count for rejection in self.rejections)


@dataclass(frozen=True)
class Report:
    """The account of a whole check."""

    tables: tuple[TableReport, ...]
    ends_at: int
    """The end of the history, microseconds since 1970."""
    notes: tuple[str, ...] = ()
    """What was assumed, and what looks strange."""

    @property
    def rejected(self) -> int:
        """How many rows of all tables are bad."""
        return sum(table.rejected for table in self.tables)

    def rows(self) -> list[tuple[str, str, str, str]]:
        """Rows for people: table, what, how many, first example."""
        found: list[tuple[str, str, str, str]] = []
        for table in self.tables:
            found.append((table.table, "read", str(table.read), table.origin))
            if table.not_selected:
                why = "see the tables of the export" if table.parts else "left out by where"
                found.append(("", "not selected", str(table.not_selected), why))
            for part in table.parts:
                found += [
                    ("", f"left out: {reason}", str(count), part.origin) for reason, count in part.left_out.items()
                ]
            found.append(("", "good", str(table.accepted), ""))
            found += [("", f"bad: {bad.reason}", str(bad.count), bad.example) for bad in table.rejections]
        return found

    def to_json(self) -> str:
        """The same for machines."""
        tables = [{**asdict(table), "rejected": table.rejected} for table in self.tables]
        whole = {"ends_at": iso(self.ends_at), "rejected": self.rejected, "notes": self.notes, "tables": tables}
        return json.dumps(whole, indent=2, ensure_ascii=False)
