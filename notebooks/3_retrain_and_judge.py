# %% [markdown]
# # Retrain and judge
#
# A model is judged by what it would have told you at moments of the past, beside its rivals, on rows that came later.
# From files to that judgement it is a handful of lines.

# %%
import os
from pathlib import Path

from data.check import check
from data.contract import load_contract
from data.simulation.folder import write
from data.simulation.market import simulate
from training.backtest_words import sentences
from training.backtesting.backtest import Settings, run_backtest

path = Path(os.environ.get("READINESS_CONTRACT", "market/readiness.toml"))
contract = load_contract(path) if path.exists() else write(simulate("steady", 2_000, seed=1), path.parent, paths=1)
checked = check(contract)
backtest = run_backtest(contract, checked, Settings(folds=contract.backtest.folds, curve=False), jobs=1)
print(*sentences(backtest.result), sep="\n\n")

# %% [markdown]
# Each fold trains as of its date, from what was known then, and is judged on what followed. What is finished is kept:
# run the cell again and nothing is trained twice. `jobs=0` takes every core.

# %%
import pandas as pd
from IPython.display import Image

from training.backtest_words import FOLD_COLUMNS, fold_rows
from training.plots import draw_plots

plots = draw_plots(backtest.result, ["folds.png", "reliability.png", "comparison.png", "capacity.png"])
pd.DataFrame([*fold_rows(backtest.result)], columns=FOLD_COLUMNS).set_index("from")


# %%
def show(name, plots=plots):
    """A plot, or why there is none."""
    return Image(plots[name], width=900) if name in plots else "Too few outcomes to draw it."


show("folds.png")

# %% [markdown]
# ## Is it true?
#
# Calibration comes first: of those told about one in five, about one in five should have the outcome. A dot on the
# dashed line is a promise kept.

# %%
show("reliability.png")

# %% [markdown]
# ## Is it better?
#
# No claim without its rivals, all on the same rows: the base rate, your points where there are some, logistic
# regression, LightGBM, and the blend of both, which serves.

# %%
show("comparison.png")

# %%
served = backtest.result["horizons"][backtest.result["primary"]]["models"]
figures = pd.DataFrame(served).T[["auc", "average_precision", "log_loss", "brier", "ece", "lift_at_10"]]
figures.astype(float).round(4)

# %% [markdown]
# ## Whom would it have called?
#
# Sales can work so many hand-offs a week. At that capacity, each model's list catches so many of the outcomes.

# %%
show("capacity.png")

# %% [markdown]
# ## Train a version
#
# `make_version` runs the trial on all that is known, writes the bundle, and registers it with MLflow: parameters,
# figures, plots, the report as a page, the model. The first version of a product is its champion; a later one is the
# challenger, until somebody promotes it.
#
# This one answers a question that will come: do we need that field at all? It is trained without one attribute. A
# contract is a text; what is added to it travels with the version.

# %%
from data.contract import parse_contract
from features.profile import profile
from training.keeping import champion, make_version
from training.summary import of_version

champion(contract, checked)
known = profile(checked.history, checked.history.ends_at).attributes
doubted = next(attribute.column for attribute in known if attribute.source == "leads")
less = parse_contract(f'{contract.text}\n[leaks]\nquarantine = ["{doubted}"]\n', contract.folder)
made = make_version(less, checked)

# %%
print(f"{made.version.name} version {made.version.number}, {made.version.alias}, without {doubted}\n")
print(*of_version(made.trial.report), sep="\n\n")

# %%
print("The run:    ", made.version.run_url)
print("The version:", made.version.model_url)
print("`readiness ui` opens MLflow's pages at that address, where the registry is the embedded one.")

# %%
show("importance.png", draw_plots(made.trial.report, ["importance.png"]))

# %% [markdown]
# ## The duel
#
# The last word on the points: let them, the model and Odoo's frequency table call leads from the same later weeks, as
# many each, and count what came of it. Without points of your own the other two meet.

# %%
from models.points import load_points
from training.duel_plot import draw_duel
from training.duel_words import rule_sentences, verdict
from training.heldout import hold_out
from training.points_duel import points_duel

held = hold_out(contract, checked.history, made.trial, lambda _what, _share: None)
file = None if contract.points is None else contract.resolve(contract.points.file)
points = None if file is None else load_points(file.read_text(), file.name)
duel = points_duel(held, points, threshold=contract.points.threshold if contract.points else None)

# %%
print(*(verdict(difference) for difference in duel.duel.differences), sep="\n")
print(*rule_sentences(duel.rules), sep="\n")
Image(draw_duel(duel.duel), width=900)

# %% [markdown]
# An interval that spans nought means that the difference may be luck. More outcomes make it narrower;
# `Settings(curve=True)` says what they would give.
