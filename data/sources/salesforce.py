"""Salesforce, as a warehouse loader (Fivetran's layout) lands it.

A lead that was converted and the contact that it became are one person, under the contact's id and as the lead was:
fields that only contacts have, and the account, came with the conversion, and would tell that it happened. Versions
that the loader keeps (``_fivetran_start``) and Salesforce's own histories give times of stages and values;
``_fivetran_synced`` is never a known_at, for it is the last sync of a row.
"""

from dataclasses import dataclass

import polars as pl

from data.sources.loading import changes
from data.sources.loading.facts import Facts
from data.sources.loading.people import People, gather, surviving
from data.sources.loading.touches import Touch, read_touches
from data.sources.loading.work import PLACE, YES, Work, no_rows, truth, untruth
from data.sources.salesforce_deals import import_outcomes

REQUIRED = (("contact", "lead"),)
"""Of each of these, one table has to be there."""
USUAL = {
    name: name
    for name in (
        *("lead_source", "title", "department", "industry", "country", "state", "city", "number_of_employees"),
        "annual_revenue",
    )
} | {f"mailing_{name}": name for name in ("country", "state", "city")}
"""Fields of leads and contacts that are taken where the contract names none: theirs = ours."""
ACCOUNT = ("industry", "type", "number_of_employees", "annual_revenue", "ownership", "billing_country", "billing_state")
FLAGS = ("is_deleted", "_fivetran_deleted")
_CALL = {"call": ("call", "sales")}
TOUCHES = (
    Touch(
        table="task",
        kind=("task", "sales"),
        lead=("who_id",),
        occurred=("completed_date_time", "activity_date", "created_date"),
        known=("created_date",),
        cases=(
            ("call_type", {"inbound": ("call", "lead")}),
            (
                "task_subtype",
                {**_CALL, "email": ("sales_email", "sales"), "listemail": ("email_sent", "marketing")},
            ),
            ("type", {**_CALL, "email": ("sales_email", "sales"), "meeting": ("meeting", "sales")}),
        ),
        only=(("is_closed", YES, "a task that is not done"),),
    ),
    Touch(
        table="event",
        kind=("meeting", "sales"),
        lead=("who_id",),
        occurred=("start_date_time", "activity_date_time", "activity_date", "created_date"),
        known=("created_date",),
        cases=(("type", _CALL),),
        never=(("is_child", YES, "an invitee's copy of a meeting"),),
    ),
    Touch(
        table="campaign_member",
        kind=("campaign_response", "lead"),
        lead=("contact_id", "lead_id"),
        occurred=("first_responded_date",),
        item=("campaign_id",),
        only=(("has_responded", YES, "a member that has not responded"),),
    ),
)
TABLES: dict[str, tuple[str, ...]] = {
    "leads": ("lead", "contact"),
    "events": tuple(touch.table for touch in TOUCHES),
    "outcomes": (
        *("opportunity", "opportunity_history", "opportunity_field_history", "opportunity_stage"),
        "opportunity_contact_role",
    ),
    "changes": ("lead_history", "contact_history"),
    "accounts": ("account",),
    "account_changes": ("account_history",),
}
"""Every table that is read, by the facts for which it is."""


@dataclass(frozen=True)
class _Records:
    """The rows of leads and of contacts as they came."""

    leads: pl.DataFrame
    contacts: pl.DataFrame


def import_facts(work: Work) -> Facts:
    """The facts of the tables that are there. Raises SchemaError."""
    fields = changes.asked_fields(work, ("lead", "contact"), USUAL, TABLES["changes"])
    records = _records(work, fields)
    people = _people(work, records, fields)
    return Facts(
        leads=people.leads,
        events=read_touches(work, TOUCHES, people),
        outcomes=import_outcomes(work, people, records.contacts, records.leads),
        changes=_changes(work, people, fields),
        accounts=_accounts(work),
        account_changes=_account_changes(work),
    )


def _records(work: Work, fields: dict[str, str]) -> _Records:
    own = ["id", "account_id", "master_record_id", "converted_contact_id", "converted_opportunity_id"]
    names = [*own, "_fivetran_active", *FLAGS, *fields]
    found = []
    for name in ("lead", "contact"):
        rows = work.read(name, names, times=["created_date"], fact="leads", needs=("id",))
        rows = no_rows([*names, "created_date"]) if rows is None else rows
        found.append(work.books.leave("leads", rows, untruth("_fivetran_active"), "an earlier version of a record"))
    return _Records(*found)


def _people(work: Work, records: _Records, fields: dict[str, str]) -> People:
    became = records.leads.filter(pl.col("converted_contact_id").is_not_null()).select("id", "converted_contact_id")
    merged = [rows.select("id", "master_record_id").drop_nulls() for rows in (records.contacts, records.leads)]
    pairs = [pair for rows in (became, *merged) for pair in rows.iter_rows()]
    were_leads = became["converted_contact_id"].unique()
    people = [_record(work, "lead", records.leads, fields)]
    contacts = _record(work, "contact", records.contacts, fields)
    own = pl.col("id").is_in(were_leads.implode())
    hidden = [name for name in contacts.columns if name not in {"id", "created", "deleted", *PLACE}]
    people.append(contacts.with_columns(pl.when(~own).then(pl.col(name)).alias(name) for name in hidden))
    return gather(work, people, surviving(pairs))


def _record(work: Work, table: str, rows: pl.DataFrame, fields: dict[str, str]) -> pl.DataFrame:
    there = set(work.columns(table))
    several: dict[str, list[str]] = {}
    for theirs, ours in fields.items():
        if theirs in there:
            several.setdefault(ours, []).append(theirs)
    return rows.select(
        *("id", "account_id", *PLACE),
        truth(*FLAGS).alias("deleted"),
        pl.col("created_date").alias("created"),
        *(pl.coalesce(theirs).alias(ours) for ours, theirs in several.items()),
    )


def _changes(work: Work, people: People, fields: dict[str, str]) -> pl.DataFrame | None:
    """Versions that the loader keeps, or Salesforce's own history of fields; both go by these names."""
    tables = {name: f"{name}_history" for name in ("lead", "contact")}
    kept = [table for table in tables.values() if changes.START in work.columns(table)]
    logs = [
        changes.Log(table, f"{name}_id", "field", "new_value", "created_date", old="old_value", spelled=True)
        for name, table in tables.items()
        if table not in kept
    ]
    own = changes.read_logs(work, logs, people)
    found = [*(changes.read_versions(work, table, fields, people) for table in kept), *([] if own is None else [own])]
    return pl.concat(found) if found else None


def _accounts(work: Work) -> pl.DataFrame | None:
    columns = set(work.columns("account"))
    fields = [name for name in ACCOUNT if name in columns]
    rows = work.read("account", ["id", "_fivetran_active", *FLAGS, *fields], fact="accounts", needs=("id",))
    if rows is None:
        return None
    rows = work.books.leave("accounts", rows, untruth("_fivetran_active"), "an earlier version of a record")
    rows = work.books.leave("accounts", rows, truth(*FLAGS), "deleted")
    named = [pl.col(name).alias(f"account_{name}") for name in fields]
    return rows.select(pl.col("id").alias("account_id"), *named, *PLACE)


def _account_changes(work: Work) -> pl.DataFrame | None:
    """Versions that the loader keeps, or Salesforce's own history of fields."""
    fields = {name: f"account_{name}" for name in ACCOUNT}
    if changes.START in work.columns("account_history"):
        return changes.read_account_versions(work, "account_history", fields)
    return changes.read_account_log(
        work, changes.Log("account_history", "account_id", "field", "new_value", "created_date"), fields
    )
