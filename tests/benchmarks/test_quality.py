"""The quality benchmarks: what a share means, what the treatments of censored rows see, and that runs are kept."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from benchmarks import quality_kept
from benchmarks.censoring import FOREVER, Hasty, narrowed
from benchmarks.quality import over_seeds, table, verdicts
from benchmarks.quality_before import before
from benchmarks.quality_case import make_case, noise, scores
from data.clock import DAY
from data.labels import Labels
from data.simulation.drifting import DRIFTS_AT
from data.simulation.market import simulate
from data.simulation.truth import closed_at, truth
from data.spine import NEVER, micros
from data.tables import TIME
from training.folds import Ground

T0, HORIZONS = 20_000 * DAY, (10 * DAY, 30 * DAY)


def _quiet(_what, _share):
    pass


@pytest.fixture(scope="module")
def case():
    """A quick market of 200 leads."""
    return make_case("quick", 200, 1, 1, _quiet)


def _told(case, **more):
    base = np.tile(case.exact.mean(axis=0), (len(case.rows), 1))
    return scores(case, {"prior": base, "exact": case.exact, **more})


def test_the_exact_filter_reaches_all_and_the_prior_nothing(case):
    """By definition, at every horizon; the labels as they fell say the same of these two."""
    for horizon in _told(case)["horizons"].values():
        for share in ("share", "share_realised"):
            assert horizon["models"]["prior"][share] == 0.0
            assert horizon["models"]["exact"][share] == 1.0


def test_the_share_is_one_less_a_ratio_of_divergences(case):
    """Half way in log-odds between prior and exact, the share is that of the mean Kullback-Leibler divergences."""
    base, exact = case.exact.mean(axis=0), np.clip(case.exact, 1e-9, 1 - 1e-9)
    middle = 1 / (1 + np.exp(-(np.log(base / (1 - base)) + np.log(exact / (1 - exact))) / 2))

    def apart(said):
        return (exact * np.log(exact / said) + (1 - exact) * np.log((1 - exact) / (1 - said))).mean(axis=0)

    found = _told(case, blend=middle)["horizons"]
    shares = [horizon["models"]["blend"]["share"] for horizon in found.values()]
    np.testing.assert_allclose(shares, 1 - apart(middle) / apart(np.broadcast_to(base, exact.shape)), rtol=1e-6)


def test_the_judged_rows_are_later_matured_and_in_order(case):
    """Only test rows of which every horizon has passed; the exact probability grows with the horizon."""
    sample = case.sample
    assert (sample.cutoffs[case.rows] >= sample.test_from).all()
    assert sample.labels.matured(case.contract.ready.horizons[-1])[case.rows].all()
    assert (np.diff(case.rows) > 0).all()
    assert (np.diff(case.exact, axis=1) >= 0).all()
    outcomes = sample.labels.outcome(case.contract.ready.horizons[-1])[case.rows].sum()
    assert 0.4 < case.exact[:, -1].sum() / outcomes < 2.5


def test_an_exact_truth_has_no_noise():
    """Where nothing was simulated the noise is 0; with an error it is what the error adds to a divergence."""
    exact = np.array([0.1, 0.3])
    assert noise(exact, np.zeros(2)) == 0.0
    gap = (exact * np.log(exact / 0.2) + (1 - exact) * np.log((1 - exact) / 0.8)).mean()
    added = np.mean(0.02**2 / (2 * exact * (1 - exact)))
    assert noise(exact, np.full(2, 0.02)) == pytest.approx(added / gap)


def test_before_a_change_its_market_is_the_market():
    """Asked long before the drifting market changes, the filter of the market before the change says just the same.

    What is asked after the change it answers otherwise.
    """
    market = simulate("drifting", 150, 4)
    ids, horizons = market.history.leads["lead_id"], (30 * DAY,)

    def both(moment):
        born = micros(market.history.leads["created_at"]) <= moment
        asked = pa.table({"lead_id": ids.filter(pa.array(born & (closed_at(market) >= moment)))})
        asked = asked.append_column("cutoff", pa.array(np.full(len(asked), moment), TIME))
        worlds = (market.world, before(market.world))
        return [truth(replace(market, world=world), asked, horizons)["p_30d"].to_numpy() for world in worlds]

    known, unaware = both(DRIFTS_AT - 31 * DAY)
    np.testing.assert_allclose(unaware, known, rtol=1e-6)
    known, unaware = both(DRIFTS_AT + 90 * DAY)
    assert np.abs(np.log(unaware / known)).max() > 0.1


def test_where_the_market_changes_the_goal_is_what_could_be_known():
    """Nine tenths of what one who knew the market before the change reaches; without a change nine tenths of all."""
    cases = _cases([0.80, 0.82], [0.7, 0.7])
    for case in cases:
        models = case["horizons"]["30d"]["models"]
        models["before"] = {**models["exact"], "share": 0.88}
    assert verdicts(cases) == []
    assert "exact, before it changed" in table(cases)
    for case in cases:
        case["horizons"]["30d"]["models"]["before"]["share"] = 0.95
    assert "the goal is 0.855" in verdicts(cases)[0]


def _cases(blend, logistic):
    models = ("prior", "logistic", "gbm", "blend", "exact")
    figures = ("auc", "average_precision", "log_loss", "share_realised")
    told = []
    for shares in zip(blend, logistic, strict=True):
        share = dict(zip(models, (0.0, shares[1], 0.5, shares[0], 1.0), strict=True))
        rows = {model: {**dict.fromkeys(figures, 0.5), "share": share[model]} for model in models}
        told.append(
            {
                "world": "w",
                "size": 30_000,
                "rows": 9,
                "primary": "30d",
                "horizons": {"30d": {"outcomes": 3, "models": rows}},
            }
        )
    return told


def test_a_goal_that_is_missed_is_told():
    """Below 0.9, or certainly worse than a rival; a difference within the noise is not."""
    assert verdicts(_cases([0.95, 0.93], [0.9, 0.9])) == []
    low = verdicts(_cases([0.80, 0.82], [0.79, 0.83]))
    assert [line.split(": ")[1][:5] for line in low] == ["0.810"]
    worse = verdicts(_cases([0.91, 0.92], [0.96, 0.97]))
    assert len(worse) == 1
    assert "worse than logistic regression by 0.050 ± 0.000" in worse[0]


def test_the_table_gives_means_with_their_error():
    """Mean and standard error over seeds; one seed has no error."""
    assert over_seeds(_cases([0.7, 0.9], [0, 0]), "30d", "blend", "share") == pytest.approx((0.8, 0.1))
    assert "0.800 ± 0.100" in table(_cases([0.7, 0.9], [0, 0]))
    assert "±" not in table(_cases([0.7], [0]))


def test_a_case_is_run_once(tmp_path, monkeypatch):
    """What was asked before is read; another mark of the code, or asking again, runs it anew."""
    monkeypatch.setattr(quality_kept, "STORE", tmp_path)
    runs = []

    def run():
        runs.append(len(runs))
        return {"value": len(runs)}

    assert [quality_kept.kept("a", "1", run)["value"] for _ in range(2)] == [1, 1]
    assert quality_kept.kept("a", "2", run) == {"value": 2}
    assert quality_kept.kept("a", "1", run, again=True) == {"value": 3}
    assert quality_kept.fingerprint() == quality_kept.fingerprint()


def _ground(kind=Ground):
    """Three rows with outcomes after 5 and 25 days and never; the last was watched for 12 days alone."""
    cutoffs = np.array([T0, T0, T0 + 28 * DAY])
    labels = Labels(np.array([5 * DAY, 25 * DAY, NEVER]), T0 + 40 * DAY - cutoffs)
    leads = np.array(["a", "b", "c"], object)
    return kind(np.zeros((3, 1), np.float32), cutoffs, labels, leads, HORIZONS, HORIZONS, 0)


def test_the_hasty_treatment_calls_the_unmatured_negative():
    """At day 20 the outcome of day 25 is not known: the row is a no, where the hazard leaves its second bin open."""
    hazard = _ground().cells(np.array([0, 1]), T0 + 20 * DAY)
    assert list(zip(hazard.rows, hazard.bins, hazard.outcome, strict=True)) == [(0, 0, 1), (1, 0, 0)]
    ground = narrowed(_ground(), np.array([0, 1, 2]), 30 * DAY)
    hasty = Hasty(**{**vars(ground), "labels": Labels(ground.labels.time_to_outcome, np.full(3, FOREVER))})
    assert hasty.cells(np.array([0, 1]), T0 + 20 * DAY).outcome.tolist() == [1, 0]
    assert hasty.cells(np.array([0, 1, 2])).outcome.tolist() == [1, 1, 0]


def test_the_matured_treatment_keeps_what_has_passed():
    """For 10 days all three rows have matured, for 30 days the last has not."""
    labels = _ground().labels
    assert [np.flatnonzero(labels.matured(horizon)).tolist() for horizon in HORIZONS] == [[0, 1, 2], [0, 1]]
    assert narrowed(_ground(), np.array([0, 1]), 30 * DAY).cells(np.arange(2)).outcome.tolist() == [1, 1]
