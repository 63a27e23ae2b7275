"""Folders whose tables an importer knows: which platform's they are, and what the contract has to say of them."""

import json
import re
from dataclasses import dataclass, field
from pathlib import Path

from data.contract import parse_contract
from data.drafting.columns import unfit
from data.drafting.look import look_at_table
from data.drafting.words import BOUGHT, HOPED
from data.errors import ReadinessError
from data.naming import plain
from data.sources.jsonlines import ENDINGS, Messages, read_head
from data.sources.loaded import PLATFORMS
from data.sources.loading.export import Export, open_export
from data.sources.spoken import Message

_SIGNS = {
    "hubspot": ("contact", {"property_createdate", "property_email"}, ("deal", "email_event", "engagement_contact")),
    "marketo": ("lead", {"created_at"}, ("activity_send_email", "activity_open_email", "activity_change_data_value")),
    "salesforce": ("lead", {"created_date"}, ("opportunity", "task", "contact")),
}
"""A table, columns of which it has one, and other tables of which one is there."""
_KEPT = re.compile(r"_ids?$|created_at$|createdate$|created_date$|modstamp$|merged|^is_deleted$")
"""Fields that are kept for the platform itself."""
_MOST = 40
"""How many further fields a draft lists."""
_FIRST = '[ready]\noutcome = ["won"]\nterminal = ["won"]\nhorizons = ["30d"]\nprimary = "30d"\n\n[source]\n'


@dataclass(frozen=True)
class Recognised:
    """A platform, why it is believed to be that, and further keys of [source] with the reason for each."""

    kind: str
    why: str
    keys: dict[str, tuple[object, str]] = field(default_factory=dict)
    fields: tuple[str, ...] = ()
    """Further fields of leads that could be asked for."""


def recognise(folder: Path) -> Recognised | None:
    """What the folder is an export of; None where its files have to be mapped one by one."""
    found = [export for kind in _SIGNS if (export := _loaded(folder, kind)) is not None]
    return next(iter(found), None) or _messages(folder)


def _loaded(folder: Path, kind: str) -> Recognised | None:
    table, columns, others = _SIGNS[kind]
    text = f"{_FIRST}kind = {json.dumps(kind)}\npath = {json.dumps(str(folder.resolve()))}\n"
    try:
        with open_export(parse_contract(text, folder), PLATFORMS[kind].known) as export:
            anchor = table if table in export.tables else "contact"
            there = [name for name in others if name in export.tables and name != anchor]
            if anchor not in export.tables or not there or not _columns(export, anchor) & columns:
                return None
            why = f"its tables {anchor}, {', '.join(there)}"
            return Recognised(kind, why, _affixes(export, anchor), _fields(folder, export, anchor, kind))
    except ReadinessError:
        return None


def _columns(export: Export, table: str) -> set[str]:
    return {column.lower() for column in export.tables[table][1]().names}


def _affixes(export: Export, table: str) -> dict[str, tuple[object, str]]:
    """What stands before and after the loader's names, said once so that later tables are found alike."""
    before, _, after = export.tables[table][0].lower().partition(table)
    said = {"prefix": before, "suffix": after}
    return {key: (text, f"{table} is in {export.tables[table][0]}") for key, text in said.items() if text}


def _fields(folder: Path, export: Export, table: str, kind: str) -> tuple[str, ...]:
    """Fields that are worth asking, beside those that are taken anyway."""
    look = look_at_table(folder, export.tables[table][0])
    taken = {"id", "account_id", "company_id", *PLATFORMS[kind].usual}
    names = [name for name in look.names if name.lower() not in taken and not name.startswith("_fivetran")]
    own = [name for name in names if not _KEPT.search(name.lower())]
    return tuple(name for name in own if unfit("leads", look, name) is None)[:_MOST]


def _messages(folder: Path) -> Recognised | None:
    files = sorted(path for path in folder.rglob("*") if path.name.lower().endswith(ENDINGS) and path.is_file())
    if not files:
        return None
    head, rudder = read_head(files[0])
    types = {message.type for message in head.rows} & {"identify", "track", "page", "screen", "group", "alias"}
    if not types:
        return None
    keys = _outcomes(head)
    kind = "rudderstack" if rudder else "segment"
    return Recognised(kind, f"{files[0].name} holds {', '.join(sorted(filter(None, types)))} messages", keys)


def _outcomes(head: Messages) -> dict[str, tuple[object, str]]:
    names = dict.fromkeys(m.name for m in head.rows if isinstance(m, Message) and m.type == "track" and m.name)
    hoped = [name for name in names if plain(name) in HOPED | BOUGHT]
    return {"won": (hoped, f"of {len(names)} names of events, what one hopes for")} if hoped else {}
