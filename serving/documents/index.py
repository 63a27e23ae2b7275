"""Every page of a folder by its title and its first sentence."""

import re
from pathlib import Path

NAME = "index.md"
HEAD = """# All pages

"""


def index_page(folder: Path) -> str:
    """The page as Markdown, for the other pages that lie in ``folder``."""
    pages = sorted(path for path in folder.glob("*.md") if path.name != NAME)
    rows = [f"| [{title}]({path.name}) | {said} |" for path in pages for title, said in [_about(path)]]
    return HEAD + "\n".join(["| page | what it says first |", "|---|---|", *rows]) + "\n"


def _about(path: Path) -> tuple[str, str]:
    """The title and the first sentence of a page, without links."""
    title, *blocks = path.read_text(encoding="utf-8").strip().split("\n\n")
    prose = [block for block in blocks if re.match(r"[A-Za-z*`“]", block)]
    plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", " ".join(prose[0].split()) if prose else "")
    first = re.match(r".*?[.?](?= |$)", plain)
    return title.lstrip("# "), (first[0] if first else plain).rstrip(":").replace("|", r"\|")
