"""The importers from end to end: their examples load, and a whole market comes back as it was."""

import json
from pathlib import Path

import polars as pl
import pytest

from data.check import check
from data.contract import load_contract, parse_contract
from data.labels import label
from data.simulation.market import simulate
from data.spine import build_spine
from data.times import read_times

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


@pytest.mark.parametrize("kind", ["hubspot", "salesforce", "marketo", "segment"])
def test_examples(kind, shared_data):
    """Each example is a contract of its kind; --source points it to an export that is here, also from a database."""
    contract = load_contract(EXAMPLES / f"{kind}.toml")
    assert contract.source.kind == kind
    if kind != "segment":
        pointed = load_contract(EXAMPLES / f"{kind}.toml", shared_data / "crm_exports" / kind)
        assert check(pointed).history.leads.num_rows > 0


@pytest.fixture(scope="module")
def market():
    """A simulated market, checked: the facts that an importer has to give back."""
    return simulate("steady", 150, 5).history


def frame(table, *columns):
    """Some columns of a table as rows without an order."""
    return sorted(map(str, table.select(list(columns)).to_pylist()))


def iso(moment):
    """A time as messages have it."""
    return moment.isoformat().replace("+00:00", "Z")


def test_a_market_told_in_messages(tmp_path, market):
    """Leads, events and outcomes of a market come back from Segment's messages, with both clocks."""
    lines = [
        {"type": "identify", "userId": r["lead_id"], "timestamp": iso(r["created_at"])}
        for r in market.leads.to_pylist()
    ]
    for name, table in (("event", market.events), ("outcome", market.outcomes)):
        for at, row in enumerate(table.to_pylist()):
            told = {"type": "track", "event": row["kind"], "userId": row["lead_id"], "messageId": f"{name}{at}"}
            times = {"timestamp": iso(row["occurred_at"]), "receivedAt": iso(row["known_at"])}
            lines.append({**told, **times, "properties": {"value": row["value"], "item": row.get("item")}})
    (tmp_path / "all.jsonl").write_text("\n".join(map(json.dumps, lines)))
    ready = '[ready]\noutcome = ["won"]\nterminal = ["won", "lost"]\nhorizons = ["30d"]\nprimary = "30d"\n'
    source = '[source]\nkind = "segment"\nwon = ["won"]\nlost = ["lost"]\n'
    contract = parse_contract(ready + source, tmp_path)
    back = check(contract).history
    assert frame(back.outcomes, "lead_id", "kind", "occurred_at", "known_at") == frame(
        market.outcomes, "lead_id", "kind", "occurred_at", "known_at"
    )
    same = ("lead_id", "kind", "occurred_at", "known_at", "value", "item")
    assert frame(back.events, *same) == frame(market.events, *same)
    spine = build_spine(contract.spine, contract.ready, back, contract.folder)
    assert label(back, spine, contract.ready).outcome(30 * 86_400 * 10**6).any()


def test_a_market_told_by_hubspot(tmp_path, market):
    """The same leads and outcomes from HubSpot's contacts, deals and stages, and the same answers for a spine."""
    leads = pl.DataFrame(pl.from_arrow(market.leads)).select(id="lead_id", property_createdate="created_at")
    leads.with_columns(pl.lit("FALSE").alias("_fivetran_deleted")).write_parquet(tmp_path / "contact.parquet")
    outcomes = (
        pl.DataFrame(pl.from_arrow(market.outcomes))
        .filter(pl.col("kind").is_in(["won", "lost"]))
        .with_row_index("deal_id")
    )
    stage = pl.concat_str(pl.lit("closed"), "kind")
    outcomes.select("deal_id", value=stage, date_entered="occurred_at").write_parquet(tmp_path / "deal_stage.parquet")
    outcomes.select("deal_id", contact_id="lead_id").write_csv(tmp_path / "deal_contact.csv")
    made = pl.col("occurred_at") - pl.duration(seconds=1)
    outcomes.select("deal_id", property_createdate=made, property_amount="value").write_parquet(
        tmp_path / "deal.parquet"
    )
    ready = '[ready]\noutcome = ["won"]\nterminal = ["won", "lost"]\nhorizons = ["30d"]\nprimary = "30d"\n'
    back = check(parse_contract(f'{ready}[source]\nkind = "hubspot"\n', tmp_path)).history
    assert frame(back.leads, "lead_id", "created_at") == frame(market.leads, "lead_id", "created_at")
    ended = pl.DataFrame(pl.from_arrow(back.outcomes)).filter(pl.col("kind") != "opportunity")
    assert frame(ended.to_arrow(), "lead_id", "kind", "occurred_at") == frame(
        outcomes.to_arrow(), "lead_id", "kind", "occurred_at"
    )


def test_hours_of_one_digit_are_hours(imported):
    """What a loader writes as 4:30:42 is 04:30:42, also where other times have two digits."""
    leads = "id,created_at\n1,2022-04-14 4:30:42\n2,2022-04-14 14:30:42.5\n"
    found = imported("marketo", lead=leads).history.leads["created_at"].to_pylist()
    expected = read_times(pl.Series(["2022-04-14 04:30:42", "2022-04-14 14:30:42.5"]), "UTC").at.to_list()
    assert found == expected
