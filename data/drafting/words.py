"""What files, columns and kinds are usually called, the likeliest name first."""

import re
from collections.abc import Callable, Iterable

from data.naming import plain

FILES = {
    "changes": ("changes", "property_history", "field_history", "history"),
    "outcomes": ("outcomes", "deals", "opportunities", "conversions", "won", "sales", "orders", "purchases"),
    "events": (
        "events",
        "activities",
        "engagements",
        "interactions",
        "visits",
        "clicks",
        "log",
        "logs",
        "actions",
        "touches",
    ),
    "accounts": ("accounts", "companies", "organizations", "organisations"),
    "leads": ("leads", "contacts", "customers", "people", "persons", "users", "subscribers", "members"),
}
CLOSING = (
    *("closed_at", "close_date", "closedate", "closed_date", "won_at", "won_date", "converted_at", "converted_date"),
    "conversion_date",
)
"""What the time of an outcome is called where it is a column of leads."""
COLUMNS = {
    "lead_id": ("lead_id", "contact_id", "customer_id", "person_id", "user_id", "subscriber_id", "member_id", "who_id"),
    "created_at": (
        *("created_at", "created", "create_date", "createdate", "created_date", "creation_date", "date_created"),
        *("registered_at", "registration_date", "signup_date", "signed_up_at", "first_contact_date", "first_seen"),
        *("ts", "timestamp", "datetime", "date", "time", "ym"),
    ),
    "occurred_at": (
        *("occurred_at", "occurred", "event_time", "event_date", "event_timestamp", "activity_date", "ts", "timestamp"),
        *CLOSING,
        *("order_date", "purchase_date", "invoice_date", "datetime", "date", "time", "created_at", "created_date"),
    ),
    "known_at": ("known_at", "recorded_at", "received_at", "ingested_at", "inserted_at", "loaded_at", "synced_at"),
    "kind": (
        *("kind", "type", "event_type", "activity_type", "event_name", "event", "action", "activity", "outcome"),
        *("outcome_type", "result", "stage_name", "stage", "status"),
    ),
    "value": ("value", "amount", "revenue", "total", "price", "line_total"),
    "item": (
        *("item", "item_id", "asset", "asset_id", "page", "page_id", "url", "content_id", "campaign", "campaign_id"),
        *("product", "product_id", "sku", "stock_code", "landing_page", "landing_page_id", "id_site", "link"),
    ),
    "event_id": ("event_id", "activity_id", "message_id", "uuid", "guid", "id"),
    "actor": ("actor", "performed_by", "actor_type"),
    "account_id": ("account_id", "company_id", "organization_id", "organisation_id"),
    "field": ("field", "field_name", "attribute", "property", "property_name"),
}
CHANGED = {
    "value": ("value", "new_value"),
    "known_at": (*COLUMNS["known_at"], "changed_at", "timestamp", "ts", "created_at", "created_date"),
}
"""The columns of changes that mean something else there."""
FLAGS = (
    *("outcome", "converted", "is_converted", "won", "is_won", "closed_won", "is_customer", "y", "label", "status"),
    "stage",
)
"""Columns of leads that may tell the outcome."""
HOPED = {
    *("won", "closed_won", "order", "ordered", "purchase", "purchased", "sale", "sold", "pass", "passed", "converted"),
    *("customer", "success", "signed", "subscribed", "closedwon", "conversion"),
}
"""Outcomes that one hopes for."""
BOUGHT = {"order_completed", "purchase_completed", "checkout_completed", "subscription_started", "deal_won"}
"""Track events that one hopes for."""
YES = {"yes", "y", "true", "t", "1", "1.0"} | HOPED
ENDS = {
    *("lost", "closed_lost", "closedlost", "disqualified", "unqualified", "fail", "failed", "withdrawn", "churned"),
    *("rejected", "cancelled", "canceled", "dead"),
}
"""Outcomes that close a lead without what one hopes for."""

_LATE_ANYWHERE = re.compile(r"outcome|revenue|duration|convert|conversion|churn|closed|lifecycle")
_LATE_WORDS = {
    *(
        "won",
        "lost",
        "close",
        "deal",
        "deals",
        "decision",
        "reason",
        "result",
        "cancelled",
        "canceled",
        "last",
        "final",
    ),
    *("opportunity", "opp", "signed", "paid", "stage", "status", "updated", "modified", "synced", "deleted", "score"),
    *("mql", "sql", "sal", "campaign", "y", "label", "became", "handled", "call"),
}


def find(names: Iterable[str], words: Iterable[str], fits: Callable[[str], bool]) -> str | None:
    """The column that fits and whose plain name comes first in ``words``; failing that, whose name ends like one."""
    by_plain: dict[str, str] = {}
    for name in names:
        by_plain.setdefault(plain(name), name)
    words = list(words)
    exact = (by_plain[word] for word in words if word in by_plain)
    ending = (by_plain[name] for word in words if "_" in word for name in by_plain if name.endswith(f"_{word}"))
    return next((name for candidates in (exact, ending) for name in candidates if fits(name)), None)


def late_reason(name: str) -> str | None:
    """Why a column smells of being filled after contact or outcome; None where it does not."""
    text = plain(name)
    match = _LATE_ANYWHERE.search(text)
    word = match[0] if match else next((word for word in text.split("_") if word in _LATE_WORDS), None)
    return None if word is None else f"{word!r} in its name: it may be filled after contact or outcome"
