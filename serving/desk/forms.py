"""What a browser sends with a form."""

from urllib.parse import parse_qsl

from fastapi import Request

from serving.body import media_type, read_body
from serving.problems import Refusal

LARGEST = 16 * 1024
_FIELDS = 20
_TYPE = "application/x-www-form-urlencoded"


async def read_form(request: Request) -> dict[str, str]:
    """The fields of a form, of several with one name the last. Raises Refusal."""
    media = media_type(request.scope)
    if media != _TYPE:
        raise Refusal(415, "unsupported-media-type", f"The form is {media[:80]!r}. Send it as {_TYPE}.")
    body = await read_body(request.scope, request.receive, LARGEST)
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=_FIELDS, errors="strict")
    except (UnicodeDecodeError, ValueError):
        raise Refusal(
            400, "not-a-form", "The form cannot be read. Load the page again and send it from there."
        ) from None
    return dict(pairs)
