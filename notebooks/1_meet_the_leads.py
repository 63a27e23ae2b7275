# %% [markdown]
# # Meet the leads
#
# Before anything is learned, look at what is there: which rows are good, who the leads are, when the question is asked,
# and how the answers come in. Nothing on this page changes your facts.
#
# The contract says where they are. Point `READINESS_CONTRACT` to yours; without one, a simulated market is written
# beside this notebook, and everything below works the same.

# %%
import os
from pathlib import Path

import numpy as np
import pandas as pd
from IPython.display import Image
from matplotlib.dates import ConciseDateFormatter

from data.check import check
from data.clock import DAY, WEEK, format_duration, from_micros
from data.contract import load_contract
from data.simulation.folder import write
from data.simulation.market import simulate
from data.labels import label
from data.spine import build_spine, micros

# %%
path = Path(os.environ.get("READINESS_CONTRACT", "market/readiness.toml"))
contract = load_contract(path) if path.exists() else write(simulate("steady", 2_000, seed=1), path.parent, paths=1)

# %% [markdown]
# ## Good rows, bad rows
#
# `check` reads what the contract maps. A row is good, or it is left out with one reason; good and bad add up to what
# was read. Nothing is repaired in silence.

# %%
checked = check(contract)
history = checked.history
account = [(t.table, t.read, t.accepted, t.rejected) for t in checked.report.tables]
pd.DataFrame(account, columns=["table", "read", "good", "bad"]).set_index("table")

# %%
why = [(t.table, bad.reason, bad.count) for t in checked.report.tables for bad in t.rejections]
pd.DataFrame(why, columns=["table", "reason", "rows"])

# %% [markdown]
# The bad rows themselves are in `checked.rejected`, as they came, for whoever can mend them at the source.
#
# ## Who they are, and what they do
#
# The facts are Arrow tables. `to_pandas()` is one call away.

# %%
history.leads.to_pandas().head()

# %%
history.events.select(["lead_id", "kind", "occurred_at", "known_at", "actor"]).to_pandas().head()

# %%
from training.drawing import CAME, COLOURS, legend_above, panels, percents, png
from training.wording import percent, whole

kinds = history.events.to_pandas().groupby(["kind", "actor"]).size().sort_values().tail(12)
figure, (axes,) = panels(1.6 + 0.32 * len(kinds))
colours = [COLOURS["points"] if actor == "sales" else COLOURS["blend"] for _, actor in kinds.index]
axes.barh([kind for kind, _ in kinds.index], kinds.to_numpy(), color=colours, height=0.7)
axes.grid(axis="y", visible=False)
title = f"{whole(len(history.events))} events of {whole(len(history.leads))} leads, by kind"
Image(png(figure, title, "blue: what leads did; orange: what sales did, never counted as engagement"), width=900)

# %% [markdown]
# Every event has two clocks. *occurred_at* is when it happened, *known_at* when you could have known it. A list from a
# trade fair that is typed in two weeks later must not help a prediction of last week.

# %%
late = (micros(history.events["known_at"]) - micros(history.events["occurred_at"])) / DAY
print(f"{percent((late > 1).mean())} of the events became known more than a day after they happened.")
print(f"The latest of them: {late.max():.0f} days.")

# %% [markdown]
# ## When the question is asked
#
# The spine is the list of questions: a lead, and a cutoff. Features look strictly before the cutoff; the answer is
# whether the outcome comes within the horizon after it. Only open leads are asked about.

# %%
spine = build_spine(contract.spine, contract.ready, history, contract.folder)
labels = label(history, spine, contract.ready)
horizon = contract.ready.primary
matured, came = labels.matured(horizon), labels.outcome(horizon)
print(f"{whole(len(spine))} questions, {whole(len(set(spine['cutoff'].to_pylist())))} cutoffs.")
print(f"{whole(matured.sum())} have matured: {format_duration(horizon)} and the reporting lag have passed.")
print(f"{percent(came[matured].mean())} of those had the outcome: the base rate, which every model has to beat.")

# %% [markdown]
# A question that has not matured is *censored*: nobody knows yet. It is never counted as a no. The youngest rows would
# otherwise teach the model that fresh leads do not buy.

# %%
asked = pd.DataFrame({"cutoff": micros(spine["cutoff"]), "matured": matured, "came": came & matured})
weekly = asked.groupby("cutoff").agg(n=("came", "size"), matured=("matured", "sum"), came=("came", "sum"))
days = [from_micros(int(cutoff)) for cutoff in weekly.index]
figure, (rows, rate) = panels(4.2, 2, shared=False)
rows.fill_between(days, weekly["n"], color=COLOURS["random"], lw=0, label="censored: no answer yet")
rows.fill_between(days, weekly["matured"], color=COLOURS["blend"], lw=0, label="matured")
rows.set(ylim=(0, None), ylabel="open leads asked about")
legend_above(rows)
known = (weekly["matured"] == weekly["n"]).to_numpy()
rate.plot(np.array(days)[known], (weekly["came"] / weekly["n"])[known], color=CAME, lw=2, marker="o", ms=4)
rate.set(ylim=(0, None), ylabel=f"share with the outcome within {format_duration(horizon)}")
for axes in (rows, rate):
    axes.xaxis.set_major_formatter(ConciseDateFormatter(axes.xaxis.get_major_locator()))
percents(rate.yaxis)
Image(png(figure, "What is asked, and what came", "left: rows of each cutoff; right: their base rate"), width=900)

# %% [markdown]
# ## A lead's life, as the model sees it
#
# `champion` is the version that serves. Where the registry has none yet, one is trained now and becomes it. A scorer
# asks it about one lead at any moment, with only what was known then: the same bits as the service would answer.

# %%
from models.histories import lead_histories
from models.scorer import Scorer
from training.keeping import champion

bundle = champion(contract, checked)
scorer = Scorer(bundle)

# %% [markdown]
# Two leads: the one that was busiest just before its (last) outcome, and the busiest of those without one.

# %%
outcomes = history.outcomes.to_pandas()
events = history.events.to_pandas().query("actor != 'sales'")
last_win = outcomes[outcomes["kind"].isin(contract.ready.outcome)].groupby("lead_id")["occurred_at"].max()
before = events["lead_id"].map(last_win) - events["occurred_at"]
lately = events[before.between(pd.Timedelta(0), pd.Timedelta(days=60))].groupby("lead_id").size()
never = events[~events["lead_id"].isin(last_win.index)].groupby("lead_id").size()
winner, other = lately.idxmax(), never.idxmax()


# %%
def life(lead_id, step=WEEK):
    """When a lead was asked about, and its readiness each time."""
    (lead,) = lead_histories(history, [lead_id])
    end = int(last_win[lead_id].timestamp() * 1e6) if lead_id in last_win else history.ends_at
    moments = [*range(end, lead.created_at, -step)][::-1]
    return [from_micros(at) for at in moments], [s.readiness for s in scorer.score_many([(lead, at) for at in moments])]


# %%
figure, columns = panels(4.6, 2)
lives = {"with the outcome": (winner, *life(winner)), "without it": (other, *life(other))}
top = 1.15 * max(max(readiness) for _, _, readiness in lives.values())
for axes, (what, (lead_id, moments, readiness)) in zip(columns, lives.items(), strict=True):
    axes.plot(moments, readiness, color=COLOURS["blend"], lw=2.4)
    done = events.query("lead_id == @lead_id and occurred_at < @moments[-1]")["occurred_at"]
    axes.plot(done, np.full(len(done), -0.03 * top), "|", color=COLOURS["prior"], ms=7, alpha=0.6)
    axes.set_title(f"{lead_id}, {what}", fontsize=11)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(axes.xaxis.get_major_locator()))
columns[0].axvline(lives["with the outcome"][1][-1], color=CAME, lw=1.5, ls="--")
columns[0].set(ylim=(-0.06 * top, top), ylabel=f"readiness within {format_duration(horizon)}")
percents(columns[0].yaxis)
eve, most = lives["with the outcome"][2][-1], max(lives["without it"][2])
title = f"Told {percent(eve)} on the eve of the outcome, {percent(most)} at the most without one"
Image(png(figure, title, "line: readiness, asked weekly; ticks: what the lead did; dashed: the outcome"), width=900)

# %% [markdown]
# That is the whole idea: a calibrated answer to one question, at any moment, from what was known then. The next
# notebook writes a feature of its own and asks whether it earns its place.
