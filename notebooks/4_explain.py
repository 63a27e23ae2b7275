# %% [markdown]
# # Explain a lead, and a version
#
# Sales will ask why this lead and why now; whoever answers for the model will ask what it looks at and whether it is
# still the one that was judged. Both have an answer in the bundle that serves.

# %%
import os
from pathlib import Path
from textwrap import fill

import pandas as pd
from IPython.display import Image, Markdown

from data.check import check
from data.clock import WEEK, from_micros
from data.contract import load_contract
from data.simulation.folder import write
from data.simulation.market import simulate
from models.histories import lead_histories
from models.scorer import Scorer
from models.snapshot import score_history
from training.keeping import champion

# %%
path = Path(os.environ.get("READINESS_CONTRACT", "market/readiness.toml"))
contract = load_contract(path) if path.exists() else write(simulate("steady", 2_000, seed=1), path.parent, paths=1)
checked = check(contract)
history, bundle = checked.history, champion(contract, checked)

# %% [markdown]
# ## Every open lead, at one moment
#
# One row for each: readiness on every horizon, the index, the decision and its reasons. `readiness score` writes the
# same table.

# %%
scores = score_history(bundle, history, history.ends_at).to_pandas().sort_values("readiness", ascending=False)
shown = ["lead_id", "readiness", "index", "decision", "reason_1", "reason_2"]
scores[shown].head(8).set_index("lead_id").round({"readiness": 3, "index": 1})

# %%
scores["decision"].value_counts().rename("leads").to_frame()

# %% [markdown]
# ## Why this lead?
#
# Reasons are the model's own contributions, grouped by the question that they answer and told as dated evidence. A push
# is how far a group moves the log-odds away from where the model starts. It is no statement of cause and effect.

# %%
from training.drawing import CAME, COLOURS, INK, panels, png
from training.wording import percent

scorer = Scorer(bundle)
(lead,) = lead_histories(history, [scores["lead_id"].iloc[0]])
now = scorer.score(lead, history.ends_at, reasons=8)
print(f"{now.decision}: {now.decision_reason}")

# %%
texts = [fill(reason.text, 48) for reason in now.reasons][::-1]
pushes = [reason.push for reason in now.reasons][::-1]
figure, (axes,) = panels(1.6 + 0.45 * len(texts))
axes.barh(texts, pushes, color=[COLOURS["blend"] if push > 0 else CAME for push in pushes], height=0.65)
axes.axvline(0, color=INK, lw=1)
axes.grid(axis="y", visible=False)
axes.set_xlabel("push on the log-odds")
title = f"Lead {lead.lead_id}: readiness {percent(now.readiness)}, and what speaks for it"
Image(
    png(figure, title, f"as of {from_micros(now.as_of):%d %B %Y}; blue speaks for the outcome, orange against"),
    width=900,
)

# %% [markdown]
# ## Reasons then and now
#
# Ask about the same lead at earlier moments: what was known then, what would have been said then.

# %%
first = max(lead.created_at + 1, history.ends_at - 12 * WEEK)
moments = [*range(first, history.ends_at, 2 * WEEK), history.ends_at]
then = [scorer.score(lead, moment, reasons=2) for moment in moments]
rows = [(f"{from_micros(s.as_of):%d %b %Y}", s.readiness, s.state, *(r.text for r in s.reasons)) for s in then]
pd.DataFrame(rows).set_axis(["as of", "readiness", "state", "reason 1", "reason 2"][: len(max(rows, key=len))], axis=1)

# %% [markdown]
# ## What does the version look at?

# %%
from training.plots import draw_plots
from training.version_card import version_card

Image(draw_plots(bundle.report, ["importance.png"])["importance.png"], width=900)

# %% [markdown]
# The card is what MLflow shows as the version's description: how good it was on later rows, beside its rivals, and what
# to expect of it.

# %%
Markdown(version_card(bundle.report, bundle.bundle_id))

# %% [markdown]
# ## Is it still the one that was judged?
#
# A bundle carries golden rows, whole leads with their exact readiness. Reading it checks every file against its hash;
# `check_golden` scores those leads again and asks for the same bits. The service does so before it swaps a model in.

# %%
bundle.check_golden()
print(f"{len(bundle.golden.leads)} leads scored again, each the same to the last bit. Bundle {bundle.bundle_id[:12]}.")

# %% [markdown]
# ## What would another version change?
#
# Champion and challenger side by side, on the same later rows, and in what a promotion would do to people. Where there
# is no challenger, one is trained without an attribute, as in the notebook before.

# %%
from data.contract import parse_contract
from features.profile import profile
from training.comparing import words
from training.comparing.comparison import compare_versions
from training.comparing.side import find_side
from training.fetch import is_there
from training.keeping import make_version

if not is_there(contract, "challenger"):
    known = profile(history, history.ends_at).attributes
    doubted = next(attribute.column for attribute in known if attribute.source == "leads")
    make_version(parse_contract(f'{contract.text}\n[leaks]\nquarantine = ["{doubted}"]\n', contract.folder), checked)

# %%
sides = find_side(contract, "champion"), find_side(contract, "challenger")
compared = compare_versions(contract, history, *sides)
print(*words.sides(compared), "", *words.sentences(compared), sep="\n")

# %%
judged = [] if compared["judged"] is None else words.metric_rows(compared["judged"]["horizons"][compared["primary"]])
pd.DataFrame([*judged], columns=words.METRIC_COLUMNS).set_index("metric")

# %%
from training.comparing.picture import draw_calibration

picture = draw_calibration(compared)
Image(picture, width=900) if picture else "Nothing could be judged yet."

# %% [markdown]
# Those who would move most. The index means the same odds in every version, so a move is a move.

# %%
pd.DataFrame([*words.mover_rows(compared["people"])], columns=words.MOVER_COLUMNS).set_index("lead").head(6)

# %% [markdown]
# Nothing on this page has promoted anything. `readiness compare` prints the same and writes it as a page for those who
# decide, and `readiness promote` says line by line whether the challenger may take over.
