"""HubSpot, as a warehouse loader (Fivetran's layout) lands it.

occurred_at is HubSpot's own time: ``created`` of e-mail events, ``timestamp`` of forms and of property histories, the
entry into a stage. ``_fivetran_synced`` is never a known_at: it is the last sync of a row, and moves when the row is
written again. An engagement that was logged later than it happened was known when it was logged.
"""

from collections.abc import Iterable

import polars as pl

from data.naming import personal_reason
from data.sources.hubspot_deals import import_outcomes
from data.sources.loading import changes
from data.sources.loading.facts import Facts
from data.sources.loading.people import People, gather, surviving
from data.sources.loading.touches import Addresses, Cases, Kind, Lookup, Rules, Touch, read_touches
from data.sources.loading.work import PLACE, YES, Work, truth

REQUIRED = (("contact",),)
"""Of each of these, one table has to be there."""
USUAL = {
    f"property_{name}": name
    for name in (
        *(
            "jobtitle",
            "industry",
            "country",
            "state",
            "city",
            "numemployees",
            "annualrevenue",
            "hs_persona",
            "seniority",
        ),
        *("hs_analytics_source", "hs_language", "company_size"),
    )
}
"""Contact fields that are taken where the contract names none: theirs = ours."""
FLAGS = ("is_deleted", "_fivetran_deleted")
MERGED = ("property_hs_merged_object_ids", "property_hs_calculated_merged_vids")
"""Where a contact keeps the ids that were merged into it."""
COMPANY = ("industry", "country", "state", "numberofemployees", "annualrevenue", "type", "founded_year")
_SAID = ("property_hs_timestamp", "engagement.timestamp", "property_hs_createdate", "engagement.created_at")
_LOGGED = ("property_hs_createdate", "engagement.created_at")


def _engagement(
    name: str,
    kind: Kind,
    occurred: tuple[str, ...] = (),
    cases: Cases = (),
    never: Rules = (),
    only: Rules = (),
) -> Touch:
    """Something between sales and a contact; its time, its place and its contacts are kept alike for all of them."""
    return Touch(
        table=f"engagement_{name}",
        kind=kind,
        lead=(),
        occurred=(*occurred, *_SAID),
        known=_LOGGED,
        id="engagement_id",
        cases=cases,
        never=never,
        only=only,
        through=("engagement_contact", "engagement_id", "contact_id"),
        lookups=(Lookup("engagement", "id", times=("timestamp", "created_at")),),
    )


TOUCHES = (
    Touch(
        table="email_event",
        kind=None,
        lead=("recipient",),
        by_email=True,
        occurred=("created",),
        item=("email_event_click.url", "email_campaign_id"),
        cases=(
            (
                "type",
                {
                    "sent": ("email_sent", "marketing"),
                    "delivered": ("email_delivered", "marketing"),
                    "bounce": ("email_bounce", "marketing"),
                    "open": ("email_open", "lead"),
                    "click": ("email_click", "lead"),
                    "print": ("email_print", "lead"),
                    "forward": ("email_forward", "lead"),
                    "spamreport": ("email_spam_report", "lead"),
                    "statuschange": ("email_unsubscribe", "lead"),
                },
            ),
        ),
        never=(
            ("filtered_event", YES, "an open or click that HubSpot holds for a machine's"),
            ("email_event_status_change.portal_subscription_status", ("subscribed",), "no unsubscription"),
        ),
        lookups=(
            Lookup("email_event_click", "id", ("url",)),
            Lookup("email_event_status_change", "id", ("portal_subscription_status",)),
        ),
    ),
    Touch(
        table="contact_form_submission",
        kind=("form_submit", "lead"),
        lead=("contact_id",),
        occurred=("timestamp",),
        id="conversion_id",
        item=("title", "form_id"),
    ),
    _engagement("call", ("call", "sales"), cases=(("property_hs_call_direction", {"inbound": ("call", "lead")}),)),
    _engagement(
        "meeting",
        ("meeting", "sales"),
        occurred=("property_hs_meeting_start_time", "start_time"),
        never=tuple(
            (column, ("canceled", "cancelled", "rescheduled", "no_show", "no show"), "a meeting that was not held")
            for column in ("meeting_outcome", "property_hs_meeting_outcome")
        ),
    ),
    _engagement(
        "email",
        ("sales_email", "sales"),
        cases=(("property_hs_email_direction", {"incoming_email": ("email_reply", "lead")}),),
    ),
    _engagement(
        "task", ("task", "sales"), only=(("property_hs_task_status", ("completed",), "a task that is not done"),)
    ),
    _engagement("communication", ("message", "sales")),
)
LOGS = (changes.Log("contact_property_history", "contact_id", "name", "value", "timestamp"),)
COMPANY_LOG = changes.Log("company_property_history", "company_id", "name", "value", "timestamp")
TABLES: dict[str, tuple[str, ...]] = {
    "leads": ("contact", "contact_company", "contact_merge_audit"),
    "events": tuple(dict.fromkeys(name for touch in TOUCHES for name in touch.tables)),
    "outcomes": (
        *("deal", "deal_stage", "deal_property_history", "deal_contact", "merged_deal"),
        "deal_pipeline_stage",
    ),
    "changes": tuple(log.table for log in LOGS),
    "accounts": ("company",),
    "account_changes": (COMPANY_LOG.table,),
}
"""Every table that is read, by the facts for which it is."""


def import_facts(work: Work) -> Facts:
    """The facts of the tables that are there. Raises SchemaError."""
    people, addresses = _people(work)
    return Facts(
        leads=people.leads,
        events=read_touches(work, TOUCHES, people, addresses),
        outcomes=import_outcomes(work, people),
        changes=changes.read_logs(work, LOGS, people),
        accounts=_accounts(work),
        account_changes=changes.read_account_log(work, COMPANY_LOG, {name: f"company_{name}" for name in COMPANY}),
    )


def _people(work: Work) -> tuple[People, Addresses]:
    fields = changes.asked_fields(work, ("contact",), USUAL, TABLES["changes"])
    own = ["id", "property_email", "property_hs_additional_emails", "property_associatedcompanyid"]
    own += [*FLAGS, *MERGED]
    made = ["property_createdate", "property_created_at"]
    rows = work.read("contact", [*own, *fields], times=made, fact="leads", needs=("id",))
    assert rows is not None  # noqa: S101 - the table is required
    there = set(work.columns("contact"))
    rows = rows.with_columns(
        pl.coalesce(made).alias("created"), truth("_fivetran_deleted", "is_deleted").alias("deleted")
    )
    aliases = surviving(_merges(work, rows))
    record = rows.join(_companies(work), on="id", how="left", maintain_order="left").select(
        *("id", "created", "deleted", *PLACE),
        pl.coalesce("company", "property_associatedcompanyid").alias("account_id"),
        *(pl.col(theirs).alias(ours) for theirs, ours in fields.items() if theirs in there),
    )
    people = gather(work, [record], aliases)
    return people, _addresses(rows, people)


def _merges(work: Work, contacts: pl.DataFrame) -> Iterable[tuple[str | None, str | None]]:
    """Pairs of a merged id and the contact into which it went: from the contacts, and from the audit of merges."""
    for column in MERGED:
        told = contacts.select("id", old=pl.col(column).str.split(";")).explode("old")
        # Of calculated vids each has the time of its merge behind a colon.
        old = pl.col("old").str.split(":").list.first().str.strip_chars()
        yield from told.select(old, "id").filter(pl.col("old") != "").iter_rows()
    audit = work.read("contact_merge_audit", ["vid_to_merge", "canonical_vid", "contact_id"], needs=("vid_to_merge",))
    if audit is not None:
        yield from audit.select("vid_to_merge", pl.coalesce("canonical_vid", "contact_id")).iter_rows()


def _companies(work: Work) -> pl.DataFrame:
    """``id``, ``company``: where contacts and companies are connected by a table of their own, the first one."""
    links = work.read("contact_company", ["contact_id", "company_id", "_fivetran_deleted"], needs=("contact_id",))
    if links is None:
        return pl.DataFrame(schema={"id": pl.String, "company": pl.String})
    links = links.filter(~truth("_fivetran_deleted")).drop_nulls("contact_id")
    first = links.unique("contact_id", keep="first", maintain_order=True)
    return first.select(pl.col("contact_id").alias("id"), pl.col("company_id").alias("company"))


def _addresses(contacts: pl.DataFrame, people: People) -> Addresses:
    """Every address of every contact, also of merged and deleted ones; one that two contacts have is the first's."""
    several = pl.concat_list(
        pl.col("property_email").fill_null("").str.split(";"),
        pl.col("property_hs_additional_emails").fill_null("").str.split(";"),
    )
    rows = contacts.select(several.alias("address"), people.whose(pl.col("id")).alias("owner")).explode("address")
    rows = rows.with_columns(pl.col("address").str.strip_chars().str.to_lowercase())
    rows = rows.filter((pl.col("address") != "") & pl.col("owner").is_not_null())
    living = ~pl.col("owner").is_in(list(people.deleted))
    return Addresses(rows.sort(~living, maintain_order=True).unique("address", keep="first", maintain_order=True))


def _accounts(work: Work) -> pl.DataFrame | None:
    columns = set(work.columns("company"))
    fields = [f"property_{name}" for name in COMPANY if f"property_{name}" in columns and not personal_reason(name)]
    rows = work.read("company", ["id", *FLAGS, *fields], fact="accounts", needs=("id",))
    if rows is None:
        return None
    rows = work.books.leave("accounts", rows, truth(*FLAGS), "deleted")
    named = [pl.col(name).alias(f"company_{name.removeprefix('property_')}") for name in fields]
    return rows.select(pl.col("id").alias("account_id"), *named, *PLACE)
