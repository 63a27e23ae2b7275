import io
from copy import deepcopy

import numpy as np
import pytest
from PIL import Image

from training.plots import draw_plots

CONTEST = {"reliability.png", "gains.png", "lift.png", "comparison.png", "horizons.png"}
EVERY = CONTEST | {"importance.png", "capacity.png", "segments.png", "ages.png", "level.png"}


def _pixels(png: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))


@pytest.fixture(scope="module")
def plots(report):
    """All plots of the example report."""
    return draw_plots(report)


def test_plots_are_pngs_wide_enough_for_a_page(plots):
    """Every plot is a PNG of at least 900 pixels' width with something drawn on white."""
    assert set(plots) == EVERY
    for name, png in plots.items():
        pixels = _pixels(png)
        assert pixels.shape[1] >= 900, name
        assert tuple(pixels[0, -1]) == (255, 255, 255), name
        assert (pixels < 128).any(), name


def test_plots_depend_on_the_figures_alone(report, plots):
    """The same report gives the same bytes, so versions can be compared by their pictures."""
    assert draw_plots(report) == plots


def test_only_what_is_asked_for_is_drawn(report, plots):
    """A page that shows one plot does not wait for the others; what there is nothing to draw of is not there."""
    assert draw_plots(report, ["lift.png", "folds.png"]) == {"lift.png": plots["lift.png"]}


def test_other_figures_give_other_pictures(report, plots):
    """Every plot shows figures of the report: when they change, so does the picture."""
    changed = deepcopy(report)
    horizon = changed["horizons"]["90d"]["models"]["blend"]
    horizon["auc"], horizon["intervals"]["auc"] = 0.6, [0.55, 0.65]
    curves = changed["curves"]["90d"]
    curves["reliability"]["blend"][-1]["observed"] = 0.9
    curves["reliability"]["blend"][-1]["high"] = 0.95
    curves["gains"]["blend"]["captured"] = [x**2 for x in curves["gains"]["blend"]["captured"]]
    changed["importance"][0]["mean_abs_push"] = 2.0
    changed["horizons"]["30d"]["told"] = 0.5
    changed["refit"]["level"]["came"][-1] = 12.0
    changed["capacity"]["models"]["points"]["caught"] += 9
    for part in (changed["segments"][0], changed["ages"]):
        part["groups"][0]["rate"] += 0.02
    assert all(png != plots[name] for name, png in draw_plots(changed).items())


def test_no_plot_is_drawn_over_its_title(plots):
    """The lines of the title stand alone: no axis, bar or curve reaches into them."""
    for name, png in plots.items():
        pixels = _pixels(png)
        below = pixels[95:108, :, :]  # between the second line of the title and the axes
        assert (below == 255).all(), name


def test_a_report_without_points_ceiling_or_importance_is_drawn(report):
    """Rivals that a customer does not have leave no gap and no error."""
    bare = deepcopy(report)
    for horizon in bare["horizons"].values():
        del horizon["models"]["points"], horizon["models"]["ceiling"]
    for curve in bare["curves"].values():
        for kind in curve.values():
            del kind["points"], kind["ceiling"]
    bare["importance"] = []
    del bare["segments"], bare["ages"], bare["capacity"]["models"]["points"]
    bare["refit"]["level"] = None
    assert set(draw_plots(bare)) == CONTEST | {"capacity.png"}


def test_rows_without_outcomes_are_drawn(report):
    """Where no figure is defined (nothing happened within the horizon) the plots still come."""
    silent = deepcopy(report)
    for horizon in silent["horizons"].values():
        for figures in horizon["models"].values():
            figures.update(dict.fromkeys(("auc", "average_precision", "log_loss", "brier", "ece", "lift_at_10")))
            figures["intervals"] = {metric: [None, None] for metric in figures["intervals"]}
    for curve in silent["curves"].values():
        for rows in curve["reliability"].values():
            for row in rows:
                row.update(observed=0.0, low=0.0)
        for gain in curve["gains"].values():
            gain["captured"] = [0.0] * len(gain["captured"])
    silent["capacity"]["wins"] = 0
    assert set(draw_plots(silent)) == EVERY - {"capacity.png"}


def test_a_handful_of_wins_is_not_drawn(report):
    """Where too few won to say how well the model ranks, no picture of the contest claims it."""
    few = deepcopy(report)
    few["expectation"]["auc"] = None
    assert set(draw_plots(few)) == {"importance.png", "level.png"}


def test_without_judged_rows_nothing_is_claimed(report):
    """Where no row could be judged no plot of a figure is drawn."""
    empty = deepcopy(report)
    empty["horizons"]["90d"].update(n=0, rate=None, outcomes=0)
    assert set(draw_plots(empty)) == {"importance.png", "level.png"}
