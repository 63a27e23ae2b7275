"""The desk behind a proxy that shows it below a path and takes that path away: nothing leads out of it."""

import re
import shutil
from urllib.parse import urljoin, urlsplit

import httpx
import pytest

from data.errors import ContractError
from serving.app import create_app
from serving.settings import Settings

ROOT = "/sales/scores"
KEY = "key-of-ann"


def below(app):
    """What a proxy makes of a service: it is below a path, which the service never sees; elsewhere is nothing."""

    async def proxy(scope, receive, send):
        if scope["type"] == "http":
            if not scope["path"].startswith(f"{ROOT}/"):
                await send({"type": "http.response.start", "status": 418, "headers": []})
                await send({"type": "http.response.body"})
                return
            cut = len(ROOT)
            scope = {**scope, "path": scope["path"][cut:], "raw_path": scope["raw_path"][cut:]}
        await app(scope, receive, send)

    return proxy


@pytest.fixture(scope="module")
def address(tmp_path_factory, trained, served, until, desk_file):
    """Where such a service is."""
    url = f"sqlite:///{shutil.copy(desk_file, tmp_path_factory.mktemp('below') / 'store.db')}"
    app = create_app(Settings(trained.bundle, keys=(f"ann:admin={KEY}",), store=url, version="7", root_path=ROOT))
    with served(below(app)) as client:
        until(lambda: client.get(f"{ROOT}/readyz").status_code == 200)
        yield str(client.base_url).rstrip("/")


@pytest.fixture
def browser(address):
    """A browser that is signed in, as a person does it."""
    with httpx.Client(base_url=address, headers={"accept": "text/html"}, timeout=60) as client:
        asked = client.get(f"{ROOT}/desk/trust?x=1")
        assert asked.status_code == 401
        assert 'name="next" value="/desk/trust?x=1"' in asked.text
        (action,) = re.findall(r'<form method="post" action="(\S+)"', asked.text)
        form = {"key": KEY, "next": "/desk/trust?x=1"}
        told = client.post(action, data=form, headers={"origin": address})
        assert (told.status_code, told.headers["location"]) == (303, f"{ROOT}/desk/trust?x=1")
        assert f"Path={ROOT};" in told.headers["set-cookie"]
        yield client


def test_every_page_is_reached_and_nothing_leads_out(browser, seen):
    """Whoever follows all links and fetches all files from the first page on stays below the path."""
    waiting, visited = [f"{ROOT}/"], {}
    while waiting:
        path = waiting.pop()
        told = browser.get(path)
        visited[urlsplit(path).path] = told.status_code
        if "text/html" not in told.headers["content-type"]:
            continue
        page = seen(told.text)
        named = [value for _, tags in page.tags for name, value in tags.items() if name in {"href", "src", "action"}]
        inside = [urljoin(path, one) for one in named if not one.startswith(("#", "data:"))]
        assert [one for one in inside if not one.startswith(f"{ROOT}/")] == []
        forms = {tags["action"] for tag, tags in page.tags if tag == "form" and tags["method"] == "post"}
        waiting += [
            one
            for one in dict.fromkeys(inside)
            if urlsplit(one).path not in {*visited, *forms, *(urlsplit(other).path for other in waiting)}
        ]
    assert set(visited.values()) == {200}
    assert {urlsplit(one).path.removeprefix(ROOT) for one in visited} >= {
        *("/", "/desk/agree", "/desk/trust", "/desk/lead", "/desk/desk.css", "/desk/desk.js"),
    }


def test_forms_are_taken_there(browser, address, seen):
    """A version is saved and the browser sent on below the path; signing out takes the cookie away there."""
    page = seen(browser.get(f"{ROOT}/desk/agree").text)
    form = page.form(f"{ROOT}/desk/agree", "why") | {"why": "Behind a proxy"}
    told = browser.post(f"{ROOT}/desk/agree", data=form, headers={"origin": address})
    assert (told.status_code, told.headers["location"]) == (303, f"{ROOT}/desk/agree?saved=true")
    assert "Behind a proxy" in browser.get(told.headers["location"]).text
    out = page.form(f"{ROOT}/desk/sign-out")
    told = browser.post(f"{ROOT}/desk/sign-out", data=out, headers={"origin": address})
    assert (told.status_code, told.headers["location"]) == (303, f"{ROOT}/")
    assert not browser.cookies
    assert browser.get(f"{ROOT}/").status_code == 401


def test_behind_tls_the_cookie_is_bound_to_tls_and_the_path(address):
    """The prefix `__Host-` asks for the root, so that a browser would drop the cookie below a path."""
    with httpx.Client(base_url=address, headers={"accept": "text/html", "x-forwarded-proto": "https"}) as client:
        told = client.post(f"{ROOT}/desk/sign-in", data={"key": KEY}, headers={"origin": address})
        cookie = told.headers["set-cookie"]
        assert cookie.startswith("__Secure-readiness-desk=")
        assert {"Secure", f"Path={ROOT}"} <= {part.strip() for part in cookie.split(";")}


def test_programs_are_below_the_path_too(address):
    """Scores, the document that says where its paths are, and problems that name what was called."""
    with httpx.Client(base_url=f"{address}{ROOT}", headers={"x-api-key": KEY}, timeout=60) as client:
        body = {"lead_id": "L-1", "created_at": "2026-01-01T00:00:00Z"}
        assert client.post("/v1/score", json=body).status_code == 200
        assert client.get("/v1/leads?state=ready").status_code == 200
        assert client.get("/openapi.json").json()["servers"][0] == {"url": ROOT}
        assert f"{ROOT}/v1/nothing" in client.get("/v1/nothing").json()["detail"]
        document = client.get("/v1/marketo/openapi.json")
        assert document.json()["servers"] == [{"url": f"{address}{ROOT}/v1/marketo"}]


@pytest.mark.parametrize("path", ["scores", "/", "/scores/", "//x", "/a b", "/a?b", "/<x>"])
def test_a_path_that_is_none_is_refused(path):
    """One sentence with an example."""
    with pytest.raises(ContractError, match=r"--root-path is .*such as /scores"):
        Settings(root_path=path)
