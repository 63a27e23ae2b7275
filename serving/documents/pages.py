"""Which pages are written from the code, and how each is made."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from serving.documents.api import api_page
from serving.documents.contract import contract_page
from serving.documents.features import features_page
from serving.documents.index import NAME, index_page
from serving.documents.verbs import verbs_page

COMMAND = "python -m serving.documents"
NOTE = f"<!-- Written from the code by `{COMMAND}`. Do not edit. -->"

PAGES: Mapping[str, Callable[[Path], str]] = {
    "contract.md": lambda _: contract_page(),
    "cli.md": lambda _: verbs_page(),
    "http-api.md": lambda _: api_page(),
    "features.md": lambda _: features_page(),
    NAME: index_page,
}
"""How each is made; the last one looks at the others in its folder."""


def written(name: str, folder: Path) -> str:
    """The page ``name`` of ``folder`` as it should be: its title, where it comes from, the rest."""
    title, rest = PAGES[name](folder).split("\n\n", 1)
    return f"{title}\n\n{NOTE}\n\n{rest}"


def stale(folder: Path) -> Iterator[str]:
    """The names of the pages in ``folder`` that are not what the code says now."""
    for name in PAGES:
        path = folder / name
        if not path.is_file() or path.read_text(encoding="utf-8") != written(name, folder):
            yield name


def write_pages(folder: Path) -> None:
    """Write all pages into ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in PAGES:
        (folder / name).write_text(written(name, folder), encoding="utf-8")
