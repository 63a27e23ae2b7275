"""The reference at /docs shows everything that can be asked, and brings nothing from elsewhere."""

import re
from html.parser import HTMLParser

from serving.reference import page


class Seen(HTMLParser):
    """The tags, links, anchors and text of a page."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.links, self.anchors, self.words, self.open = set(), [], set(), [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        """An element begins."""
        told = dict(attrs)
        self.tags.add(tag)
        self.links += [told[name] for name in ("href", "src") if name in told]
        self.anchors |= {told["id"]} if "id" in told else set()
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag):
        """An element ends: the one that began last."""
        assert self.open.pop() == tag

    def handle_data(self, data):
        """Text."""
        self.words.append(data)


def test_everything_that_can_be_asked_is_shown(client):
    """Each operation has its place, each schema its anchor; no link leads nowhere or outside."""
    answer = client.get("/docs")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    seen = Seen(answer.text)
    assert seen.open == []
    document = client.get("/openapi.json").json()
    text = " ".join(seen.words)
    for path, verbs in document["paths"].items():
        for operation in verbs.values():
            assert path in text
            assert operation["summary"] in text
    assert set(document["components"]["schemas"]) <= seen.anchors
    assert "script" not in seen.tags
    assert {link for link in seen.links if not link.startswith("#")} == {"openapi.json"}
    assert {link[1:] for link in seen.links if link.startswith("#")} <= seen.anchors


def test_texts_are_not_markup():
    """Whatever stands in a description is text."""
    document = {
        "info": {"title": "<b>", "description": "<script>x</script>"},
        "paths": {"/<i>": {"get": {"summary": "<u>", "responses": {"200": {"description": '"><img src=x>'}}}}},
        "components": {"schemas": {"A<": {"properties": {"<x>": {"type": "<y>"}}}}},
    }
    assert not re.search(r"<(b|script|i|u|img|x|y)[ >]", page(document))
