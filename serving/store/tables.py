"""What the service remembers besides facts: scores, standings, transitions, messages, keys, jobs and an audit trail.

All tables of a store, those of ``data.store.tables`` included, are in ``METADATA``; ``serving/store/migrations`` brings
a database to them. Moments are microseconds since 1970; columns said to be JSON hold JSON text.
"""

from sqlalchemy import BigInteger, Boolean, Column, Double, ForeignKey, Index, Integer, Table

from data.store.tables import METADATA, moment, text

__all__ = ["METADATA"]

meta = Table("meta", METADATA, text("name", primary_key=True), text("value"))
"""Facts about the store itself: ``store_id``, ``product``."""

standings = Table(
    "standings",
    METADATA,
    text("lead_id", ForeignKey("leads.lead_id"), primary_key=True),
    text("state"),
    moment("since"),
    moment("free_at"),
    moment("next_at", nullable=True),
    text("reason"),
    Column("readiness", Double),
    Column("index", Double),
    text("score_id", nullable=True),
    text("model_version"),
    moment("decided_at"),
    moment("touched_at", nullable=True),  # the last sales touch
    moment("nurtured_at", nullable=True),  # the last marketing touch
    Column("propensity", Double),
    Index("ix_standings_state_readiness", "state", "readiness", "lead_id"),
    Index("ix_standings_state_next_at", "state", "next_at"),
)
"""Where each lead stands (``models.states.Standing``), and what was last seen in it."""

looks = Table("looks", METADATA, text("lead_id", primary_key=True), moment("since"))
"""Leads about which something new is stored and not yet looked at: written with the news, deleted with the look."""

transitions = Table(
    "transitions",
    METADATA,
    text("transition_id", primary_key=True),
    text("lead_id", ForeignKey("leads.lead_id"), index=True),
    moment("at", index=True),
    text("before"),
    text("after"),
    text("reason"),
    text("cause"),  # event, outcome, touch, lead, night, model, policy
    text("score_id", nullable=True),
    Column("propensity", Double),  # of a hand-off: 1 by the threshold, less by a lot
)

scores = Table(
    "scores",
    METADATA,
    text("score_id", primary_key=True),
    text("lead_id"),
    moment("as_of"),
    moment("scored_at", index=True),
    Column("readiness", Double, nullable=False),
    text("horizons"),  # JSON object: readiness by horizon
    Column("index", Double, nullable=False),
    text("decision"),
    text("decision_reason"),
    text("state"),
    moment("next_at", nullable=True),
    text("reasons"),  # JSON list of {text, push, since, until}; the moments in microseconds or null
    Column("events_used", Integer, nullable=False),
    Column("events_ignored", Integer, nullable=False),
    Column("horizon_days", Double, nullable=False),
    Column("base_rate", Double, nullable=False),
    text("inputs"),  # SHA-256 of the history that was scored
    text("model_version"),
    text("bundle_id"),
    text("cause"),  # lead, payload, event, night, model, policy, job
    text("job_id", nullable=True),
    Column("propensity", Double),  # with which chance it was decided so; null: there was nothing to draw
    Index("ix_scores_lead_id_as_of", "lead_id", "as_of"),
    Index("ix_scores_job_id_lead_id", "job_id", "lead_id", unique=True),
)
"""Every score that was told to anybody or decided anything, as it was."""

shadow_scores = Table(
    "shadow_scores",
    METADATA,
    text("score_id", primary_key=True),  # of the champion's score
    text("bundle_id", primary_key=True),
    text("lead_id", index=True),
    moment("as_of"),
    text("version"),
    Column("readiness", Double, nullable=False),
    text("horizons"),  # JSON object: readiness by horizon
    Column("index", Double, nullable=False),
    text("decision", nullable=True),  # what its own policy would say of a lead that stood where it stood
    moment("scored_at", index=True),
)
"""What the challenger in the shadow says of what the champion told: nobody is told of it, and it moves no lead."""

score_jobs = Table(
    "score_jobs",
    METADATA,
    text("job_id", primary_key=True),
    moment("asked_at"),
    text("asked_by"),
    moment("as_of"),
    text("leads", nullable=True),  # JSON list of lead ids; null: all open leads
    text("status"),  # queued, running, done, failed, cancelled
    Column("total", Integer),
    Column("done", Integer, nullable=False),
    text("refused"),  # JSON list of {lead_id, reason}
    text("reached", nullable=True),  # the last lead that is done, so that a killed job goes on
    moment("claimed_until", nullable=True),
    moment("finished_at", nullable=True),
    text("error", nullable=True),
)

messages = Table(
    "messages",
    METADATA,
    text("message_id", primary_key=True),
    text("kind"),
    text("lead_id", index=True),
    moment("made_at", index=True),
    text("body"),  # JSON: a CloudEvent
)
"""The outbox: what is to be told, written with what caused it."""

subscribers = Table(
    "subscribers",
    METADATA,
    text("name", primary_key=True),
    text("platform"),  # webhook, hubspot, marketo, salesforce, dynamics, mautic
    text("url"),
    text("secret"),  # to sign with; never shown again
    text("settings"),  # JSON object
    text("kinds"),  # JSON list; empty: every kind of message
    Column("active", Boolean, nullable=False),
    moment("made_at"),
    text("stopped_because", nullable=True),
)

deliveries = Table(
    "deliveries",
    METADATA,
    text("message_id", ForeignKey("messages.message_id"), primary_key=True),
    text("subscriber", ForeignKey("subscribers.name"), primary_key=True),
    text("state"),  # pending, delivered, dead
    Column("attempts", Integer, nullable=False),
    moment("due_at"),
    moment("claimed_until", nullable=True),
    Column("last_status", Integer),
    text("last_error", nullable=True),
    moment("delivered_at", nullable=True),
    Index("ix_deliveries_state_due_at", "state", "due_at"),
    Index("ix_deliveries_subscriber_state_due_at", "subscriber", "state", "due_at"),
)

callbacks = Table(
    "callbacks",
    METADATA,
    text("callback_id", primary_key=True),  # such as hubspot:<callbackId>, marketo:<batchid>
    text("platform"),
    text("url"),
    text("headers"),  # JSON object; its secrets are removed once delivered
    text("asked"),  # JSON: the request that is to be answered
    text("lead_ids"),  # JSON list: so that an erasure finds it
    text("state"),
    Column("attempts", Integer, nullable=False),
    moment("made_at"),
    moment("due_at"),
    moment("claimed_until", nullable=True),
    Column("last_status", Integer),
    text("last_error", nullable=True),
    Index("ix_callbacks_state_due_at", "state", "due_at"),
)
"""Answers that a platform waits for at an address of its own."""

workers = Table("workers", METADATA, text("worker_id", primary_key=True), moment("started_at"), moment("seen_at"))
"""The workers that are at work, each seen every few seconds."""

duties = Table(
    "duties",
    METADATA,
    text("name", primary_key=True),  # such as nightly
    text("done_by"),  # a worker_id
    moment("done_at"),
)
"""What one worker does for all, and who did it last."""

keys = Table(
    "keys",
    METADATA,
    text("name", primary_key=True),
    text("begins"),
    text("sha256", unique=True),
    text("scopes"),  # space separated: score ingest read admin
    moment("created_at"),
    moment("revoked_at", nullable=True),
    moment("last_used_at", nullable=True),
)

sessions = Table(
    "sessions",
    METADATA,
    text("sha256", primary_key=True),  # of a random token that a browser holds
    text("key_sha256"),  # whose key signed in: the session ends when that key does
    text("name"),
    moment("made_at"),
    moment("expires_at", index=True),
)
"""Who is signed in at the desk."""

policies = Table(
    "policies",
    METADATA,
    Column("version", Integer, primary_key=True, autoincrement=False),
    moment("at"),
    text("by"),
    text("why"),
    Column("capacity", Double),  # hand-offs a week; null: the policy that the bundle brings
    text("bundle_id"),
    text("body"),  # JSON: the policy as it was when it was agreed
)
"""What people agreed on, version by version; the last one decides."""

watched = Table(
    "watched",
    METADATA,
    text("watch_id", primary_key=True),
    moment("at", index=True),
    text("body"),  # JSON: what ``readiness watch`` found
)

audit = Table(
    "audit",
    METADATA,
    Column("audit_id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    moment("at"),
    text("action"),
    text("subject"),
    text("by"),
    text("detail"),  # JSON object
)
