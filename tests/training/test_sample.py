"""The rows of a trial."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from data.clock import DAY
from data.errors import NotMaturedError
from data.tables import TIME
from training.sample import draw_sample


def _quiet(_what, _share):
    pass


@pytest.fixture(scope="module")
def sample(steady):
    """The sample of the small market."""
    contract, checked = steady
    return draw_sample(contract, checked.history, _quiet)


def test_the_sides_stand_around_the_split(sample, steady):
    """Rows to learn from are before the split, rows to judge on at or after it, and together they are all rows."""
    assert sample.test_from == steady[0].backtest.test_from
    assert (sample.cutoffs[sample.train] < sample.test_from).all()
    assert (sample.cutoffs[sample.test] >= sample.test_from).all()
    both = np.concatenate([sample.train, sample.test])
    assert sorted(both.tolist()) == list(range(len(sample.cutoffs)))
    assert len(sample.table.matrix) == len(sample.cutoffs) == len(sample.leads) == sample.asked


def test_known_labels_hide_what_came_later(sample, steady):
    """A training label holds an outcome only if it was known before the split, and watches no longer than to it."""
    lag, cutoffs = steady[0].ready.reporting_lag, sample.cutoffs[sample.train]
    known, now = sample.known.time_to_outcome, sample.labels.take(sample.train).time_to_outcome
    seen = sample.known.outcome(10_000 * DAY)
    assert (cutoffs[seen] + known[seen] < sample.test_from).all()
    assert (known[seen] == now[seen]).all()
    assert (now[~seen] < 10_000 * DAY).any()
    np.testing.assert_array_equal(sample.known.watched, sample.test_from - lag - cutoffs)


def test_rows_above_the_limit_are_drawn(steady):
    """With fewer rows allowed a seeded draw is taken, in order, and what was asked for is kept in mind."""
    contract, checked = steady
    few = contract.model_copy(update={"model": contract.model.model_copy(update={"max_rows": 500})})
    first, again = (draw_sample(few, checked.history, _quiet) for _ in range(2))
    assert len(first.cutoffs) == 500 < first.asked
    assert first.leads.tolist() == again.leads.tolist()
    assert first.cutoffs.tolist() == again.cutoffs.tolist()
    assert (np.diff(first.cutoffs) >= 0).all()


def test_an_outcome_recorded_after_the_split_does_not_close_a_lead_before_it(sample, steady):
    """A lead that was won before the split, but was known to be only after it, is still asked about in between.

    So which rows are learned from, too, is what could be known at the split.
    """
    contract, checked = steady
    history, moment = checked.history, sample.test_from
    lead = sample.leads[sample.train][sample.cutoffs[sample.train] == sample.cutoffs[sample.train].max()][0]
    last = int(sample.cutoffs[sample.train].max())
    row = {"lead_id": lead, "kind": "won", "occurred_at": last - DAY}

    def rows_of(known_at):
        added = pa.Table.from_pylist([row | {"known_at": known_at}], history.outcomes.schema)
        facts = replace(history, outcomes=pa.concat_tables([history.outcomes, added]))
        drawn = draw_sample(contract, facts, _quiet)
        return set(drawn.cutoffs[drawn.train][drawn.leads[drawn.train] == lead].tolist())

    assert last in rows_of(moment)
    assert last not in rows_of(moment - 1)


def test_a_market_without_rows_is_an_error(steady):
    """When no lead is open at any cutoff the error says where to look."""
    contract, checked = steady
    nobody = replace(
        checked.history,
        leads=checked.history.leads.filter(
            pc.greater(checked.history.leads["created_at"], pa.scalar(checked.history.ends_at, TIME))
        ),
        events=checked.history.events[:0],
        outcomes=checked.history.outcomes[:0],
        changes=checked.history.changes[:0],
    )
    with pytest.raises(NotMaturedError, match="no lead was open"):
        draw_sample(contract, nobody, _quiet)
