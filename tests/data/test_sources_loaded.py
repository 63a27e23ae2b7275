"""Exports of a warehouse loader, whatever the platform: where their tables are, and that every row is accounted for."""

import csv
import json

import polars as pl
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data.check import check
from data.contract import parse_contract
from data.errors import ContractError, SchemaError
from data.sources.loaded import PLATFORMS
from data.sources.loading.people import surviving

READY = '[ready]\noutcome = ["won"]\nterminal = ["won", "lost"]\nhorizons = ["30d"]\nprimary = "30d"\n'
EXPORTS = {
    "hubspot": {
        "contact": "id,_fivetran_deleted,_fivetran_synced,property_createdate,property_email,property_industry,"
        "property_annualrevenue\n"
        "1,false,2024-06-01 00:00:00,2024-01-01 09:00:00,a@x.com,steel,1000\n"
        "2,true,2024-06-01 00:00:00,2024-01-02 00:00:00,b@x.com,,\n"
        "3,,2024-06-01 00:00:00,2024-01-03 00:00:00,c@x.com,,20\n",
        "contact_merge_audit": "canonical_vid,vid_to_merge\n1,3\n",
        "email_event": "id,created,type,recipient,filtered_event\ne1,2024-02-01 10:00:00.123,OPEN,a@x.com,false\n"
        "e2,2024-02-02 10:00:00,CLICK,c@x.com,\ne3,2024-02-03 10:00:00,OPEN,b@x.com,\n"
        "e4,2024-02-03 10:00:00,OPEN,z@x.com,true\n",
        "deal": "deal_id,is_deleted,property_amount,property_createdate\n10,false,500.5,2024-02-01 00:00:00\n",
        "deal_stage": "deal_id,value,date_entered\n10,closedwon,2024-03-01 00:00:00\n",
        "deal_contact": "deal_id,contact_id\n10,1\n10,3\n",
        "contact_property_history": "contact_id,name,value,timestamp\n3,industry,coal,2024-01-03 00:00:00\n",
    },
    "salesforce": {
        "lead": "id,is_deleted,created_date,industry,converted_contact_id,number_of_employees\n"
        "L1,false,2024-01-01 00:00:00,steel,C1,70\nL2,true,2024-01-01 00:00:00,,,\n",
        "contact": "id,is_deleted,created_date,account_id,title\nC1,false,2024-02-01 00:00:00,A1,CTO\n",
        "task": "id,who_id,is_closed,activity_date,created_date\nT1,L1,true,2024-01-05 00:00:00,2024-01-06 00:00:00\n",
        "opportunity": "id,account_id,is_won,is_closed,stage_name,amount,created_date,close_date\n"
        "O1,A1,true,true,Won,12,2024-03-01 00:00:00,2024-04-01 00:00:00\n",
        "account": "id,is_deleted,annual_revenue\nA1,false,1e6\n",
    },
    "marketo": {
        "lead": "id,created_at,country\n1,2024-01-01 00:00:00.000,DE\n2,2024-01-02 00:00:00.000,\n",
        "activity_open_email": "id,lead_id,activity_date,primary_attribute_value\n7,1,2024-02-01 00:00:00.000,News\n"
        "8,2,2024-02-02 00:00:00.000,\n",
        "activity_merge_leads": "id,lead_id,merge_ids,activity_date\n9,1,[2],2024-02-03 00:00:00.000\n",
        "activity_change_data_value": "id,lead_id,activity_date,primary_attribute_value,new_value\n"
        "5,2,2024-02-01 00:00:00.000,Priority,3\n",
    },
}
BOOLEANS = ("is_", "_deleted", "filtered_event")


def typed(text):
    """A table as a warehouse has it: ids and numbers, booleans and times in columns of their types."""
    frame = pl.read_csv(text.encode(), infer_schema=False)
    for name in frame.columns:
        column = frame[name]
        if column.str.contains(r"^\d{4}-\d\d-\d\d ").any():
            frame = frame.with_columns(column.str.to_datetime("%Y-%m-%d %H:%M:%S%.f", time_unit="us"))
        elif any(word in name for word in BOOLEANS):
            frame = frame.with_columns((column == "true").alias(name))
        elif column.drop_nulls().str.contains(r"^\d[\d.e]*$").all() and column.drop_nulls().len():
            whole = column.drop_nulls().str.contains(r"^\d+$").all()
            frame = frame.with_columns(column.cast(pl.Int64 if whole else pl.Float64))
    return frame


def land(form, tables, folder, url):
    """Lands an export as files or as a schema of a database; the [source] section without its kind."""
    if form in {"csv", "parquet", "parts"}:
        for name, text in tables.items():
            frame = typed(text)
            if form == "csv":
                (folder / f"{name}.csv").write_text(text)
            elif form == "parquet":
                frame.write_parquet(folder / f"{name.upper()}.parquet")
            else:
                (folder / name).mkdir()
                frame[:1].write_parquet(folder / name / "part-0.parquet")
                frame[1:].write_parquet(folder / name / "part-1.parquet")
        return 'path = "."'
    schema = "crm_export" if form == "postgres" else None
    engine = sa.create_engine(url if schema else f"sqlite:///{folder}/crm.db")
    types = {pl.Int64: sa.BigInteger, pl.Float64: sa.Numeric, pl.Boolean: sa.Boolean, pl.String: sa.Text}
    with engine.begin() as connection:
        if schema:
            connection.execute(sa.text(f"DROP SCHEMA IF EXISTS {schema} CASCADE"))
            connection.execute(sa.text(f"CREATE SCHEMA {schema}"))
        for name, text in tables.items():
            frame = typed(text)
            columns = [sa.Column(n, types.get(kind.base_type(), sa.DateTime)) for n, kind in frame.schema.items()]
            table = sa.Table(name, sa.MetaData(schema=schema), *columns)
            table.create(connection)
            connection.execute(table.insert(), frame.to_dicts())
    engine.dispose()
    return f'url = "{url}"\nschema = "{schema}"' if schema else 'url = "sqlite:///crm.db"'


def content(checked):
    """The good rows and the counts, in an order of their own."""
    tables = {name: getattr(checked.history, name) for name in ("leads", "events", "outcomes", "changes", "accounts")}
    rows = {
        name: (sorted(table.column_names), sorted(map(str, table.select(sorted(table.column_names)).to_pylist())))
        for name, table in tables.items()
    }
    parts = [
        (t.table, p.origin.lower(), p.read, p.used, p.made, p.bad, sorted(p.left_out.items()))
        for t in checked.report.tables
        for p in t.parts
    ]
    return rows, sorted(parts, key=str)


@pytest.mark.parametrize("kind", EXPORTS)
@pytest.mark.parametrize("form", ["parquet", "parts", "sqlite", "postgres"])
def test_the_same_facts_from_every_place(tmp_path, kind, form, request, accounts_for):
    """Typed files, folders of parts, SQLite and a schema of PostgreSQL give the facts and counts of CSV."""
    url = request.getfixturevalue("postgres_url") if form == "postgres" else None
    found = []
    for each in ("csv", form):
        folder = tmp_path / each
        folder.mkdir()
        source = land(each, EXPORTS[kind], folder, url)
        found.append(check(parse_contract(f'{READY}[source]\nkind = "{kind}"\n{source}\n', folder)))
        accounts_for(found[-1])
    assert content(found[0]) == content(found[1])
    assert found[0].history.leads.num_rows
    assert found[0].history.events.num_rows


@pytest.mark.parametrize(("before", "after"), [("", ""), ("", "_data"), ("mk_", ""), ("RAW.", "-2024")])
def test_names_with_something_around_them(tmp_path, before, after):
    """What stands before and after the loader's names is found out, in any case of letters."""
    for name, text in EXPORTS["marketo"].items():
        (tmp_path / f"{before}{name}{after}.csv").write_text(text)
    assert check(parse_contract(f'{READY}[source]\nkind = "marketo"\n', tmp_path)).history.events.num_rows == 2


def test_the_contract_says_what_stands_around_names(imported):
    """Of two exports in one folder the contract chooses one."""
    old = {f"old_{name}": text.replace("2024", "2023") for name, text in EXPORTS["marketo"].items()}
    years = [
        imported("marketo", more, **EXPORTS["marketo"], **old).history.leads["created_at"][0].as_py().year
        for more in ("", 'prefix = "OLD_"')
    ]
    assert years == [2024, 2023]


def test_one_table_twice(imported):
    """A table that is there in two files is an error, not the first of them."""
    with pytest.raises(SchemaError, match="has both LEAD and lead"):
        imported("marketo", lead=EXPORTS["marketo"]["lead"], LEAD=EXPORTS["marketo"]["lead"])


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ('kind = "hubspot"\nleads = {table = "x"}', "kind = 'hubspot' knows its tables, but [source.leads] maps one"),
        (
            'won = ["x"]\nleads = {table = "x"}\noutcomes = {table = "x"}',
            "won belongs to kind = 'hubspot' or 'salesforce'",
        ),
        ('kind = "segment"\nprefix = "x"', "prefix belongs to kind = 'hubspot' or 'salesforce' or 'marketo'"),
        ('kind = "segment"\nurl = "sqlite:///x"', "url belongs to kind = 'database' or 'store' and to loaders' tables"),
        ('kind = "hubspot"\nschema = "x"', "schema names a part of a database: give its url too"),
        ('leads = {table = "x"}', "[source.outcomes] is missing. Add it"),
        ('kind = "hubspt"', "source.kind is 'hubspt'"),
    ],
)
def test_contracts_that_contradict_themselves(tmp_path, source, sentence):
    """An importer brings its tables, and its keys belong to it alone: each mistake is one sentence."""
    with pytest.raises(ContractError) as caught:
        parse_contract(f"{READY}[source]\n{source}\n", tmp_path)
    assert sentence in str(caught.value)


@pytest.mark.parametrize("name", ["property_industry", "industry", "Industry"])
def test_fields_by_either_name(imported, name):
    """A field may be named as the loader names its column, or as the platform does."""
    checked = imported("hubspot", f'attributes = ["{name}"]', **EXPORTS["hubspot"])
    assert checked.history.leads["industry"].to_pylist() == ["steel"]
    assert checked.history.changes.num_rows == 1


def test_fields_that_are_not_there(imported):
    """A field that nobody has is an error with the nearest name; where there are histories it may be in those alone."""
    tables = {"contact": EXPORTS["hubspot"]["contact"]}
    with pytest.raises(
        SchemaError, match=r"no column 'industri' in contact\. Did you mean 'property_industry'\? Mend attributes"
    ):
        imported("hubspot", 'attributes = ["industri"]', **tables)
    report = imported("hubspot", 'attributes = ["stage"]', **EXPORTS["hubspot"]).report
    assert any("looked for in the history of fields alone" in note for note in report.notes)


def test_another_zone(imported):
    """Times are UTC unless the contract says otherwise."""
    hours = [
        imported("marketo", more, **EXPORTS["marketo"]).history.leads["created_at"][0].as_py().hour
        for more in ("", 'timezone = "Etc/GMT+5"')
    ]
    assert hours == [0, 5]


def test_a_folder_that_is_not_there(tmp_path):
    """A wrong path is one sentence."""
    with pytest.raises(SchemaError, match=r"There is no folder .*nowhere\. Mend path"):
        check(parse_contract(f'{READY}[source]\nkind = "hubspot"\npath = "nowhere"\n', tmp_path))


@pytest.mark.parametrize("kind", EXPORTS)
def test_real_exports_add_up(shared_data, kind, accounts_for):
    """Every row of every table is used, left out with a reason, looked up in, or in a table that is not used."""
    folder = shared_data / "crm_exports" / kind
    checked = check(parse_contract(f'{READY}[source]\nkind = "{kind}"\npath = "{folder}"\n', folder))
    accounts_for(checked)
    read: dict[str, set[int]] = {}
    for table in checked.report.tables:
        for part in table.parts:
            read.setdefault(part.origin, set()).add(part.read)
    notes = " ".join(checked.report.notes).replace(",", " ").split()
    for path in sorted(folder.glob("*.csv")):
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = sum(1 for _ in csv.DictReader(file))
        assert read.get(path.stem) == {rows} or path.stem in notes, path.name
    assert checked.history.leads.num_rows > 0


def test_what_real_exports_hold(shared_data):
    """Counts of each platform that can be told from the files by counting lines."""
    counts = {}
    for kind in EXPORTS:
        folder = shared_data / "crm_exports" / kind
        report = check(parse_contract(f'{READY}[source]\nkind = "{kind}"\npath = "{folder}"\n', folder)).report
        counts[kind] = {table.table: (table.accepted, table.rejected, table.not_selected) for table in report.tables}
    assert counts["hubspot"]["leads"] == (19, 0, 3)
    assert counts["hubspot"]["accounts"] == (24, 0, 0)
    assert counts["salesforce"]["leads"] == (5, 0, 0)
    assert counts["salesforce"]["accounts"] == (1, 0, 9)
    assert counts["marketo"]["leads"] == (100, 0, 0)
    assert counts["marketo"]["events"] == (0, 595, 5)


def test_the_report_tells_what_was_left_out(imported):
    """People read each reason with its table, machines the whole account of every table."""
    report = imported("hubspot", **EXPORTS["hubspot"]).report
    assert report.rows()[:4] == [
        ("leads", "read", "1", "hubspot: contact"),
        ("", "not selected", "2", "see the tables of the export"),
        ("", "left out: deleted", "1", "contact"),
        ("", "left out: merged into another lead", "1", "contact"),
    ]
    (part,) = json.loads(report.to_json())["tables"][0]["parts"]
    left = {"merged into another lead": 1, "deleted": 1}
    assert part == {"origin": "contact", "read": 3, "used": 1, "made": 1, "bad": 0, "left_out": left}


def test_every_table_is_declared_once():
    """No platform reads a table for nothing: each of its tables belongs to a kind of fact."""
    for kind, platform in PLATFORMS.items():
        assert set(EXPORTS[kind]) <= set(platform.known)
        assert all(name in platform.known for names in platform.required for name in names)


contact = st.tuples(
    st.sampled_from(["1", "2", "3", "4", ""]),
    st.sampled_from(["TRUE", "false", "1", "0", ""]),
    st.sampled_from(["2024-01-01 1:00:00", "2024-02-01", "", "soon"]),
    st.sampled_from(["a@x.com", "B@x.com", "", "c@x.com;a@x.com"]),
    st.sampled_from(["", "2", "2;3", "1; 4;", "9"]),
)
email = st.tuples(
    st.sampled_from(["2024-03-01 2:00:00", "", "x", "2030-01-01 00:00:00"]),
    st.sampled_from(["OPEN", "click", "PROCESSED", ""]),
    st.sampled_from(["a@x.com", "b@X.com ", "z@x.com", ""]),
    st.sampled_from(["true", "False", ""]),
)
stage = st.tuples(
    st.sampled_from(["7", "8", "9", ""]),
    st.sampled_from(["closedwon", "closedlost", "open", ""]),
    st.sampled_from(["2024-03-01", "2024-04-01", "", "x"]),
)
link = st.tuples(st.sampled_from(["7", "8", "9", ""]), st.sampled_from(["1", "2", "3", "4", "5", ""]))


def written(head, rows):
    """Rows as CSV."""
    return "\n".join([head, *(",".join(row) for row in rows)]) + "\n"


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_whatever_an_export_holds_it_adds_up(imported, accounts_for, drawn):
    """Merged, deleted, broken and doubled rows in any mixture: every row is accounted for, and nobody deleted acts."""
    many = {
        name: drawn.draw(st.lists(kind, max_size=8))
        for name, kind in (("c", contact), ("e", email), ("s", stage), ("l", link))
    }
    deals = [
        (deal, drawn.draw(st.sampled_from(["TRUE", "", "f"])), "closedwon", "2024-02-01", "2024-05-01")
        for deal in "789"
    ]
    keeper = ("0", "", "2024-01-01", "k@x.com", "")
    emails = [(str(at), *row, "2024-06-01") for at, row in enumerate(many["e"])]
    contact_head = "id,_fivetran_deleted,property_createdate,property_email,property_hs_merged_object_ids"
    deal_head = "deal_id,is_deleted,deal_pipeline_stage_id,property_createdate,property_closedate"
    checked = imported(
        "hubspot",
        contact=written(contact_head, [keeper, *many["c"]]),
        email_event=written("id,created,type,recipient,filtered_event,_fivetran_synced", emails),
        deal=written(deal_head, deals),
        deal_stage=written("deal_id,value,date_entered", many["s"]),
        deal_contact=written("deal_id,contact_id", many["l"]),
    )
    accounts_for(checked)
    leads = set(checked.history.leads["lead_id"].to_pylist())
    for table in (checked.history.events, checked.history.outcomes):
        assert set(table["lead_id"].to_pylist()) <= leads
    spelled = {old.strip() for row in many["c"] if row[0] for old in row[4].split(";") if old.strip()}
    assert leads <= {"0", *(row[0] for row in many["c"])} | spelled


names = st.sampled_from("abcdef")


@given(st.lists(st.tuples(names, names)))
def test_merges_end_somewhere(pairs):
    """However merges follow one another, every id ends at one that was not merged itself, and circles end too."""
    found = surviving(pairs)
    assert not set(found) & set(found.values())
    last = dict(pairs)
    for old, new in last.items():
        assert old == new or found.get(old, old) == found.get(new, new)
