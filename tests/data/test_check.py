"""The check: good rows, bad rows with one reason each, counts that add up."""

import csv
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from data.check import check, write_rejected
from data.errors import SchemaError
from data.sources.raw import raw_table
from data.tables import SCHEMAS

LEADS = "lead_id,created_at\na,2024-01-10T00:00:00Z\nb,2024-01-10T00:00:00Z\n"


@pytest.fixture
def reasons(contract_of, write):
    """Checks CSV text and gives, for one table, the reason of each bad row by its first cell."""

    def run(table, **tables):
        write(**{"leads": LEADS, **tables})
        checked = check(contract_of())
        return [row["reason"] for row in checked.rejected[table].to_pylist()]

    return run


def test_the_order_of_reasons(reasons):
    """A row with several faults is rejected once, for the first of them."""
    assert reasons("leads", leads=LEADS + ",soon\n,\nc,\nd,soon\n") == [
        "lead_id is missing",
        "lead_id is missing",
        "created_at is missing",
        "created_at is not a time",
    ]


def test_duplicated_leads(contract_of, write):
    """Of several rows of one lead the one created first is kept."""
    write(leads="lead_id,created_at\na,2024-01-03T00:00:00Z\na,2024-01-01T00:00:00Z\na,2024-01-02T00:00:00Z\n")
    checked = check(contract_of())
    assert [str(row["created_at"].date()) for row in checked.history.leads.to_pylist()] == ["2024-01-01"]
    assert [bad.reason for bad in checked.report.tables[0].rejections] == ["duplicated lead_id"]
    assert checked.report.tables[0].rejected == 2


def test_a_bad_copy_hides_no_good_one(reasons):
    """A row that is bad for another reason is never the copy that is kept."""
    assert reasons("leads", leads="lead_id,created_at\na,soon\na,2024-01-01T00:00:00Z\n") == [
        "created_at is not a time"
    ]


def test_duplicated_events(contract_of, write):
    """Of several events of one event_id the one known first is kept; events without an id are no copies."""
    write(
        leads=LEADS,
        events="lead_id,kind,occurred_at,known_at,event_id\n"
        "a,late,2024-01-11T00:00:00Z,2024-01-13T00:00:00Z,1\n"
        "a,first,2024-01-11T00:00:00Z,2024-01-12T00:00:00Z,1\n"
        "a,none,2024-01-11T00:00:00Z,2024-01-12T00:00:00Z,\n"
        "a,none,2024-01-11T00:00:00Z,2024-01-12T00:00:00Z,\n",
    )
    checked = check(contract_of())
    assert checked.history.events["kind"].to_pylist() == ["first", "none", "none"]
    assert [row["reason"] for row in checked.rejected["events"].to_pylist()] == ["duplicated event_id"]


def test_events_before_the_lead(reasons):
    """An event may be older than its lead: people look before they say who they are."""
    assert reasons("events", events="lead_id,kind,occurred_at\na,visit,2023-06-01T00:00:00Z\n") == []


def test_outcomes_before_the_lead(reasons):
    """An outcome before the lead was created is a bad row; one at that very moment is not."""
    text = "lead_id,kind,occurred_at\na,won,2024-01-09T23:59:59Z\na,won,2024-01-10T00:00:00Z\n"
    assert reasons("outcomes", outcomes=text) == ["outcome before the lead was created"]


@pytest.mark.parametrize("table", ["events", "outcomes"])
def test_unknown_leads(reasons, table):
    """What belongs to nobody whom we know is a bad row, also where the lead itself was rejected."""
    text = "lead_id,kind,occurred_at\nx,k,2024-02-01T00:00:00Z\nbad,k,2024-02-01T00:00:00Z\na,k,2024-02-01T00:00:00Z\n"
    assert reasons(table, leads=LEADS + "bad,soon\n", **{table: text}) == ["unknown lead"] * 2


def test_known_before_it_happened(reasons):
    """Nothing is known before it happens."""
    text = "lead_id,kind,occurred_at,known_at\na,k,2024-02-02T00:00:00Z,2024-02-01T00:00:00Z\n"
    assert reasons("events", events=text) == ["known_at is before occurred_at"]


def test_actors(reasons):
    """Actors are lead, marketing and sales in any spelling of case; another one, or none, is a bad row."""
    cells = ["lead", "Sales", "MARKETING", "partner", ""]
    text = "lead_id,kind,occurred_at,actor\n" + "".join(f"a,k,2024-02-01T00:00:00Z,{cell}\n" for cell in cells)
    assert reasons("events", events=text) == ["unknown actor"] * 2


def test_values(reasons):
    """A value that is not a number is a bad row; an empty one is just not there."""
    text = "lead_id,kind,occurred_at,value\n" + "".join(f"a,k,2024-02-01T00:00:00Z,{cell}\n" for cell in ("1", "", "x"))
    assert reasons("events", events=text) == ["value is not a number"]


def test_kinds_are_needed(reasons):
    """An event without a kind says nothing."""
    assert reasons("events", events="lead_id,kind,occurred_at\na,,2024-02-01T00:00:00Z\n") == ["kind is missing"]


def test_outcomes_that_the_contract_does_not_name(reasons):
    """An outcome of a kind that the contract does not name is a good row."""
    assert reasons("outcomes", outcomes="lead_id,kind,occurred_at\na,postponed,2024-02-01T00:00:00Z\n") == []


def test_naive_times(reasons):
    """Times without a zone are bad rows when the contract names none."""
    assert reasons("events", events="lead_id,kind,occurred_at\na,k,2024-02-01 10:00\n") == [
        "occurred_at is a naive time"
    ]


def test_naive_times_with_a_zone(contract_of, write):
    """Times without a zone are put into the zone of the contract."""
    write(leads="lead_id,created_at\na,2024-07-01 12:00\n")
    names = "\n".join(f'{name} = {{table = "{name}.csv"}}' for name in ("leads", "events", "outcomes"))
    lead = check(contract_of(f'timezone = "Europe/London"\n{names}')).history.leads.to_pylist()[0]
    assert lead["created_at"].isoformat() == "2024-07-01T11:00:00+00:00"


def test_the_end_that_the_contract_sets(contract_of, write):
    """At and after history_end nothing is a fact yet: by known_at for what happened, by created_at for leads."""
    write(
        leads=LEADS + "late,2024-03-01T00:00:00Z\n",
        events="lead_id,kind,occurred_at,known_at\n"
        "a,in,2024-02-28T00:00:00Z,2024-02-29T23:59:59.999999Z\n"
        "a,out,2024-02-28T00:00:00Z,2024-03-01T00:00:00Z\n",
    )
    names = "\n".join(f'{name} = {{table = "{name}.csv"}}' for name in ("leads", "events", "outcomes"))
    checked = check(contract_of(f"history_end = 2024-03-01\n{names}"))
    assert checked.history.events["kind"].to_pylist() == ["in"]
    assert checked.history.leads["lead_id"].to_pylist() == ["a", "b"]
    assert {table.table: [bad.reason for bad in table.rejections] for table in checked.report.tables} == {
        "leads": ["after the end of the history"],
        "events": ["after the end of the history"],
        "outcomes": [],
    }
    assert checked.history.ends_at == 1_709_251_200_000_000


def test_the_end_that_the_facts_set(contract_of, write):
    """Otherwise the history ends one microsecond after the last thing that was known, good rows only."""
    write(
        leads=LEADS,
        events="lead_id,kind,occurred_at\na,k,2024-02-01T00:00:00Z\nx,k,2030-01-01T00:00:00Z\n",
        outcomes="lead_id,kind,occurred_at,known_at\na,won,2024-02-01T00:00:00Z,2024-02-05T00:00:00Z\n",
    )
    assert check(contract_of()).history.ends_at == 1_707_091_200_000_001


def test_an_end_in_the_future_is_said(contract_of, write):
    """A fact from the future ends the history there, and a note says so."""
    write(leads=LEADS, events="lead_id,kind,occurred_at\na,k,2199-02-01T00:00:00Z\n")
    (note,) = check(contract_of()).report.notes
    assert note.startswith("the history ends at 2199-02-01T00:00:00.000001Z, which is not yet")


def test_whole_numbers_are_said(contract_of):
    """The unit that is assumed for whole numbers is a note of the report."""
    leads = pa.table({"lead_id": ["a"], "created_at": [1_700_000_000_000]})
    raw = {"leads": raw_table("leads", leads), "outcomes": raw_table("outcomes", SCHEMAS["outcomes"].empty_table())}
    report = check(contract_of(), raw).report
    assert report.notes == ("memory: the whole numbers of 'created_at' are read as milliseconds since 1970",)


def test_changes_and_accounts(contract_of, write, tmp_path):
    """Changes belong to known leads and name a field; an account is told once."""
    write(leads=LEADS)
    (tmp_path / "changes.csv").write_text(
        "lead_id,field,value,known_at\na,size,5,2024-02-01T00:00:00Z\na,,5,2024-02-01T00:00:00Z\n"
        "x,size,5,2024-02-01T00:00:00Z\na,size,,soon\n"
    )
    (tmp_path / "accounts.csv").write_text("account_id,size\nacme,10\nacme,10\n,3\nother,7\n")
    names = "\n".join(f'{name} = {{table = "{name}.csv"}}' for name in ("leads", "events", "outcomes", "changes"))
    checked = check(contract_of(f'{names}\naccounts = {{table = "accounts.csv", attributes = ["size"]}}'))
    assert checked.history.changes["value"].to_pylist() == ["5"]
    assert checked.history.accounts.select(["account_id", "size"]).to_pylist() == [
        {"account_id": "acme", "size": 10.0},
        {"account_id": "other", "size": 7.0},
    ]
    assert {table.table: [bad.reason for bad in table.rejections] for table in checked.report.tables[3:]} == {
        "changes": ["field is missing", "known_at is not a time", "unknown lead"],
        "accounts": ["account_id is missing", "duplicated account_id"],
    }


def test_bad_rows_as_they_came(contract_of, write, tmp_path):
    """Bad rows are written under their own names and as their own text, with the reason as the last column."""
    write(leads='lead_id,created_at,reason\n007,"soon, maybe",why\na,2024-01-01T00:00:00Z,\n')
    names = "\n".join(f'{name} = {{table = "{name}.csv"}}' for name in ("events", "outcomes"))
    checked = check(contract_of(f'leads = {{table = "leads.csv", attributes = ["reason"]}}\n{names}'))
    written = write_rejected(checked, tmp_path / "bad")
    assert [path.name for path in written] == ["leads.csv", "events.csv", "outcomes.csv"]
    with written[0].open(newline="") as file:
        assert list(csv.reader(file)) == [
            ["lead_id", "created_at", "reason of the source", "reason"],
            ["007", "soon, maybe", "why", "created_at is not a time"],
        ]


def test_what_is_written_twice_is_not_added(contract_of, write, tmp_path):
    """Writing again replaces the bad rows of the time before, also when there are none left."""
    write(leads="lead_id,created_at\na,soon\nb,2024-01-01T00:00:00Z\n")
    write_rejected(check(contract_of()), tmp_path / "bad")
    write()
    write_rejected(check(contract_of()), tmp_path / "bad")
    assert (tmp_path / "bad" / "leads.csv").read_text().count("\n") == 1


def test_the_report(contract_of, write):
    """The report tells counts, reasons and first examples, to people in rows and to machines in JSON."""
    write(leads=LEADS + "c,soon\nd,later\n")
    report = check(contract_of()).report
    assert report.rows()[:3] == [
        ("leads", "read", "4", "leads.csv"),
        ("", "good", "2", ""),
        ("", "bad: created_at is not a time", "2", "row 3: lead_id=c, created_at=soon"),
    ]
    told = json.loads(report.to_json())
    assert told["rejected"] == 2
    assert told["tables"][0]["rejections"] == [
        {"reason": "created_at is not a time", "count": 2, "example": "row 3: lead_id=c, created_at=soon"}
    ]


def test_no_good_leads(contract_of, write):
    """A file of nothing but bad rows is told like any other: an empty history and a full account."""
    write(leads="lead_id,created_at\n,\n")
    checked = check(contract_of())
    assert checked.history.leads.num_rows == 0
    assert checked.report.rejected == 1


def test_wrong_types(contract_of):
    """A column whose type cannot mean what it should is one error that names the table and the column."""
    raw = {"leads": raw_table("leads", pa.table({"lead_id": ["a"], "created_at": [1.5]}), "leads.parquet")}
    with pytest.raises(SchemaError, match=r"leads\.parquet \(leads\): column 'created_at' is Float64"):
        check(contract_of(), raw)


def test_history_is_what_the_tables_promise(contract_of, save, facts):
    """Good rows have the columns and types of ``data.tables``, and further columns one of three types."""
    save(facts, "parquet")
    names = 'leads = {table = "leads.parquet", attributes = ["industry", "employees", "partner", "since"]}\n'
    names += 'events = {table = "events.parquet", attributes = ["depth"]}\noutcomes = {table = "outcomes.parquet"}'
    history = check(contract_of(names)).history
    for name, schema in SCHEMAS.items():
        assert getattr(history, name).schema.names[: len(schema)] == schema.names
        assert all(getattr(history, name).schema.field(field.name).equals(field) for field in schema)
    assert [str(kind) for kind in history.leads.schema.types[3:]] == [
        "string",
        "double",
        "double",
        "timestamp[us, tz=UTC]",
    ]
    assert str(history.events.schema.field("depth").type) == "double"


def test_real_tables(shared_data, contract_of):
    """The real sets come in whole, but for the deals won before first contact and the enrolments without a date."""
    bad = {}
    for name in ("olist", "oulad", "cdnow", "online_retail"):
        text = f"path = {str(shared_data / name)!r}\ntimezone = 'UTC'\nleads = {{table = 'leads.parquet'}}\n"
        text += "events = {table = 'events.parquet', columns = {kind = 'type', occurred_at = 'ts'}}\n"
        text += "outcomes = {table = 'outcomes.parquet', columns = {kind = 'outcome', occurred_at = 'ts'}}"
        report = check(contract_of(text)).report
        for table in report.tables:
            assert table.read == table.accepted + table.rejected
            bad |= {(name, table.table, row.reason): row.count for row in table.rejections}
    assert bad == {
        ("olist", "outcomes", "outcome before the lead was created"): 1,
        ("oulad", "leads", "created_at is missing"): 3,
        ("oulad", "outcomes", "unknown lead"): 3,
    }


def test_leads_and_outcomes_of_one_file(shared_data: Path, contract_of):
    """Calls without an event log: month times in file order, outcomes where the column says yes."""
    tie = "tie_step = '1s', columns = "
    checked = check(
        contract_of(
            f"path = {str(shared_data / 'bank_marketing')!r}\ntimezone = 'UTC'\n"
            f"leads = {{table = 'leads.parquet', {tie}{{created_at = 'ym'}}}}\n"
            f"outcomes = {{table = 'leads.parquet', kind = 'won', where = {{y = 'yes'}}, {tie}{{occurred_at = 'ym'}}}}"
        )
    )
    history = checked.history
    assert (history.leads.num_rows, history.events.num_rows, history.outcomes.num_rows) == (41_188, 0, 4_640)
    created = dict(zip(history.leads["lead_id"].to_pylist(), history.leads["created_at"].to_pylist(), strict=True))
    assert all(created[row["lead_id"]] == row["occurred_at"] for row in history.outcomes.to_pylist())
    order = pc.sort_indices(history.leads["created_at"]).to_pylist()
    assert order == sorted(order)
