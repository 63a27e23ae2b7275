import json
import math
import re
from copy import deepcopy
from html.parser import HTMLParser

import pytest

from training.plots import draw_plots
from training.report import render_report, report_json

VOID = {"meta", "img", "br", "link", "input", "hr"}


class Page(HTMLParser):
    """The tags, addresses and text of a page; fails on tags that do not nest."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.addresses: list[str] = []
        self.alternatives: list[str] = []
        self.text: list[str] = []

    def handle_starttag(self, tag, attrs):
        """Remember where an element would fetch from."""
        self.addresses += [value for name, value in attrs if name in {"src", "href", "srcset", "action"}]
        self.alternatives += [value for name, value in attrs if name == "alt"]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        """Close the innermost element."""
        assert self.open.pop() == tag

    def handle_data(self, data):
        """Keep the text."""
        self.text.append(data)

    @property
    def words(self) -> str:
        """The text with single spaces."""
        return re.sub(r"\s+", " ", " ".join(self.text))


def _page(html: str) -> Page:
    page = Page()
    page.feed(html)
    page.close()
    assert page.open == []
    return page


@pytest.fixture(scope="module")
def html(report):
    """The page of the example report as version 3."""
    return render_report({**report, "version": "3"}, draw_plots(report))


def test_the_page_fetches_nothing(html):
    """Every picture is inside the page, and no style or script comes from elsewhere."""
    page = _page(html)
    assert len(page.addresses) == 10
    assert all(address.startswith("data:image/png;base64,") for address in page.addresses)
    assert all(page.alternatives)
    assert not re.search(r"https?://|@import|url\(|<script", html)


def test_the_page_tells_every_figure_with_its_interval(report, html):
    """No claim without its rivals: each model's metrics and intervals at each horizon are on the page."""
    words = _page(html).words
    for horizon in report["horizons"].values():
        for figures in horizon["models"].values():
            assert f"{figures['auc']:.3f}" in words
            assert f"{figures['log_loss']:.4f}" in words
            low, high = figures["intervals"]["auc"]
            assert f"{low:.3f} to {high:.3f}" in words
    assert "version 3" in words
    assert "won follows within 90 days" in words


def test_text_from_the_facts_is_escaped(report):
    """A note, an outcome, a feature or a segment with markup in it is shown as it is, never run."""
    nasty = deepcopy(report)
    attack = "<script>alert('x')</script>"
    nasty["notes"] = [attack]
    nasty["definition"]["outcome"] = [attack]
    nasty["importance"][0]["feature"] = attack
    nasty["segments"][0]["name"] = attack
    html = render_report(nasty, {})
    assert "<script" not in html
    assert _page(html).words.count(attack) == 5


def test_the_page_begins_with_what_sales_asks(report, html):
    """Before any picture: the wins that a call list catches, by points and by chance too, and how true it was."""
    before = Page()
    before.feed(html[: html.index("<img")])
    words, capacity = before.words, report["capacity"]
    served, points, chance = (capacity["models"][name] for name in ("blend", "points", "random"))
    assert f"caught {served['caught']:,.0f} of the {capacity['wins']:,} outcomes (won within 90 days)" in words
    assert f"the points {points['caught']:,.0f} and a list in random order {chance['caught']:,.0f}" in words
    assert "was told on average" in words


def test_json_is_read_back_and_has_no_nan(report):
    """report.json is the report; a figure that is not a number is null, which every parser reads."""
    assert json.loads(report_json(report)) == report
    holed = deepcopy(report)
    holed["horizons"]["90d"]["models"]["prior"]["auc"] = math.nan
    text = report_json(holed)
    assert "NaN" not in text
    assert json.loads(text)["horizons"]["90d"]["models"]["prior"]["auc"] is None


def test_figures_that_are_not_numbers_are_dashes(report):
    """Where the rows allow no figure, the page shows a dash instead of failing."""
    silent = deepcopy(report)
    for horizon in silent["horizons"].values():
        for figures in horizon["models"].values():
            figures.update({metric: math.nan for metric in figures if metric != "intervals"})
            figures["intervals"] = {metric: [math.nan, math.nan] for metric in figures["intervals"]}
    words = _page(render_report(silent, {})).words
    assert "nan" not in words.lower().split()
