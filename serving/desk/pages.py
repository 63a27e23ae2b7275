"""Templates, style and script, and the headers they go out with.

Everything comes from this process: no page asks anybody else for anything, and nothing in a page is run or styled but
the two files that lie here.
"""

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from models.wording import phrase
from serving.desk import words

_HERE = Path(__file__).parent
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
HEADERS = {
    "content-security-policy": POLICY,
    "cache-control": "no-store",
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "cross-origin-opener-policy": "same-origin",
}
_MEDIA = {"desk.css": "text/css; charset=utf-8", "desk.js": "text/javascript; charset=utf-8"}


@dataclass(frozen=True)
class Asset:
    """A file that pages ask for: its bytes, their type, and a stamp that changes with them."""

    body: bytes
    media: str
    stamp: str


@cache
def asset(name: str) -> Asset:
    """The style or the script. Raises KeyError for any other name."""
    media = _MEDIA[name]
    body = (_HERE / "assets" / name).read_bytes()
    return Asset(body, media, hashlib.sha256(body).hexdigest()[:16])


@cache
def _environment() -> Environment:
    found = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for one in (words.percent, words.points, words.weekly, words.signed, words.ago, words.day, words.minute):
        found.filters[one.__name__] = one
    found.filters |= {"machine": words.machine, "phrase": phrase, "sentence": words.sentence}
    found.filters |= {"short": words.short, "plain": words.plain}
    found.filters["or_dash"] = words.number_or_dash
    found.globals["address_of"] = lambda name: f"/desk/{name}?v={asset(name).stamp}"
    return found


def page(name: str, context: dict[str, Any], status: int = 200, headers: dict[str, str] | None = None) -> HTMLResponse:
    """A template as an answer; every text in ``context`` is escaped."""
    body = _environment().get_template(f"{name}.html.j2").render(context)
    return HTMLResponse(body, status, {**(headers or {}), **HEADERS})
