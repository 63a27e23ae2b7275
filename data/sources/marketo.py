"""Marketo, as a warehouse loader (Fivetran's layout) lands it.

occurred_at is ``activity_date``, Marketo's own time; a lead is known from ``created_at`` on. Merged leads go by
``activity_merge_leads``, deleted ones by ``activity_delete_lead`` or the loader's flag. Changes of values are logged
by Marketo itself, so that they are known when they happen.
"""

from collections.abc import Iterable

import polars as pl

from data.sources.loading import changes, deals
from data.sources.loading.facts import Facts
from data.sources.loading.people import People, gather, surviving
from data.sources.loading.touches import Kind, Rules, Touch, read_links, read_touches
from data.sources.loading.work import PLACE, Work, no_rows, truth

REQUIRED = (("lead",),)
"""Of each of these, one table has to be there."""
FLAGS = ("_fivetran_deleted", "is_deleted")
USUAL = {
    name: name
    for name in (
        *("industry", "country", "state", "city", "title", "department", "number_of_employees", "annual_revenue"),
        *("lead_source", "original_source_type", "rating"),
    )
}
"""Lead fields that are taken where the contract names none."""


def _activity(name: str, kind: Kind, item: tuple[str, ...] = ("primary_attribute_value",), never: Rules = ()) -> Touch:
    """One of Marketo's activities; all of them are kept alike."""
    return Touch(f"activity_{name}", kind, lead=("lead_id",), occurred=("activity_date",), item=item, never=never)


_NOT_SENT: Rules = (("action_result", ("skipped", "failed"), "an e-mail that was not sent"),)
TOUCHES = (
    _activity("send_email", ("email_sent", "marketing"), never=_NOT_SENT),
    _activity("email_delivered", ("email_delivered", "marketing")),
    _activity("email_bounced", ("email_bounce", "marketing")),
    _activity("email_bounced_soft", ("email_bounce", "marketing")),
    _activity("open_email", ("email_open", "lead")),
    _activity("click_email", ("email_click", "lead"), item=("link", "primary_attribute_value")),
    _activity("unsubscribe_email", ("email_unsubscribe", "lead")),
    _activity("visit_webpage", ("page_view", "lead")),
    _activity("click_link", ("link_click", "lead")),
    _activity("fill_out_form", ("form_submit", "lead")),
    _activity("respond_to_a_poll", ("poll_answer", "lead")),
    _activity("send_sales_email", ("sales_email", "sales")),
    _activity("open_sales_email", ("email_open", "lead")),
    _activity("click_sales_email", ("email_click", "lead"), item=("link", "primary_attribute_value")),
    _activity("reply_to_sales_email", ("email_reply", "lead")),
)
LOGS = tuple(
    changes.Log(
        table, "lead_id", "primary_attribute_value", "new_value", "activity_date", old="old_value", spelled=True
    )
    for table in ("activity_change_data_value", "activity_change_score")
)
TABLES: dict[str, tuple[str, ...]] = {
    "leads": ("lead", "activity_merge_leads", "activity_delete_lead"),
    "events": tuple(touch.table for touch in TOUCHES),
    "outcomes": ("opportunity", "opportunity_role", "opportunity_membership"),
    "changes": tuple(log.table for log in LOGS),
}
"""Every table that is read, by the facts for which it is."""


def import_facts(work: Work) -> Facts:
    """The facts of the tables that are there. Raises SchemaError."""
    people = _people(work)
    return Facts(
        leads=people.leads,
        events=read_touches(work, TOUCHES, people),
        outcomes=_outcomes(work, people),
        changes=changes.read_logs(work, LOGS, people),
    )


def _people(work: Work) -> People:
    fields = changes.asked_fields(work, ("lead",), USUAL, TABLES["changes"])
    own = ["id", "company_id", *FLAGS]
    rows = work.read("lead", [*own, *fields], times=["created_at"], fact="leads", needs=("id",))
    assert rows is not None  # noqa: S101 - the table is required
    there = set(work.columns("lead"))
    gone = work.read("activity_delete_lead", ["lead_id"], needs=("lead_id",))
    ended = gone["lead_id"].drop_nulls().to_list() if gone is not None else []
    deleted = truth(*FLAGS) | pl.col("id").is_in(ended).fill_null(value=False)
    record = rows.select(
        *("id", *PLACE),
        deleted.alias("deleted"),
        pl.col("created_at").alias("created"),
        pl.col("company_id").alias("account_id"),
        *(pl.col(theirs).alias(ours) for theirs, ours in fields.items() if theirs in there),
    )
    people = gather(work, [record], surviving(_merges(work)))
    unknown = set(ended) - set(people.leads["lead_id"].to_list()) - set(people.aliases)
    return People(people.leads, people.aliases, tuple(sorted({*people.deleted, *unknown})))


def _merges(work: Work) -> Iterable[tuple[str | None, str | None]]:
    """Pairs of a merged lead and the one into which it went; ``merge_ids`` is a list such as ``[17, 18]``."""
    rows = work.read(
        "activity_merge_leads", ["lead_id", "merge_ids"], times=["activity_date"], needs=("lead_id", "merge_ids")
    )
    if rows is None:
        return []
    told = rows.select(pl.col("merge_ids").str.extract_all(r"\d+").alias("old"), "lead_id").explode("old")
    return list(told.drop_nulls().iter_rows())


def _outcomes(work: Work, people: People) -> pl.DataFrame:
    """Marketo's opportunities, as its CRM tells them: made, and won or lost at the close date."""
    columns = [
        "id",
        "external_opportunity_id",
        "stage",
        "is_won",
        "is_closed",
        "amount",
        "_fivetran_deleted",
        "is_deleted",
    ]
    times = ["created_at", "external_created_date", "close_date"]
    rows = work.read("opportunity", columns, times=times, fact="outcomes")
    if rows is None:
        work.notes.append("there is no table opportunity: no outcomes; take them from your CRM")
        return no_rows(deals.OUTCOME)
    rows = work.books.leave("outcomes", rows, truth(*FLAGS), "deleted")
    rows = rows.with_columns(
        pl.coalesce("external_opportunity_id", "id").alias("deal"), pl.col("amount").alias("value")
    )
    kind = pl.when(truth("is_won")).then(pl.lit("won")).when(truth("is_closed")).then(pl.lit("lost"))
    rows = rows.with_columns(kind.alias("said"))
    says = dict(rows.select("stage", "said").drop_nulls().iter_rows())
    means = deals.agreed(work, rows["stage"].unique(), says, {})
    told = pl.col("stage").replace_strict(means, default=None, return_dtype=pl.String)
    opened = rows.with_columns(
        pl.lit("opportunity").alias("kind"), pl.coalesce("external_created_date", "created_at").alias("at")
    )
    closed = rows.with_columns(pl.coalesce(told, "said").alias("kind"), pl.col("close_date").alias("at"))
    moves = [part.select(deals.MOVES) for part in (opened, closed.filter(pl.col("kind").is_not_null()))]
    return deals.credited(work, pl.concat(moves), _roles(work, people), people)


def _roles(work: Work, people: People) -> pl.DataFrame:
    """``key``, ``lead_id``: whose opportunity it is."""
    roles = read_links(work, "opportunity_role", "external_opportunity_id", "lead_id", people)
    return pl.concat([roles, read_links(work, "opportunity_membership", "opportunity_id", "id", people)]).unique()
