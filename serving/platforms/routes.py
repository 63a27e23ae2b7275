"""All doors of the platforms."""

from collections.abc import Iterator

from fastapi import APIRouter

from serving.platforms.routes_events import event_routes
from serving.platforms.settings import PlatformSettings


def platform_routes(settings: PlatformSettings) -> Iterator[APIRouter]:
    """The routers, as these settings open them."""
    yield event_routes(settings)
