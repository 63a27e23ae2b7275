"""The way back: a points table from the model, that reads back to the same scores, and that says what it loses."""

import json

import numpy as np
import pytest
from scipy.optimize import minimize

from data.clock import iso
from data.errors import ContractError, NotMaturedError
from data.spine import micros
from models.mautic import read_mautic
from models.mautic_map import load_map
from models.mautic_write import expressible, write_mautic
from models.points import load_points, replay
from models.points_text import points_text
from training.distil import _fitted, _loss, distil
from training.heldout import hold_out
from training.odoo_fields import odoo_fields
from training.points_duel import points_duel

MAP = load_map(
    "".join(
        f'[[event]]\nmautic = "{kind}"\n{which}kind = "{ours}"\n'
        for kind, which, ours in (
            ("email.open", "", "email_open"),
            ("url.hit", 'url = "*/pricing*"\n', "pricing_view"),
            ("url.hit", "", "page_view"),
            ("form.submit", "id = 3\n", "demo_request"),
            ("asset.download", "", "asset_download"),
        )
    )
)


def _quiet(_what, _share):
    pass


@pytest.fixture(scope="module")
def held(trial):
    """The held-out rows of the trial, laid out once more."""
    return hold_out(trial.contract, trial.history, trial, _quiet)


@pytest.fixture(scope="module")
def table(held):
    """The points distilled from the trial's model."""
    return distil(held, _quiet)


@pytest.fixture(scope="module")
def for_mautic(held):
    """Points that Mautic can have."""
    return distil(held, _quiet, known=MAP)


def test_the_rows_are_those_of_the_trial(held, trial):
    """The same rows are held out, and the model says of them what the trial said, to the last bit."""
    asked = held.sample.table.spine.take(held.sample.test)
    assert asked["lead_id"].to_pylist() == trial.test.lead_id.to_pylist()
    assert asked["cutoff"].to_pylist() == trial.test.cutoff.to_pylist()
    primary = trial.contract.ready.horizons.index(trial.contract.ready.primary)
    assert np.array_equal(held.readiness(held.sample.test), trial.test.predictions["blend"][:, primary])
    assert held.table.feature_set == trial.feature_set
    assert (micros(asked["cutoff"]) >= held.sample.test_from).all()


def test_another_question_is_refused(trial):
    """A contract whose definition of ready is another one than the version's is a sentence."""
    ready = trial.contract.ready.model_copy(update={"reporting_lag": 5})
    with pytest.raises(ContractError, match="answers another question"):
        hold_out(trial.contract.model_copy(update={"ready": ready}), trial.history, trial, _quiet)


def test_a_distilled_table_is_one_that_people_can_read(table):
    """At most 20 rules of whole points, each with a name, some of them fading, and a threshold."""
    assert 5 <= len(table.rules) + len(table.inactivity) <= 20
    assert all(rule.points.is_integer() and rule.points for rule in (*table.rules, *table.inactivity))
    assert all(rule.name for rule in table.rules)
    assert any(rule.decay is not None and rule.decay.half_life for rule in table.rules)
    assert table.threshold == round(table.threshold)


def test_it_reads_back_to_the_very_same_scores(held, table):
    """Written as text and read again, the table is the same table, and scores every row the same to the last bit."""
    back = load_points(points_text(table, "Distilled."))
    assert back == table
    spine = held.sample.table.spine
    assert np.array_equal(replay(back, held.history, spine), replay(table, held.history, spine))


def test_mautics_table_comes_back_from_mautics_json(held, for_mautic):
    """What is fitted for Mautic is written whole, read back whole, and scores every row the same."""
    whole, lost = write_mautic(for_mautic, MAP)
    assert not lost
    assert all(expressible(rule, MAP) is None for rule in for_mautic.rules)
    back = read_mautic(json.dumps(whole), MAP)
    assert not back.left_out
    spine = held.sample.table.spine
    assert np.array_equal(replay(back.points, held.history, spine), replay(for_mautic, held.history, spine))


def test_what_mautic_cannot_have_of_the_full_table_is_told(table):
    """Each fading rule and each field is named with its reason."""
    _, lost = write_mautic(table, MAP)
    reasons = {one.id: one.reason for one in lost}
    for rule in table.rules:
        if rule.when.field is not None:
            assert "fields give no points" in reasons[rule.id]
        elif rule.decay is not None:
            assert "do not fade" in reasons[rule.id]


def test_the_table_ranks_as_the_model_does(held, table, for_mautic):
    """On later rows the order of the points goes along with the model's; Mautic's does less so."""
    rows = held.sample.test
    spine = held.sample.table.spine.take(rows)
    model = held.readiness(rows)

    def agreement(points):
        ranks = [np.argsort(np.argsort(values)) for values in (model, replay(points, held.history, spine))]
        return np.corrcoef(*ranks)[0, 1]

    assert agreement(table) > 0.8
    assert agreement(table) > agreement(for_mautic)


def test_only_what_was_known_at_the_split_is_learned_from(held, table):
    """A table distilled from facts that end at the split is the same: nothing after it was looked at."""
    past = held.history.upto(held.sample.test_from)
    cut = type(held)(held.contract, past, held.sample, held.table, held.model)
    assert distil(cut, _quiet) == table


def test_a_few_leads_with_very_many_events_throw_no_weight_away():
    """The fit ends at the optimum of the convex problem, checked by a library, whatever the tails of the columns."""
    generator = np.random.default_rng(5)
    columns = np.column_stack(
        [generator.pareto(1.2, 4_000), generator.normal(size=4_000), generator.random(4_000) < 0.01]
    )
    columns = (columns - columns.mean(axis=0)) / columns.std(axis=0)
    target = 1 / (1 + np.exp(3 - 1.5 * np.tanh(columns[:, 0]) - columns[:, 1] - 0.4 * columns[:, 2]))
    found = _fitted(columns, (0, 1, 2), target, np.zeros(4))
    best = minimize(lambda beta: _loss(np.column_stack([np.ones(4_000), columns]), beta, target), np.zeros(4))
    assert [found.intercept, *found.weights] == pytest.approx(best.x, abs=1e-4)


def test_fewer_rules_may_be_asked_for(held):
    """No more rules than were asked for."""
    few = distil(held, _quiet, most=3)
    assert 1 <= len(few.rules) + len(few.inactivity) <= 3


def test_nothing_to_distil_is_a_sentence(held):
    """Where no event of the map is there, the error says what was tried and what to do."""
    known = load_map('[[event]]\nmautic = "email.open"\nkind = "nothing_of_ours"\n')
    with pytest.raises(NotMaturedError, match="None of 0 rules that were tried"):
        distil(held, _quiet, known=known)


@pytest.fixture(scope="module")
def found(held, trial, table):
    """The duel of the trial with its own points and the distilled ones."""
    path = trial.contract.resolve(trial.contract.points.file)
    own = load_points(path.read_text())
    return points_duel(held, own, more={"distilled": table}, draws=40)


def test_all_call_equally_often_on_the_same_rows(found, trial):
    """The model, the points, Odoo's method, the distilled table and chance call as often; all are judged alike."""
    assert [score.name for score in found.duel.scores] == ["blend", "points", "odoo", "distilled", "random"]
    assert len({score.calls for score in found.duel.scores}) == 1
    assert found.duel.capacity == trial.contract.policy.capacity_per_week
    assert found.duel.outcomes > 0
    assert list(found.figures) == ["blend", "points", "odoo", "distilled"]
    primary = trial.report["horizons"][trial.report["primary"]]
    for name in ("blend", "points"):
        assert found.figures[name]["auc"] == pytest.approx(primary["models"][name]["auc"], abs=1e-12)


def test_the_points_at_their_own_threshold(found, held, trial):
    """Whoever reaches the threshold for the first time is called then; those who had it before are not."""
    own = load_points(trial.contract.resolve(trial.contract.points.file).read_text())
    spine = held.sample.table.spine
    points, cutoffs = replay(own, held.history, spine), micros(spine["cutoff"])
    matured = {iso(at) for at, yes in zip(micros(trial.test.cutoff), trial.test.matured[:, -1], strict=True) if yes}
    first = {}
    for lead, at, has in sorted(zip(spine["lead_id"].to_pylist(), cutoffs.tolist(), points, strict=True)):
        if has >= own.threshold:
            first.setdefault(lead, at)
    later = [at for at in first.values() if at >= held.sample.test_from and iso(at) in matured]
    assert found.today.threshold == own.threshold
    assert found.today.calls == len(later)
    assert found.today.captured + found.today.premature == found.today.calls


def test_a_draw_of_the_rows_has_that_share_of_the_capacity(trial):
    """Where not all rows fit, sales is taken to call that share of them, and the duel says so."""
    few = trial.contract.model.model_copy(update={"max_rows": 1_000})
    held = hold_out(trial.contract.model_copy(update={"model": few}), trial.history, trial, _quiet)
    found = points_duel(held, None, draws=5)
    assert found.share == 1_000 / held.sample.asked < 1
    assert found.duel.capacity == pytest.approx(trial.contract.policy.capacity_per_week * found.share)
    assert [score.name for score in found.duel.scores] == ["blend", "odoo", "random"]


def test_each_rule_of_the_points_is_judged(found, trial):
    """Every rule of the customer's table has a verdict, in the order of the table."""
    own = load_points(trial.contract.resolve(trial.contract.points.file).read_text())
    assert [rule.id for rule in found.rules] == [rule.id for rule in own.rules]


def test_what_it_loses_is_paired(found):
    """The difference of the figures lies within its interval, and is the difference of what is shown."""
    for name in ("points", "odoo", "distilled"):
        for metric, one in found.behind[name].items():
            assert one.value == found.figures["blend"][metric] - found.figures[name][metric]
            assert one.low <= one.value <= one.high
    assert json.loads(json.dumps(found.to_dict()))["duel"]["scores"][0]["name"] == "blend"


def test_odoo_asks_each_question_once(trial):
    """Its fields are the attributes, and for each kind one count and one recency."""
    names = [trial.feature_set.names[at] for at in odoo_fields(trial.feature_set)]
    assert {"industry", "source", "seniority"} <= set(names)
    asked = [name for name in names if name.startswith("pricing_view")]
    assert asked == ["pricing_view_count_90d", "pricing_view_days_since"]
    assert not [name for name in names if "decayed" in name or "trend" in name]
