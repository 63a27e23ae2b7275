"""The draft: a contract that loads, and checks, guessed from nothing but files."""

import json
import shutil
from datetime import date, timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data.check import check
from data.clock import format_duration
from data.contract import parse_contract
from data.draft import draft_contract
from data.errors import SchemaError
from data.simulation.folder import TABLES
from data.simulation.market import simulate
from data.spine import build_spine


def drafted(folder, **files):
    """The draft for a folder of CSV files with these contents, as text and as a contract."""
    for name, text in files.items():
        (folder / f"{name}.csv").write_text(text)
    text = draft_contract(folder)
    return text, parse_contract(text, folder)


LEADS = "lead_id,created_at,industry\n" + "".join(f"{at},2024-01-{at:02}T00:00:00Z,steel\n" for at in range(1, 29))


@pytest.mark.parametrize(
    ("name", "bad", "outcome", "repeatable"),
    [
        ("online_retail", 0, ("order",), True),
        ("cdnow", 0, ("order",), True),
        ("oulad", 6, ("pass",), False),
        ("olist", 1, ("closed_won",), False),
        ("bank_marketing", 0, ("won",), False),
    ],
)
def test_real_folders(shared_data, name, bad, outcome, repeatable):
    """For each public set the draft loads, checks with few bad rows, and asks about someone."""
    contract = parse_contract(draft_contract(shared_data / name), shared_data)
    checked = check(contract)
    assert checked.report.rejected == bad
    assert (contract.ready.outcome, contract.ready.repeatable) == (outcome, repeatable)
    assert build_spine(contract.spine, contract.ready, checked.history, contract.folder).num_rows > 0


def test_a_simulated_market(tmp_path):
    """For a simulated market the draft finds every table, and leaves out the fields that leak."""
    market = simulate("steady", 120, 3)
    for name in TABLES:
        pq.write_table(getattr(market.history, name), tmp_path / f"{name}.parquet")
    contract = parse_contract(draft_contract(tmp_path), tmp_path)
    history = check(contract).history
    assert 0 < history.events.num_rows <= market.history.events.num_rows
    assert history.changes.num_rows == market.history.changes.num_rows > 0
    assert set(contract.source.leads.attributes or ()) == set(market.world.attributes)
    assert contract.ready.terminal == ("won", "lost")


@pytest.mark.parametrize("export", ["hubspot", "salesforce", "marketo"])
def test_exports_are_recognised(shared_data, export):
    """An export of a warehouse loader needs no tables: the draft names its kind, and it checks as it stands."""
    folder = shared_data / "crm_exports" / export
    contract = parse_contract(draft_contract(folder), folder)
    assert (contract.source.kind, contract.source.suffix, contract.source.leads) == (export, "_data", None)
    assert contract.ready.terminal == ("won", "lost")
    assert check(contract).history.leads.num_rows > 0


CONTACT = (
    "id,property_createdate,property_email,property_tier,property_company_id,property_close_reason,property_notes\n"
)


def test_a_recognised_export_lists_what_else_could_be_asked(tmp_path):
    """Further fields are listed for somebody to choose from, without those that are late, personal or ids."""
    rows = "".join(f"{at},2024-01-0{at} 00:00:00,e{at},gold,7,x,\n" for at in range(1, 9))
    deals = "deal_id,deal_pipeline_stage_id,property_createdate,property_closedate\n"
    deals += "".join(f"{at},closedwon,2024-02-0{at} 00:00:00,2024-03-0{at} 00:00:00\n" for at in range(1, 9))
    links = "deal_id,contact_id\n" + "".join(f"{at},{at}\n" for at in range(1, 9))
    text, contract = drafted(tmp_path, contact=CONTACT + rows, deal=deals, deal_contact=links)
    assert contract.source.kind == "hubspot"
    assert '#     "property_tier"\n' in text
    assert (contract.ready.outcome, contract.ready.terminal) == (("won",), ("won", "lost"))
    assert "half of the waits" in text
    assert check(contract).history.outcomes.num_rows == 16


@pytest.mark.parametrize(
    ("library", "kind"), [("analytics.js", "segment"), ("RudderLabs JavaScript SDK", "rudderstack")]
)
@pytest.mark.parametrize("event", ["Order Completed", "Order Refunded"])
def test_messages_are_recognised(tmp_path, library, kind, event):
    """JSON lines of messages give their kind; which events mean won is guessed from their names, or left to fill in."""
    lines = [
        {
            "type": "identify",
            "userId": "u",
            "timestamp": "2024-01-01T00:00:00Z",
            "context": {"library": {"name": library}},
        },
        {"type": "track", "userId": "u", "event": event, "timestamp": "2024-02-01T00:00:00Z"},
    ]
    (tmp_path / "day.jsonl").write_text("\n".join(map(json.dumps, lines)))
    text = draft_contract(tmp_path)
    source = parse_contract(text, tmp_path).source
    assert source.kind == kind
    assert source.won == (("Order Completed",) if event == "Order Completed" else ())
    assert ("FILL IN: which track events mean won" in text) == (source.won == ())


def test_a_folder_of_plural_names_is_no_export(tmp_path):
    """leads, tasks and contacts are somebody's own tables: they are mapped one by one."""
    text, contract = drafted(
        tmp_path,
        leads="id,created_date\n1,2024-01-01T00:00:00Z\n2,2024-01-01T00:00:00Z\n",
        tasks="id,who_id\n1,1\n",
        contacts="id,created_date\n1,2024-01-01T00:00:00Z\n",
        opportunities="id,lead_id,stage,close_date\n1,1,won,2024-01-01T00:00:00Z\n",
    )
    assert contract.source.kind == "files"
    assert "not used: contacts.csv" in text


def test_their_names_are_found(tmp_path):
    """Files and columns of other names are found by what they are called and what they hold."""
    text, contract = drafted(
        tmp_path,
        customers="CustomerId,CreatedDate,AccountId\n" + "".join(f"c{at},2024-01-0{at},a\n" for at in range(1, 8)),
        activities="ActivityId,CustomerId,ActivityDate,ActivityType,Page,Actor\n1,c1,2024-02-01,click,home,Lead\n",
        deals="CustomerId,Stage,CloseDate,Amount\nc1,Closed Won,2024-03-01,5\nc2,Closed Lost,2024-03-02,\n",
    )
    source = contract.source
    assert source.leads.columns == {"lead_id": "CustomerId", "created_at": "CreatedDate", "account_id": "AccountId"}
    assert source.events is not None
    assert source.events.columns == {
        "lead_id": "CustomerId",
        "kind": "ActivityType",
        "occurred_at": "ActivityDate",
        "event_id": "ActivityId",
        "actor": "Actor",
        "item": "Page",
    }
    assert source.outcomes.columns["value"] == "Amount"
    assert contract.ready.outcome == ("Closed Won",)
    assert contract.ready.terminal == ("Closed Won", "Closed Lost")
    assert source.timezone == "UTC"
    assert "'CreatedDate' of leads has no zone" in text
    assert check(contract).report.rejected == 0


def test_no_zone_is_guessed_where_times_have_one(tmp_path):
    """The contract names a zone only where some time needs it."""
    _, contract = drafted(tmp_path, leads=LEADS, outcomes="lead_id,kind,occurred_at\n1,won,2024-03-01T00:00:00Z\n")
    assert contract.source.timezone is None


def test_late_attributes_are_left_out(tmp_path):
    """Attributes that smell late or say who somebody is are not asked, and the draft says why."""
    names = ["industry", "close_reason", "revenue", "call_duration", "won_by", "email", "employees"]
    rows = "".join(f"{at},2024-01-{at:02}T00:00:00Z,a,b,1,2,c,d,{at}\n" for at in range(1, 9))
    text, contract = drafted(
        tmp_path,
        leads=f"lead_id,created_at,{','.join(names)}\n{rows}",
        outcomes="lead_id,kind,occurred_at\n1,won,2024-03-01T00:00:00Z\n",
    )
    assert contract.source.leads.attributes == ("industry", "employees")
    for name in ("close_reason", "revenue", "call_duration", "won_by"):
        assert f"# left out: {name}," in text
    assert "# left out: email, 'email' in its name: it says who somebody is" in text


def test_an_outcome_that_is_a_column(tmp_path):
    """A yes/no column of leads becomes outcomes; that nobody says when is left to fill in."""
    rows = "".join(f"{at},2024-01-{at:02}T00:00:00Z,{'yes' if at % 3 == 0 else 'no'}\n" for at in range(1, 10))
    text, contract = drafted(tmp_path, leads=f"lead_id,created_at,converted\n{rows}")
    assert contract.source.outcomes.where == {"converted": "yes"}
    assert contract.source.leads.attributes is None
    assert "# FILL IN: no column says when" in text
    assert check(contract).history.outcomes.num_rows == 3
    assert contract.spine.after == (0,)


def test_an_outcome_with_its_own_time(tmp_path):
    """Where leads say when they converted, that is the time of the outcome."""
    rows = "".join(
        f"{at},2024-01-{at:02}T00:00:00Z,{'true,2024-02-01T00:00:00Z' if at % 3 == 0 else 'false,'}\n"
        for at in range(1, 10)
    )
    text, contract = drafted(tmp_path, leads=f"lead_id,created_at,is_converted,converted_date\n{rows}")
    assert contract.source.outcomes.columns == {"occurred_at": "converted_date"}
    assert "no column says when" not in text


@pytest.mark.parametrize(("gap", "horizons"), [(3, ("7d",)), (25, ("14d", "30d")), (80, ("60d", "90d"))])
def test_horizons_follow_the_waits(tmp_path, gap, horizons):
    """The primary horizon is the usual one within which half of the outcomes have come."""
    born = [date(2023, 1, 1) + timedelta(days=4 * at) for at in range(90)]
    leads = "".join(f"L{at},{day}T00:00:00Z\n" for at, day in enumerate(born))
    wins = "".join(f"L{at},won,{day + timedelta(days=gap)}T00:00:00Z\n" for at, day in enumerate(born))
    _, contract = drafted(tmp_path, leads="lead_id,created_at\n" + leads, outcomes="lead_id,kind,occurred_at\n" + wins)
    assert tuple(format_duration(horizon) for horizon in contract.ready.horizons) == horizons


def test_nothing_but_leads(tmp_path):
    """With no outcome in sight the text parses, and says in one line what is missing."""
    text, contract = drafted(tmp_path, leads=LEADS)
    assert "# FILL IN: no file looks like outcomes" in text
    with pytest.raises(SchemaError, match=r"There is no .*outcomes\.csv"):
        check(contract)


def test_a_path_beside_the_contract(tmp_path):
    """A contract beside its files says so in a relative path, so that both may move."""
    (tmp_path / "crm").mkdir()
    drafted(tmp_path / "crm", leads=LEADS, outcomes="lead_id,kind,occurred_at\n1,won,2024-03-01T00:00:00Z\n")
    assert 'path = "crm"' in draft_contract(tmp_path / "crm", tmp_path)
    shutil.move(tmp_path / "crm", tmp_path / "moved")
    assert 'path = "."' in draft_contract(tmp_path / "moved", tmp_path / "moved")


@pytest.mark.parametrize("make", ["absent", "bare", "empty file"])
def test_folders_without_tables(tmp_path, make):
    """A folder that is not there, has no tables, or an empty one, is one clear error."""
    if make == "empty file":
        (tmp_path / "leads.csv").touch()
    folder = tmp_path / "nowhere" if make == "absent" else tmp_path
    with pytest.raises(SchemaError, match=r"no folder|0 Parquet or CSV files|is empty: 0 bytes"):
        draft_contract(folder)


names = st.lists(
    st.one_of(
        st.sampled_from(["id", "lead_id", "created_at", "ts", "kind", "value", "y", "status", "CustomerId"]),
        st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), min_size=1, max_size=8),
    ),
    min_size=2,
    max_size=5,
    unique=True,
)
cells = st.sampled_from(["", "1", "2.5", "yes", "no", "won", "2024-01-01", "2024-02-01T00:00:00Z", "soon", "ü"])


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(["leads", "export", "events", "my deals"]), names, st.data())
def test_any_file_gives_a_text_that_parses(tmp_path: Path, stem, header, draw):
    """Whatever a file is called and holds, the draft is a contract that loads."""
    for old in tmp_path.glob("*.csv"):
        old.unlink()
    rows = draw.draw(st.lists(st.lists(cells, min_size=len(header), max_size=len(header)), max_size=4))
    lines = [",".join('"' + cell.replace('"', '""') + '"' for cell in row) for row in [header, *rows]]
    (tmp_path / f"{stem}.csv").write_bytes("\n".join(lines).encode() + b"\n")
    parse_contract(draft_contract(tmp_path), tmp_path)
