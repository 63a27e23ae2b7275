"""A request made a lead's history, a score made an answer."""

from collections.abc import Callable, Sequence
from typing import Any, cast

from msgspec import Struct
from msgspec.json import Encoder

from data.clock import DAY, iso, wall_clock
from data.errors import ReadinessError
from features.event_columns import EventColumns
from features.lead import Event, LeadHistory
from models.reasons import REASONS
from models.scorer import Score
from models.states import Standing, State, resume
from serving.body import json_value, parse
from serving.live.loading import Loaded
from serving.problems import Refusal
from serving.schemas import AccountEventIn, EventIn, LeadIn, ModelOut, RefusedOut, ScoreManyOut, ScoresOut
from serving.usual import READER, Usual, history_of

_ENCODE = Encoder().encode


class Asked(Struct, frozen=True, gc=False):
    """A lead about which is asked: its history as told at ``as_of``, how many of the ``events`` sent count then."""

    history: LeadHistory
    as_of: int
    used: int
    events: int
    standing: Standing | None = None


Keep = Callable[[Asked, Score, dict[str, Any], Any], None]


def score_one(loaded: Loaded, sent: bytes, reasons: int = REASONS) -> tuple[Asked, Score, dict[str, Any]]:
    """One lead as it was asked about, its score with so many reasons at the most, and its flat answer (``ScoreOut``).

    ``sent`` is its JSON. Raises Refusal: 400 when it is none, 422 when the lead is not described well, or the question
    does not apply to it.
    """
    lead = READER.read(sent)
    asked = _asked_unusually(loaded, json_value(sent)) if lead is None else _asked_as_usual(lead)
    return asked, *_answer(loaded, asked, reasons)


def _score_value(loaded: Loaded, raw: Any) -> tuple[Asked, Score, dict[str, Any]]:
    """``score_one`` for a lead that was read as one of many."""
    try:
        lead = READER.read(_ENCODE(raw))
    except OverflowError:  # whole numbers of more than 64 bits
        lead = None
    asked = _asked_unusually(loaded, raw) if lead is None else _asked_as_usual(lead)
    return asked, *_answer(loaded, asked, REASONS)


def _asked_as_usual(lead: Usual) -> Asked:
    as_of = wall_clock() if lead.as_of is None else lead.as_of
    _must_exist(lead.created_at, as_of)
    history = history_of(lead, as_of)
    return Asked(history, as_of, _different(history.events), len(lead.events.kinds))


def _asked_unusually(loaded: Loaded, raw: Any) -> Asked:
    asked = _asked(loaded, parse(LeadIn, raw))
    READER.learn(raw)
    return asked


def score_many(loaded: Loaded, leads: list[Any], keep: Keep | None = None) -> ScoresOut:
    """The answers for leads that were not looked at yet, in their order; bad ones are refused one by one.

    ``keep`` is given each lead as it was asked about, its score, its answer, and the lead as it was sent.
    """
    scores, refused = [], []
    for position, raw in enumerate(leads):
        try:
            asked, score, flat = _score_value(loaded, raw)
        except Refusal as refusal:
            lead_id = raw.get("lead_id") if isinstance(raw, dict) else None
            known = lead_id[:200] if isinstance(lead_id, str) else ""
            refused.append(RefusedOut(position=position, lead_id=known, reason=refusal.detail))
        else:
            if keep is not None:
                keep(asked, score, flat, raw)
            scores.append(ScoreManyOut(position=position, horizons=dict(score.horizons), **flat))
    return ScoresOut(scores=scores, refused=refused)


def model_card(loaded: Loaded) -> ModelOut:
    """Which model answers."""
    bundle = loaded.bundle
    return ModelOut(
        product=bundle.contract.ready.product,
        model_version=loaded.version,
        bundle_id=bundle.bundle_id,
        horizon_days=bundle.model.primary / DAY,
        horizons=list(bundle.horizon_names),
        base_rate=loaded.base_rate,
        card=bundle.card,
    )


def _asked(loaded: Loaded, lead: LeadIn) -> Asked:
    as_of = wall_clock() if lead.as_of is None else lead.as_of
    _must_exist(lead.created_at, as_of)
    _must_be_open(loaded, lead, as_of)
    history = _history(lead, as_of)
    return Asked(history, as_of, _different(history.events), len(lead.events), _standing(loaded, lead, as_of))


def _answer(loaded: Loaded, asked: Asked, reasons: int) -> tuple[Score, dict[str, Any]]:
    try:
        score = loaded.scorer.score(asked.history, asked.as_of, reasons, asked.standing)
    except ReadinessError as error:
        raise Refusal(422, "does-not-apply", str(error)) from None
    loaded.drift.seen(score, asked.history.events, asked.history.attributes)
    return score, flat_answer(loaded, score, asked.used, asked.events - asked.used)


def flat_answer(loaded: Loaded, score: Score, used: int, ignored: int) -> dict[str, Any]:
    """The answer of ``ScoreOut``; of the lead's events so many were ``used``, so many ``ignored``."""
    told = [reason.text for reason in score.reasons[:REASONS]] + [""] * REASONS
    return {
        "lead_id": score.lead_id,
        "as_of": iso(score.as_of),
        "readiness": score.readiness,
        "horizon_days": loaded.bundle.model.primary / DAY,
        "base_rate": loaded.base_rate,
        "index": score.index,
        "decision": score.decision,
        "decision_reason": score.decision_reason,
        "state": score.state,
        "next_date": "" if score.next_at is None else iso(score.next_at),
        "reason_1": told[0],
        "reason_2": told[1],
        "reason_3": told[2],
        "events_used": used,
        "events_ignored": ignored,
        "product": score.product,
        "model_version": loaded.version,
        "bundle_id": score.bundle_id,
    }


def _standing(loaded: Loaded, lead: LeadIn, as_of: int) -> Standing | None:
    """Where the caller says that the lead stood; None when it says nothing."""
    if lead.state is None or lead.state_since is None:
        return None
    if not lead.created_at <= lead.state_since <= as_of:
        raise Refusal(
            422,
            "does-not-apply",
            f"state_since is {iso(lead.state_since)}. Expected a moment from the lead's creation, "
            f"{iso(lead.created_at)}, to as_of, {iso(as_of)}. Send the moment at which it came into its state.",
        )
    return resume(loaded.bundle.policy, cast("State", lead.state), lead.state_since, lead.created_at)


def _must_exist(created_at: int, as_of: int) -> None:
    if created_at > as_of:
        raise Refusal(
            422,
            "does-not-apply",
            f"The lead was created at {iso(created_at)}, after as_of {iso(as_of)}. Ask at a later moment.",
        )


def _must_be_open(loaded: Loaded, lead: LeadIn, as_of: int) -> None:
    """Readiness is a question about open leads: without a terminal outcome."""
    terminal = loaded.bundle.contract.ready.terminal
    closed = [outcome for outcome in lead.outcomes if outcome.kind in terminal and outcome.occurred_at < as_of]
    if closed:
        first = min(closed, key=lambda outcome: outcome.occurred_at)
        raise Refusal(
            422,
            "does-not-apply",
            f"The lead met {first.kind!r} at {iso(first.occurred_at)}. Readiness is asked of open leads only.",
        )


def _history(lead: LeadIn, as_of: int) -> LeadHistory:
    """The lead as the online engine takes it at ``as_of``."""
    return LeadHistory(
        lead.lead_id,
        lead.created_at,
        attributes=lead.attributes,
        account_attributes=lead.account_attributes,
        events=_seen(lead.events, as_of),
        account_events=_seen(lead.account_events, as_of),
    ).told(as_of)


def _different(events: Sequence[Event]) -> int:
    """How many events there are; of those with one id there is one."""
    return EventColumns.of(events).different()


def _seen(events: Sequence[EventIn], as_of: int) -> list[Event]:
    """Those that had happened and were known before ``as_of``."""
    every = [_event(event) for event in events]
    return [event for event in every if event.occurred_at < as_of and event.known_at < as_of]


def _event(event: EventIn) -> Event:
    known_at = event.occurred_at if event.known_at is None else event.known_at
    extra = event.model_extra or {}
    whose = event.lead_id if isinstance(event, AccountEventIn) else ""
    of = (event.actor, event.value, event.item, extra, event.event_id, whose)
    return Event(event.kind, event.occurred_at, known_at, *of)
