"""Mautic's webhooks become items; no entry is dropped without a reason."""

import copy
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.clock import to_micros
from serving.ingest.items import AccountItem, EraseItem, EventItem, LeadItem, LinkItem, VisitItem
from serving.platforms.mautic import read_mautic
from serving.platforms.spec import Words

SIGNED = Words(may_erase=True)


def at(minute, second=0, hour=8):
    """A moment of that morning, in microseconds."""
    return to_micros(datetime(2026, 5, 12, hour, minute, second, tzinfo=UTC))


def test_the_recorded_webhook(payload):
    """Every kind of entry, as it is documented; who somebody is stays out of attributes and further columns."""
    told = read_mautic(payload("mautic_webhook.json"), SIGNED)
    assert told.rejected == []
    expected = [
        [
            LinkItem(other_id="47", lead_id="47", said_at=at(0), known_at=at(0)),
            LeadItem(
                lead_id="47",
                attributes={"country": "Norway", "job_level": 3},
                known_at=at(0),
                said_at=at(59, 58, hour=7),
            ),
        ],
        [
            VisitItem(
                event=EventItem(
                    lead_id="47",
                    kind="page_view",
                    occurred_at=at(58, hour=7),
                    known_at=at(58, 1, hour=7),
                    event_id="mautic:page_view:501",
                    item="https://example.com/plans",
                    extra={"page": 3},
                )
            )
        ],
        [
            event("page_view", 1, "mautic:page_view:502", "https://example.com/pricing", email=12, source="email"),
        ],
        [event("form_submit", 2, "mautic:form_submit:9", "4", referer="https://example.com/demo")],
        [
            EventItem(
                lead_id="47",
                kind="email_open",
                occurred_at=at(3, 30),
                known_at=at(3, 31),
                event_id="mautic:email_open:77:2",
                item="12",
            )
        ],
        [noted("email_sent", 4, event_id="mautic:email_sent:5f3", item="12")],
        [noted("points_change", 5, value=10.0)],
        [
            noted(
                "subscription_change",
                6,
                actor="lead",
                item="email",
                extra={"old_status": "contactable", "new_status": "unsubscribed"},
            )
        ],
        [noted("segment_change", 7, item="8", extra={"action": "added"})],
        [
            AccountItem(account_id="5", attributes={"account_industry": "Steel"}, known_at=at(8)),
            LeadItem(lead_id="47", account_id="5", known_at=at(8), said_at=at(8)),
        ],
        [noted("asset_on_download", 9, extra={"channel": "web"})],
        [EraseItem(lead_id="48")],
    ]
    found = [[placed.item for placed in told.items if placed.index == index] for index in range(len(expected))]
    assert found == expected
    assert len(told.items) == sum(map(len, expected))


def event(kind, minute, own, item, **extra):
    """What the contact did at that minute, queued a second later."""
    return EventItem(
        lead_id="47",
        kind=kind,
        occurred_at=at(minute),
        known_at=at(minute, 1),
        event_id=own,
        item=item,
        extra=extra,
    )


def noted(kind, minute, *, actor="marketing", **more):
    """What was noted about the contact at that minute."""
    return EventItem(lead_id="47", kind=kind, occurred_at=at(minute), known_at=at(minute), actor=actor, **more)


def test_a_deleted_contact_is_erased_only_for_who_may():
    """Without the signature and without such a key, a deletion is refused."""
    body = {"mautic.lead_post_delete": [{"id": 48, "timestamp": "2026-05-12T08:10:00+00:00"}]}
    told = read_mautic(body, Words())
    assert told.items == []
    assert "scope admin" in told.rejected[0].reason


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"lead_post_save_new": [{}]}, "no event of Mautic's"),
        ({"mautic.page_on_hit": [3]}, "not an object"),
        ({"mautic.page_on_hit": [{"timestamp": "2026-05-12T08:10:00+00:00"}]}, "hit is missing"),
        ({"mautic.page_on_hit": [{"hit": {"lead": {"id": 1}}}]}, "timestamp is missing"),
        ({"mautic.text_on_send": [{"timestamp": "2026-05-12T08:10:00+00:00"}]}, "contact.id is missing"),
        ({"mautic.company_post_delete": {"id": 5, "timestamp": "2026-05-12T08:10:00+00:00"}}, "contact.id is missing"),
    ],
)
def test_what_cannot_be_read_is_rejected_with_its_key(body, expected):
    """The reason names the key, so that the webhook can be mended in Mautic."""
    (rejected,) = read_mautic(body, SIGNED).rejected
    assert expected in rejected.reason
    assert rejected.reason.startswith(next(iter(body)))


junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=6,
)


@given(st.data())
def test_whatever_stands_in_an_entry_it_is_read_or_rejected(payload, data):
    """A recorded webhook with one of its values replaced by anything: every entry gives items or a reason."""
    body = copy.deepcopy(payload("mautic_webhook.json"))
    place = body
    while isinstance(place, dict | list) and place:
        keys = sorted(place) if isinstance(place, dict) else range(len(place))
        key = data.draw(st.sampled_from(list(keys)))
        if data.draw(st.booleans()) or not isinstance(place[key], dict | list) or not place[key]:
            place[key] = data.draw(junk)
            break
        place = place[key]
    told = read_mautic(body, SIGNED)
    entries = sum(len(listed) if isinstance(listed, list) else 1 for listed in body.values())
    assert {placed.index for placed in told.items} | {one.index for one in told.rejected} == set(range(entries))
    assert not {placed.index for placed in told.items} & {one.index for one in told.rejected}
