"""Who sees the desk: whoever holds a key that may read, for half a day, and nobody through somebody's browser."""

import hashlib

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, update

from serving.app import create_app
from serving.desk.answering import own_path
from serving.desk.attempts import MOST, Attempts
from serving.key_store import create_key, revoke_key
from serving.problems import Refusal
from serving.settings import Settings
from serving.store.tables import sessions

PAGES = ("/", "/desk/lead?id=x", "/desk/agree", "/desk/trust")


@pytest.mark.parametrize("path", PAGES)
def test_nobody_sees_anything_without_a_key(desk, path, seen):
    """A browser is shown where to sign in, and comes back to the page; a program gets the problem of every route."""
    with desk.visitor() as browser:
        told = browser.get(path)
    assert (told.status_code, told.headers["content-type"]) == (401, "text/html; charset=utf-8")
    assert seen(told.text).form("/desk/sign-in") == {"next": path, "key": ""}
    problem = desk.client.get(path)
    assert (problem.status_code, problem.headers["content-type"]) == (401, "application/problem+json")
    assert problem.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize("path", ["/", "/desk/agree", "/desk/trust"])
def test_a_key_in_the_request_opens_it_too(desk, path):
    """As in every other route, and no cookie is left."""
    told = desk.client.get(path, headers={"authorization": f"Bearer {desk.keys['read']}"})
    assert told.status_code == 200
    assert "set-cookie" not in told.headers
    assert desk.client.get(path, headers={"x-api-key": desk.keys["score"]}).status_code == 403


def test_signing_in_leaves_a_cookie_that_scripts_and_other_sites_cannot_use(desk):
    """The store keeps the hash of the token; behind TLS the cookie is bound to this host and to TLS."""
    with desk.visitor() as browser:
        told = browser.post(
            "/desk/sign-in", data={"key": desk.keys["read"], "next": "/desk/trust"}, headers=desk.origin
        )
        assert (told.status_code, told.headers["location"]) == (303, "/desk/trust")
        cookie = told.headers["set-cookie"]
        assert cookie.startswith("readiness-desk=")
        assert {"HttpOnly", "SameSite=strict", "Path=/"} <= {part.strip() for part in cookie.split(";")}
        token = browser.cookies["readiness-desk"]
        kept = desk.store.read(lambda connection: connection.execute(select(sessions)).mappings().all())
        assert hashlib.sha256(token.encode()).hexdigest() in {one["sha256"] for one in kept}
        assert token not in str(kept)
        assert browser.get("/").status_code == 200
        hosted = browser.post(
            "/desk/sign-in", data={"key": desk.keys["read"]}, headers={**desk.origin, "x-forwarded-proto": "https"}
        )
        assert hosted.headers["set-cookie"].startswith("__Host-readiness-desk=")
        assert "Secure" in hosted.headers["set-cookie"]


def test_a_key_that_is_wrong_or_may_not_read_is_told_so(desk):
    """One sentence, the page to try again, and no session."""
    with desk.visitor() as browser:
        wrong = browser.post("/desk/sign-in", data={"key": "nobody's"}, headers=desk.origin)
        assert (wrong.status_code, "This key is not valid." in wrong.text) == (401, True)
        less = browser.post("/desk/sign-in", data={"key": desk.keys["score"]}, headers=desk.origin)
        assert (less.status_code, "This needs the scope" in less.text) == (403, True)
        assert not browser.cookies


def test_signing_out_ends_the_session_in_the_store(desk, seen):
    """Who kept the token cannot use it any more."""
    with desk.visitor("read") as browser, desk.visitor() as thief:
        thief.cookies.set("readiness-desk", browser.cookies["readiness-desk"])
        assert thief.get("/").status_code == 200
        form = seen(browser.get("/").text).form("/desk/sign-out")
        assert browser.post("/desk/sign-out", data=form, headers=desk.origin).status_code == 303
        assert browser.get("/").status_code == 401
        assert thief.get("/").status_code == 401


def test_a_session_ends_with_its_key_and_with_its_time(desk, until):
    """A key that is revoked ends the sessions that it began within a second or two; an old session is over."""
    key = create_key(desk.store, "leaver", ("read",))
    with desk.visitor() as browser:
        until(lambda: browser.post("/desk/sign-in", data={"key": key}, headers=desk.origin).status_code == 303, 10)
        assert browser.get("/").status_code == 200
        revoke_key(desk.store, "leaver")
        until(lambda: browser.get("/").status_code == 401, 10)
    with desk.visitor("read") as browser:
        assert browser.get("/").status_code == 200
        desk.store.write(lambda connection: connection.execute(update(sessions).values(expires_at=1)))
        assert browser.get("/").status_code == 401


@pytest.mark.parametrize("said", [
    {"origin": "https://evil.example"},
    {"origin": "null"},
    {},
    {"sec-fetch-site": "cross-site"},
    {"sec-fetch-site": "same-site"},
    {"sec-fetch-site": "none"},
])  # fmt: skip
def test_a_form_from_elsewhere_does_nothing(desk, said, seen):
    """Whatever a browser says but that it comes from here; the token of the session alone is not enough."""
    if "sec-fetch-site" in said:
        said = {**desk.origin, **said}
    with desk.visitor("admin") as browser:
        form = {**seen(browser.get("/desk/agree").text).form("/desk/agree", "capacity"), "why": "so"}
        for path in ("/desk/agree", "/desk/sign-out", "/desk/sign-in"):
            told = browser.post(path, data={**form, "key": desk.keys["read"]}, headers=said)
            assert (told.status_code, "was not sent from a page of this service" in told.text) == (403, True), path
        assert browser.get("/desk/agree").status_code == 200, "still signed in"
    policy = desk.client.get("/v1/policy", headers={"x-api-key": desk.keys["read"]}).json()
    assert "so" not in {one["why"] for one in policy["versions"]}


def test_a_form_without_the_proof_of_its_session_does_nothing(desk, seen):
    """From here, but of another session, or of none."""
    with desk.visitor("admin") as browser, desk.visitor("admin") as other:
        foreign = seen(other.get("/desk/agree").text).form("/desk/sign-out")["proof"]
        for proof in (foreign, "", "x" * 64, "\N{SNOWMAN}"):
            told = browser.post("/desk/sign-out", data={"proof": proof}, headers=desk.origin)
            assert told.status_code == 403
        assert browser.get("/").status_code == 200


def test_an_address_fails_only_so_often():
    """Ten wrong keys within a minute; then the address waits, and others do not."""
    now = [0.0]
    attempts = Attempts(lambda: now[0])
    for _ in range(MOST):
        attempts.must_be_few("a")
        attempts.failed("a")
    with pytest.raises(Refusal, match="10 keys from your address"):
        attempts.must_be_few("a")
    attempts.must_be_few("b")
    now[0] = 61.0
    attempts.must_be_few("a")


def test_the_service_counts_failures(trained, served, until, tmp_path):
    """Over HTTP: the eleventh try is refused, whatever it brings."""
    app = create_app(Settings(trained.bundle, keys=("right",), store=f"sqlite:///{tmp_path / 'store.db'}"))
    with served(app) as client:
        until(lambda: client.get("/readyz").status_code == 200)
        origin = {"origin": str(client.base_url).rstrip("/"), "accept": "text/html"}
        found = [client.post("/desk/sign-in", data={"key": "wrong"}, headers=origin).status_code for _ in range(MOST)]
        assert found == [401] * MOST
        told = client.post("/desk/sign-in", data={"key": "right"}, headers=origin)
        assert (told.status_code, told.headers["retry-after"]) == (429, "60")


@given(
    st.text(max_size=40) | st.sampled_from(["//evil.example", "/\\evil.example", "https://evil.example", "/desk//e"])
)
def test_after_signing_in_nobody_is_sent_elsewhere(text):
    """The page that was asked for is one of ours, or it is the work list."""
    found = own_path(text)
    assert found == "/" or found.startswith(("/?", "/desk/"))
    assert httpx.URL("http://here.example").join(found).host == "here.example"


def test_without_keys_the_desk_is_open_and_its_forms_are_still_ours_alone(trained, served, until, tmp_path, seen):
    """On this machine with --no-auth: no sign-in, and a form of another site does nothing."""
    app = create_app(Settings(trained.bundle, require_key=False, store=f"sqlite:///{tmp_path / 'store.db'}"))
    with served(app, accept="text/html") as client:
        until(lambda: client.get("/readyz").status_code == 200)
        origin = {"origin": str(client.base_url).rstrip("/")}
        saving = {**seen(client.get("/desk/agree").text).form("/desk/agree", "capacity"), "why": "so"}
        assert client.post("/desk/agree", data=saving, headers={"origin": "http://evil"}).status_code == 403
        assert client.post("/desk/agree", data={**saving, "proof": ""}, headers=origin).status_code == 403
        assert client.post("/desk/agree", data=saving, headers=origin).status_code == 303


def test_without_a_store_there_is_no_desk(client):
    """As every route that needs one."""
    told = client.get("/", headers={"accept": "text/html"})
    assert (told.status_code, "This service keeps nothing" in told.text) == (404, True)
    assert client.get("/v1/policy").status_code == 404
