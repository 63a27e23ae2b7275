"""Dockerfile and compose file, as far as they can be judged without an engine: linted, whole, nothing left open."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from typer.main import get_command

from serving.cli import app

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def compose():
    """The compose file as values."""
    return yaml.safe_load((ROOT / "compose.yaml").read_text())


def test_the_linter_has_nothing_to_say():
    """Hadolint finds nothing in the Dockerfile."""
    linter = Path(sys.executable).with_name("hadolint")
    done = subprocess.run([linter, ROOT / "Dockerfile"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_everything_that_is_copied_is_there():
    """COPY names what the repository holds; every package is among it."""
    lines = [line.split() for line in (ROOT / "Dockerfile").read_text().splitlines() if line.startswith("COPY ")]
    copied = [name for line in lines if "--from=build" not in line for name in line[1:-1]]
    assert all((ROOT / name).exists() for name in copied)
    assert {"data", "features", "models", "training", "serving"} <= set(copied)


def test_the_database_driver_is_the_pinned_one():
    """The image installs the psycopg that the tests run with, hash for hash."""
    pinned = (ROOT / "requirements" / "postgres.txt").read_text()
    assert pinned.count("psycopg") == 2
    assert all(block in (ROOT / "requirements" / "dev.txt").read_text() for block in pinned.split("psycopg-binary"))
    assert "--hash=sha256:" in pinned


def test_the_parts_fit(compose):
    """All five services are there; whoever is waited for has a health check; volumes are named."""
    services = compose["services"]
    assert set(services) == {"service", "worker", "deploy", "postgres", "mlflow"}
    for service in services.values():
        for name, how in service.get("depends_on", {}).items():
            assert how["condition"] == "service_started" or "test" in services[name]["healthcheck"]
        named = [volume.split(":")[0] for volume in service.get("volumes", []) if not volume.startswith(".")]
        assert set(named) <= set(compose["volumes"])


def test_nothing_stands_open(compose):
    """Ports are bound to loopback, secrets come from the environment, our containers have no privileges to lose."""
    for name, service in compose["services"].items():
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))
        if name != "postgres":
            assert service["read_only"] is True
            assert service["cap_drop"] == ["ALL"]
            assert service["security_opt"] == ["no-new-privileges:true"]
    assert "${POSTGRES_PASSWORD:?" in compose["services"]["postgres"]["environment"]["POSTGRES_PASSWORD"]
    assert "USER 10001:10001" in (ROOT / "Dockerfile").read_text()


def test_the_commands_are_commands(compose):
    """What the containers run is understood by the command line."""
    verbs = get_command(app).commands
    for name in ("service", "worker", "deploy"):
        verb, *arguments = compose["services"][name]["command"]
        verbs[verb].make_context(verb, list(arguments))
