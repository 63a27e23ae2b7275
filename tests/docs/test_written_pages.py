"""The pages that are written from the code say what the code says now."""

import subprocess
import sys
from pathlib import Path

import pytest

from data.contract import Contract
from serving.documents.api import render
from serving.documents.contract import _hints, _meanings, _sections, contract_page
from serving.documents.index import index_page
from serving.documents.pages import COMMAND, PAGES, stale, write_pages, written

DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_up_to_date(name):
    """Whoever changes the code writes the pages anew."""
    assert (DOCS / name).read_text(encoding="utf-8") == written(name, DOCS), f"docs/{name} is stale: run {COMMAND}"


def test_a_page_that_differs_or_is_missing_is_stale(tmp_path):
    """`--check` finds both."""
    write_pages(tmp_path)
    assert list(stale(tmp_path)) == []
    (tmp_path / "cli.md").write_text("# The command line\n")
    (tmp_path / "contract.md").unlink()
    assert set(stale(tmp_path)) == {"cli.md", "contract.md", "index.md"}


def test_the_index_names_every_page(tmp_path):
    """By its title and what it says first, links as their text."""
    (tmp_path / "ideas.md").write_text("# Ideas\n\n<!-- a note -->\n\nWhat *it* [means](x.md). And more.\n\n## Else\n")
    (tmp_path / "plots.md").write_text("# Plots\n\n    a command\n\nMade by\n\n    another\n")
    page = index_page(tmp_path)
    assert "| [Ideas](ideas.md) | What *it* means. |" in page
    assert "| [Plots](plots.md) | Made by |" in page
    assert "index.md" not in page


def test_a_stale_page_is_one_sentence_and_exit_code_1(tmp_path):
    """As every command here: what was found, and what to do."""
    done = subprocess.run(
        [sys.executable, "-P", "-m", "serving.documents", "--check", str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr == (
        f"{len(PAGES)} pages in {tmp_path} are not what the code says (first: contract.md). Run: {COMMAND}\n"
    )


def test_every_section_and_key_of_the_contract_is_there():
    """Nothing that the contract takes is missing from its page."""
    page = contract_page()
    for key, section in _sections(Contract):
        assert f"\n## [{key}]\n" in page
        _, _, told = page.partition(f"\n## [{key}]\n")
        for name in _hints(section):
            assert f"| `{name}` |" in told.partition("\n## [")[0]


def test_every_key_of_the_contract_says_what_it_is():
    """A key without a sentence below it is not documented."""
    sections = [section for _, section in _sections(Contract)]
    sections += [inner for section in sections for _, inner in _sections(section)]
    silent = [
        f"{section.__name__}.{name}"
        for section in dict.fromkeys(sections)
        for name in section.model_fields
        if not _meanings(section).get(name)
    ]
    assert silent == []


def test_an_operation_is_told_with_its_parameters_body_and_answers():
    """The HTTP page leaves nothing out that a caller needs."""
    trouble = {"schema": {"$ref": "#/components/schemas/Problem"}}
    document = {
        "info": {"description": "About."},
        "paths": {
            "/v1/leads/{id}": {
                "put": {
                    "operationId": "putLead",
                    "summary": "Put a lead",
                    "tags": ["leads"],
                    "parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}],
                    "requestBody": {
                        "content": {
                            "application/json": {
                                "schema": {"$ref": "#/components/schemas/Lead"},
                                "examples": {"one": {"value": {"size": 3}}},
                            }
                        }
                    },
                    "responses": {
                        "200": {"description": "Kept | known"},
                        "400": {"description": "Bad Request", "content": {"application/problem+json": trouble}},
                        "503": {"description": "Unavailable", "content": {"application/problem+json": trouble}},
                    },
                }
            }
        },
        "components": {
            "schemas": {
                "Lead": {
                    "required": ["size"],
                    "properties": {"size": {"type": "integer", "minimum": 1, "description": "How large."}},
                }
            }
        },
    }
    page = render(document)
    assert "### PUT /v1/leads/{id}\n\nPut a lead.\n" in page
    assert "| `id` | path | text, needed |  |" in page
    assert "Body: [Lead](#lead) as `application/json`." in page
    assert '"size": 3' in page
    assert r"| 200 | Kept \| known |" in page
    assert "| 400, 503 | what is wrong, and what to do: [Problem](#problem) |" in page
    assert "| `size` | whole number, from 1, needed | How large. |" in page
