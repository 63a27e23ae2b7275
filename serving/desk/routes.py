"""The pages of the desk. Every one is whole without script, and asks nobody but this service for anything."""

from typing import Annotated, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request, Response
from sqlalchemy import Connection

from data.clock import DAY, wall_clock
from models.agreement import curve_of
from serving.access import must_may
from serving.agreeing.versions import Change
from serving.deciding.answers import answer_of_open
from serving.deciding.histories import UnknownLead
from serving.deciding.routes import Cursor, RecorderDep
from serving.deciding.work_list import Wanted, how_many
from serving.desk.agreeing import Agreeing, agreeing, columns_of
from serving.desk.answering import Page, see_other, shown
from serving.desk.policy import saved
from serving.desk.telling import LeadPage, lead_page
from serving.desk.trusting import Trusting, newest, trusting
from serving.desk.visitors import FormDep, Visitor, VisitorDep
from serving.desk.working import LONGEST_SEARCH, Asked, Listed, listed
from serving.live.loading import Loaded
from serving.problems import Refusal
from serving.service import Service, ServiceDep

routes = APIRouter(include_in_schema=False, route_class=Page)
View = Literal["ready", "never contacted", "working", "due today", "all"]
Search = Annotated[str, Query(max_length=LONGEST_SEARCH)]
LeadId = Annotated[str, Query(alias="id", max_length=2_000)]
_NEVER = Wanted(states=("ready",), never_contacted=True)


@routes.get("/")
async def work(
    request: Request,
    service: ServiceDep,
    visitor: VisitorDep,
    *,
    view: View = "ready",
    search: Search = "",
    cursor: Cursor = "",
) -> Response:
    """Whom to call."""
    loaded, now = service.loaded, wall_clock()
    asked = Asked(view, _plain(search), cursor)

    def question(connection: Connection) -> tuple[Listed, int | None]:
        policy = loaded.bundle.policy
        return listed(connection, asked, now, policy.cadence), _alarms(connection)

    found, alarms = await service.store.aread(question, long=bool(asked.search))
    return shown(
        request,
        visitor,
        "work",
        here="Work",
        asked=asked,
        page=found,
        policy=loaded.bundle.policy,
        alarms=alarms,
        **_asked_of(loaded),
        now=now,
        longest=LONGEST_SEARCH,
    )


def _asked_of(loaded: Loaded) -> dict[str, str]:
    """What readiness is the chance of, in words of the contract."""
    ready = loaded.bundle.contract.ready
    return {"outcome": " or ".join(ready.outcome), "days": f"{ready.primary / DAY:g}"}


def _plain(search: str) -> str:
    """What is searched for; no database keeps what cannot be in a text."""
    return search.replace("\x00", "").strip()


def _alarms(connection: Connection) -> int | None:
    """How many alarms stood at the last look; None when nobody looked."""
    body = newest(connection)
    return None if body is None else len(body["alarms"])


@routes.get("/desk/lead")
async def lead(
    request: Request,
    service: ServiceDep,
    visitor: VisitorDep,
    recorder: RecorderDep,
    lead_id: LeadId,
    cursor: Cursor = "",
) -> Response:
    """One lead: what happened, how ready it was and is, and why."""
    if "\x00" in lead_id:
        raise Refusal(404, "unknown-lead", str(UnknownLead(lead_id)))
    loaded, now = service.loaded, wall_clock()
    answer = await answer_of_open(service, recorder, lead_id)

    def question(connection: Connection) -> LeadPage:
        return lead_page(connection, loaded, lead_id, answer, cursor, now)

    found = await service.store.aread(question, long=True)
    return shown(
        request,
        visitor,
        "lead",
        here="Work",
        page=found,
        base_rate=loaded.base_rate,
        threshold=loaded.bundle.policy.threshold,
        now=now,
        following="/desk/lead?" + urlencode({"id": lead_id, "cursor": found.following}) + "#timeline",
    )


@routes.get("/desk/agree")
async def agree(
    request: Request,
    service: ServiceDep,
    visitor: VisitorDep,
    *,
    place: Annotated[int | None, Query(ge=0, le=10_000)] = None,
    saved_now: Annotated[bool, Query(alias="saved")] = False,
) -> Response:
    """What each capacity would have meant, and what is agreed."""
    return await _agree_page(request, service, visitor, _capacity_at(service.loaded, place), saved=saved_now)


@routes.post("/desk/agree")
async def agree_on(request: Request, service: ServiceDep, visitor: VisitorDep, form: FormDep) -> Response:
    """Save a version; who was overtaken, or asked for what cannot be, sees the page with the reason."""
    must_may(visitor.caller, "admin")
    capacity, since = _number(form, "capacity"), _number(form, "since")
    try:
        await saved(service, Change(capacity, form.get("why", ""), visitor.name, int(since or 0)))
    except Refusal as error:
        if error.status not in {409, 422}:
            raise
        told = await _agree_page(request, service, visitor, capacity, problem=error.detail, why=form.get("why", ""))
        told.status_code = error.status
        return told
    return see_other(request, "/desk/agree?saved=true")


def _number(form: dict[str, str], name: str) -> float | None:
    """A number of a form, None for an empty field. Raises Refusal."""
    text = form.get(name, "").strip()
    try:
        return float(text) if text else None
    except ValueError:
        raise Refusal(422, "invalid-request", f"{name} is {text[:40]!r}. Expected a number.") from None


def _capacity_at(loaded: Loaded, place: int | None) -> float | None:
    curve = curve_of(loaded.bundle)
    if curve is None or place is None:
        return None
    return curve.choices[min(place, len(curve.choices) - 1)].per_week


async def _agree_page(
    request: Request,
    service: Service,
    visitor: Visitor,
    capacity: float | None,
    *,
    saved: bool = False,
    problem: str = "",
    why: str = "",
) -> Response:
    loaded = service.loaded

    def question(connection: Connection) -> Agreeing:
        return agreeing(connection, loaded, capacity)

    found = await service.store.aread(question)
    return shown(
        request,
        visitor,
        "agree",
        here="Agree",
        page=found,
        columns=columns_of(found.lines),
        bundle_id=loaded.bundle.bundle_id,
        policy=loaded.bundle.policy,
        **_asked_of(loaded),
        saved=saved,
        problem=problem,
        why=why,
    )


@routes.get("/desk/trust")
async def trust(request: Request, service: ServiceDep, visitor: VisitorDep) -> Response:
    """What became of what was told."""

    def question(connection: Connection) -> tuple[Trusting, int]:
        return trusting(connection), how_many(connection, _NEVER)

    found, never = await service.store.aread(question)
    return shown(request, visitor, "trust", here="Trust", page=found, never=never, **_asked_of(service.loaded))
