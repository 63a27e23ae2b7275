"""Salesforce as a warehouse loader lands it: leads and contacts are people, opportunities outcomes."""

import pytest

from data.errors import SchemaError

LEADS = (
    "id,is_deleted,created_date,industry,lead_source,is_converted,converted_contact_id,converted_opportunity_id,"
    "converted_account_id,master_record_id,email_c\n"
)
ONE_LEAD = LEADS + "L1,FALSE,2024-01-01 00:00:00,steel,web,TRUE,C1,O1,A1,,x\n"
CONTACTS = "id,is_deleted,created_date,account_id,department,title,master_record_id\n"
TWO_CONTACTS = CONTACTS + "C1,FALSE,2024-02-01 00:00:00,A1,IT,CTO,\nC2,false,2024-01-15 00:00:00,A1,HR,CEO,\n"
OPPORTUNITIES = (
    "id,account_id,is_deleted,is_won,is_closed,stage_name,amount,created_date,close_date,last_modified_date,"
    "_fivetran_synced\n"
)


def opportunity(key, account="", stage="Won", won="true", closed="true", close="2024-04-01 00:00:00", amount="9"):
    """One row of opportunities, made on 1 March."""
    return (
        f"{key},{account},false,{won},{closed},{stage},{amount},2024-03-01 00:00:00,{close},"
        f"2024-05-05 00:00:00,2024-06-01 00:00:00\n"
    )


def test_a_converted_lead_and_its_contact_are_one(imported, accounts_for, told_events):
    """One person under the contact's id, created as a lead, with the lead's fields and no account of its own yet."""
    tasks = "id,who_id,is_closed,completed_date_time,created_date,task_subtype\n"
    tasks += "T1,L1,TRUE,2024-01-05 00:00:00,2024-01-04 00:00:00,Call\nT2,C1,true,2024-02-05 00:00:00,,Email\n"
    checked = imported("salesforce", lead=ONE_LEAD, contact=TWO_CONTACTS, task=tasks)
    people = {row["lead_id"]: row for row in checked.history.leads.to_pylist()}
    assert sorted(people) == ["C1", "C2"]
    assert f"{people['C1']['created_at']:%m-%d}" == "01-01"
    assert (people["C1"]["industry"], people["C1"]["department"], people["C1"]["account_id"]) == ("steel", None, None)
    assert (people["C2"]["department"], people["C2"]["account_id"]) == ("HR", "A1")
    assert [event[:2] for event in told_events(checked)] == [("C1", "call"), ("C1", "sales_email")]
    assert accounts_for(checked) == {"lead": {"merged into another lead": 1}}


def test_a_converted_lead_whose_contact_is_not_there(imported):
    """Its id is the contact's all the same, so that what happened later is still its own."""
    checked = imported("salesforce", lead=ONE_LEAD)
    assert checked.history.leads["lead_id"].to_pylist() == ["C1"]


def test_merged_and_deleted_records(imported, accounts_for):
    """A record merged into another is deleted at the source, but lives on in that; only a deleted one is gone."""
    leads = LEADS + "L1,TRUE,2024-01-01,steel,,,,,,L2,\nL2,false,2024-02-01,,,,,,,,\nL3,True,2024-02-01,,,,,,,,\n"
    events = (
        "id,who_id,start_date_time,created_date,is_child\nE1,L1,2024-03-01,2024-02-20,\nE2,L3,2024-03-01,,\n"
        "E3,L2,2024-03-01,,TRUE\n"
    )
    checked = imported("salesforce", lead=leads, event=events)
    (lead,) = checked.history.leads.to_pylist()
    assert (lead["lead_id"], f"{lead['created_at']:%m-%d}", lead["industry"]) == ("L2", "01-01", "steel")
    assert checked.history.events["lead_id"].to_pylist() == ["L2"]
    assert accounts_for(checked) == {
        "lead": {"merged into another lead": 1, "deleted": 1},
        "event": {"of a deleted lead": 1, "an invitee's copy of a meeting": 1},
    }


def test_activities(imported, accounts_for, told_events):
    """Tasks that are done, meetings and answers to campaigns, each with its actor; late logs are known late."""
    tasks = "id,who_id,is_closed,activity_date,created_date,task_subtype,call_type,type,_fivetran_active\n"
    rows = ["Call,,", "Call,Inbound,", ",,Call", "ListEmail,,", "Task,,Meeting"]
    tasks += "".join(
        f"T{at},C2,TRUE,2024-02-0{at},2024-02-0{at} 17:00:00,{row},true\n" for at, row in enumerate(rows, 1)
    )
    tasks += "T8,C2,FALSE,2024-02-08,,,,,true\nT9,C2,TRUE,2024-02-09,,,,,false\nT7,,TRUE,2024-02-09,,,,,true\n"
    members = (
        "id,lead_id,contact_id,campaign_id,has_responded,first_responded_date\nM1,,C2,K,TRUE,2024-02-07\n"
        "M2,,C2,K,FALSE,\n"
    )
    checked = imported("salesforce", contact=TWO_CONTACTS, task=tasks, campaign_member=members)
    assert told_events(checked) == [
        ("C2", "call", "sales", "02-01 00:00", "02-01 17:00"),
        ("C2", "call", "lead", "02-02 00:00", "02-02 17:00"),
        ("C2", "call", "sales", "02-03 00:00", "02-03 17:00"),
        ("C2", "email_sent", "marketing", "02-04 00:00", "02-04 17:00"),
        ("C2", "meeting", "sales", "02-05 00:00", "02-05 17:00"),
        ("C2", "campaign_response", "lead", "02-07 00:00", "02-07 00:00"),
    ]
    assert accounts_for(checked) == {
        "task": {"a task that is not done": 1, "an earlier version of a record": 1},
        "campaign_member": {"a member that has not responded": 1},
    }
    assert [row["reason"] for row in checked.rejected["events"].to_pylist()] == ["lead_id is missing"]


def test_whose_an_opportunity_is(imported, told_outcomes):
    """Contact roles and conversions say whose it is; without them, every contact that the account had by then."""
    roles = "opportunity_id,contact_id,is_deleted\nO2,C2,false\nO2,C1,TRUE\n"
    contacts = TWO_CONTACTS + "C3,false,2024-03-02 00:00:00,A1,,,\nC4,false,2024-01-15 00:00:00,A1,,,\n"
    rows = opportunity("O1", "A1") + opportunity("O2", "A1") + opportunity("O3", "A1", amount="3")
    checked = imported(
        "salesforce", lead=ONE_LEAD, contact=contacts, opportunity=OPPORTUNITIES + rows, opportunity_contact_role=roles
    )
    won = [(lead, value) for lead, kind, _, value in told_outcomes(checked) if kind == "won"]
    assert sorted(won) == [("C1", 3.0), ("C1", 9.0), ("C2", 3.0), ("C2", 9.0), ("C4", 3.0)]
    assert any(note.startswith("1 opportunities have no contact role") for note in checked.report.notes)


ROLE = "opportunity_id,contact_id\nO1,C2\n"


@pytest.mark.parametrize(
    ("tables", "won"),
    [
        ({}, "2024-04-01"),
        (
            {"opportunity_history": "opportunity_id,stage_name,created_date\nO1,Talk,2024-03-01\nO1,Won,2024-03-20\n"},
            "2024-03-20",
        ),
        (
            {
                "opportunity_field_history": "opportunity_id,field,new_value,created_date\n"
                "O1,StageName,Won,2024-03-21\nO1,Amount,5,2024-03-22\n"
            },
            "2024-03-21",
        ),
        (
            {
                "opportunity_history": "id,stage_name,is_won,is_closed,amount,_fivetran_start\n"
                "O1,Won,true,true,9,2024-03-22\nO1,Talk,false,false,,2024-03-02\n"
            },
            "2024-03-22",
        ),
        (
            {"opportunity_history": "id,stage_name,is_won,is_closed,_fivetran_start\nO1,Won,true,true,2024-05-22\n"},
            "2024-04-01",
        ),
    ],
    ids=["close date", "own history", "field history", "versions", "versions that begin with the end"],
)
def test_when_an_opportunity_was_won(imported, told_outcomes, accounts_for, tables, won):
    """A history of stages says when; without one, or where it begins too late, the close date does."""
    checked = imported(
        "salesforce",
        contact=TWO_CONTACTS,
        opportunity=OPPORTUNITIES + opportunity("O1"),
        opportunity_contact_role=ROLE,
        **tables,
    )
    assert [row[1:] for row in told_outcomes(checked)] == [("opportunity", "2024-03-01", 9.0), ("won", won, 9.0)]
    accounts_for(checked)


@pytest.mark.parametrize(("close", "day"), [("2024-02-01 00:00:00", "03-01"), ("2024-12-31 00:00:00", "05-05")])
def test_close_dates_that_cannot_be(imported, told_outcomes, close, day):
    """Nothing is won before it was made, nor after the last sync: then it was won when it was last changed."""
    table = OPPORTUNITIES + opportunity("O1", close=close)
    checked = imported("salesforce", contact=TWO_CONTACTS, opportunity=table, opportunity_contact_role=ROLE)
    assert ("C2", "won", f"2024-{day}", 9.0) in told_outcomes(checked)


def test_the_meaning_of_stages(imported, told_outcomes):
    """Lost is closed and not won; the table of stages and the contract say more than the flags."""
    rows = (
        OPPORTUNITIES
        + opportunity("O1", stage="Out", won="false")
        + opportunity("O2", stage="Talk", won="0", closed="0")
    )
    tables = {"contact": TWO_CONTACTS, "opportunity": rows, "opportunity_contact_role": ROLE + "O2,C2\n"}
    assert [row[1] for row in told_outcomes(imported("salesforce", **tables))] == ["opportunity", "opportunity", "lost"]
    listed = told_outcomes(imported("salesforce", 'won = ["talk"]\nlost = ["none"]', **tables))
    assert [row[1] for row in listed] == ["opportunity", "opportunity", "won"]
    stages = "api_name,is_won,is_closed\nTalk,FALSE,TRUE\n"
    told = told_outcomes(imported("salesforce", **tables, opportunity_stage=stages))
    assert [row[1] for row in told] == ["opportunity", "opportunity", "lost", "lost"]


def test_opportunities_that_are_gone(imported, accounts_for):
    """Deleted ones, earlier versions and those of nobody are left out, each with its reason, their stages too."""
    table = OPPORTUNITIES.replace("id,", "id,_fivetran_active,", 1)
    rows = [opportunity("O1").replace("O1,", "O1,true,"), opportunity("O2").replace("O2,", "O2,false,")]
    rows.append(opportunity("O3").replace("O3,", "O3,,").replace("false", "TRUE", 1))
    history = "opportunity_id,stage_name,created_date\nO3,Won,2024-03-20\n"
    checked = imported(
        "salesforce", contact=TWO_CONTACTS, opportunity=table + "".join(rows), opportunity_history=history
    )
    assert checked.history.outcomes.num_rows == 0
    assert accounts_for(checked) == {
        "opportunity": {"an earlier version of a record": 1, "deleted": 1, "a deal of no lead": 1},
        "opportunity_history": {"of a deleted deal": 1},
    }


def test_versions_of_contacts_are_changes(imported, accounts_for):
    """The first version tells all fields, a later one those that differ, each from its start on."""
    versions = "id,title,department,email,_fivetran_start,_fivetran_end,_fivetran_active\n"
    versions += (
        "C2,CEO,HR,b,2024-03-01 00:00:00,9999-12-31 23:59:59,true\nC2,CFO,HR,a,2024-02-01 00:00:00,2024-02-29,false\n"
    )
    versions += "C2,CEO,HR,c,2024-04-01 00:00:00,9999-12-31 23:59:59,true\n"
    checked = imported("salesforce", contact=TWO_CONTACTS, contact_history=versions)
    changes = sorted((f"{r['known_at']:%m-%d}", r["field"], r["value"]) for r in checked.history.changes.to_pylist())
    assert changes == [("02-01", "department", "HR"), ("02-01", "title", "CFO"), ("03-01", "title", "CEO")]
    assert accounts_for(checked) == {"contact_history": {"a version that differs in no attribute": 1}}


def test_salesforce_s_own_history_of_fields(imported):
    """Its names of fields become the loader's names of columns, and the first old value is where a lead began."""
    history = "id,lead_id,field,old_value,new_value,created_date\nH1,L1,LeadSource,web,event,2024-01-05 00:00:00\n"
    history += "H2,L1,Email,a,b,2024-01-05 00:00:00\n"
    checked = imported("salesforce", lead=ONE_LEAD, lead_history=history)
    changes = [(row["lead_id"], row["field"], row["value"]) for row in checked.history.changes.to_pylist()]
    assert changes == [("C1", "lead_source", "event"), ("C1", "lead_source", "web")]


def test_accounts(imported, accounts_for):
    """Accounts that live, in their present version."""
    accounts = "id,is_deleted,_fivetran_active,industry\nA1,FALSE,TRUE,steel\nA2,TRUE,TRUE,\nA1,FALSE,FALSE,coal\n"
    checked = imported("salesforce", contact=TWO_CONTACTS, account=accounts)
    assert checked.history.accounts.to_pylist() == [{"account_id": "A1", "account_industry": "steel"}]
    assert accounts_for(checked) == {"account": {"deleted": 1, "an earlier version of a record": 1}}


OWN_HISTORY = "id,account_id,field,old_value,new_value,created_date\nH1,A1,Industry,,coal,2024-01-01\n"


@pytest.mark.parametrize(
    ("history", "left_out"),
    [
        (
            "id,industry,name,_fivetran_start\nA1,coal,x,2024-01-01\nA1,steel,x,2024-02-01\nA1,steel,y,2024-03-01\n",
            "a version that differs in no attribute",
        ),
        (
            OWN_HISTORY + "H2,A1,Industry,coal,steel,2024-02-01\nH3,A1,Name,x,y,2024-03-01\n",
            "a field that is not taken of accounts",
        ),
    ],
    ids=["versions", "own history"],
)
def test_accounts_with_a_history(imported, accounts_for, history, left_out):
    """What an account was when is told by either history."""
    accounts = "id,industry\nA1,steel\n"
    checked = imported("salesforce", contact=TWO_CONTACTS, account=accounts, account_history=history)
    told = [(row["field"], row["value"], row["known_at"].month) for row in checked.history.account_changes.to_pylist()]
    assert told == [("account_industry", "coal", 1), ("account_industry", "steel", 2)]
    assert accounts_for(checked) == {"account_history": {left_out: 1}}


def test_neither_leads_nor_contacts(imported):
    """One of the two tables has to be there."""
    with pytest.raises(SchemaError, match="has no table contact or lead"):
        imported("salesforce", task="id\n")
