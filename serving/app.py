"""The scoring service as an ASGI application."""

import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from anyio import to_thread
from fastapi import FastAPI
from pydantic.json_schema import models_json_schema
from starlette.types import Receive, Scope, Send

from serving import hot, problems, reference, routes
from serving.deciding.recorder import Recorder
from serving.deciding.routes import routes as leads_routes
from serving.desk import doors
from serving.desk import policy as desk_policy
from serving.desk.attempts import Attempts
from serving.desk.routes import routes as desk_routes
from serving.gauges import Gauges
from serving.ingest.routes import routes as ingest_routes
from serving.ingest.schemas import (
    AccountDescribed,
    AccountTold,
    EventTold,
    LeadDescribed,
    LeadTold,
    OutcomeTold,
    TouchTold,
)
from serving.jobs.routes import routes as jobs_routes
from serving.jobs.schemas import JobIn
from serving.metrics import Metrics
from serving.platforms.routes import BODIES, platform_routes
from serving.platforms.settings import PlatformSettings
from serving.problems import Problem
from serving.requests import Gate
from serving.schemas import LeadIn, LeadsIn
from serving.service import Service
from serving.settings import Settings
from serving.shadowing.shadow import Shadow
from serving.subscribing import routes as subscribing
from serving.whole import AtOnce
from serving.worker.attending import Attending

_DESCRIPTION = """\
How likely is this outcome within this horizon, and why.

Every moment is UTC and every probability is calibrated: of those told 20 %, 20 % convert. Errors are
`application/problem+json` with one sentence that says what was found, what was expected and what to do.
"""

_READ_BY_HAND = (
    LeadIn,
    LeadsIn,
    Problem,
    JobIn,
    AccountDescribed,
    AccountTold,
    EventTold,
    LeadDescribed,
    LeadTold,
    OutcomeTold,
    TouchTold,
    *BODIES,
    *desk_policy.BODIES,
)


def create_app(
    settings: Settings,
    on_failure: Callable[[Exception], None] | None = None,
    platforms: PlatformSettings | None = None,
    on_first: Callable[[], None] | None = None,
) -> FastAPI:
    """The service for one bundle.

    The bundle is checked in a canary process, loaded and warmed while the service already answers ``/healthz``;
    ``/readyz`` says 503 until then. ``on_failure`` is told when that fails.
    ``on_first`` is told when the first bundle is about to answer.
    ``platforms``: the secrets and addresses of platforms; none, when absent.
    """
    metrics = Metrics()

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[dict[str, Any]]:
        service = Service(settings, on_failure, on_first)
        shadow = Shadow.of(service)
        metrics.registry.register(Gauges(service, shadow))
        recorder = Recorder(lambda: service.store)
        worker = Attending(service, settings.worker, os.environ) if settings.store and settings.worker else None
        service.start()
        for beside in (worker, shadow):
            if beside is not None:
                beside.start()
        yield {"service": service, "metrics": metrics, "recorder": recorder, "attempts": Attempts()}
        for beside in (worker, shadow):
            if beside is not None:
                await to_thread.run_sync(beside.stop)
        await recorder.close()
        await service.stop()
        app.gate.close()

    app = _Application(
        title="Readiness",
        summary="Calibrated sales readiness over HTTP.",
        description=_DESCRIPTION,
        version="1",
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=lambda route: route.name,
    )
    app.include_router(reference.routes)
    app.include_router(routes.open_routes)
    app.include_router(routes.keyed_routes)
    app.include_router(ingest_routes)
    app.include_router(leads_routes)
    app.include_router(jobs_routes)
    for router in (desk_policy.routes, doors.routes, desk_routes):
        app.include_router(router)
    for router in platform_routes(platforms or PlatformSettings()):
        app.include_router(router)
    app.include_router(subscribing.routes)
    app.prefix = settings.root_path
    app.gate = Gate(app.framework, metrics, settings.request_s, hot.shortcut, hot.now)
    app.at_once = app.gate.at_once
    problems.install(app)
    _describe(app)
    return app


class _Application(FastAPI):
    """FastAPI behind the gate, and both behind a proxy that may have taken a path away."""

    gate: Gate
    at_once: AtOnce
    prefix: str = ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, through the gate."""
        if scope["type"] == "http":
            await self.gate(scope, receive, send)
        else:
            await self.framework(scope, receive, send)

    async def framework(self, scope: Scope, receive: Receive, send: Send) -> None:
        """What FastAPI makes of it; the path is then the one that was called, as ASGI has it."""
        if self.prefix and scope["type"] == "http":
            scope["root_path"], scope["path"] = self.prefix, self.prefix + scope["path"]
        await super().__call__(scope, receive, send)


def _describe(app: FastAPI) -> None:
    """Add to the OpenAPI document what FastAPI cannot see: the bodies that are read by hand, and the problem."""
    made_by_fastapi = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = made_by_fastapi()
            _, extra = models_json_schema(
                [(model, "validation") for model in (*_READ_BY_HAND, *subscribing.BODIES)],
                ref_template="#/components/schemas/{model}",
            )
            document["components"]["schemas"].update(extra["$defs"])
            problems.document_the_gate(document)
        assert app.openapi_schema is not None  # noqa: S101 - FastAPI keeps what it made
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's documented way to extend the document
