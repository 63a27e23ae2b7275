"""The page of results in Markdown."""

from collections import Counter
from collections.abc import Mapping, Sequence

from benchmarks.real_baselines import Judged
from benchmarks.real_paired import DRAWS, Difference
from benchmarks.real_protocols import Outcome
from benchmarks.real_recipes import RECIPES, SHAPED, Recipe
from benchmarks.real_rolling import LEARNED, REMEMBERED, STEP
from benchmarks.real_tables import count_line, drift_table, figure_table, missed, rolling_table, verdict_table

HEAD = f"""# Results on public data

Each row is a contract in `examples/` (which says where the public finds the data), trained as `readiness train` trains
it and judged on later rows. Made by

    python benchmarks/real_data.py --write docs/results.md

The settings of each run are chosen on its training rows alone. The rules by which they are chosen were developed with
these data sets, test rows included, in view, and so were the baselines' columns.

*Plain LR* and *plain GBM* are fitted in the same run on the same training rows as the served model: scikit-learn's
logistic regression (numbers standardised, missing ones at the median with an indicator) and LightGBM, both at their
libraries' defaults, on counts of all events (30 days, 90 days, ever) and of each kind (ever), first and last recency,
age and attributes (one-hot for the regression, LightGBM's own handling for the trees). Several sets of such columns
were tried; these gave the baselines that come nearest to the *quoted* ones, which came with the protocols and are not
measured here.

A difference is served minus baseline on the same test rows, with two standard errors from {DRAWS} bootstrap draws of
leads with all their rows. Beyond them the served model *beats* the baseline or *loses* to it; otherwise it *ties*. They
tell how noisy the test rows are, not how another period or another seed would have gone. *Clear* means that the served
model loses nowhere and beats each of the two baselines in AUC, in log loss or in both.
"""

FIGURES = """
## Figures

AUC / log loss (nats). The served model is the calibrated blend of *its LR* and *its GBM*, shown with calibrations of
their own.
"""

DRIFT = """
## Drift

How the rate of the outcome moved between the training rows and the test rows, and what the training did about it
without seeing the latter. The half-life of a row's weight, and whether the linear model follows numbers beyond what
was seen, are chosen by time-ordered validation within the training rows; *level* is the calibration's intercept in
log-odds, which goes part of the way to the latest validation block. Where the training rows have one cutoff only
(`oulad`: one course before, one after), validation is by groups of leads that look unlike each other, which shows what
holds for other leads, but not that the next period stands at another level. How far the level follows the latest block
is learned from the steps between the blocks. Below the table, what the reports say of it.
"""


def page(
    outcomes: Mapping[str, Outcome],
    differences: Mapping[str, Mapping[str, Sequence[Difference]]],
    rolled: tuple[Judged, list[Recipe]] | None,
    rolled_differences: Mapping[str, Sequence[Difference]] | None,
) -> str:
    """The whole page, or the parts of it that were run."""
    parts = [HEAD]
    if outcomes:
        every = dict(differences) | ({} if rolled_differences is None else {"rolling window": rolled_differences})
        parts += [count_line(every) + "\n", verdict_table(every)]
        parts += [FIGURES, figure_table(outcomes), DRIFT, drift_table(outcomes), _notes(outcomes)]
    if rolled is not None and rolled_differences is not None:
        parts += [_rolling_head(*rolled), rolling_table(rolled[0], rolled_differences)]
    return "\n".join(parts).rstrip() + "\n"


def _notes(outcomes: Mapping[str, Outcome]) -> str:
    """What the reports say of what was chosen, word for word."""
    return "\n" + "\n".join(f"- {name}: {note}" for name, outcome in outcomes.items() for note in outcome.notes)


def _rolling_head(judged: Judged, recipes: Sequence[Recipe]) -> str:
    """How the rolling window is played, what was chosen on the way, and what was missed."""
    small = sum(recipe.trees.shape == SHAPED[-1] for recipe in recipes)
    recent = sum(recipe.trees.recent or recipe.line.recent for recipe in recipes)
    shares = Counter(f"{recipe.weight:.2f}" for recipe in recipes)
    told = ", ".join(f"{share} in {count}" for share, count in sorted(shares.items()))
    short = missed(judged)
    verdict = f"**Missed:** {'; '.join(short)}." if short else "All three figures that were asked for are reached."
    calls, rate = f"{len(judged.outcome):,}", f"{judged.outcome.mean():.3f}"
    return f"""
## The rolling window of Moro, Cortez and Rita (Decision Support Systems 62, 2014)

`bank_marketing`, in the order of the calls: learn from the latest {LEARNED:,}, answer for the next {STEP}, slide by
{STEP}; {calls} calls are answered for, and a share of {rate} of them said yes. No `duration`. `campaign` is in, for
the served model and the baselines alike, as it was in the quoted figures: it is the number of the call, known as it is
dialled. A call answers at once, so all calls before a window are known in it. Category levels and models are learned
anew in every window. Of {len(RECIPES)} recipes (smallest leaf with its penalty, rounds, linear penalty, recency
weights, share of the booster; the shapes are those that a trial tries) each window serves the one with the lowest log
loss on the {REMEMBERED} windows before it, without calibration. This choice belongs to the benchmark, and within a
window no setting has seen what is answered for; but that leaves of {SHAPED[-1].leaf} rows do better here than those of
{SHAPED[0].leaf}, and how many windows to remember, were decided with these calls in view.

In {len(recipes)} windows the smaller leaf was chosen {small} times and recency weights, for either member,
{recent} times. The booster's share of the blend was {told}. Nothing else follows
the level: a model that learns anew up to the last call does.

ALIFT is the area under the curve of cumulative gains. {verdict}
"""
