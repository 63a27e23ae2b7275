"""Whose a message is: user ids, aliases of user ids, and the visitors that were linked to a user later on."""

from dataclasses import dataclass

import polars as pl

from data.sources.loading.people import surviving
from data.sources.loading.work import PLACE
from data.times import UTC_MICROS


@dataclass(frozen=True)
class Owners:
    """For each message (by its place) the lead it is of, null for nobody's, and since when that could be known."""

    rows: pl.DataFrame
    """``PLACE``, ``lead_id``, ``linked``, ``before``.

    ``linked`` is when it was said whose it is, a time as it was written; null where the message bears the id itself.
    ``before``: the visitor had not been linked to that lead yet.
    """
    erased: tuple[str, ...]


def find_owners(rows: pl.DataFrame) -> Owners:
    """``rows``: messages with ``at_`` and ``known_`` as moments.

    A visitor's message is of the user that the visitor is linked to next; after the last link, of the last user. It is
    known from that link on, or from an earlier one to the same user.
    """
    users = rows["user"].drop_nulls().unique()
    given = rows.filter((pl.col("type") == "alias") & pl.col("previous").is_not_null() & pl.col("user").is_not_null())
    renamed = given.filter(pl.col("previous").is_in(users.implode()))
    aliases = surviving(renamed.select("previous", "user").iter_rows())
    rows = rows.with_columns(pl.col("user").replace(aliases), pl.col("previous").replace(aliases))
    links = _links(rows, given.filter(~pl.col("previous").is_in(users.implode())), aliases)
    own = rows.filter(pl.col("user").is_not_null())
    never = (pl.lit(None, pl.String).alias("linked"), pl.lit(value=False).alias("before"))
    found = [own.select(*PLACE, pl.col("user").alias("lead_id"), *never)]
    found.append(_visits(rows.filter(pl.col("user").is_null() & pl.col("anonymous").is_not_null()), links))
    erased = rows.filter(pl.col("type") == "delete")["user"].drop_nulls().unique()
    return Owners(pl.concat(found), tuple(erased.sort().to_list()))


def _links(rows: pl.DataFrame, aliased: pl.DataFrame, aliases: dict[str, str]) -> pl.DataFrame:
    """``anonymous``, ``owner``, ``at_``, ``linked``: every message that says who a visitor is.

    A visitor that identifies itself without ever telling a user id is a lead under its anonymous id.
    """
    both = rows.filter(pl.col("user").is_not_null() & pl.col("anonymous").is_not_null())
    named = [both.select("anonymous", pl.col("user").alias("owner"), "at_", pl.col("received").alias("linked"))]
    owner = pl.col("user").replace(aliases).alias("owner")
    named.append(
        aliased.select(pl.col("previous").alias("anonymous"), owner, "at_", pl.col("received").alias("linked"))
    )
    linked = pl.concat(named)
    alone = rows.filter((pl.col("type") == "identify") & pl.col("user").is_null() & pl.col("anonymous").is_not_null())
    alone = alone.filter(~pl.col("anonymous").is_in(linked["anonymous"].implode()))
    itself = alone.select("anonymous", pl.col("anonymous").alias("owner"), "at_", pl.col("received").alias("linked"))
    return pl.concat([linked, itself]).filter(pl.col("at_").is_not_null()).sort("at_", "owner", maintain_order=True)


def _visits(visits: pl.DataFrame, links: pl.DataFrame) -> pl.DataFrame:
    """The owners of messages that bear an anonymous id alone."""
    when = pl.col("at_").fill_null(pl.lit(0).cast(UTC_MICROS))
    rows = visits.select(*PLACE, "anonymous", when).sort("at_", maintain_order=True)
    after = rows.join_asof(links, on="at_", by="anonymous", strategy="forward", check_sortedness=False)
    before = rows.join_asof(links, on="at_", by="anonymous", strategy="backward", check_sortedness=False)
    both = after.with_columns(before["owner"].alias("earlier"), before["linked"].alias("since"))
    known = pl.col("owner").is_null() | (pl.col("owner") == pl.col("earlier")).fill_null(value=False)
    return both.select(
        *PLACE,
        pl.coalesce("owner", "earlier").alias("lead_id"),
        pl.when(known).then("since").otherwise("linked").alias("linked"),
        (~known).alias("before"),
    ).drop_nulls("lead_id")
