"""HubSpot as a warehouse loader lands it: which row becomes what, and where the others went."""

import pytest

from data.errors import SchemaError

SYNC = "2024-06-01 00:00:00"
CONTACTS = (
    "id,_fivetran_deleted,_fivetran_synced,property_email,property_createdate,property_industry,"
    "property_hs_merged_object_ids,property_associatedcompanyid\n"
    f"1,FALSE,{SYNC},Ann@X.com,2024-01-01 9:00:00,steel,,7\n"
    f"2,false,{SYNC},bob@x.com,2024-01-02 10:00:00,,,\n"
)
EMAILS = "id,created,type,recipient,filtered_event,email_campaign_id\n"
DEALS = "deal_id,is_deleted,deal_pipeline_stage_id,property_amount,property_createdate,property_closedate\n"
STAGES = "deal_id,value,date_entered,_fivetran_start\n"
PIPELINE = "stage_id,label,closed_won,is_closed\nw,Signed,TRUE,TRUE\nl,Gone,False,true\no,Talking,false,FALSE\n"
LINKS = "deal_id,contact_id\n10,1\n"


def test_contacts_become_leads(imported, accounts_for):
    """A contact is a lead from its creation on, in UTC, with the usual fields and its company; hours may be short."""
    checked = imported(
        "hubspot", contact=CONTACTS, company="id,is_deleted,property_industry\n7,false,metal\n8,TRUE,x\n"
    )
    ann, bob = checked.history.leads.to_pylist()
    assert (ann["lead_id"], ann["created_at"].isoformat(), ann["account_id"]) == ("1", "2024-01-01T09:00:00+00:00", "7")
    assert (ann["industry"], bob["industry"]) == ("steel", None)
    assert checked.history.accounts.to_pylist() == [{"account_id": "7", "company_industry": "metal"}]
    assert accounts_for(checked) == {"company": {"deleted": 1}}


def test_whatever_a_loader_writes(imported):
    """A byte-order mark, Windows line ends, other cases of names, and columns that nobody knows change nothing."""
    plain = imported("hubspot", contact=CONTACTS).history.leads
    odd = "\ufeffID,_FIVETRAN_DELETED,Property_CreateDate,property_industry,property_hs_all-funky-a9384,x y\r\n"
    odd += "1,False,2024-01-01 09:00:00,steel,23,\r\n2,0,2024-01-02 10:00:00,,,{}\r\n"
    assert imported("hubspot", contact=odd).history.leads.select(plain.column_names[:2]) == plain.select(
        plain.column_names[:2]
    )


@pytest.mark.parametrize("yes", ["true", "TRUE", "True", "1", "t"])
def test_deleted_contacts(imported, accounts_for, yes):
    """A deleted contact is no lead, and what it did is left out with that reason, whatever the spelling of yes."""
    contacts = (
        f"id,_fivetran_deleted,property_createdate,property_email\n1,{yes},2024-01-01,a@x.com\n2,,2024-01-01,b@x.com\n"
    )
    emails = EMAILS + "e1,2024-02-01 00:00:00,OPEN,a@x.com,,\ne2,2024-02-01 00:00:00,OPEN,b@x.com,,\n"
    checked = imported("hubspot", contact=contacts, email_event=emails)
    assert checked.history.leads["lead_id"].to_pylist() == ["2"]
    assert accounts_for(checked) == {"contact": {"deleted": 1}, "email_event": {"of a deleted lead": 1}}


def test_merged_contacts(imported, accounts_for, told_events):
    """What merged contacts did is the survivor's, who exists since the first of them; every row is in the account."""
    contacts = (
        "id,property_createdate,property_email,property_industry,property_hs_merged_object_ids\n"
        "1,2024-03-01,a@x.com,,2; 3\n2,2024-01-01,b@x.com,steel,\n3,2024-02-01,c@x.com,paper,\n4,2024-02-01,d@x.com,,\n"
    )
    audit = "canonical_vid,contact_id,vid_to_merge\n5,5,4\n1,1,5\n"
    emails = EMAILS + "".join(
        f"e{at},2024-04-0{at} 00:00:00,OPEN,{name}@x.com,,\n" for at, name in enumerate("abcd", 1)
    )
    checked = imported("hubspot", contact=contacts, contact_merge_audit=audit, email_event=emails)
    (lead,) = checked.history.leads.to_pylist()
    assert (lead["lead_id"], lead["created_at"].isoformat()) == ("1", "2024-01-01T00:00:00+00:00")
    assert lead["industry"] == "steel"
    assert [event[0] for event in told_events(checked)] == ["1"] * 4
    assert accounts_for(checked) == {"contact": {"merged into another lead": 3}}


def test_merged_ids_with_the_time_of_their_merge(imported, accounts_for):
    """HubSpot writes merged ids with or without the time behind a colon."""
    contacts = "id,property_createdate,property_hs_calculated_merged_vids\n1,2024-01-01,2:1611690416000;3:16116904\n"
    checked = imported("hubspot", contact=contacts + "2,2024-01-01,\n3,2024-01-01,\n")
    assert checked.history.leads["lead_id"].to_pylist() == ["1"]
    assert accounts_for(checked) == {"contact": {"merged into another lead": 2}}


def test_what_was_merged_into_a_deleted_contact(imported, accounts_for):
    """Whoever is deleted is deleted under every id: nothing of a merged record stays behind."""
    contacts = "id,_fivetran_deleted,property_createdate,property_email,property_hs_merged_object_ids\n"
    contacts += "1,TRUE,2024-01-01,a@x.com,2\n2,FALSE,2024-01-01,b@x.com,\n3,FALSE,2024-01-01,c@x.com,\n"
    checked = imported("hubspot", contact=contacts, email_event=EMAILS + "e1,2024-02-01 00:00:00,OPEN,b@x.com,,\n")
    assert checked.history.leads["lead_id"].to_pylist() == ["3"]
    assert accounts_for(checked) == {
        "contact": {"deleted": 1, "merged into a deleted lead": 1},
        "email_event": {"of a deleted lead": 1},
    }


def test_email_events(imported, accounts_for, told_events):
    """Sending is marketing's, opening and clicking the lead's; what machines opened or says nothing is left out."""
    rows = [
        ("SENT", "ann@x.com", ""),
        ("OPEN", "ANN@x.com ", "false"),
        ("CLICK", "ann@x.com", "False"),
        ("OPEN", "ann@x.com", "TRUE"),
        ("PROCESSED", "ann@x.com", ""),
        ("STATUSCHANGE", "ann@x.com", ""),
        ("STATUSCHANGE", "ann@x.com", ""),
        ("OPEN", "nobody@x.com", ""),
    ]
    emails = EMAILS + "".join(
        f"e{at},2024-02-0{at} 5:00:00,{kind},{who},{bot},77\n" for at, (kind, who, bot) in enumerate(rows, 1)
    )
    checked = imported(
        "hubspot",
        contact=CONTACTS,
        email_event=emails,
        email_event_click="id,url\ne3,https://x/pricing\n",
        email_event_status_change="id,portal_subscription_status\ne6,UNSUBSCRIBED\ne7,SUBSCRIBED\n",
    )
    assert told_events(checked) == [
        ("1", "email_sent", "marketing", "02-01 05:00", "02-01 05:00"),
        ("1", "email_open", "lead", "02-02 05:00", "02-02 05:00"),
        ("1", "email_click", "lead", "02-03 05:00", "02-03 05:00"),
        ("1", "email_unsubscribe", "lead", "02-06 05:00", "02-06 05:00"),
    ]
    items = {row["kind"]: row["item"] for row in checked.history.events.to_pylist()}
    assert (items["email_sent"], items["email_click"]) == ("77", "https://x/pricing")
    assert accounts_for(checked) == {
        "email_event": {
            "an open or click that HubSpot holds for a machine's": 1,
            "PROCESSED says nothing about the lead": 1,
            "no unsubscription": 1,
        }
    }
    (bad,) = checked.rejected["events"].to_pylist()
    assert (bad["lead_id"], bad["reason"], bad["source_table"], bad["source_row"]) == (
        "nobody@x.com",
        "unknown lead",
        "email_event",
        "8",
    )


def test_addresses_that_changed(imported, told_events):
    """An e-mail to an older address of a contact is of that contact."""
    contacts = (
        "id,property_createdate,property_email,property_hs_additional_emails\n"
        "1,2024-01-01,new@x.com,old@x.com;older@x.com\n"
    )
    checked = imported("hubspot", contact=contacts, email_event=EMAILS + "e,2024-02-01 00:00:00,OPEN,Older@x.com,,\n")
    assert told_events(checked)[0][:2] == ("1", "email_open")


def test_forms(imported, told_events):
    """A form that somebody sent is the lead's, with the form's title."""
    forms = "timestamp,form_id,contact_id,conversion_id,title\n2024-02-01 10:20:00,f,2,101,Request Demo\n"
    checked = imported("hubspot", contact=CONTACTS, contact_form_submission=forms)
    assert told_events(checked) == [("2", "form_submit", "lead", "02-01 10:20", "02-01 10:20")]
    assert checked.history.events["item"].to_pylist() == ["Request Demo"]


def test_engagements(imported, accounts_for, told_events):
    """Calls, meetings, mails and done tasks are sales', answers and calls of the lead the lead's; for every contact."""
    head = "engagement_id,property_hs_timestamp,property_hs_createdate,"
    two = "2024-02-01 10:00:00,2024-02-03 10:00:00"
    checked = imported(
        "hubspot",
        contact=CONTACTS,
        engagement_contact="engagement_id,contact_id\n" + "".join(f"{at},1\n" for at in range(1, 10)) + "1,2\n1,2\n",
        engagement_call=f"{head}property_hs_call_direction\n1,{two},OUTBOUND\n2,{two},INBOUND\n99,{two},\n",
        engagement_meeting=f"{head}meeting_outcome\n3,{two},COMPLETED\n4,{two},CANCELED\n",
        engagement_email=f"{head}property_hs_email_direction\n5,{two},EMAIL\n6,{two},INCOMING_EMAIL\n",
        engagement_task=f"{head}property_hs_task_status\n7,{two},COMPLETED\n8,{two},NOT_STARTED\n",
        engagement_note=f"{head}x\n9,{two},\n",
    )
    times = ("02-01 10:00", "02-03 10:00")
    assert sorted(told_events(checked)) == [
        ("1", "call", "lead", *times),
        ("1", "call", "sales", *times),
        ("1", "email_reply", "lead", *times),
        ("1", "meeting", "sales", *times),
        ("1", "sales_email", "sales", *times),
        ("1", "task", "sales", *times),
        ("2", "call", "sales", *times),
    ]
    assert accounts_for(checked) == {
        "engagement_call": {"of no lead": 1},
        "engagement_meeting": {"a meeting that was not held": 1},
        "engagement_task": {"a task that is not done": 1},
    }
    assert any("engagement_note" in note for note in checked.report.notes)


def test_the_older_layout_of_engagements(imported, told_events):
    """Where times are kept in the table engagement, they are found there."""
    checked = imported(
        "hubspot",
        contact=CONTACTS,
        engagement="id,type,timestamp,created_at\n1,CALL,2024-02-01 10:00:00,2024-02-01 11:00:00\n",
        engagement_call="engagement_id,body\n1,x\n",
        engagement_meeting="engagement_id,start_time\n2,2024-03-01 10:00:00\n",
        engagement_contact="engagement_id,contact_id\n1,1\n2,1\n",
    )
    assert told_events(checked) == [
        ("1", "call", "sales", "02-01 10:00", "02-01 11:00"),
        ("1", "meeting", "sales", "03-01 10:00", "03-01 10:00"),
    ]


def test_what_is_planned_has_not_happened(imported, accounts_for):
    """A meeting that lies after the loader's last visit is left out, and does not make the history longer."""
    checked = imported(
        "hubspot",
        contact=CONTACTS,
        engagement_meeting="engagement_id,start_time\n1,2024-05-01 10:00:00\n2,2024-07-01 10:00:00\n",
        engagement_contact="engagement_id,contact_id\n1,1\n2,1\n",
    )
    assert checked.history.events.num_rows == 1
    assert accounts_for(checked) == {"engagement_meeting": {"planned for after the last sync": 1}}


def test_stages_say_when_a_deal_was_won(imported, accounts_for, told_outcomes):
    """A deal is an opportunity when it is made, won or lost when it enters such a stage, again if it does so again."""
    deals = DEALS + "10,false,w,500,2024-02-01 00:00:00,2024-09-09 00:00:00\n"
    moves = [("o", "01"), ("w", "05"), ("w", "06"), ("o", "10"), ("l", "15"), ("o", "18"), ("w", "20")]
    stages = STAGES + "".join(f"10,{stage},2024-02-{day} 00:00:00,\n" for stage, day in reversed(moves))
    checked = imported(
        "hubspot", contact=CONTACTS, deal=deals, deal_stage=stages, deal_pipeline_stage=PIPELINE, deal_contact=LINKS
    )
    assert told_outcomes(checked) == [
        ("1", "opportunity", "2024-02-01", 500.0),
        ("1", "won", "2024-02-05", 500.0),
        ("1", "lost", "2024-02-15", 500.0),
        ("1", "won", "2024-02-20", 500.0),
    ]
    assert accounts_for(checked) == {
        "deal_stage": {"a stage that is neither won nor lost": 3, "a stage that changes nothing": 1}
    }


@pytest.mark.parametrize(
    ("more", "kinds"),
    [
        ("", ["opportunity", "won", "lost"]),
        ('won = ["Talking"]', ["opportunity", "won", "lost"]),
        ('won = ["o"]\nlost = ["w"]', ["opportunity", "won", "lost"]),
        ('lost = ["nothing"]', ["opportunity", "won"]),
    ],
)
def test_the_contract_decides_what_stages_mean(imported, told_outcomes, more, kinds):
    """Stages are named by id or label; a list in the contract takes the place of what the stages say."""
    stages = STAGES + "10,o,2024-02-02 00:00:00,\n10,w,2024-02-05 00:00:00,\n10,l,2024-02-15 00:00:00,\n"
    tables = {"deal": DEALS + "10,,,,2024-02-01 00:00:00,\n", "deal_stage": stages, "deal_pipeline_stage": PIPELINE}
    found = told_outcomes(imported("hubspot", more, contact=CONTACTS, deal_contact=LINKS, **tables))
    days = {"": ("05", "15"), 'won = ["Talking"]': ("02", "15"), 'won = ["o"]\nlost = ["w"]': ("02", "05")}
    assert [kind for _, kind, _, _ in found] == kinds
    assert [day[-2:] for _, _, day, _ in found[1:]] == list(days.get(more, ("05",)))


def test_without_a_history_the_close_date_says_when(imported, told_outcomes):
    """The usual names of stages are understood, and the close date is the time of the outcome."""
    deals = (
        DEALS + "10,,closedwon,5,2024-02-01 00:00:00,2024-03-01 00:00:00\n"
        "11,,closedlost,,2024-02-02 00:00:00,2024-03-02 00:00:00\n"
    )
    checked = imported("hubspot", contact=CONTACTS, deal=deals, deal_contact=LINKS + "11,2\n")
    assert [row[:3] for row in told_outcomes(checked)] == [
        ("1", "opportunity", "2024-02-01"),
        ("2", "opportunity", "2024-02-02"),
        ("1", "won", "2024-03-01"),
        ("2", "lost", "2024-03-02"),
    ]


def test_the_history_of_the_property_dealstage(imported, told_outcomes, accounts_for):
    """Where there is no deal_stage, the history of the deal's properties tells the stages."""
    history = (
        "deal_id,name,value,timestamp\n10,dealstage,closedwon,2024-03-05 00:00:00\n10,amount,5,2024-03-06 00:00:00\n"
    )
    deals = DEALS + "10,,closedwon,5,2024-02-01 00:00:00,2024-09-01 00:00:00\n"
    checked = imported("hubspot", contact=CONTACTS, deal=deals, deal_property_history=history, deal_contact=LINKS)
    assert told_outcomes(checked)[-1] == ("1", "won", "2024-03-05", 5.0)
    assert accounts_for(checked) == {"deal_property_history": {"the history of another field than the stage": 1}}


def test_deals_that_are_gone(imported, told_outcomes, accounts_for):
    """Deleted deals, deals of nobody and merged deals are left out with a reason; a merged deal's stages move."""
    deals = DEALS + "".join(
        f"{deal},{gone},,,2024-02-01 00:00:00,\n" for deal, gone in ((10, "f"), (11, "TRUE"), (12, ""), (13, ""))
    )
    stages = (
        STAGES
        + "11,closedwon,2024-03-01 00:00:00,\n13,closedwon,,2024-03-02 00:00:00\n12,closedwon,2024-03-03 00:00:00,\n"
    )
    checked = imported(
        "hubspot",
        contact=CONTACTS,
        deal=deals,
        deal_stage=stages,
        deal_contact=LINKS + "11,1\n",
        merged_deal="deal_id,merged_deal_id\n10,13\n",
    )
    assert [row[:3] for row in told_outcomes(checked)] == [
        ("1", "opportunity", "2024-02-01"),
        ("1", "won", "2024-03-02"),
    ]
    assert accounts_for(checked) == {
        "deal": {"a deal merged into another": 1, "deleted": 1, "a deal of no lead": 1},
        "deal_stage": {"of a deleted deal": 1, "a deal of no lead": 1},
    }


HISTORY = (
    "contact_id,name,value,timestamp\n1,industry,coal,2024-01-01 09:00:00\n1,industry,steel,2024-03-01 00:00:00\n"
    "1,firstname,Ann,2024-01-01 09:00:00\n9,industry,x,2024-01-01 09:00:00\n"
)


def test_fields_with_a_history_are_changes(imported, accounts_for):
    """The history tells what a field was when; what says who somebody is is not read."""
    checked = imported("hubspot", contact=CONTACTS, contact_property_history=HISTORY)
    found = [(row["field"], row["value"], f"{row['known_at']:%m-%d}") for row in checked.history.changes.to_pylist()]
    assert found == [("industry", "coal", "01-01"), ("industry", "steel", "03-01")]
    assert accounts_for(checked) == {"contact_property_history": {"a field that says who somebody is": 1}}
    assert checked.report.tables[-1].rejections[0].example.startswith("row 4 of contact_property_history: lead_id=9")


def test_the_contract_names_the_fields(imported, accounts_for):
    """With attributes only those fields are taken, from contacts and from their history."""
    contacts = "id,property_createdate,property_tier,property_industry\n1,2024-01-01,gold,steel\n"
    checked = imported("hubspot", 'attributes = ["property_tier"]', contact=contacts, contact_property_history=HISTORY)
    assert checked.history.leads.column_names == ["lead_id", "created_at", "account_id", "tier"]
    assert checked.history.changes.num_rows == 0
    assert accounts_for(checked)["contact_property_history"] == {"a field that [source] attributes does not name": 4}


def test_companies_with_a_history(imported, accounts_for):
    """What a company was when is told by its history, under the names of the accounts' attributes."""
    history = (
        "company_id,name,value,timestamp\n7,industry,ore,2023-01-01 00:00:00\n"
        "7,industry,metal,2024-03-01 00:00:00\n7,name,x,2023-01-01 00:00:00\n"
    )
    company = "id,property_industry\n7,metal\n"
    checked = imported("hubspot", contact=CONTACTS, company=company, company_property_history=history)
    told = [(row["account_id"], row["field"], row["value"]) for row in checked.history.account_changes.to_pylist()]
    assert told == [("7", "company_industry", "ore"), ("7", "company_industry", "metal")]
    assert accounts_for(checked) == {"company_property_history": {"a field that is not taken of accounts": 1}}


def test_contacts_alone(imported):
    """Tables that are not there are simply absent, and the report says what follows."""
    checked = imported("hubspot", contact=CONTACTS)
    assert (checked.history.leads.num_rows, checked.history.events.num_rows, checked.history.outcomes.num_rows) == (
        2,
        0,
        0,
    )
    assert "there is no table deal: no outcomes" in checked.report.notes


def test_without_contacts_there_is_nothing(imported):
    """The table of leads has to be there; the error lists those that are."""
    with pytest.raises(SchemaError, match=r"has no table contact\. It has deal\. Mend path"):
        imported("hubspot", deal=DEALS)


def test_a_key_that_is_not_there(imported):
    """A table without its key is one error that names the column."""
    with pytest.raises(SchemaError, match=r"contact has no column 'id', which a table contact has\. It has vid"):
        imported("hubspot", contact="vid,x\n1,2\n")


def test_rows_without_an_id_are_bad_rows(imported, accounts_for):
    """A contact without an id or a time is a bad row, one told twice is a duplicate: nothing disappears."""
    checked = imported("hubspot", contact="id,property_createdate\n,2024-01-01\n1,soon\n2,2024-01-01\n2,2024-01-01\n")
    assert {bad.reason: bad.count for bad in checked.report.tables[0].rejections} == {
        "lead_id is missing": 1,
        "created_at is not a time": 1,
        "duplicated lead_id": 1,
    }
    assert accounts_for(checked) == {}
