from pathlib import Path

import pytest

from data.clock import DAY
from data.contract import load_contract, parse_contract
from data.errors import ContractError

GOOD = """
[ready]
outcome = ["won"]
terminal = ["won", "lost"]
horizons = ["30d", "90d"]
primary = "90d"

[source]
path = "facts"

[source.leads]
table = "leads.parquet"

[source.outcomes]
table = "outcomes.parquet"
"""


def parse(text):
    """The contract of a text, in a folder that need not exist."""
    return parse_contract(text, Path("/somewhere"))


def test_a_contract_is_read_into_microseconds():
    """Durations and dates arrive as microseconds, paths are relative to the contract."""
    contract = parse(GOOD + "[spine]\nfrom = 2026-01-01\nevery = '14d'\n")
    assert contract.ready.primary == 90 * DAY
    assert contract.spine.period == 14 * DAY
    assert contract.spine.start == 1767225600 * 10**6
    assert contract.source_folder == Path("/somewhere/facts")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (("primary =", "primry ="), "unknown key ready.primry. Did you mean 'primary'"),
        (('primary = "90d"', ""), "ready.primary is missing"),
        (('primary = "90d"', 'primary = "60d"'), "primary is 60d, which is not among the horizons"),
        (('["30d", "90d"]', '["90d", "30d"]'), "horizons must grow"),
        (('"30d"', '"1m"'), "'1m' is not a duration"),
        (('terminal = ["won", "lost"]', 'terminal = ["lost"]'), "add them to terminal, or set repeatable"),
        (("[ready]", "[ready]\nrepeatable = true"), "cannot be both repeatable and terminal"),
        (('path = "facts"', 'kind = "database"'), "a database source needs its url"),
        (('path = "facts"', 'url = "sqlite://"'), "url belongs to kind = 'database'"),
        (("[source.leads]", "[spine]\nat = [2026-01-01]\nevery = '7d'\n[source.leads]"), "a spine is made in one way"),
        (("[source.leads]", "[backtest]\ntest_from = 2026-01-01T00:00:00\n[source.leads]"), "has no time zone"),
        (("[ready]", "[ready"), "is not TOML"),
        (("[ready]", "folder = 'x'\n[ready]"), "unknown key 'folder'"),
    ],
)
def test_each_mistake_is_one_sentence(change, sentence):
    """Unknown keys, missing keys and impossible combinations say what is wrong and what to do."""
    with pytest.raises(ContractError) as caught:
        parse(GOOD.replace(*change))
    assert sentence in str(caught.value)
    assert len(str(caught.value).splitlines()) <= 2


def test_a_missing_file_says_how_to_make_one(tmp_path):
    """Without a contract the error names the command that writes one."""
    with pytest.raises(ContractError, match="readiness init"):
        load_contract(tmp_path / "readiness.toml")


def test_the_source_can_be_pointed_elsewhere(tmp_path):
    """--source replaces the folder of the facts and nothing else."""
    (tmp_path / "readiness.toml").write_text(GOOD)
    elsewhere = load_contract(tmp_path / "readiness.toml", tmp_path / "other")
    assert elsewhere.source_folder == tmp_path / "other"
    assert elsewhere.ready == parse(GOOD).ready


def test_a_database_url_may_come_from_the_environment(monkeypatch):
    """$NAME is read from the environment, and its absence is said without a secret."""
    contract = parse(GOOD.replace('path = "facts"', 'kind = "database"\nurl = "$FACTS_URL"'))
    monkeypatch.setenv("FACTS_URL", "sqlite:///facts.db")
    assert contract.source.resolved_url() == "sqlite:///facts.db"
    monkeypatch.delenv("FACTS_URL")
    with pytest.raises(ContractError, match="FACTS_URL"):
        contract.source.resolved_url()


@pytest.mark.parametrize("path", sorted((Path(__file__).parents[2] / "examples").glob("*.toml")), ids=lambda p: p.stem)
def test_every_example_contract_loads(path):
    """The contracts that are shipped are valid, and say where the public finds the facts."""
    contract = load_contract(path)
    assert contract.ready.product == path.stem
    assert "--source DIR" in path.read_text()
