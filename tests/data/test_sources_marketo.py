"""Marketo as a warehouse loader lands it: leads, activities, changes of values."""

import pytest

from data.errors import SchemaError

LEADS = (
    "\ufeffid,created_at,email,industry,company_id\n1,2024-01-01 08:15:15.000,a,steel,7\n"
    "2,2024-01-02 08:15:15.000,b,,\n"
)
HEAD = "id,lead_id,activity_date,primary_attribute_value,"


def test_activities_become_events(imported, accounts_for, told_events):
    """What marketing sent, what the lead did and what sales sent, each under its own kind; what was skipped is not."""
    when = "2024-02-01 10:00:00.000"
    checked = imported(
        "marketo",
        lead=LEADS,
        activity_send_email=f"{HEAD}action_result\n1,1,{when},News,succeeded\n2,1,{when},News,skipped\n3,1,{when},News,\n",
        activity_open_email=f"{HEAD}x\n4,1,{when},News,\n",
        activity_click_email=f"{HEAD}link\n5,1,{when},News,https://x/pricing\n",
        activity_fill_out_form=f"{HEAD}x\n6,2,{when},Demo,\n",
        activity_send_sales_email=f"{HEAD}x\n7,2,{when},Hi,\n8,99,{when},Hi,\n",
        activity_win_the_lottery=f"{HEAD}x\n9,2,{when},Hi,\n",
    )
    at = ("02-01 10:00", "02-01 10:00")
    assert told_events(checked) == [
        ("1", "email_click", "lead", *at),
        ("1", "email_open", "lead", *at),
        ("1", "email_sent", "marketing", *at),
        ("1", "email_sent", "marketing", *at),
        ("2", "form_submit", "lead", *at),
        ("2", "sales_email", "sales", *at),
    ]
    items = {row["kind"]: row["item"] for row in checked.history.events.to_pylist()}
    assert (items["email_click"], items["form_submit"]) == ("https://x/pricing", "Demo")
    assert accounts_for(checked) == {"activity_send_email": {"an e-mail that was not sent": 1}}
    assert [row["reason"] for row in checked.rejected["events"].to_pylist()] == ["unknown lead"]
    assert "not used, since no fact comes of them: activity_win_the_lottery" in checked.report.notes


def test_merged_and_deleted_leads(imported, accounts_for, told_events):
    """Merged leads go into the survivor, several at once and one after the other; deleted ones are left out."""
    leads = "id,created_at,industry\n" + "".join(f"{at},2024-01-0{at} 00:00:00,\n" for at in range(1, 6))
    merges = 'id,lead_id,merge_ids,activity_date\n1,1,"[2, 3]",2024-02-01\n2,4,[1],2024-03-01\n'
    opens = HEAD + "x\n" + "".join(f"{at},{at},2024-02-0{at} 00:00:00,n,\n" for at in range(1, 6))
    checked = imported(
        "marketo",
        lead=leads,
        activity_merge_leads=merges,
        activity_delete_lead="id,lead_id,activity_date\n1,5,2024-04-01\n2,2,2024-02-01\n3,77,2024-02-01\n",
        activity_open_email=opens + "6,77,2024-02-06,n,\n",
    )
    (lead,) = checked.history.leads.to_pylist()
    assert (lead["lead_id"], f"{lead['created_at']:%d}") == ("4", "01")
    assert [event[0] for event in told_events(checked)] == ["4"] * 4
    assert accounts_for(checked) == {
        "lead": {"merged into another lead": 3, "deleted": 1},
        "activity_open_email": {"of a deleted lead": 2},
    }


def test_changes_of_values(imported, accounts_for):
    """Changes of fields and of scores are known when they happen; who somebody is is not asked."""
    values = "id,lead_id,activity_date,primary_attribute_value,new_value,old_value\n"
    checked = imported(
        "marketo",
        lead=LEADS,
        activity_change_data_value=values
        + "1,1,2024-02-01,Priority,5,4\n2,1,2024-02-02,First Name,x,y\n3,1,2024-02-02,Email,x,y\n",
        activity_change_score=values + "4,2,2024-02-03,Lead Score,12,10\n",
    )
    found = [(row["lead_id"], row["field"], row["value"]) for row in checked.history.changes.to_pylist()]
    assert found == [("1", "priority", "5"), ("2", "lead_score", "12")]
    assert accounts_for(checked) == {"activity_change_data_value": {"a field that says who somebody is": 2}}


def test_what_a_field_was_before_it_changed(imported, accounts_for):
    """Leads whose field never changed keep its value, the others the one before; known since the log begins."""
    leads = "id,created_at,industry\n1,2024-01-01,steel\n2,2024-01-02,paper\n3,2024-03-03,\n4,2024-03-04,coal\n"
    log = "id,lead_id,activity_date,primary_attribute_value,new_value,old_value\n"
    log += "1,1,2024-03-05,Industry,steel,iron\n2,1,2024-02-01,Industry,iron,wood\n3,9,2024-01-15,Priority,1,\n"
    checked = imported("marketo", lead=leads, activity_change_data_value=log)
    rows = checked.history.changes.to_pylist()
    assert sorted((row["lead_id"], f"{row['known_at']:%m-%d}", row["value"]) for row in rows) == [
        ("1", "01-15", "wood"),
        ("1", "02-01", "iron"),
        ("1", "03-05", "steel"),
        ("2", "01-15", "paper"),
        ("4", "03-04", "coal"),
    ]
    accounts_for(checked)


def test_opportunities(imported, told_outcomes, accounts_for):
    """Opportunities are made, and won or lost at their close date; roles say whose they are."""
    table = "id,external_opportunity_id,stage,is_won,is_closed,amount,created_at,close_date,is_deleted\n"
    rows = [
        "1,X1,Signed,TRUE,TRUE,5,2024-02-01,2024-03-01,",
        "2,X2,Out,false,true,,2024-02-01,2024-03-02,",
        "3,X3,Talk,,,,2024-02-01,,",
        "4,X4,Talk,,,,2024-02-01,,1",
        "5,X5,Talk,,,,2024-02-01,,",
    ]
    roles = "external_opportunity_id,lead_id\nX1,1\nX2,2\nX3,2\nX4,2\n"
    checked = imported("marketo", lead=LEADS, opportunity=table + "\n".join(rows) + "\n", opportunity_role=roles)
    assert [row[:3] for row in told_outcomes(checked)] == [
        ("1", "opportunity", "2024-02-01"),
        ("2", "opportunity", "2024-02-01"),
        ("2", "opportunity", "2024-02-01"),
        ("1", "won", "2024-03-01"),
        ("2", "lost", "2024-03-02"),
    ]
    assert accounts_for(checked) == {"opportunity": {"deleted": 1, "a deal of no lead": 1}}


def test_leads_alone(imported):
    """Without opportunities there are no outcomes, and the report says where they may be."""
    checked = imported("marketo", lead=LEADS)
    assert checked.history.leads.to_pylist()[0]["industry"] == "steel"
    assert "there is no table opportunity: no outcomes; take them from your CRM" in checked.report.notes


def test_without_leads(imported):
    """The table of leads has to be there, under its own name: leads is not lead with something behind it."""
    with pytest.raises(SchemaError, match=r"has no table lead\. It has leads"):
        imported("marketo", leads=LEADS)
