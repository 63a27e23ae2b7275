"""Where a lead stands, and what moves it: a pure step from one standing to the next, without a clock or a store.

    from       when                                                                   to
    nurture    readiness at or above the threshold, evidence enough, dwell over       ready
    nurture    below the threshold, evidence enough, and the lot of its week fell on it  ready
    nurture    silent for long and readiness low                                      let go
    ready      readiness below the exit, dwell over                                   nurture
    working    sales has said nothing for as long as it may                           recycled
    recycled   the cool-down is over                                                  as from nurture, or nurture
    let go     any new engagement                                                     nurture, or as from nurture: ready
    any open   sales takes it up (``taken``)                                          working
    nurture, ready, working: sales gives it back (``given back``)                     recycled
    any        a closing outcome (``won``, ``lost``); a later one corrects it         won, lost

Everything else leaves a lead where it is. Two things are told to a standing: what was seen in the lead (``Look``), at
ingest and every night, since silence too is information; and what sales said (``Word``). The policy itself moves a lead
only from ``free_at`` on: the end of a dwell or of a cool-down. An outcome that does not close a lead is no word.
"""

from typing import Literal, NamedTuple, get_args

from data.clock import WEEK, iso
from data.errors import ReadinessError
from models.evidence import Evidence
from models.lots import lot_of_week
from models.policy import Policy
from models.sentences import below, explored, handed_off, held, in_band, lacking, let_go
from models.wording import date

State = Literal["nurture", "ready", "working", "recycled", "won", "lost", "let go"]
Decision = Literal["hand off", "nurture", "recycle", "let go"]
Word = Literal["taken", "given back", "won", "lost"]

STATES: tuple[State, ...] = get_args(State)
OPEN_STATES: tuple[State, ...] = ("nurture", "ready", "working", "recycled", "let go")
DECISIONS: dict[State, Decision] = {
    "nurture": "nurture",
    "ready": "hand off",
    "working": "hand off",
    "recycled": "recycle",
    "let go": "let go",
}
"""Whose an open lead is: that of sales, of marketing, at rest, nobody's."""


class Look(NamedTuple):
    """What was seen in a lead: its readiness within [0, 1] and the evidence behind it.

    ``lot`` within [0, 1] is the lead's in this week: below the policy's chance it is explored. 1: it takes no part.
    """

    readiness: float
    evidence: Evidence
    lot: float = 1.0

    @classmethod
    def at(cls, policy: Policy, lead_id: str, moment: int, readiness: float, evidence: Evidence) -> "Look":
        """What was seen in a lead at a moment (microseconds), with its lot where the policy explores."""
        explores = policy.explore_chance > 0.0
        return cls(readiness, evidence, lot_of_week(policy.explore_seed, lead_id, moment) if explores else 1.0)


class Standing(NamedTuple):
    """The state of a lead ``since`` a moment, and why; moments in microseconds since 1970.

    Before ``free_at`` the policy itself moves it nowhere. ``next_at`` is when it is due: the next touch of a nurtured
    lead, the day by which sales must have answered for one at work, the end of a cool-down. None: it is ready, closed
    or let go. ``reason`` is one sentence, as of the last step. ``propensity`` is the chance with which the policy
    decided as it did: of a ready lead when it was handed off (1 by the threshold, less by a lot), of a nurtured one
    that a lot could have handed off at the last step; None where there was nothing to draw.
    """

    state: State
    since: int
    free_at: int
    next_at: int | None
    reason: str
    propensity: float | None = None


class Transition(NamedTuple):
    """A crossing: from which state to which, when (microseconds) and why; of a hand-off, with which chance."""

    before: State
    after: State
    at: int
    reason: str
    propensity: float | None = None


Step = tuple[Standing, Transition | None]


def begin(policy: Policy, created_at: int) -> Standing:
    """The standing of a lead at its creation (microseconds): nurtured, and free to be handed off at once."""
    return Standing("nurture", created_at, created_at, created_at + policy.cadence, "a new lead")


def resume(policy: Policy, state: State, since: int, created_at: int) -> Standing:
    """The standing of a lead of which somebody remembers the state and its beginning alone (microseconds)."""
    dwells = state == "ready" or (state == "nurture" and since > created_at)
    held = {"recycled": policy.cool_down}.get(state, policy.dwell if dwells else 0)
    due = {"nurture": policy.cadence, "working": policy.answer_within, "recycled": policy.cool_down}.get(state)
    return Standing(state, since, since + held, None if due is None else since + due, f"{state} since {date(since)}")


def step(policy: Policy, standing: Standing, told: Look | Word, moment: int) -> Step:
    """The standing after what was ``told`` at ``moment``, and the transition if there was one.

    With a dwell, the same ``told`` at the same moment changes nothing more. Raises ReadinessError when ``moment`` is
    before the lead came into its state: what comes late is told at the moment at which it was known; and when a
    readiness is not within [0, 1].
    """
    after = stood(policy, standing, told, moment)
    moved = after.state != standing.state
    handed = after.propensity if after.state == "ready" else None
    return after, Transition(standing.state, after.state, moment, after.reason, handed) if moved else None


def stood(policy: Policy, standing: Standing, told: Look | Word, moment: int) -> Standing:
    """The standing of ``step`` alone. Raises like it."""
    if moment < standing.since:
        raise ReadinessError(
            f"A lead that is {standing.state!r} since {iso(standing.since)} was asked to move at {iso(moment)}. "
            "Expected moments in order: tell what comes late at the moment when it was known."
        )
    return _said(policy, standing, told, moment) if isinstance(told, str) else _seen(policy, standing, told, moment)


def _seen(policy: Policy, standing: Standing, look: Look, moment: int) -> Standing:
    if not 0.0 <= look.readiness <= 1.0:
        raise ReadinessError(
            f"A readiness of {look.readiness!r} moves no lead. Expected one within [0, 1]. Score it again."
        )
    match standing.state:
        case "nurture":
            return _nurtured(policy, standing, look, moment)
        case "ready":
            return _ready(policy, standing, look, moment)
        case "working" if standing.next_at is not None and moment >= standing.next_at:
            return _recycled(policy, standing, moment, f"sales has said nothing since {date(standing.since)}")
        case "recycled" if moment >= standing.free_at:
            return _back(policy, standing, look, moment, "the cool-down is over")
        case "let go" if moment - look.evidence.quiet_since < policy.let_go_after:
            # Silence grows by itself and never shrinks: the lead has engaged, or what it did is known only now.
            return _back(policy, standing, look, moment, "it has engaged again")
        case _:
            return standing


def _nurtured(policy: Policy, standing: Standing, look: Look, moment: int) -> Standing:
    """A lead that is, or is again, marketing's: ready, let go, or due for its next touch."""
    proven, free = policy.enough(look.evidence), moment >= standing.free_at
    able = proven and look.readiness >= policy.threshold
    if able and free:
        reason = handed_off(policy, look.readiness, look.evidence)
        return Standing("ready", moment, moment + policy.dwell, None, reason, 1.0)
    quiet = moment - look.evidence.quiet_since
    if free and quiet >= policy.let_go_after and look.readiness < policy.let_go_below:
        return Standing("let go", moment, standing.free_at, None, let_go(policy, look.readiness, quiet))
    drawn = policy.explore_chance if proven and free else 0.0
    if look.lot < drawn:
        reason, stays = explored(policy, look.readiness, look.evidence), max(policy.dwell, WEEK)  # until the next lot
        return Standing("ready", moment, moment + stays, None, reason, drawn)
    if able:
        reason = held(policy, look.readiness, standing.free_at)
    elif look.readiness >= policy.threshold:
        reason = lacking(policy, look.evidence)
    else:
        reason = below(policy, look.readiness)
    touches = 1 + (moment - standing.since) // policy.cadence
    due = standing.since + touches * policy.cadence
    return Standing("nurture", standing.since, standing.free_at, due, reason, 1.0 - drawn if drawn else None)


def _ready(policy: Policy, standing: Standing, look: Look, moment: int) -> Standing:
    if look.readiness >= policy.threshold:
        return standing._replace(reason=handed_off(policy, look.readiness, look.evidence))
    if look.readiness >= policy.exit or moment < standing.free_at:
        drawn = standing.propensity is not None and standing.propensity < 1.0
        return standing._replace(reason=in_band(policy, look.readiness, standing.free_at, drawn=drawn))
    reason = below(policy, look.readiness)
    return Standing("nurture", moment, moment + policy.dwell, moment + policy.cadence, reason)


def _back(policy: Policy, standing: Standing, look: Look, moment: int, why: str) -> Standing:
    """A lead that comes back to marketing, or past it."""
    after = _nurtured(policy, standing._replace(since=moment), look, moment)
    return after._replace(reason=f"{why}; {after.reason}")


def _said(policy: Policy, standing: Standing, word: Word, moment: int) -> Standing:
    match word, standing.state:
        case (("won" | "lost"), _):
            return (
                standing if standing.state == word else Standing(word, moment, moment, None, f"sales recorded {word}")
            )
        case _, ("won" | "lost"):
            return standing
        case "taken", state:
            since = standing.since if state == "working" else moment
            due = moment + policy.answer_within
            return Standing("working", since, standing.free_at, due, f"sales has had it since {date(since)}")
        case "given back", ("nurture" | "ready" | "working" | "recycled"):
            return _recycled(policy, standing, moment, "sales gave it back")
        case _:
            return standing


def _recycled(policy: Policy, standing: Standing, moment: int, why: str) -> Standing:
    free_at = max(standing.free_at, moment + policy.cool_down)
    since = standing.since if standing.state == "recycled" else moment
    return Standing("recycled", since, free_at, free_at, f"{why}; it rests until {date(free_at)}")
