"""Mapping: their columns, kinds and rows to ours."""

import pytest

from data.check import check
from data.errors import ContractError, SchemaError
from data.sources.read import read_source

BASE = {
    "leads": '{table = "leads.csv"}',
    "events": '{table = "events.csv"}',
    "outcomes": '{table = "outcomes.csv"}',
}


def source(zone=None, **tables):
    """A [source] section where some tables are mapped otherwise."""
    lines = [f"{name} = {text}" for name, text in {**BASE, **tables}.items()]
    return "\n".join([f'timezone = "{zone}"'] * bool(zone) + lines)


def test_their_names(contract_of, write):
    """Columns are found under their names, or under ours where nothing is said."""
    write(leads="Id,born,account_id\n7,2024-01-01T00:00:00Z,acme\n")
    contract = contract_of(source(leads='{table = "leads.csv", columns = {lead_id = "Id", created_at = "born"}}'))
    assert check(contract).history.leads.to_pylist()[0]["account_id"] == "acme"


def test_a_column_that_is_not_there(contract_of, write):
    """A missing column is named, with the nearest one that is there."""
    write(leads="Lead_Id,created_at\n7,2024-01-01T00:00:00Z\n")
    with pytest.raises(SchemaError, match=r"leads\.csv has no column 'lead_id'\. Did you mean 'Lead_Id'\?"):
        read_source(contract_of())


def test_an_optional_column_that_was_named(contract_of, write):
    """An optional column that the contract names must be there; one that it does not name need not."""
    write()
    with pytest.raises(SchemaError, match="has no column 'amount' for value"):
        read_source(contract_of(source(events='{table = "events.csv", columns = {value = "amount"}}')))


def test_a_column_of_ours_that_does_not_exist(contract_of, write):
    """A mapping for a column that we do not have is an error of the contract."""
    write()
    with pytest.raises(ContractError, match=r"names 'lead', which leads do not have\. Did you mean 'lead_id'\?"):
        read_source(contract_of(source(leads='{table = "leads.csv", columns = {lead = "Id"}}')))


def test_attributes_that_are_not_there(contract_of, write):
    """Each listed attribute must be there."""
    write()
    with pytest.raises(SchemaError, match="has no column 'industry'"):
        read_source(contract_of(source(leads='{table = "leads.csv", attributes = ["industry"]}')))


@pytest.mark.parametrize(
    ("tables", "message"),
    [
        ({"outcomes": '{table = "outcomes.csv", attributes = ["x"]}'}, "outcomes take none"),
        ({"events": '{table = "events.csv", attributes = ["value"]}'}, "a column of its own"),
        ({"events": '{table = "events.csv", kind = "visit", columns = {kind = "k"}}'}, "both kind and columns.kind"),
    ],
    ids=["attributes of outcomes", "attribute that is a column", "two kinds"],
)
def test_mappings_that_contradict_themselves(contract_of, write, tables, message):
    """What cannot be meant is refused before anything is read."""
    write()
    with pytest.raises(ContractError, match=message):
        read_source(contract_of(source(**tables)))


def test_attributes_are_taken_only_when_listed(contract_of, write):
    """Without a list no further column is taken; with one, exactly those."""
    write(leads="lead_id,created_at,size,late\na,2024-01-01T00:00:00Z,5,1\n")
    assert check(contract_of()).history.leads.column_names == ["lead_id", "created_at", "account_id"]
    listed = check(contract_of(source(leads='{table = "leads.csv", attributes = ["size"]}'))).history.leads
    assert listed.to_pylist()[0]["size"] == 5.0
    assert "late" not in listed.column_names


def test_kinds(contract_of, write):
    """A constant kind needs no column; renamed kinds are ours, the others keep their name."""
    write(events="lead_id,occurred_at,kind\na,2024-01-02T00:00:00Z,EMAIL_OPEN\na,2024-01-03T00:00:00Z,call\n")
    renamed = contract_of(source(events='{table = "events.csv", kinds = {EMAIL_OPEN = "open"}}'))
    assert check(renamed).history.events["kind"].to_pylist() == ["open", "call"]
    constant = contract_of(source(events='{table = "events.csv", kind = "visit"}'))
    assert check(constant).history.events["kind"].to_pylist() == ["visit", "visit"]


def test_what_is_absent_has_a_meaning(contract_of, write):
    """Without a column, known_at is occurred_at, the actor is the lead, and an event has no id."""
    write(events="lead_id,occurred_at,kind\na,2024-01-02T00:00:00Z,open\n")
    event = check(contract_of()).history.events.to_pylist()[0]
    assert event["known_at"] == event["occurred_at"]
    assert (event["actor"], event["event_id"], event["value"], event["item"]) == ("lead", None, None, None)


@pytest.mark.parametrize(
    ("where", "rows"),
    [
        ('{y = "yes"}', ["1", "3"]),
        ('{y = ["yes", "maybe"]}', ["1", "3", "4"]),
        ("{n = 2}", ["2", "3"]),
        ("{n = 2.0}", ["2", "3"]),
        ("{b = true}", ["1", "4"]),
        ("{b = false}", ["2"]),
        ('{y = "yes", n = 2}', ["3"]),
    ],
)
def test_where(contract_of, write, where, rows):
    """Only the rows whose columns say so are read; the others are counted, not rejected."""
    cells = ["1,yes,1,true", "2,no,2,False", "3,yes,2.0,", "4,maybe,,TRUE"]
    write(leads="lead_id,y,n,b,created_at\n" + "".join(f"{cell},2024-01-01T00:00:00Z\n" for cell in cells))
    checked = check(contract_of(source(leads=f'{{table = "leads.csv", where = {where}}}')))
    assert checked.history.leads["lead_id"].to_pylist() == rows
    assert checked.report.tables[0].not_selected == 4 - len(rows)
    assert checked.report.tables[0].read == len(rows)


def test_row_numbers_count_unselected_rows(contract_of, write):
    """An example gives the number of the row in its file, whatever ``where`` left out before it."""
    write(leads="lead_id,y,created_at\na,no,2024-01-01T00:00:00Z\nb,yes,soon\nc,yes,2024-01-01T00:00:00Z\n")
    checked = check(contract_of(source(leads='{table = "leads.csv", where = {y = "yes"}}')))
    assert checked.report.tables[0].rejections[0].example.startswith("row 2: lead_id=b")


def test_outcomes_from_the_leads_file(contract_of, write):
    """Leads and outcomes may be two readings of one file and one column, and the same tie_step shifts both alike."""
    write(leads="lead_id,ym,y\na,2008-05,no\nb,2008-05,yes\nc,2008-06,no\nd,2008-05,yes\n")
    tie = 'tie_step = "1s"'
    contract = contract_of(
        source(
            "UTC",
            leads=f'{{table = "leads.csv", columns = {{created_at = "ym"}}, {tie}}}',
            outcomes='{table = "leads.csv", columns = {occurred_at = "ym"}, kind = "won", where = {y = "yes"}, '
            f"{tie}}}",
        )
    )
    history = check(contract).history
    created = {row["lead_id"]: row["created_at"].isoformat() for row in history.leads.to_pylist()}
    assert created == {
        "a": "2008-05-01T00:00:00+00:00",
        "b": "2008-05-01T00:00:01+00:00",
        "c": "2008-06-01T00:00:00+00:00",
        "d": "2008-05-01T00:00:02+00:00",
    }
    won = {row["lead_id"]: row["occurred_at"].isoformat() for row in history.outcomes.to_pylist()}
    assert won == {lead: created[lead] for lead in ("b", "d")}
