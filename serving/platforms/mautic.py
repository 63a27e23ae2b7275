"""Mautic's webhooks as items: a body with one list of entries for each kind of event.

    mautic.lead_post_save_new, _update      the contact's fields; a new contact was a visitor until then
    mautic.page_on_hit                      page_view, item: the address
    mautic.form_on_submit                   form_submit, item: the form's number
    mautic.email_on_open, _send             email_open, email_sent (marketing), item: the e-mail's number
    mautic.lead_points_change               points_change (marketing), value: new less old points
    mautic.lead_channel_subscription_changed  subscription_change, item: the channel
    mautic.lead_list_change                 segment_change (marketing), item: the segment
    mautic.lead_company_change, company_post_save   the account
    mautic.lead_post_delete                 an erasure
    any other mautic.* with a contact       an event of that kind of marketing's, with its flat fields

Mautic gives every visitor a contact; one without a name, an e-mail or a company is a visitor here until it is saved.
"""

from collections.abc import Callable, Mapping
from typing import Any

from data.naming import personal_reason
from serving.ingest.items import (
    AccountItem,
    EraseItem,
    EventItem,
    Item,
    LeadItem,
    LinkItem,
    Placed,
    Rejected,
    Told,
    VisitItem,
)
from serving.platforms.mautic_fields import Entry, flat_fields
from serving.platforms.reading import attributes, columns, identity, number, text
from serving.platforms.spec import Words

_UNWANTED = frozenset({"address1", "address2", "points", "last_active", "id"})
_PREFIX = "mautic."


def read_mautic(body: Mapping[str, Any], words: Words) -> Told:
    """The items of a webhook's body; entries are counted through all its lists, in order."""
    items: list[Placed] = []
    rejected: list[Rejected] = []
    entries = [
        (key, entry) for key, listed in body.items() for entry in (listed if isinstance(listed, list) else [listed])
    ]
    for index, (key, told) in enumerate(entries):
        try:
            items += [Placed(index, item) for item in _items(key, told, words)]
        except ValueError as error:
            rejected.append(Rejected(index, f"{key[:80]}: {error}"))
    return Told(items, rejected)


def _items(key: str, told: Any, words: Words) -> list[Item]:
    if not key.startswith(_PREFIX):
        raise ValueError("It is no event of Mautic's. Expected keys such as mautic.page_on_hit.")
    if not isinstance(told, dict):
        raise ValueError("It is not an object. Expected an entry as Mautic sends it.")  # noqa: TRY004 - a bad entry
    return _READERS.get(key.removeprefix(_PREFIX), _other)(Entry(key.removeprefix(_PREFIX), told), words)


def _saved(entry: Entry, words: Words) -> list[Item]:
    """A contact that was saved is a lead: what it did before as a visitor is its own."""
    contact, at = entry.object("contact"), entry.known_at
    lead = identity("contact.id", contact.get("id"))
    created = entry.moment(contact, "dateIdentified", "dateAdded")
    said = {name: value for name, value in attributes(flat_fields(contact)).items() if _wanted(name, words)}
    link = LinkItem(other_id=lead, lead_id=lead, said_at=at, known_at=at)
    return [link, LeadItem(lead_id=lead, attributes=said, known_at=at, said_at=min(created, at))]


def _wanted(name: str, words: Words) -> bool:
    return name not in _UNWANTED and words.wants(name)


def _deleted(entry: Entry, words: Words) -> list[Item]:
    if not words.may_erase:
        raise ValueError("An erasure needs the webhook's signature or a key with the scope admin. Set the secret.")
    return [EraseItem(lead_id=identity("id", entry.told.get("id") or entry.object("contact").get("id")))]


def _hit(entry: Entry, _: Words) -> list[Item]:
    hit = entry.object("hit")
    more = {"page": entry.number_of(hit, "page"), "email": entry.number_of(hit, "email"), "source": hit.get("source")}
    return [_done(entry, "page_view", hit, "dateHit", hit.get("url"), more)]


def _submitted(entry: Entry, _: Words) -> list[Item]:
    submission = entry.object("submission")
    more = {"page": entry.number_of(submission, "page"), "referer": submission.get("referer")}
    return [_done(entry, "form_submit", submission, "dateSubmitted", entry.number_of(submission, "form"), more)]


def _opened(entry: Entry, _: Words) -> list[Item]:
    stat = entry.object("stat")
    again = f":{stat['openCount']}" if isinstance(stat.get("openCount"), int) else ""
    when = "lastOpened" if stat.get("lastOpened") else "dateRead"
    return [_done(entry, "email_open", stat, when, entry.number_of(stat, "email"), {}, again)]


def _done(
    entry: Entry, kind: str, part: dict[str, Any], when: str, item: Any, more: dict[str, Any], again: str = ""
) -> Item:
    """What somebody did: ``part`` has its number, its moment and whose it is."""
    person = entry.person(part)
    own = part.get("id")
    event = EventItem(
        lead_id=identity("lead.id", person.get("id")),
        kind=kind,
        occurred_at=min(entry.moment(part, when), entry.known_at),
        known_at=entry.known_at,
        event_id=None if own is None else identity("id", f"mautic:{kind}:{own}{again}"),
        item=text("item", item),
        extra=columns(more),
    )
    return VisitItem(event=event) if _is_visitor(person) else event


def _is_visitor(person: dict[str, Any]) -> bool:
    """Whether Mautic knows nobody behind a contact; only where it tells the contact's fields."""
    fields = flat_fields(person)
    known = {"firstname", "lastname", "email", "company"}
    return bool(known & set(fields)) and not any(fields.get(name) for name in known)


def _sent(entry: Entry, _: Words) -> list[Item]:
    own = entry.told.get("idHash")
    return [
        _noted(
            entry, "email_sent", entry.number_of(entry.told, "email"), own=f"mautic:email_sent:{own}" if own else None
        )
    ]


def _points(entry: Entry, _: Words) -> list[Item]:
    points = entry.object("points")
    new, old = (number(name, points.get(name)) for name in ("new_points", "old_points"))
    change = None if new is None or old is None else new - old
    return [_noted(entry, "points_change", None, value=change)]


def _subscribed(entry: Entry, _: Words) -> list[Item]:
    more = {name: entry.told.get(name) for name in ("old_status", "new_status")}
    return [_noted(entry, "subscription_change", entry.told.get("channel"), actor="lead", more=more)]


def _segmented(entry: Entry, _: Words) -> list[Item]:
    more = {"action": entry.told.get("action")}
    return [_noted(entry, "segment_change", entry.number_of(entry.told, "segment"), more=more)]


def _other(entry: Entry, _: Words) -> list[Item]:
    """What we do not know is kept, and not taken for engagement."""
    more = {name: value for name, value in entry.told.items() if name != "timestamp" and personal_reason(name) is None}
    return [_noted(entry, identity("the key", entry.kind), None, more=more)]


def _noted(
    entry: Entry,
    kind: str,
    item: Any,
    *,
    actor: str = "marketing",
    value: float | None = None,
    own: str | None = None,
    more: dict[str, Any] | None = None,
) -> Item:
    """What was noted about a contact when the entry was made."""
    return EventItem(
        lead_id=identity("contact.id", entry.person(entry.told).get("id")),
        kind=kind,
        occurred_at=entry.known_at,
        known_at=entry.known_at,
        event_id=None if own is None else identity("idHash", own),
        actor=actor,
        value=value,
        item=text("item", item),
        extra=columns(more or {}),
    )


def _company(entry: Entry, _: Words) -> list[Item]:
    company = entry.object("company")
    own = identity("company.id", company.get("id"))
    told = attributes(flat_fields(company)).items()
    said = {f"account_{name.removeprefix('company')}": value for name, value in told if _described(name)}
    account = AccountItem(account_id=own, attributes=said, known_at=entry.known_at)
    if entry.kind == "company_post_save":
        return [account]
    lead = identity("contact.id", entry.object("contact").get("id"))
    joined = own if entry.told.get("added") else None
    return [account, LeadItem(lead_id=lead, account_id=joined, known_at=entry.known_at, said_at=entry.known_at)]


def _described(name: str) -> bool:
    bare = name.removeprefix("company")
    return bare not in _UNWANTED and personal_reason(bare) is None


_READERS: dict[str, Callable[[Entry, Words], list[Item]]] = {
    "lead_post_save_new": _saved,
    "lead_post_save_update": _saved,
    "lead_post_delete": _deleted,
    "page_on_hit": _hit,
    "form_on_submit": _submitted,
    "email_on_open": _opened,
    "email_on_send": _sent,
    "lead_points_change": _points,
    "lead_channel_subscription_changed": _subscribed,
    "lead_list_change": _segmented,
    "lead_company_change": _company,
    "company_post_save": _company,
}
