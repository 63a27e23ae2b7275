"""Which pages are written from the code, and how each is made."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from serving.documents.api import api_page
from serving.documents.contract import contract_page
from serving.documents.features import features_page
from serving.documents.verbs import verbs_page

COMMAND = "python -m serving.documents"
NOTE = f"<!-- Written from the code by `{COMMAND}`. Do not edit. -->"

PAGES: Mapping[str, Callable[[], str]] = {
    "contract.md": contract_page,
    "cli.md": verbs_page,
    "http-api.md": api_page,
    "features.md": features_page,
}


def written(name: str) -> str:
    """The page ``name`` as it should be: its title, where it comes from, the rest."""
    title, rest = PAGES[name]().split("\n\n", 1)
    return f"{title}\n\n{NOTE}\n\n{rest}"


def stale(folder: Path) -> Iterator[str]:
    """The names of the pages in ``folder`` that are not what the code says now."""
    for name in PAGES:
        path = folder / name
        if not path.is_file() or path.read_text(encoding="utf-8") != written(name):
            yield name


def write_pages(folder: Path) -> None:
    """Write all pages into ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in PAGES:
        (folder / name).write_text(written(name), encoding="utf-8")
