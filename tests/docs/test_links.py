"""Every link and every picture in README and docs leads somewhere."""

import re
from functools import cache
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

ROOT = Path(__file__).resolve().parents[2]
PAGES = [
    *sorted(ROOT.glob("*.md")),
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / ".github").rglob("*.md")),
]


@cache
def links(page: Path) -> list[str]:
    """The targets of all links and pictures of a page."""
    tokens = MarkdownIt("commonmark").enable("table").parse(page.read_text(encoding="utf-8"))
    inner = [child for token in tokens for child in token.children or ()]
    return [str(target) for child in inner for name in ("href", "src") if (target := child.attrGet(name))]


@cache
def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as they are made on the pages of a repository."""
    tokens = MarkdownIt("commonmark").enable("table").parse(page.read_text(encoding="utf-8"))
    heads = [tokens[at + 1].content for at, token in enumerate(tokens) if token.type == "heading_open"]
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_relative_link_leads_somewhere(page):
    """To a file of this repository, and to a heading in it where one is named."""
    dead = []
    for link in links(page):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        there = target.exists() and target.is_relative_to(ROOT)
        if not there or (anchor and anchor not in anchors(target)):
            dead.append(link)
    assert dead == []


def test_there_are_links_to_check():
    """The readers above find what is there: README leads into docs."""
    assert "docs/results.md" in links(ROOT / "README.md")
    assert "the-contract-readinesstoml" in anchors(ROOT / "docs" / "contract.md")


def test_every_page_is_reached_from_the_readme():
    """No page of docs is an orphan: it is linked from README, or from a page that is."""
    seen, waiting = set(), [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in seen:
            continue
        seen.add(page)
        targets = [(page.parent / link.partition("#")[0]).resolve() for link in links(page) if ":" not in link]
        waiting += [target for target in targets if target.suffix == ".md" and target.is_file()]
    assert [page.name for page in sorted((ROOT / "docs").glob("*.md")) if page not in seen] == []
