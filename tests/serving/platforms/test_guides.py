"""The guides in docs/integrations say what is so: variables, paths, verbs and fields are those of the code."""

import json
import re
from pathlib import Path

import pytest
from fastapi import FastAPI

from serving.app import create_app
from serving.platforms.cloud_events import read_cloud_events
from serving.platforms.hubspot import definition
from serving.platforms.marketo import flat
from serving.platforms.writeback import FIELDS
from serving.settings import Settings

ROOT = Path(__file__).parents[3]
GUIDES = {file.name: file.read_text() for file in sorted((ROOT / "docs" / "integrations").glob("*.md"))}
EVERYTHING = "\n".join(GUIDES.values())


@pytest.fixture(scope="module")
def app() -> FastAPI:
    """The service, not started."""
    return create_app(Settings(bundle=Path()))


def test_every_variable_is_told_and_read():
    """The table names those that the code reads, and no others."""
    code = "\n".join(
        file.read_text() for file in [*(ROOT / "serving" / "platforms").glob("*.py"), ROOT / "serving" / "egress.py"]
    )
    read = set(re.findall(r'"(READINESS_[A-Z_]+)"', code))
    signing = [f"READINESS_{name.upper()}_SECRET" for name in ("hubspot", "segment", "rudderstack", "mautic")]
    read |= {*signing, *(f"{name}_BEFORE" for name in signing)}
    told = set(re.findall(r"`(READINESS_[A-Z_]+)`", GUIDES["README.md"]))
    assert told == read
    assert set(re.findall(r"READINESS_[A-Z_]+", EVERYTHING)) <= told


def test_every_path_is_served(app):
    """A path of this service in a guide is one of its paths."""
    paths = set(app.openapi()["paths"])
    told = set(re.findall(r"(?:example\.com|`)(/v1/[A-Za-z0-9/_.{}-]+)", EVERYTHING))
    assert len(told) > 7
    for path in told:
        assert {path, path.replace("{lead_id}", "{lead_id:path}")} & paths, path


def test_the_fields_are_those_that_are_written(score):
    """Every field that is written is told on its platform's page."""
    for platform, fields in FIELDS.items():
        for name in fields.values():
            assert f"`{name}`" in GUIDES[f"{platform}.md"], name
    hubspot = {one["typeDefinition"]["name"] for one in definition("https://x.example")["outputFields"]}
    assert {name for name in hubspot if f"`{name}`" in GUIDES["hubspot.md"]} >= hubspot - {
        *("readiness_reason_2", "readiness_reason_3")
    }
    told = GUIDES["marketo.md"]
    assert all(f"`{name}`" in told for name in flat(score) if name != "reason2")


def test_the_example_is_taken():
    """The CloudEvent of its page becomes an event."""
    (example,) = re.findall(r"```json\n(.*?)```", GUIDES["cloudevents.md"], re.DOTALL)
    (placed,) = read_cloud_events([json.loads(example)]).items
    assert (placed.item.lead_id, placed.item.kind, placed.item.value) == ("L-1042", "webinar_attended", 42.0)


def test_pages_link_to_pages():
    """Every link leads to a file."""
    for name, text in GUIDES.items():
        for link in re.findall(r"\]\(([^)#]+)\)", text):
            assert (ROOT / "docs" / "integrations" / link).exists(), (name, link)
