"""What a browser holds, and what proves that a form came from a page of ours.

The cookie is out of reach of scripts and is sent to this site alone. A form is believed when the browser says that it
comes from this origin (``Sec-Fetch-Site``, else ``Origin``) and when it brings the token that only our pages can know.
"""

import hashlib
import hmac
from collections.abc import Mapping
from urllib.parse import urlsplit

from fastapi import Request, Response

from serving.desk.sessions import LASTS
from serving.problems import Refusal

PLAIN, HOSTED, BELOW = "readiness-desk", "__Host-readiness-desk", "__Secure-readiness-desk"
"""Without TLS; with it; and with it where a proxy shows the desk below a path, since ``__Host-`` asks for the root."""
_LONGEST = 200


def token_of(request: Request) -> str:
    """The token that a browser brings; empty when it brings none."""
    found = request.cookies.get(_name(request), "")
    return found if len(found) <= _LONGEST else ""


def hold(request: Request, response: Response, token: str) -> None:
    """Let the browser hold a token for as long as a session lasts."""
    path, secure, seconds = root_of(request) or "/", _is_secure(request), LASTS // 1_000_000
    response.set_cookie(_name(request), token, seconds, path=path, secure=secure, httponly=True, samesite="strict")


def drop(request: Request, response: Response) -> None:
    """Let the browser forget its token."""
    path, secure = root_of(request) or "/", _is_secure(request)
    response.delete_cookie(_name(request), path=path, secure=secure, httponly=True, samesite="strict")


def root_of(request: Request) -> str:
    """The path at which a proxy shows the service, "" at the root: links, redirects and cookies begin with it."""
    return str(request.scope.get("root_path", ""))


def proof_of(token: str) -> str:
    """What a form must bring that goes with this token; nothing of the token can be read from it."""
    return hmac.new(token.encode(), b"a form of the desk", hashlib.sha256).hexdigest()


def must_be_ours(request: Request) -> None:
    """Raises Refusal (403) unless the browser says that the request comes from a page of this origin."""
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin", "")
    same = site == "same-origin" if site is not None else urlsplit(origin).netloc == request.headers.get("host", "")
    if not (same and (site or origin)):
        raise Refusal(
            403,
            "foreign-form",
            "The form was not sent from a page of this service. Open the desk itself and send it from there.",
        )


def must_prove(form: Mapping[str, str], token: str) -> None:
    """Raises Refusal (403) unless the form brings the proof that goes with the token."""
    if not (token and hmac.compare_digest(form.get("proof", "").encode(), proof_of(token).encode())):
        raise Refusal(403, "stale-form", "The form is of another session. Load the page again and send it from there.")


def _name(request: Request) -> str:
    """What the cookie is called."""
    if not _is_secure(request):
        return PLAIN
    return BELOW if root_of(request) else HOSTED


def _is_secure(request: Request) -> bool:
    """Whether the browser speaks TLS, to us or to what stands in front of us; a lie about it harms the liar alone."""
    return "https" in (request.url.scheme, request.headers.get("x-forwarded-proto", ""))
