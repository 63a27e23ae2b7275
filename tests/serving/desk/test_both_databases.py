"""What the pages gather is the same from SQLite and from PostgreSQL."""

import json

from sqlalchemy import select

from benchmarks.desk_market import later, look_weekly
from data.clock import DAY, wall_clock
from serving.agreeing.versions import agreed_in
from serving.desk import sessions
from serving.desk.agreeing import agreeing
from serving.desk.telling import lead_page
from serving.desk.trusting import trusting
from serving.desk.working import VIEWS, Asked, listed
from serving.keys import fingerprint
from serving.store.tables import scores, standings, watched


def test_what_pages_gather(store, loaded, filling, trained, body_of_a_watch):
    """Every list, a search, a lead, the curve and what was watched, from a store that was looked at twice."""
    store.write(filling(later(trained.history, wall_clock() - trained.history.ends_at)))
    look_weekly(store, loaded, 1)
    now, cadence = wall_clock(), loaded.bundle.policy.cadence
    for view in VIEWS:
        page = store.read(lambda connection, view=view: listed(connection, Asked(view), now, cadence))
        assert [tab.name for tab in page.tabs] == list(VIEWS)
    ready = store.read(lambda connection: listed(connection, Asked("ready"), now, cadence))
    first = ready.leads[0]
    assert first.why is not None
    assert len(first.trend.line.split()) >= 2
    lead_id = first.row["lead_id"]
    found = store.read(lambda connection: listed(connection, Asked("all", lead_id.lower()), now, cadence))
    assert lead_id in [lead.row["lead_id"] for lead in found.leads]
    told = store.read(lambda connection: lead_page(connection, loaded, lead_id, None, "", now))
    kept = select(scores.c.readiness, scores.c.as_of).where(scores.c.lead_id == lead_id).order_by(scores.c.as_of)
    readiness, as_of = store.read(lambda connection: connection.execute(kept).first())
    assert told.crossings[0].row["after"] == "ready"
    assert len(told.chart.told) == 2
    assert any(abs(at - as_of) < 8 * DAY and abs(value - readiness) < 0.5 for at, value in told.chart.points)
    count = select(standings.c.lead_id).where(standings.c.state == "nurture", standings.c.readiness >= 0.0)
    nurtured = len(store.read(lambda connection: connection.execute(count).all()))
    curve = store.read(lambda connection: agreeing(connection, agreed_in(store, loaded), None))
    assert 0 <= int(curve.lines[0].cells["waiting"].replace(",", "")) <= nurtured
    assert store.read(trusting).body is None
    row = {"watch_id": "w", "at": 1, "body": json.dumps(body_of_a_watch)}
    store.write(lambda connection: connection.execute(watched.insert(), [row]))
    assert [version.row["version"] for version in store.read(trusting).versions] == ["10", "2"]


def test_sessions(store):
    """Begun, found by their token alone, over after half a day, and forgotten."""
    begun = store.write(lambda connection: sessions.begin(connection, "a key", "ann", 1_000))
    assert store.read(lambda connection: sessions.key_of(connection, begun.token, 1_001)) == fingerprint("a key")
    assert store.read(lambda connection: sessions.key_of(connection, "another", 1_001)) is None
    assert store.read(lambda connection: sessions.key_of(connection, begun.token, begun.expires_at)) is None
    other = store.write(lambda connection: sessions.begin(connection, "a key", "ann", begun.expires_at))
    store.write(lambda connection: sessions.end(connection, other.token))
    every = select(sessions.sessions.c.sha256)
    assert store.read(lambda connection: connection.execute(every).all()) == []
