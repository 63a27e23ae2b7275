"""What came of hand-offs, by version: matured ones only, joined to the outcomes that the contract asks about."""

from typing import NamedTuple

import pytest

from data.clock import DAY
from data.contract import parse_contract
from training.handed_off import judged

READY = '[ready]\noutcome = ["won"]\nterminal = ["won"]\nhorizons = ["30d"]\nprimary = "30d"\nreporting_lag = "2d"\n'
SOURCE = '[source]\nleads = { table = "leads.csv" }\noutcomes = { table = "outcomes.csv" }\n'


class Made(NamedTuple):
    """A hand-off."""

    lead_id: str
    at: int
    propensity: float
    version: str
    shadow: bool
    horizons: dict[str, float]


def test_versions_are_judged_on_what_has_matured(make_history, tmp_path):
    """Wins within the horizon count, later ones do not; what has not matured waits; the shadow is judged beside."""
    contract = parse_contract(READY + SOURCE, tmp_path)
    names = [f"l{k}" for k in range(8)]
    wins = [("l0", "won", 10 * DAY), ("l1", "won", 39 * DAY), ("l2", "won", 41 * DAY)]
    history = make_history([(name, 0) for name in names], outcomes=wins, ends_at=43 * DAY)
    told = [Made(name, 10 * DAY, 1.0, "1", False, {"30d": 0.5 - k / 20}) for k, name in enumerate(names[:6])]
    told[5] = told[5]._replace(propensity=0.1)
    told += [Made("l6", 12 * DAY, 1.0, "1", False, {"30d": 0.4})]  # 30 days and the lag end after the history
    told += [one._replace(version="2", shadow=True, horizons={"30d": 0.1 + k / 10}) for k, one in enumerate(told[:3])]
    told += [Made("gone", 10 * DAY, 1.0, "1", False, {"30d": 0.4})]  # erased since then
    champion, shadow = judged(contract, history, told)
    assert (champion.version, champion.shadow, champion.made, champion.matured, champion.wins) == ("1", False, 7, 6, 2)
    assert (shadow.version, shadow.shadow, shadow.made, shadow.matured, shadow.wins) == ("2", True, 3, 3, 2)
    assert champion.plain["auc"] == 1.0
    assert shadow.plain["auc"] == 0.0
    assert (champion.weighed.explored, champion.weighed.rows) == (1, 6)
    # one explored lead without the outcome stands for ten: (5 + 10)^2 / (5 + 100)
    assert champion.weighed.effective == pytest.approx(225 / 105)


def test_nothing_matured_is_nothing_judged(make_history, tmp_path):
    """There are hand-offs, and no figures."""
    contract = parse_contract(READY + SOURCE, tmp_path)
    history = make_history([("a", 0)], ends_at=20 * DAY)
    (entry,) = judged(contract, history, [Made("a", DAY, 1.0, "1", False, {"30d": 0.5})])
    assert (entry.made, entry.matured, entry.plain, entry.weighed) == (1, 0, None, None)
    assert judged(contract, history, []) == []
