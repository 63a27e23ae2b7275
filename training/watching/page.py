"""A look as one HTML page: nothing in it is fetched from anywhere."""

from collections.abc import Mapping
from typing import Any

from data.clock import iso
from training.report import render_page
from training.watching import words
from training.watching.ledger import primary_of
from training.watching.picture import NAME, draw_lived


def render_watch(body: Mapping[str, Any]) -> str:
    """The page of a look (``Watched.to_dict``). Text from the facts is escaped."""
    drawn = draw_lived(body)
    plots = {} if drawn is None else {NAME: drawn}
    shown = primary_of(body["ledger"], body["horizon"])
    return render_page("watch.html.j2", plots, body=body, watched=words, as_of=iso(body["as_of"]), shown=shown)
