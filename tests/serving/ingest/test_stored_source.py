"""The store as a source: what was sent reads like the files that it came from, whole or a batch at a time."""

import json

import numpy as np
import pyarrow as pa
import pytest

from data.check import check
from data.clock import DAY
from data.contract import parse_contract
from data.errors import ContractError, SchemaError
from data.facts import write_facts
from data.fingerprint import fingerprint
from data.simulation.folder import write
from data.simulation.market import simulate
from data.sources import stored
from data.sources.stored_facts import write_stored
from data.spine import build_spine
from features.catalog import default_catalog
from features.levels import learn
from features.local import compute
from features.profile import profile
from serving.ingest.items import AccountItem, EventItem, LeadItem, OutcomeItem
from serving.ingest.loading import load_history
from serving.store.store import Store

T0 = 1_700_000_000_000_000
READY = """
[ready]
outcome = ["won"]
terminal = ["won", "lost"]
horizons = ["30d"]
primary = "30d"
"""


def _contract(url, folder, more=""):
    return parse_contract(f"{READY}\n[source]\nkind = 'store'\nurl = '{url}'\n{more}", folder)


@pytest.fixture(scope="module")
def market(tmp_path_factory):
    """A simulated market in files, with the contract that reads them."""
    folder = tmp_path_factory.mktemp("market")
    return write(simulate("quick", 150, 3), folder, paths=1)


def _stored(contract, url, folder):
    """The same contract with the store as its source."""
    text = contract.text
    start, end = text.index("[source]"), text.index("[spine]")
    kept = next(line for line in text[start:end].splitlines() if line.startswith("history_end"))
    return parse_contract(f"{text[:start]}[source]\nkind = 'store'\nurl = '{url}'\n{kept}\n\n{text[end:]}", folder)


def _features(contract, history):
    """The feature table of the contract's spine: values by name, for each (lead, cutoff)."""
    spine = build_spine(contract.spine, contract.ready, history, contract.folder)
    feature_set = default_catalog(profile(history, history.ends_at))
    vocabulary = learn(history, feature_set, history.ends_at)
    table = compute(history, spine, feature_set, vocabulary)
    rows = list(zip(table.spine["lead_id"].to_pylist(), table.spine["cutoff"].to_pylist(), strict=True))
    order = np.array(sorted(range(len(rows)), key=rows.__getitem__))
    columns = {feature.name: table.matrix[order, place] for place, feature in enumerate(feature_set)}
    return [rows[k] for k in order], columns, vocabulary


def test_a_loaded_market_has_the_features_of_its_files(store, store_url, market, tmp_path):
    """Files into the store, and read from there: the same questions, the same features, bit for bit."""
    from_files = check(market)
    accounts = load_history(store, from_files.history)
    assert all(not account.refused for account in accounts.values())
    from_store = check(_stored(market, store_url, tmp_path))
    assert from_store.report.rejected == 0
    rows, columns, levels = _features(market, from_files.history)
    rows_again, columns_again, levels_again = _features(market, from_store.history)
    assert rows_again == rows
    assert sorted(columns_again) == sorted(columns)
    assert levels_again == levels
    for name, column in columns.items():
        assert column.tobytes() == columns_again[name].tobytes(), name
    assert len(columns) > 50


def test_loading_again_adds_nothing(store, market, contents):
    """A load that was stopped is simply run again."""
    history = check(market).history
    load_history(store, history)
    before = contents(store)
    accounts = load_history(store, history)
    assert {name: account.taken for name, account in accounts.items()} == dict.fromkeys(accounts, 0)
    assert contents(store) == before


def test_equal_events_without_ids_stay_several(store, contents, make_history):
    """Two rows of a file that are the same to the letter are two events, after a second load too."""
    history = make_history([("a", T0)], [("a", "page", T0, T0)] * 3, ends_at=T0 + 1)
    for _ in range(2):
        load_history(store, history)
    assert len(contents(store)["events"]) == 3


def test_a_store_of_any_size_is_read_like_a_small_one(store, store_url, market, tmp_path, monkeypatch):
    """Written batch by batch to a folder, the facts are those that check gives; no batch knows of another."""
    load_history(store, check(market).history)
    monkeypatch.setattr(stored, "BATCH_ROWS", 100)
    contract = _stored(market, store_url, tmp_path)
    facts = write_stored(contract, tmp_path / "facts")
    assert fingerprint(facts.history()) == fingerprint(check(contract).history)


def _send(store, tell, now):
    tell(
        store,
        LeadItem(lead_id="a", created_at=T0, attributes={"size": 5.0, "zip": "01234", "since": "2020-01-01T00:00:00Z"}),
        LeadItem(lead_id="a", attributes={"size": 7.5}, known_at=T0 + DAY),
        LeadItem(lead_id="b", created_at=T0 + 9 * DAY, account_id="x", attributes={"zip": "9", "empty": ""}),
        AccountItem(account_id="x", attributes={"tier": "gold"}),
        EventItem(lead_id="a", kind="page", occurred_at=T0, event_id="1", extra={"n": 1.0, "mixed": "t", "item2": ""}),
        EventItem(lead_id="b", kind="page", occurred_at=T0, item="", extra={"mixed": 3.0}, value=2.5),
        OutcomeItem(lead_id="b", kind="won", occurred_at=T0 + 10 * DAY, value=10.0),
        OutcomeItem(lead_id="b", kind="lost", occurred_at=T0 + DAY),
        at=now,
    )


def test_what_was_sent_becomes_columns_of_one_type(store, store_url, tell, tmp_path, now):
    """Numbers, times with a zone and texts are told apart; an empty text is nothing; ids of our own are none."""
    _send(store, tell, now)
    checked = check(_contract(store_url, tmp_path))
    history = checked.history
    types = {field.name: field.type for field in history.leads.schema}
    assert (types["size"], types["zip"]) == (pa.float64(), pa.string())
    assert "empty" not in types
    assert types["since"] == pa.timestamp("us", "UTC")
    assert {row["lead_id"]: row["size"] for row in history.leads.to_pylist()} == {"a": 5.0, "b": None}
    events = {row["lead_id"]: row for row in history.events.to_pylist()}
    assert (events["a"]["event_id"], events["a"]["n"], events["a"]["mixed"]) == ("1", 1.0, "t")
    assert (events["b"]["event_id"], events["b"]["item"], events["b"]["mixed"]) == (None, None, "3")
    sizes = [(r["value"], r["known_at"]) for r in history.changes.to_pylist() if r["field"] == "size"]
    assert sorted(value for value, _ in sizes) == ["5", "7.5"]
    assert [row["value"] for row in history.account_changes.to_pylist()] == ["gold"]


def test_the_rules_that_a_row_may_break_are_asked_alike(store, store_url, tell, tmp_path, now):
    """An outcome before its lead, and what lies after the end of the history: out, whether judged here or there."""
    _send(store, tell, now)
    for more, outcomes in (("", 1), ("history_end = 2023-11-16T00:00:00Z", 0)):
        contract = _contract(store_url, tmp_path, more)
        checked = check(contract)
        assert len(checked.history.outcomes) == outcomes
        facts = write_stored(contract, tmp_path / f"facts {outcomes}")
        assert fingerprint(facts.history()) == fingerprint(checked.history)
        assert facts.ends_at == checked.history.ends_at


def test_the_history_ends_with_the_last_thing_known(store, store_url, tell, tmp_path):
    """A past that is loaded today ends where its last news does, or each lead of it would look lost."""
    tell(store, EventItem(lead_id="a", kind="page", occurred_at=T0), backfill=True)
    assert check(_contract(store_url, tmp_path)).history.ends_at == T0 + 1


def test_it_is_the_services_own_store_unless_a_url_says_otherwise(tmp_path):
    """Without a url the source is the store of [serving], else the file in the state folder."""
    text = f"{READY}\n[source]\nkind = 'store'\n"
    assert parse_contract(text, tmp_path).store_url == f"sqlite:///{tmp_path / '.readiness' / 'store.db'}"
    (tmp_path / ".readiness").mkdir()
    opened = Store.open(parse_contract(text, tmp_path).store_url)
    load_history(opened, _one_lead())
    opened.close()
    assert check(parse_contract(text, tmp_path)).history.leads["lead_id"].to_pylist() == ["a"]
    named = parse_contract(f"{text}\n[serving]\nstore = 'sqlite:///other.db'\n", tmp_path)
    assert named.store_url == "sqlite:///other.db"


def _one_lead():
    from data.history import History
    from data.tables import EVENTS, LEADS, OUTCOMES

    leads = pa.Table.from_pylist([{"lead_id": "a", "created_at": T0, "account_id": None}], LEADS)
    return History(leads, EVENTS.empty_table(), OUTCOMES.empty_table(), T0 + 1)


def test_what_is_no_store_is_said_to_be_none(store, store_url, tmp_path):
    """No file, no tables, nobody in it, keys that do not belong: one sentence each."""
    with pytest.raises(SchemaError, match="There is no store at"):
        check(_contract(f"sqlite:///{tmp_path}/nothing.db", tmp_path))
    (tmp_path / "empty.db").touch()
    with pytest.raises(SchemaError, match="holds no store"):
        check(_contract(f"sqlite:///{tmp_path}/empty.db", tmp_path))
    for read in (check, lambda contract: write_stored(contract, tmp_path / "facts")):
        with pytest.raises(SchemaError, match="0 leads"):
            read(_contract(store_url, tmp_path))
    with pytest.raises(ContractError, match="knows its tables"):
        _contract(store_url, tmp_path, "leads = { table = 'leads' }")
    store.close()


def test_facts_of_a_store_are_facts(store, store_url, market, tmp_path):
    """The folder that is written is one that every engine reads: its tables have the columns and types of facts."""
    load_history(store, check(market).history)
    contract = _stored(market, store_url, tmp_path)
    facts = write_stored(contract, tmp_path / "streamed")
    again = write_facts(check(contract).history, tmp_path / "whole")
    for name in ("leads", "events", "outcomes", "changes"):
        assert facts.table(name).schema == again.table(name).schema
    assert json.loads((tmp_path / "streamed" / "facts.json").read_text()) == {"version": 1, "ends_at": again.ends_at}
