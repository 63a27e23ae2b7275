"""Accounts: what is said of them."""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec
from sqlalchemy import Connection, bindparam, select, update

from data.store.tables import account_changes, accounts, leads
from serving.ingest.attributes import Attributes, Log, Said
from serving.ingest.items import AccountItem
from serving.ingest.judging import When
from serving.ingest.people import known_from
from serving.ingest.tally import Tally
from serving.store.upsert import insert_new

_LOG = Log(account_changes, account_changes.c.account_id)
_ACCOUNTS = (
    select(accounts.c.account_id, accounts.c.attributes)
    .where(accounts.c.account_id.in_(bindparam("ids", expanding=True)))
    .order_by(accounts.c.account_id)
    .with_for_update()
)
_DESCRIBE = (
    update(accounts)
    .where(accounts.c.account_id == bindparam("account"))
    .values(attributes=bindparam("told"), updated_at=bindparam("now"))
)
_LEADS_OF = select(leads.c.lead_id).where(leads.c.account_id.in_(bindparam("ids", expanding=True)))


class AccountTold(NamedTuple):
    """An account item in its place."""

    place: int
    item: AccountItem


def describe_accounts(connection: Connection, told: Sequence[AccountTold], when: When, tally: Tally) -> set[str]:
    """Take in what is said of accounts, in its order; returns the leads whose account has something new."""
    if not told:
        return set()
    ids = sorted({one.item.account_id for one in told})
    empty = {"attributes": "{}", "received_at": when.received_at, "updated_at": when.received_at}
    fresh = {key[0] for key in insert_new(connection, accounts, [{"account_id": account, **empty} for account in ids])}
    rows = connection.execute(_ACCOUNTS, {"ids": ids})
    found = {account: Attributes(msgspec.json.decode(attributes)) for account, attributes in rows}
    _LOG.read(connection, found)
    changed = set()
    for place, item in told:
        known_at, given = known_from(item.known_at, None, when)
        news = [
            found[item.account_id].say(Said(name, value, known_at, given)) for name, value in item.attributes.items()
        ]
        if any(news) or item.account_id in fresh:
            fresh.discard(item.account_id)
            changed.add(item.account_id)
            tally.new(place)
        else:
            tally.known(place)
    _write(connection, {account: found[account] for account in changed}, when.received_at)
    return {row[0] for row in connection.execute(_LEADS_OF, {"ids": sorted(changed)})} if changed else set()


def _write(connection: Connection, changed: dict[str, Attributes], received_at: int) -> None:
    _LOG.write(connection, changed.items(), received_at)
    rows = [{"account": account, "told": row.json(), "now": received_at} for account, row in sorted(changed.items())]
    if rows:
        connection.execute(_DESCRIBE, rows)
