"""What a feature is worth: asked before the rows that judge a version, told with intervals, leaks called by name."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from data.clock import DAY
from data.errors import ContractError
from data.tables import TIME
from features.context import Calendar
from features.custom import Custom
from features.definitions import Count, DaysSince
from features.lead import Event
from training.worth import Alone, Gain, Worth, worth
from training.worth_words import sentences

MARK = Count(kinds=("mark",), alias="the_mark")


@dataclass(frozen=True, kw_only=True)
class Coin(Custom):
    """A number that has nothing to do with anything."""

    def value(self, events: Sequence[Event], cutoff: int) -> float | None:
        """Drawn anew for every row, the same for the same row."""
        return float(np.random.default_rng([len(events), cutoff // DAY]).random())


def marked(contract, history):
    """The history of a company that marks, with the date of their creation, those leads that bought later."""
    bought = pc.unique(
        history.outcomes.filter(pc.is_in(history.outcomes["kind"], pa.array(contract.ready.outcome)))["lead_id"]
    )
    leads = history.leads.filter(pc.is_in(history.leads["lead_id"], bought))
    rows = {
        "lead_id": leads["lead_id"],
        "kind": pa.array(["mark"] * len(leads)),
        "actor": pa.array(["marketing"] * len(leads)),
        "occurred_at": leads["created_at"],
        "known_at": leads["created_at"],
    }
    schema = pa.schema([history.events.schema.field(name) for name in rows])
    marks = pa.table(rows).cast(schema)
    return replace(history, events=pa.concat_tables([history.events, marks], promote_options="default"))


@pytest.fixture(scope="module")
def of_the_mark(steady):
    """The worth of a mark on those who bought; the catalog's own features of the mark are asked with it."""
    from features.catalog import default_catalog
    from features.profile import profile

    contract, checked = steady
    history = marked(contract, checked.history)
    catalog = default_catalog(profile(history, contract.backtest.test_from))
    theirs = [name for name, group in zip(catalog.names, catalog.groups, strict=True) if group == "mark"]
    return worth(contract, history, [MARK, *theirs])


def test_what_decides_earns_its_place(of_the_mark):
    """A mark on those who bought lowers the log loss certainly, and is missed when it is shuffled."""
    assert of_the_mark.answer == "earns its place"
    assert of_the_mark.learned["log_loss"].low > 0
    assert of_the_mark.learned["auc"].low > 0
    assert of_the_mark.shuffled["log_loss"].low > 0
    assert of_the_mark.wins >= 10


def test_what_knows_too_much_is_called_by_name(of_the_mark):
    """Alone it ranks better than all others together: the verdict of the leak detector is not clean."""
    known = of_the_mark.alone["the_mark"]
    assert known.auc.value > 0.9
    assert known.verdict != "clean"
    assert any("the_mark" in told and "look closer" in told for told in sentences(of_the_mark))


def test_a_coin_earns_no_place(steady):
    """What says nothing is not said to be worth anything, and nothing is suspected of it."""
    contract, checked = steady
    found = worth(contract, checked.history, [Coin()])
    assert found.answer in ("may be chance", "costs more than it gives")
    assert found.alone["coin"].verdict == "clean"
    assert found.alone["coin"].auc.low < 0.5 < found.alone["coin"].auc.high


def test_the_rows_that_judge_a_version_are_not_looked_at(steady):
    """Whatever is known from the split on, the worth is the same."""
    contract, checked = steady
    history, split = checked.history, contract.backtest.test_from
    asked = [DaysSince(kinds=("pricing_view",), alias="days_since_price")]
    limit = pa.scalar(split, TIME)
    cut = {
        name: (table := getattr(history, name)).filter(pc.less(table["known_at"], limit))
        for name in ("events", "outcomes", "changes")
    }
    assert any(len(cut[name]) < len(getattr(history, name)) for name in cut)
    assert worth(contract, replace(history, **cut), asked) == worth(contract, history, asked)


def test_shuffling_leaves_the_time_alone(steady):
    """Only leads asked about at the same time change places: a feature of the cutoff itself loses nothing by it."""
    contract, checked = steady
    found = worth(contract, checked.history, [Calendar(part="month", alias="the_month")])
    for gain in found.shuffled.values():
        assert (gain.value, gain.low, gain.high) == pytest.approx((0.0, 0.0, 0.0), abs=1e-12)
    assert set(found.shuffled) == {"log_loss", "auc"}


def test_a_feature_of_the_catalog_is_asked_for_by_its_name(steady):
    """A name that there is not, and a second feature of the same name, are one sentence each."""
    contract, checked = steady
    with pytest.raises(ContractError, match="1 of 1 features are not in this set"):
        worth(contract, checked.history, ["no_such_feature"])
    with pytest.raises(ContractError, match="more than once"):
        worth(contract, checked.history, [Count(window=7 * DAY, sign=1)])


def gained(low: float, high: float) -> Worth:
    """A worth with that interval of the log loss saved."""
    gain = Gain((low + high) / 2, low, high)
    return Worth(("one",), 100, 40, 12, {"one": Alone(None, "clean")}, {"log_loss": gain, "auc": gain}, {})


@pytest.mark.parametrize(
    ("found", "answer"),
    [
        (gained(0.001, 0.004), "earns its place"),
        (gained(-0.001, 0.004), "may be chance"),
        (gained(-0.004, -0.001), "costs more than it gives"),
        (replace(gained(0.001, 0.004), learned={}), "too few to tell"),
    ],
)
def test_the_answer_follows_the_interval(found, answer):
    """A gain is one where nought lies outside of its interval."""
    assert found.answer == answer
    assert next(iter(sentences(found))) == f"{answer.capitalize()}: one."
