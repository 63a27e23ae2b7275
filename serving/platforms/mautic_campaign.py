"""A Mautic campaign that asks for a contact's score: it ignores the answer, so the score goes back into a point group.

Its action "Send a webhook" posts a form unless its headers say otherwise, and takes 200 and 201 alone for success.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, quote

from serving.platforms.reading import identity
from serving.platforms.writeback import Outgoing

_MOST_FIELDS = 200


def read_contact(told: Any) -> str:
    """The contact that a call is about: ``lead_id`` of a form or of JSON. Raises ValueError."""
    found = identity("lead_id", told.get("lead_id") if isinstance(told, Mapping) else None)
    if found in {".", ".."}:
        raise ValueError("lead_id is no contact of Mautic's. Expected its number.")
    return found


def read_form(body: bytes) -> dict[str, str]:
    """The fields of a form, the first value of each. Raises ValueError where it is none."""
    try:
        found = parse_qs(body.decode(), max_num_fields=_MOST_FIELDS, strict_parsing=False)
    except ValueError:
        raise ValueError(
            f"The body is no form of up to {_MOST_FIELDS} fields. Send lead_id={{contactfield=id}}."
        ) from None
    return {name: values[0] for name, values in found.items()}


def points_url(api: str, group: int, lead_id: str) -> str:
    """Where the points of a contact in a group are set, up to the value."""
    return f"{api}/api/contacts/{quote(lead_id, safe='')}/points/groups/{group}/set/"


def set_points(url: str, index: float) -> Outgoing:
    """The request that sets them."""
    value = round(min(max(index, 0.0), 100.0))
    return Outgoing("POST", f"{url}{value}", {"content-type": "application/json", "accept": "application/json"}, b"")
