"""`readiness serve` as operators meet it: a process, a port, a key, and nothing heavy within."""

import os
import signal
import socket
import subprocess
import sys
import time

import httpx

from data.clock import DAY
from serving.commands.asked import lead_request
from serving.commands.probe import running_service

FORBIDDEN = {"training", "mlflow", "duckdb", "pyspark", "dask", "sklearn", "pandas", "polars", "matplotlib", "lightgbm"}
SERVE = [sys.executable, "-X", "importtime", "-P", "-m", "serving.cli", "serve"]


def test_the_running_service_holds_nothing_heavy(trained, tmp_path):
    """A service that loaded the champion and scored a lead never imported the trainer, MLflow, pandas or their like."""
    log = tmp_path / "log"
    lead = trained.history.leads["lead_id"][5].as_py()
    body = lead_request(trained.history, lead, trained.history.ends_at - 60 * DAY)
    with log.open("w") as stream:
        command = [*SERVE, "--contract", str(trained.contract), "--port", "0", "--no-auth"]
        service = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=stream, text=True)
    try:
        url = service.stdout.readline().strip()
        wait_until_ready(url, service)
        assert httpx.post(f"{url}/v1/score", json=body).json()["model_version"] == trained.said["version"]
    finally:
        service.send_signal(signal.SIGINT)
        service.communicate(timeout=30)
    lines = [line for line in log.read_text().splitlines() if line.startswith("import time:")]
    imported = {line.rpartition("|")[2].strip().split(".")[0] for line in lines}
    assert {"serving", "numba", "fastapi"} <= imported
    assert not imported & FORBIDDEN
    assert service.returncode == 130


def wait_until_ready(url, service):
    """Wait for 200 at /readyz: 503 comes before it."""
    while (answer := httpx.get(f"{url}/readyz")).status_code != 200:
        assert answer.status_code == 503
        assert service.poll() is None, "the service ended"
        time.sleep(0.05)


def test_a_key_opens_the_served_champion(trained, tmp_path):
    """A service started with a key in its environment answers who has it, refuses who has not, and stops when told."""
    lead = trained.history.leads["lead_id"][7].as_py()
    body = lead_request(trained.history, lead, trained.history.ends_at - 60 * DAY)
    with running_service(trained.contract, "champion", "the-key", tmp_path / "log") as service:
        assert service.post("/v1/score", body)["bundle_id"] == trained.said["bundle_id"]
        assert httpx.get(f"{service.url}/v1/model").status_code == 401
        port = int(service.url.rpartition(":")[2])
    with socket.socket() as asked:
        assert asked.connect_ex(("127.0.0.1", port)) != 0
    assert "the-key" not in (tmp_path / "log").read_text()


def test_a_taken_port_is_one_sentence(trained):
    """A port that something else listens at is told with the way out."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        command = [sys.executable, "-P", "-m", "serving.cli", "serve", "--bundle", str(trained.bundle), "--no-auth"]
        command += ["--contract", str(trained.contract), "--port", str(port)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert f"port {port}" in done.stderr
    assert "--port" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_refused_bundle_ends_the_service(trained, tmp_path):
    """A service whose bundle is damaged ends with 1 and the sentence that says so."""
    broken = tmp_path / "broken"
    broken.mkdir()
    for file in trained.bundle.iterdir():
        (broken / file.name).write_bytes(file.read_bytes()[:-1] if file.name == "linear.json" else file.read_bytes())
    command = [sys.executable, "-P", "-m", "serving.cli", "serve", "--bundle", str(broken), "--no-auth", "--port", "0"]
    done = subprocess.run(
        [*command, "--contract", str(trained.contract)], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 1
    assert "linear.json" in done.stderr.splitlines()[-1]
    assert done.stderr.splitlines()[-1].startswith("error: ")
    assert "Traceback" not in done.stderr


def test_a_version_that_is_not_there_is_one_sentence(trained):
    """An alias or number without a version exits with 1 and names it."""
    command = [sys.executable, "-P", "-m", "serving.cli", "serve", "--version", "77", "--no-auth", "--port", "0"]
    done = subprocess.run(
        [*command, "--contract", str(trained.contract)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "READINESS_API_KEYS": ""},
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert "'77'" in done.stderr
    assert len(done.stderr.splitlines()) == 1
