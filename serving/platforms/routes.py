"""All doors of the platforms, and the bodies that are read by hand there."""

from collections.abc import Iterator

from fastapi import APIRouter

from serving.platforms.flat import FlatLeadIn, FlatOutcomeIn, FlatTouchIn
from serving.platforms.routes_events import event_routes
from serving.platforms.routes_hubspot import hubspot_routes
from serving.platforms.routes_marketo import marketo_routes
from serving.platforms.routes_mautic import mautic_routes
from serving.platforms.routes_salesforce import salesforce_routes
from serving.platforms.settings import PlatformSettings

BODIES = (FlatLeadIn, FlatOutcomeIn, FlatTouchIn)


def platform_routes(settings: PlatformSettings) -> Iterator[APIRouter]:
    """The routers, as these settings open them."""
    yield event_routes(settings)
    yield hubspot_routes(settings)
    yield marketo_routes(settings)
    yield mautic_routes(settings)
    yield salesforce_routes(settings)
