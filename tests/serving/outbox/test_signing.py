"""A secret is exchanged without a lost message: for a while both sign, then the old one is worth nothing."""

import json
import time

import pytest
from sqlalchemy import select
from standardwebhooks import Webhook, WebhookVerificationError

from data.clock import HOUR
from data.errors import ContractError
from serving.outbox.signing import forget_former, rotate, secrets_of
from serving.outbox.subscribers import find, new_secret
from serving.outbox.webhooks import signed_headers
from serving.store.tables import audit, subscribers

BODY = json.dumps({"id": "m"})


def now():
    """The wall clock in microseconds."""
    return time.time_ns() // 1_000


def takes(secret, headers):
    """Whether a receiver that has only this secret takes a message."""
    try:
        Webhook(secret).verify(BODY, headers)
    except WebhookVerificationError:
        return False
    return True


def headers_of(store, name, moment=None):
    """How a message to a subscriber is signed: at a moment as the store's secrets are then, dated now."""
    secrets = secrets_of(store.read(lambda c: find(c, name)), {}, now() if moment is None else moment)
    return signed_headers(secrets, "m", BODY, now())


def exchanged(store, name, keep=HOUR):
    """A subscriber's secret after it was exchanged."""
    return store.write(lambda c: rotate(c, name, now(), keep, "the admin")).secret


def test_for_a_while_a_receiver_may_have_either_secret(store, subscribe):
    """The old and the new one verify the same message; afterwards the new one alone."""
    old = subscribe("crm", "https://crm.example.org/hook").secret
    new = exchanged(store, "crm")
    assert [takes(one, headers_of(store, "crm")) for one in (old, new, new_secret())] == [True, True, False]
    later = headers_of(store, "crm", now() + HOUR + 1)
    assert [takes(one, later) for one in (old, new)] == [False, True]


def test_exchanged_again_the_last_two_sign(store, subscribe):
    """Whoever has the secret before the last one is no longer served."""
    oldest = subscribe("crm", "https://crm.example.org/hook").secret
    secrets = [exchanged(store, "crm"), exchanged(store, "crm")]
    signed = headers_of(store, "crm")
    assert [takes(one, signed) for one in (oldest, *secrets)] == [False, True, True]


def test_a_leaked_secret_ends_at_once(store, subscribe):
    """With no time for both the old one signs nothing any more, and is in the store no more."""
    old = subscribe("crm", "https://crm.example.org/hook").secret
    new = exchanged(store, "crm", keep=0)
    assert [takes(one, headers_of(store, "crm")) for one in (old, new)] == [False, True]
    assert store.read(lambda c: c.execute(select(subscribers.c.secret)).scalars().all()) == [new]


def test_what_signs_no_more_is_forgotten(store, subscribe):
    """Not before its time; the subscriber that was not exchanged keeps its own."""
    old, other = (subscribe(name, "https://crm.example.org/hook").secret for name in ("crm", "other"))
    new = exchanged(store, "crm")
    for moment, left in ((now(), f"{new} {old}"), (now() + HOUR + 1, new)):
        store.write(lambda c, at=moment: forget_former(c, at))
        kept = store.read(lambda c: dict(map(tuple, c.execute(select(subscribers.c.name, subscribers.c.secret)))))
        assert kept == {"crm": left, "other": other}


def test_the_audit_trail_says_who_exchanged_it(store, subscribe):
    """And holds no secret."""
    old = subscribe("crm", "https://crm.example.org/hook").secret
    new = exchanged(store, "crm")
    *_, row = store.read(lambda c: c.execute(select(audit).order_by(audit.c.audit_id)).mappings().all())
    assert (row["action"], row["subject"], row["by"]) == ("subscriber secret rotated", "crm", "the admin")
    assert not {part for secret in (old, new) for part in (secret, secret[6:]) if part in str(dict(row))}


def test_a_variable_may_hold_both(store, subscribe):
    """The new one first: both sign as long as both are there. One that is no secret is refused."""
    subscribe("crm", "https://crm.example.org/hook", secret_env="CRM_SECRET")  # noqa: S106 - a variable's name
    one, two = new_secret(), new_secret()
    subscriber = store.read(lambda c: find(c, "crm"))
    signed = signed_headers(secrets_of(subscriber, {"CRM_SECRET": f"{one} {two}"}, now()), "m", BODY, now())
    assert [takes(secret, signed) for secret in (one, two)] == [True, True]
    with pytest.raises(ContractError, match="CRM_SECRET"):
        secrets_of(subscriber, {"CRM_SECRET": f"{one} nonsense"}, now())
    with pytest.raises(ContractError, match="the new one before the old one"):
        exchanged(store, "crm")


def test_a_platform_has_no_signing_secret(store, subscribe):
    """It is told with its own credentials: there is nothing to exchange here."""
    subscribe("hubspot", "https://api.hubapi.com", platform="hubspot", settings={"token_env": "T"})
    with pytest.raises(ContractError, match="its own credentials"):
        exchanged(store, "hubspot")
