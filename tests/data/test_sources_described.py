"""The page about importers says what the importers do."""

from pathlib import Path

from data.source_section import Source
from data.sources.described import described, rewritten
from data.sources.loaded import PLATFORMS
from data.sources.messages import TYPES
from data.tables import SCHEMAS

PAGE = Path(__file__).resolve().parents[2] / "docs" / "importers.md"


def test_the_page_is_what_the_importers_declare():
    """docs/importers.md is as `python -m data.sources.described docs/importers.md` would write it."""
    page = PAGE.read_text(encoding="utf-8")
    assert rewritten(page) == page


def test_every_table_is_on_the_page():
    """No table that an importer reads is missing from the page, nor any type of message."""
    page = PAGE.read_text(encoding="utf-8")
    names = [name for platform in PLATFORMS.values() for name in platform.known]
    assert [name for name in [*names, *TYPES] if f"`{name}`" not in page] == []


def test_every_event_has_an_actor():
    """The page names the actor of each kind of event."""
    assert "`email_open` (lead)" in described("hubspot")
    assert "`email_sent` (marketing)" in described("marketo")
    assert "`meeting` (sales)" in described("salesforce")


def test_every_key_of_importers_is_on_the_page():
    """The keys of [source] that importers take are all explained."""
    page = PAGE.read_text(encoding="utf-8")
    mapped = {*SCHEMAS, "history_end"}
    keys = [field.alias or name for name, field in Source.model_fields.items() if name not in mapped]
    assert [key for key in keys if f"`{key}`" not in page and f"{key} =" not in page] == []
