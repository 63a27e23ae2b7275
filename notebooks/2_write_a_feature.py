# %% [markdown]
# # Write a feature, and see whether it earns its place
#
# A feature is a question about a lead's past at a cutoff. Here you write two, look at their values, see whether they
# know something that they should not, and ask the only question that counts: does a model predict better with them?
#
# All of it is judged on what was known *before* the rows that judge a version begin. Try as many features as you like;
# the test rows stay unseen.

# %%
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
from IPython.display import Image

from data.check import check
from data.clock import DAY
from data.contract import load_contract
from data.simulation.folder import write
from data.simulation.market import simulate
from data.spine import build_spine

# %%
path = Path(os.environ.get("READINESS_CONTRACT", "market/readiness.toml"))
contract = load_contract(path) if path.exists() else write(simulate("steady", 2_000, seed=1), path.parent, paths=1)
history = check(contract).history

# %% [markdown]
# ## What there is already
#
# The catalog makes features from what your facts have to offer. `features/catalog.py` is the page to edit.

# %%
from features.catalog import INTENT, default_catalog
from features.profile import profile

offer = profile(history, history.ends_at)
catalog = default_catalog(offer)
print(f"{len(catalog)} features that answer {len(set(catalog.groups))} questions.")
pd.Series(catalog.groups).value_counts().head(12).rename("features").to_frame()

# %% [markdown]
# ## Two of your own
#
# The first is declared: how warm the late-stage signs are, all kinds together. Declared features run in the compiled
# engine.

# %%
from features.definitions import DecayedSum

late_signs = tuple(kind for kind in offer.kinds if any(word in kind for word in INTENT)) or tuple(offer.kinds)[:1]
warmth = DecayedSum(kinds=late_signs, half_life=14 * DAY, alias="late_stage_warmth", sign=1)
late_signs

# %% [markdown]
# The second is code: anything you can compute from one lead's events, oldest first. It sees only what had happened and
# was known before the cutoff, so it cannot look ahead.

# %%
from features.custom import Custom
from features.lead import Event


@dataclass(frozen=True, kw_only=True)
class BusiestDay(Custom):
    """The most engagement events on one day of the last ninety."""

    def value(self, events: Sequence[Event], cutoff: int) -> float | None:
        """The number as of the cutoff; none without engagement."""
        days = [e.occurred_at // DAY for e in events if e.actor != "sales" and e.occurred_at >= cutoff - 90 * DAY]
        return float(max(np.unique(days, return_counts=True)[1])) if days else None


# %% [markdown]
# Look at the values before you trust them.

# %%
from features.feature_set import FeatureSet
from features.levels import learn
from features.local import compute

mine = FeatureSet((warmth, BusiestDay()))
spine = build_spine(contract.spine, contract.ready, history, contract.folder)
table = compute(history, spine, mine, learn(history, mine, history.ends_at)).to_pandas()
table.describe().loc[["count", "mean", "min", "50%", "max"]].drop(columns="cutoff", errors="ignore")

# %% [markdown]
# ## Do they earn their place?
#
# `worth` learns a model without the feature, its settings chosen without it, and once more with it, and compares the
# two on the same later rows. Then it shuffles the feature's column among leads asked about at the same time: what the
# model loses is what it had taken from there. Intervals are over samples of leads.

# %%
from training.worth import worth
from training.worth_words import sentences

found = {feature.name: worth(contract, history, [feature]) for feature in mine}
for one in found.values():
    print(*sentences(one), "", sep="\n")

# %% [markdown]
# A feature rarely earns much beside a full catalog: most of what it knows is known already. To see what a real
# contribution looks like, take a whole question away, here everything about recency and how warm the interest is.
#
# Where shuffling hurts but learning without does not, others stand in for it: such a feature is used, not needed.

# %%
questions = ("engagement", "recency", "momentum", *late_signs)
asked = [name for name, group in zip(catalog.names, catalog.groups, strict=True) if group in questions]
found[f"{len(asked)} features of the catalog"] = worth(contract, history, asked)
print(*sentences([*found.values()][-1]), sep="\n")

# %%
from training.drawing import COLOURS, INK, panels, png, span

figure, columns = panels(2.0 + 0.5 * len(found), 2)
for axes, figure_of, what in zip(columns, ("learned", "shuffled"), ("learning with it", "not shuffled"), strict=True):
    for row, one in enumerate(found.values()):
        if gain := getattr(one, figure_of).get("log_loss"):
            span(axes, row, (gain.low, gain.high), COLOURS["blend"], upright=False, heavy=True)
            axes.plot([gain.value], [row], marker="o", ms=8, color=COLOURS["blend"])
    axes.axvline(0, color=INK, lw=1, ls="--")
    axes.set_xlabel(f"log loss saved by {what}")
    axes.locator_params(axis="x", nbins=4)
    axes.margins(y=0.25)
columns[0].set_yticks(range(len(found)), list(found))
earned = sum(one.answer == "earns its place" for one in found.values())
title = f"{earned} of {len(found)} certainly earn their place"
Image(png(figure, title, "right of the line: better with it; bars are intervals at ninety-five per cent"), width=900)

# %% [markdown]
# ## A feature that knows too much
#
# Leaks look like success. Here is one, made on purpose: somebody tidies the CRM and marks those who bought, with the
# date of the lead's creation. No clock can tell; only its strength gives it away.

# %%
winners = history.outcomes.to_pandas().query("kind in @contract.ready.outcome")["lead_id"].unique()
created = history.leads.to_pandas().set_index("lead_id").loc[winners, "created_at"]
marks = pd.DataFrame({"lead_id": winners, "kind": "key_account", "actor": "marketing"})
marks = marks.assign(occurred_at=created.to_numpy(), known_at=created.to_numpy())
schema = pa.schema([history.events.schema.field(name) for name in marks])
marks = pa.Table.from_pandas(marks, schema, preserve_index=False)
tidied = replace(history, events=pa.concat_tables([history.events, marks], promote_options="default"))

# %%
offered = default_catalog(profile(tidied, tidied.ends_at))
of_the_mark = [name for name, group in zip(offered.names, offered.groups, strict=True) if group == "key_account"]
print(*sentences(worth(contract, tidied, of_the_mark)), sep="\n")

# %% [markdown]
# Fields of leads and accounts are looked through by themselves, by who has them and when they were written as well as
# by strength. `readiness check` shows the same table, and training leaves the suspects out.

# %%
from training.leaks.detect import find_leaks
from training.leaks.telling import auc, status, summary

leaks = find_leaks(contract, history).to_dict()
print(summary(leaks))
fields = [(each["field"], status(each), auc(each["alone"])) for each in leaks["findings"]]
pd.DataFrame(fields, columns=["field", "decision", "AUC alone"]).set_index("field")

# %% [markdown]
# ## Keep it
#
# A declared feature that earns its place goes into `features/catalog.py`, in the paragraph of its question; the next
# `readiness train` has it, and its definition travels with the version. A custom one is yielded there too, but costs a
# Python call for each row: first see whether a declared one says the same.
