import math
import re
from copy import deepcopy

from training import figures

MODELS = ("prior", "points", "logistic", "gbm", "blend", "ceiling")


def test_every_figure_of_every_model_is_there_in_its_scale(report):
    """Each metric of each model at each horizon is logged, scaled so that two decimals tell versions apart."""
    found = figures.metrics(report)
    for horizon, part in report["horizons"].items():
        for model in MODELS:
            told = part["models"][model]
            assert found[f"{horizon}/auc_x100/{model}"] == told["auc"] * 100
            assert found[f"{horizon}/log_loss_x1000/{model}"] == told["log_loss"] * 1000
            assert found[f"{horizon}/log_loss/{model}"] == told["log_loss"]
        low, high = part["models"]["blend"]["intervals"]["auc"]
        assert found[f"{horizon}/auc_x100/blend_low"] == low * 100
        assert found[f"{horizon}/auc_x100/blend_high"] == high * 100


def test_names_are_ones_that_mlflow_takes(report):
    """Metric names have only characters and lengths that every MLflow store accepts."""
    names = [
        *figures.metrics(report),
        *figures.headline(report),
        *(name for name, _, _ in figures.fold_metrics(report)),
    ]
    assert all(re.fullmatch(r"[\w./ -]{1,250}", name) for name in names)


def test_the_first_columns_are_those_that_matter(report):
    """Whatever sorts by name shows the handful first, in their order, before any horizon."""
    found = figures.headline(report)
    assert list(found) == [*figures.COLUMNS]
    assert sorted([*found, *figures.metrics(report)])[: len(found)] == list(found)
    served = report["horizons"]["90d"]["models"]["blend"]
    assert found["02_log_loss_x1000"] == round(served["log_loss"] * 1000, 2)
    assert found["05_caught_at_capacity_pct"] == round(report["capacity"]["models"]["blend"]["capture"] * 100, 2)
    rivals = report["capacity"]["more_caught"].values()
    assert found["06_rivals_beaten"] == sum(one["interval"][0] > 0 for one in rivals)
    assert found["06_rivals_beaten"] + found["07_rivals_level"] <= len(rivals)


def test_the_primary_horizon_comes_first(report):
    """The horizon that was agreed on leads the list of a run's metrics."""
    horizons = [name.split("/")[0] for name in figures.metrics(report)]
    assert horizons[0] == "90d"
    assert horizons.index("30d") > max(at for at, name in enumerate(horizons) if name == "90d")


def test_the_advantage_is_the_share_of_log_loss_saved(report):
    """The advantage over a rival is the share of the rival's log loss that the served model saves."""
    models = report["horizons"]["90d"]["models"]
    expected = 100 * (models["points"]["log_loss"] - models["blend"]["log_loss"]) / models["points"]["log_loss"]
    assert math.isclose(figures.advantage(report, "90d", "points"), expected)
    assert figures.advantage(report, "90d", "blend") is None
    assert figures.advantage(report, "90d", "nobody") is None


def test_figures_that_are_not_numbers_are_left_out(report):
    """NaN and null, which MLflow's stores treat each in its own way, are never sent."""
    holed = deepcopy(report)
    holed["horizons"]["90d"]["models"]["blend"].update(auc=math.nan, log_loss=None)
    found = figures.metrics(holed) | figures.headline(holed)
    assert "90d/auc_x100/blend" not in found
    assert "log_loss_x1000" not in found
    assert "09_auc_x100" not in found
    assert all(math.isfinite(value) for value in found.values())


def test_params_tell_the_definition_of_ready_and_the_data(report):
    """A run's parameters say what ready means, which facts were read and how the blend was chosen."""
    found = figures.params(report, seed=7)
    assert found["ready_outcome"] == '["won"]'
    assert found["ready_primary"] == "90d"
    assert found["history_fingerprint"] == report["history"]["fingerprint"]
    assert found["blend_weight"] == "0.62"
    assert found["seed"] == "7"
    assert all(isinstance(value, str) and len(value) <= 6000 for value in found.values())


def test_folds_are_steps_of_a_curve(report):
    """Each backtest fold is one step of one curve for each model."""
    found = list(figures.fold_metrics(report))
    assert ("folds/log_loss_x1000/gbm", 151.0, 0) in found
    assert sorted({step for _, _, step in found}) == [0, 1]
