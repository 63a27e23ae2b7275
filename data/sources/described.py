"""Which table becomes what, as Markdown: ``python -m data.sources.described docs/importers.md`` writes it there.

Between two comments in that page stands what the importers declare, so that the page cannot go stale: a test compares.
"""

import sys
from collections.abc import Iterable
from pathlib import Path

from data.sources import hubspot, marketo, salesforce
from data.sources.loaded import PLATFORMS
from data.sources.loading.touches import Touch
from data.sources.messages import TYPES

_TOUCHES = {"hubspot": hubspot.TOUCHES, "salesforce": salesforce.TOUCHES, "marketo": marketo.TOUCHES}
_END = "<!-- end -->"


def described(kind: str) -> str:
    """The tables of a platform, or the types of messages, as a Markdown table."""
    if kind not in PLATFORMS:
        return _markdown(
            ("message", "becomes"), ((f"`{name}`", ", ".join(facts) or "-") for name, facts in TYPES.items())
        )
    rows = [(f"`{name}`", ", ".join(_facts(kind, name)), _events(kind, name)) for name in PLATFORMS[kind].known]
    return _markdown(("table", "read for", "events (actor)"), rows)


def usual_fields(kind: str) -> str:
    """The fields of leads that are taken where the contract names none."""
    return ", ".join(f"`{name}`" for name in sorted(PLATFORMS[kind].usual))


def rewritten(page: str) -> str:
    """``page`` with what the importers declare between its comments."""
    for kind in (*PLATFORMS, "messages"):
        body = described(kind)
        if kind in PLATFORMS:
            body += f"\nFields of leads, unless the contract names others: {usual_fields(kind)}.\n"
        before, start, rest = page.partition(f"<!-- tables of {kind} -->\n")
        page = before + start + body + rest[rest.index(_END) :]
    return page


def _facts(kind: str, table: str) -> list[str]:
    return [fact for fact, names in PLATFORMS[kind].tables.items() if table in names]


def _events(kind: str, table: str) -> str:
    found: Iterable[Touch] = (touch for touch in _TOUCHES[kind] if touch.table == table)
    kinds = dict.fromkeys(named for touch in found for named in touch.kinds)
    return ", ".join(f"`{name}` ({actor})" for name, actor in kinds)


def _markdown(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "".join(f"| {' | '.join(cell or ' ' for cell in line)} |\n" for line in lines)


if __name__ == "__main__":
    place = Path(sys.argv[1])
    place.write_text(rewritten(place.read_text(encoding="utf-8")), encoding="utf-8")
