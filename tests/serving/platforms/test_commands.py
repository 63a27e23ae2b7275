"""``readiness platforms``: the documents that platforms are set up with, as a running service gives them too."""

import json

import pytest
from openapi_spec_validator import OpenAPIV30SpecValidator
from typer.testing import CliRunner

from serving.cli import app

URL = "https://scores.example.com"


def within(*words, **more):
    """The program, run within this process."""
    return CliRunner().invoke(app, ["platforms", *map(str, words)], **more)


def test_the_files_for_salesforce_and_marketo(tmp_path):
    """Valid documents of OpenAPI 3.0, on stdout or in a file; the last line says what to do with them."""
    file = tmp_path / "readiness.json"
    done = within("salesforce-openapi", "--url", f"{URL}/", "--output", file)
    assert done.exit_code == 0, done.output
    assert "named credential" in done.stderr
    document = json.loads(file.read_text())
    OpenAPIV30SpecValidator(document).validate()
    assert document["servers"] == [{"url": URL}]
    assert {one["operationId"] for path in document["paths"].values() for one in path.values()} == {
        *("scoreLead", "recordTouch", "recordOutcome")
    }
    told = within("marketo-openapi", env={"READINESS_PUBLIC_URL": URL})
    OpenAPIV30SpecValidator(json.loads(told.stdout)).validate()
    assert f"{URL}/v1/marketo/openapi.json" in told.stderr


def test_the_definition_for_hubspot():
    """It names the address of the action."""
    assert json.loads(within("hubspot-action", "--url", URL).stdout)["actionUrl"] == f"{URL}/v1/hubspot/action"


@pytest.mark.parametrize("verb", ["hubspot-action", "marketo-openapi", "salesforce-openapi"])
def test_an_address_that_is_none(verb):
    """One sentence, exit code 1; none at all is a wrong command."""
    done = within(verb, "--url", "scores.example.com")
    assert done.exit_code == 1
    assert "Expected an address" in done.stderr
    assert within(verb, env={"READINESS_PUBLIC_URL": ""}).exit_code in {1, 2}
