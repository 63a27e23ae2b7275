"""What the pages of README and docs show: their code blocks, and the commands in them."""

import re
import shlex
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).resolve().parents[2]
PAGES = {
    str(page.relative_to(ROOT)): page for page in [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
}
"""The pages by their names, as seen from the root."""
SHELL = {"sh", "console", "bash", "shell"}
OURS = ("readiness ", ".venv/bin/readiness ", "make ", "python ", ".venv/bin/python ")
"""How a command of an indented block begins: its other lines may be output."""
CRON = re.compile(r"[\d*/,-]+(?: +[\d*/,-]+){4} +cd \S+ && ")
"""How a line of a crontab begins."""


@dataclass(frozen=True)
class Command:
    """A command as a page shows it: its words, and the text of its lines with variables, redirections and pipes."""

    words: tuple[str, ...]
    text: str

    @property
    def program(self) -> str:
        """The name of the program, without its folder."""
        return Path(self.words[0]).name

    def __str__(self) -> str:
        return " ".join(self.words)


@cache
def tokens_of(page: Path) -> list[Token]:
    """All tokens of a page, as the parser found them."""
    return MarkdownIt("commonmark").enable("table").parse(page.read_text(encoding="utf-8"))


def code_of(page: Path) -> list[Token]:
    """The code blocks of a page."""
    return [token for token in tokens_of(page) if token.type in {"fence", "code_block"}]


def blocks(page: Path) -> list[tuple[str, str]]:
    """(language, text) of every code block of a page; an indented block has the language ``indented``."""
    return [((token.info.split() or ["indented"])[0], token.content) for token in code_of(page)]


def runners(text: str, page: Path) -> list[str]:
    """The files that a block names as those that run it: too long to be run here, it is run there."""
    return [name for token in code_of(page) if token.content == text for name in token.info.split()[1:]]


def spans(page: Path) -> list[str]:
    """The words in code type within the sentences of a page."""
    inner = [child for token in tokens_of(page) for child in token.children or ()]
    return [child.content for child in inner if child.type == "code_inline"]


def commands_of(page: Path) -> list[Command]:
    """The commands of every shell block, those of ours in indented ones, those of cron; as the page orders them."""
    found = []
    for language, text in blocks(page):
        if language in SHELL:
            found += commands(text)
            continue
        for line in text.replace("\\\n", " ").splitlines():
            of_cron = CRON.match(line)
            if of_cron or (language == "indented" and line.strip().startswith(OURS)):
                found += commands(line[of_cron.end() :] if of_cron else line)[:1]
    return found


def commands(text: str) -> list[Command]:
    """The commands of a shell block: prompts, comments and redirections are left out, what is piped on is one too."""
    found = []
    for line in whole_lines(text):
        said = line.strip().removeprefix("$ ")
        lexer = shlex.shlex(said, posix=True, punctuation_chars=";&|<>")
        lexer.whitespace_split = True
        parts: list[list[str]] = [[]]
        for word in lexer:
            if set(word) <= set("<>&") and word not in {"&", "&&"}:
                if parts[-1] and f" {parts[-1][-1]}{word}" in said:
                    parts[-1].pop()  # the number of a stream, as in 2>
                next(lexer)
            elif set(word) <= set(";&|"):
                parts.append([])
            else:
                parts[-1].append(word)
        words = [[word for word in part if not re.fullmatch(r"[A-Z_]+=\S*", word)] for part in parts]
        found += [Command(tuple(part), said) for part in words if part]
    return found


def whole_lines(text: str) -> list[str]:
    """The lines of a shell block; one that ends within quotes, or with a backslash, goes on in the next."""
    found, open_ = [], ""
    for line in text.replace("\\\n", " ").splitlines():
        open_ += line
        try:
            shlex.split(open_, comments=True)
        except ValueError:
            open_ += "\n"
            continue
        found.append(open_)
        open_ = ""
    assert not open_, f"a quotation is never closed: {open_[:80]}"
    return found
