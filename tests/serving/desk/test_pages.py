"""What the pages say and never do: every text escaped, nothing inline, nothing from elsewhere."""

import json
import re
from itertools import pairwise
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from data.clock import DAY
from data.store.tables import outcomes
from serving.deciding.work_list import Wanted, work_list
from serving.desk.drawing import Frame, ticks, top_of
from serving.desk.pages import POLICY
from serving.desk.words import ago, on_axis, percent, points
from serving.store.tables import scores, standings, transitions

ALLOWED = {"src": ("/desk/",), "href": ("/", "#", "data:,"), "action": ("/",)}


@pytest.fixture(scope="module")
def reader(desk):
    """Somebody who may read."""
    with desk.visitor("read") as browser:
        yield browser


def a_lead(desk, state="ready"):
    """A lead in this state that crossed, or any."""
    crossed = select(standings.c.lead_id).where(standings.c.state == state).order_by(standings.c.lead_id)
    told = crossed.where(standings.c.lead_id.in_(select(transitions.c.lead_id)))
    return desk.store.read(lambda connection: connection.execute(told.limit(1)).scalar_one())


def every_page(desk, hostile):
    """The addresses of all pages, with what is hostile in them."""
    asked = {"search": hostile[:60], "view": "all"}
    return [("/", {}), ("/", asked), ("/desk/lead", {"id": hostile}), ("/desk/lead", {"id": a_lead(desk)})] + [
        (path, {}) for path in ("/desk/agree", "/desk/trust")
    ]


def test_no_page_runs_or_styles_anything_but_its_two_files(watched_once, reader, seen, hostile):
    """Strict headers, no inline script, style or handler, no address of another host, whatever leads are called."""
    for path, query in every_page(watched_once, hostile):
        told = reader.get(path, params=query)
        assert told.status_code == 200, (path, told.text)
        assert told.headers["content-security-policy"] == POLICY
        assert "unsafe" not in POLICY
        assert told.headers["cache-control"] == "no-store"
        assert told.headers["x-content-type-options"] == "nosniff"
        page = seen(told.text)
        names = {tag for tag, _ in page.tags}
        assert not names & {"style", "iframe", "object", "embed", "img", "base"}
        assert [tag for tag, _ in page.tags].count("script") == 1
        assert "src" in dict(page.tags[[tag for tag, _ in page.tags].index("script")][1])
        for tag, attributes in page.tags:
            assert not [name for name in attributes if name == "style" or name.startswith("on")], (tag, attributes)
            for name, beginnings in ALLOWED.items():
                value = attributes.get(name)
                assert value is None or (value.startswith(beginnings) and not value.startswith("//")), (tag, value)


def test_hostile_texts_are_texts(reader, seen, hostile):
    """An id, an account, an attribute and a search that look like markup are shown as what they are."""
    found = reader.get("/").text
    assert "<img" not in found
    assert seen(found).text.count("".join(hostile.split(" ")[:1])) >= 1
    lead = seen(reader.get("/desk/lead", params={"id": hostile}).text)
    assert hostile in " ".join(lead.words)
    links = [attributes["href"] for tag, attributes in seen(found).tags if tag == "a" and "lead?" in attributes["href"]]
    assert hostile in [parse_qs(urlsplit(link).query)["id"][0] for link in links]


def test_the_work_list_is_that_of_the_store(desk, reader, seen):
    """The readiest first, page by page, nobody left out and nobody twice."""
    wanted = desk.store.read(lambda connection: work_list(connection, Wanted(states=("ready",)), 500)[0])
    following, listed = "/", []
    while following:
        page = seen(reader.get(following).text)
        links = [attributes["href"] for tag, attributes in page.tags if tag == "a"]
        listed += [parse_qs(urlsplit(one).query)["id"][0] for one in links if one.startswith("/desk/lead?")]
        following = next((attributes["href"] for tag, attributes in page.tags if attributes.get("rel") == "next"), "")
    assert listed == [row["lead_id"] for row in wanted]
    assert len(listed) > 3


def test_every_line_says_how_ready_since_when_and_why(desk, reader, seen):
    """Readiness, trend, dated reasons, time since ready, and that nobody has called yet."""
    page = seen(reader.get("/", params={"search": a_lead(desk)}).text)
    row = desk.store.read(
        lambda connection: (
            connection.execute(select(standings).where(standings.c.lead_id == a_lead(desk))).mappings().one()
        )
    )
    assert percent(row["readiness"]) in page.text
    assert "as told on" in page.text
    assert "points in a week" in page.text or "new this week" in page.text
    assert "polyline" in {tag for tag, _ in page.tags}
    told = desk.store.read(
        lambda connection: connection.execute(
            select(scores.c.reasons)
            .where(scores.c.lead_id == row["lead_id"], scores.c.reasons != "[]")
            .order_by(scores.c.as_of.desc())
            .limit(1)
        ).scalar_one()
    )
    for reason in json.loads(told):
        assert reason["text"] in page.text


@pytest.mark.parametrize("text", ["%", "L_0", "\x00", "nobody-has-this"])
def test_a_search_for_what_nobody_has_says_so(reader, seen, text):
    """Wild cards of the database are letters like any other, and what is no text finds everybody."""
    page = seen(reader.get("/", params={"search": text}).text)
    found = "No lead of this list" in page.text
    assert found == (text.strip("\x00") != ""), page.text


def test_a_search_looks_into_ids_accounts_and_attributes(desk, reader, seen, hostile):
    """Whatever its case."""
    wanted = desk.store.read(lambda connection: work_list(connection, Wanted(), 500)[0])
    industry = json.loads(wanted[5]["attributes"]).get("industry") or next(
        iter(json.loads(wanted[5]["attributes"]).values())
    )
    for text in (wanted[5]["lead_id"].upper(), str(industry).upper(), hostile[:30]):
        page = seen(reader.get("/", params={"search": text, "view": "all"}).text)
        assert any(tag == "table" for tag, _ in page.tags), text


def test_a_lead_s_page_tells_its_story(desk, reader, seen):
    """Readiness now and over time, reasons then and now, every change of state, what happened, the next touch."""
    lead_id = a_lead(desk)
    page = seen(reader.get("/desk/lead", params={"id": lead_id}).text)
    crossing = desk.store.read(
        lambda connection: (
            connection.execute(
                select(transitions).where(transitions.c.lead_id == lead_id).order_by(transitions.c.at.desc()).limit(1)
            )
            .mappings()
            .one()
        )
    )
    assert crossing["reason"] in page.text
    for words in ("Readiness over time", "When it became", "Now", "Next touch", "What happened", "hand off from"):
        assert words in page.text, words
    [line] = [attributes["points"] for tag, attributes in page.tags if attributes.get("class") == "line"]
    assert len(line.split()) > 3
    assert any(attributes.get("class") == "mark" for _, attributes in page.tags)
    assert any(attributes.get("class") == "dot" for _, attributes in page.tags)
    following = [attributes["href"] for tag, attributes in page.tags if attributes.get("rel") == "next"]
    if following:
        assert reader.get(following[0]).status_code == 200


def test_a_closed_lead_has_a_story_and_no_readiness(desk, reader, seen):
    """Won or lost, it says so and asks nothing of the model."""
    closed = desk.store.read(
        lambda connection: connection.execute(
            select(standings.c.lead_id).where(standings.c.state == "won").limit(1)
        ).scalar_one()
    )
    page = seen(reader.get("/desk/lead", params={"id": closed}).text)
    assert "A closed lead has no readiness." in page.text
    kinds = desk.store.read(
        lambda connection: (
            connection.execute(select(outcomes.c.kind).where(outcomes.c.lead_id == closed)).scalars().all()
        )
    )
    assert kinds[0] in page.text


@pytest.mark.parametrize(("path", "status", "said"), [
    ("/desk/lead?id=nobody", 404, "There is no lead 'nobody'"),
    ("/desk/lead?id=%00", 404, "There is no lead"),
    ("/?cursor=junk", 422, "cursor"),
])  # fmt: skip
def test_what_is_not_there_is_a_page_with_one_sentence(reader, desk, path, status, said):
    """For a browser; a program gets a problem."""
    told = reader.get(path)
    assert (told.status_code, said in told.text.replace("&#39;", "'")) == (status, True)
    assert told.headers["content-type"].startswith("text/html")
    program = desk.client.get(path, headers={"x-api-key": desk.keys["read"]})
    assert (program.status_code, program.headers["content-type"]) == (status, "application/problem+json")


def test_who_never_watched_is_told_what_to_run(reader, seen):
    """No figure is made up."""
    page = seen(reader.get("/desk/trust").text)
    assert "Run readiness watch" in page.text
    assert "not watched yet" in seen(reader.get("/").text).text


@pytest.mark.usefixtures("watched_once")
def test_trust_says_per_hundred_what_became_of_what_was_told(reader, seen):
    """By version, the newest first; what did not hold is marked; drift, alarms, contacts and the replay."""
    page = seen(reader.get("/desk/trust").text)
    for words in (
        "Of 100 leads told about 20 % , 19 converted",
        "Of 100 leads told about 60 % , 20 converted",
        "not what was told",
        "It tells too much <b>above</b> 30 %.",
        "industry=<i>law</i>",
        "12 of 30 ready leads had never been contacted; 2 that were not handed off heard from sales all the same",
        "50 scores were computed again: all are the same to the last bit",
    ):
        assert words in page.text, words
    assert page.text.index("Version 10") < page.text.index("Version 2")
    assert "1 alarm" in seen(reader.get("/").text).text


def test_style_and_script_are_ours_and_change_their_address_with_their_content(desk, reader, seen):
    """They may be kept for ever; no key is needed for them."""
    page = seen(reader.get("/").text)
    found = [
        attributes.get("href") or attributes.get("src") for tag, attributes in page.tags if tag in {"link", "script"}
    ]
    for address in [one for one in found if one.startswith("/desk/")]:
        told = desk.client.get(address)
        assert told.status_code == 200
        assert "immutable" in told.headers["cache-control"]
        assert not re.search(rb"https?://|url\(|@import|eval|innerHTML", told.content)


def test_figures_are_said_with_the_digits_that_count():
    """Shares, changes and times as people say them."""
    assert [percent(one) for one in (0.0, 0.00351, 0.0314, 0.0949, 0.0999, 0.24, 1.0)] == [
        *("0 %", "0.35 %", "3.1 %", "9.5 %", "10 %", "24 %", "100 %"),
    ]
    assert [points(one) for one in (0.121, -0.004, 0.0002, 0.0)] == ["+12", "\N{MINUS SIGN}0.4", "0.0", "0.0"]
    assert [ago(one) for one in (3 * DAY, 2 * 3_600_000_000, 60_000_000, 5)] == [
        *("3 days", "2 hours", "1 minute", "less than a minute"),
    ]


@given(st.floats(1e-4, 1.0))
def test_an_axis_of_shares_is_marked_by_round_numbers(highest):
    """From 0 to the top or a little below it, four to six marks of one or two digits, such as 0 %, 5 %, 10 %."""
    top = min(top_of([highest], 0.02), 1.0)
    marks = [on_axis(one).removesuffix(" %") for one in ticks(top)]
    assert marks[0] == "0"
    assert 5 <= len(marks) <= 6
    assert all(len(mark.replace(".", "").strip("0")) <= 2 for mark in marks)
    steps = {round(float(b) - float(a), 6) for a, b in pairwise(marks)}
    assert len(steps) == 1
    assert 100.0 * top - float(marks[-1]) < steps.pop()


def test_a_chart_keeps_what_it_draws_inside():
    """Values beyond the edges are drawn at the edges; the top is round and above all."""
    frame = Frame(10, 110, 5, 55, (0, 1), (0, 0.5))
    assert frame.line([(0, 0), (0.5, 0.25), (2, 9), (-1, -1)]) == "10.0,55.0 60.0,30.0 110.0,5.0 10.0,55.0"
    assert ticks(17.0) == [0.0, 5.0, 10.0, 15.0]
    assert ticks(64.0) == [0.0, 20.0, 40.0, 60.0]
    assert ticks(100.0) == [0.0, 20.0, 40.0, 60.0, 80.0, 100.0]
    assert [top_of([value], 0.02) for value in (0.0, 0.021, 0.21, 0.4, 0.51, 1.0)] == [0.02, 0.025, 0.25, 0.5, 1.0, 1.0]
