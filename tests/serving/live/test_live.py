"""A new champion answers and no request is dropped; what fails its checks never answers; one command goes back."""

import json
import shutil
import signal
import subprocess
import sys
import time
from threading import Event, Thread

import httpx
import pytest

from data.errors import BundleError
from models.bundle import read_bundle
from models.folder import FILES, write_folder
from serving.app import create_app
from serving.live.deploy import deploy, roll_back
from serving.live.pointer import NAME, Pointer, read_pointer, stamp_of
from serving.settings import Settings

CLI = [sys.executable, "-P", "-m", "serving.cli"]
LEAD = {
    "lead_id": "L-1042",
    "created_at": "2026-01-05T08:00:00Z",
    "as_of": "2026-01-31T09:30:00Z",
    "events": [{"kind": "pricing_view", "occurred_at": "2026-01-29T14:12:00Z", "value": 48}],
}


@pytest.fixture(scope="module")
def other(trained, tmp_path_factory):
    """A second bundle with an id of its own: the same model with a note in its report."""
    folder = tmp_path_factory.mktemp("other") / "bundle"
    files = {name: (trained.bundle / name).read_bytes() for name in FILES}
    files["report.json"] = json.dumps({**json.loads(files["report.json"]), "note": "second"}).encode()
    write_folder(folder, files)
    return folder


def damage(folder, into):
    """A copy of a bundle with one number of its model changed."""
    shutil.copytree(folder, into)
    text = (into / "model.txt").read_bytes()
    (into / "model.txt").write_bytes(text.replace(b"leaf_value=", b"leaf_value=9", 1))
    return into


def test_what_is_deployed_is_pointed_at(trained, live, other):
    """A deployed bundle lies beside the others under its id; the pointer names it and what was before it."""
    first = read_pointer(live).current
    assert (first.bundle_id, first.version) == (trained.said["bundle_id"], "1")
    assert len(first.deciles) == 9
    assert list(first.deciles) == sorted(first.deciles)
    now = deploy(live, other, "2")
    assert now == read_pointer(live)
    assert now.previous == first
    assert read_bundle(live / now.current.bundle_id).bundle_id == now.current.bundle_id
    stamp = stamp_of(live)
    assert deploy(live, other, "2") == now
    assert stamp_of(live) == stamp, "what is live already is left alone"


def test_the_way_back_is_one_step_and_can_be_taken_back(live, other):
    """Roll back, and what was before is live; once more, and the newer one is."""
    first = read_pointer(live).current
    second = deploy(live, other, "2").current
    assert roll_back(live) == Pointer(first, second)
    assert roll_back(live) == Pointer(second, first)


def test_nothing_to_go_back_to(live, tmp_path):
    """Without a bundle before, the way back is one sentence."""
    for folder in (live, tmp_path / "nothing"):
        with pytest.raises(BundleError, match="nothing to go back to"):
            roll_back(folder)


def test_a_bundle_that_fails_its_checks_is_not_deployed(trained, live, tmp_path):
    """Damaged, or not the one that was asked for: nothing changes."""
    before = stamp_of(live)
    with pytest.raises(BundleError):
        deploy(live, damage(trained.bundle, tmp_path / "damaged"), "2")
    with pytest.raises(BundleError, match="Expected 000000000000"):
        deploy(live, trained.bundle, "2", "0" * 64)
    assert stamp_of(live) == before


@pytest.mark.parametrize("text", ["", "{}", '{"current": {"bundle_id": "../../etc"}, "previous": null}', "[1]"])
def test_a_damaged_pointer_is_told(live, text):
    """A pointer that names nothing, or a place outside, is refused."""
    (live / NAME).write_text(text)
    with pytest.raises(BundleError, match="does not say which bundle is live"):
        read_pointer(live)


def test_old_bundles_go_and_what_is_pointed_at_stays(live, trained, tmp_path):
    """Of many deployments the latest stay, with those that are live or were before."""
    files = {name: (trained.bundle / name).read_bytes() for name in FILES}
    for number in range(4):
        report = {**json.loads(files["report.json"]), "note": number}
        write_folder(tmp_path / "made", {**files, "report.json": json.dumps(report).encode()})
        pointer = deploy(live, tmp_path / "made", str(number))
    laid = {path.name for path in live.iterdir() if path.is_dir()}
    assert len(laid) == 3
    assert {pointer.current.bundle_id, pointer.previous.bundle_id} <= laid


class Load:
    """Requests one after the other on several connections; what was answered, and by which bundle."""

    def __init__(self, url, connections=4):
        self.answers, self.failures, self._stop = [], [], Event()
        self._threads = [Thread(target=self._ask, args=(url,)) for _ in range(connections)]
        for thread in self._threads:
            thread.start()

    def _ask(self, url):
        with httpx.Client(base_url=url, timeout=30) as client:
            while not self._stop.is_set():
                try:
                    found = client.post("/v1/score?reasons=0", json=LEAD)
                    self.answers.append((found.status_code, found.json().get("bundle_id")))
                except httpx.HTTPError as error:
                    self.failures.append(repr(error))

    def bundles(self):
        """The bundles that answered."""
        return {bundle for _, bundle in self.answers}

    def stop(self):
        """Ask no more."""
        self._stop.set()
        for thread in self._threads:
            thread.join()


def test_no_request_is_dropped_while_bundles_change(live, other, served, until):
    """Under load the bundle is exchanged, refused and rolled back: each request is answered 200 by a whole bundle."""
    first = read_pointer(live).current.bundle_id
    with served(create_app(Settings(live=live, require_key=False))) as client:
        until(lambda: client.get("/readyz").status_code == 200)
        load = Load(client.base_url)
        try:
            until(lambda: first in load.bundles())
            second = deploy(live, other, "2").current.bundle_id
            until(lambda: second in load.bundles())
            roll_back(live)
            until(lambda: client.get("/v1/model").json()["bundle_id"] == first)
            asked = len(load.answers)
            until(lambda: len(load.answers) > asked + 20)
        finally:
            load.stop()
        assert load.failures == []
        assert {status for status, _ in load.answers} == {200}
        assert load.bundles() == {first, second}
        assert client.get("/v1/model").json()["model_version"] == "1"
        assert "readiness_model_exchanges_total 2.0" in client.get("/metrics").text


def test_a_refused_bundle_leaves_the_old_one_answering(live, other, served, until):
    """A bundle that was damaged after it was laid is not taken: the old one answers, and the service says so."""
    first = read_pointer(live).current.bundle_id
    with served(create_app(Settings(live=live, require_key=False))) as client:
        until(lambda: client.get("/readyz").status_code == 200)
        assert client.get("/readyz").json()["detail"] == ""
        second = deploy(live, other, "2").current.bundle_id
        until(lambda: client.get("/v1/model").json()["bundle_id"] == second)
        model = live / first / "model.txt"
        whole = model.read_bytes()
        model.write_bytes(whole[:-100])
        pointer = read_pointer(live)
        (live / NAME).write_text(
            json.dumps({"current": pointer.previous.__dict__, "previous": pointer.current.__dict__})
        )
        until(lambda: "refused" in client.get("/readyz").json()["detail"])
        assert client.get("/v1/model").json()["bundle_id"] == second
        assert "readiness_model_refusals_total 1.0" in client.get("/metrics").text
        assert client.post("/v1/score", json=LEAD).status_code == 200
        model.write_bytes(whole)
        deploy(live, other, "3")
        until(lambda: client.get("/readyz").json()["detail"] == "")


def test_a_service_stops_in_time_and_answers_what_it_took(trained, until):
    """SIGTERM under load: what was being answered is answered, new connections are refused, it ends soon and with 0."""
    command = [*CLI, "serve", "--contract", str(trained.contract), "--bundle", str(trained.bundle), "--port", "0"]
    service = subprocess.Popen(
        [*command, "--no-auth", "--no-store"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        url = service.stdout.readline().strip()
        until(lambda: _ready(url))
        load = Load(url)
        until(lambda: len(load.answers) >= 50)
        began = time.monotonic()
        service.send_signal(signal.SIGTERM)
        service.wait(30)
        took = time.monotonic() - began
        load.stop()
    finally:
        service.kill()
        service.communicate()
    assert took < 20
    assert service.returncode == 0
    assert {status for status, _ in load.answers} == {200}
    assert not any(
        "ReadTimeout" in failure or ("RemoteProtocol" in failure and "incomplete" in failure)
        for failure in load.failures
    )


def _ready(url):
    try:
        return httpx.get(f"{url}/readyz").status_code == 200
    except httpx.HTTPError:
        return False


def test_deploy_serve_and_roll_back_as_commands(trained):
    """`readiness deploy` lays the champion where `serve` looks; what cannot be is one sentence and changes nothing."""

    def run(*arguments):
        command = [*CLI, "deploy", *arguments, "--contract", str(trained.contract)]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    done = run("--json")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert (said["bundle_id"], said["version"]) == (trained.said["bundle_id"], trained.said["version"])
    assert run("77").returncode == 1
    assert "'77'" in run("77").stderr
    assert read_pointer(trained.contract.parent / ".readiness" / "live").current.bundle_id == said["bundle_id"]
    both = run("--rollback", "--bundle", str(trained.bundle))
    assert (both.returncode, "exclude each other" in both.stderr) == (1, True)


def test_what_is_watched_may_not_be_there_yet(trained, tmp_path, monkeypatch, capsys):
    """Deploy --watch before the first training says so, and deploys the champion once there is one."""
    from data.errors import ContractError
    from serving.commands import deploy as verb

    contract = tmp_path / "readiness.toml"
    contract.write_text(trained.contract.read_text())
    tries = iter((ContractError("no version 'champion'"), {"folder": str(trained.bundle), "number": "1"}))

    def fetch(*_):
        found = next(tries, KeyboardInterrupt())
        if isinstance(found, BaseException):
            raise found
        return found

    monkeypatch.setattr("serving.commands.fetching.fetch", fetch)
    with pytest.raises(KeyboardInterrupt):
        verb.deploy("champion", contract, None, rollback=False, watch=0.0)
    assert "no version 'champion'" in capsys.readouterr().err
    assert read_pointer(tmp_path / ".readiness" / "live").current.version == "1"


def test_a_change_of_the_registry_is_followed_and_a_rollback_stays(trained, other, tmp_path, monkeypatch):
    """Deploy --watch deploys what the alias comes to name, tells of failures, and does not undo a rollback."""
    from data.contract import load_contract
    from data.errors import ContractError
    from serving.commands import deploy as verb

    contract = tmp_path / "readiness.toml"
    contract.write_text(trained.contract.read_text())
    agreed = load_contract(contract)
    folder = verb.live_folder(agreed)
    deploy(folder, trained.bundle, "1")
    laid = tmp_path / read_bundle(other).bundle_id
    shutil.copytree(other, laid)
    seen = []

    def fetch(*_):
        seen.append(read_pointer(folder).current.version)
        if len(seen) == 1:
            return {"folder": str(tmp_path / read_pointer(folder).current.bundle_id), "number": "1"}
        if len(seen) == 2:
            raise ContractError("the registry does not answer")
        if len(seen) == 4:
            roll_back(folder)
        if len(seen) == 6:
            raise KeyboardInterrupt
        return {"folder": str(laid), "number": "2"}

    monkeypatch.setattr("serving.commands.fetching.fetch", fetch)
    with pytest.raises(KeyboardInterrupt):
        verb._follow(agreed, contract, "champion", 0.0, "1")
    assert seen == ["1", "1", "1", "2", "1", "1"]
