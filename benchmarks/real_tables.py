"""The tables of the page of results: verdicts, figures, drift, the rolling window."""

from collections.abc import Mapping, Sequence
from textwrap import fill

import numpy as np

from benchmarks.real_baselines import BASELINES, Judged
from benchmarks.real_paired import Difference, figures, paired
from benchmarks.real_protocols import QUOTED, Outcome
from training.judge import Ranking, judge

SERVED = "blend"
FIGURES = {"auc": "AUC", "alift": "ALIFT", "log_loss": "log loss"}
ASKED = {"auc": 0.780, "alift": 0.730, "log_loss": 0.390}
"""What the served model is asked to reach under the rolling window."""
QUOTED_ROLLING = {
    "quoted LR": {"auc": 0.731, "alift": 0.691, "log_loss": 0.470},
    "quoted GBM": {"auc": 0.768, "alift": 0.721, "log_loss": 0.400},
}


def compared(judged: Judged) -> dict[str, list[Difference]]:
    """The served model against each baseline."""
    rivals = {name: judged.said[name] for name in BASELINES}
    return paired(judged.leads, judged.outcome, judged.said[SERVED], rivals)


def loses(differences: Mapping[str, Sequence[Difference]]) -> bool:
    """Whether the served model loses to any baseline in any figure."""
    return any(one.verdict == "loses" for each in differences.values() for one in each)


def clear(differences: Mapping[str, Sequence[Difference]]) -> bool:
    """Whether it loses nowhere and beats each baseline somewhere."""
    wins = [any(one.verdict == "beats" for one in each) for each in differences.values()]
    return not loses(differences) and all(wins)


def table(rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table; the first row is its head."""
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join([lines[0], "|" + "---|" * len(rows[0]), *lines[1:]])


def told(one: Difference) -> str:
    """Such as ``+0.0105 ± 0.0062 beats``: the difference, two standard errors, the verdict."""
    verdict = one.verdict if one.verdict == "ties" else f"**{one.verdict}**"
    return f"{one.value:+.4f} ± {2 * one.error:.4f} {verdict}"


def verdict_table(differences: Mapping[str, Mapping[str, Sequence[Difference]]]) -> str:
    """Of each protocol: the differences in AUC and log loss to both baselines."""
    head = [
        "example",
        *(f"{FIGURES[figure]}, to {name}" for name in BASELINES for figure in ("auc", "log_loss")),
        "clear",
    ]
    rows = [head]
    for name, by_rival in differences.items():
        cells = [told(one) for rival in BASELINES for one in by_rival[rival] if one.figure in ("auc", "log_loss")]
        rows.append([name, *cells, "yes" if clear(by_rival) else "no"])
    return table(rows)


def count_line(differences: Mapping[str, Mapping[str, Sequence[Difference]]]) -> str:
    """How many comparisons were won, level or lost, and on how many protocols."""
    every = [
        one.verdict
        for by_rival in differences.values()
        for each in by_rival.values()
        for one in each
        if one.figure != "alift"
    ]
    lost = [name for name, by_rival in differences.items() if loses(by_rival)]
    wins = [name for name, by_rival in differences.items() if clear(by_rival)]
    return fill(
        f"Of {len(every)} comparisons (protocol, baseline, figure) the served model beats the baseline in "
        f"{every.count('beats')}, ties in {every.count('ties')} and loses in {every.count('loses')}. "
        f"Of {len(differences)} protocols it beats or ties in everything on {len(differences) - len(lost)}"
        f"{' (all but ' + ', '.join(lost) + ')' if lost else ''}, and wins clearly on {len(wins)}"
        f"{' (' + ', '.join(wins) + ')' if wins else ''}.",
        width=120,
    )


def figure_table(outcomes: Mapping[str, Outcome]) -> str:
    """Of each protocol: AUC / log loss of the quoted references, the baselines, the members, the served model."""
    rows = [["example", "horizon", "test rows", "quoted LR", "quoted GBM", *BASELINES, "its LR", "its GBM", "served"]]
    rows[0] += ["average precision", "ECE"]
    for name, outcome in outcomes.items():
        judged = outcome.judged
        found = {model: judge(judged.outcome, said) for model, said in judged.said.items()}
        cells = [f"{auc:.3f} / {loss:.4f}" for auc, loss in QUOTED[name]]
        for model in (*BASELINES, "logistic", "gbm", SERVED):
            pair = f"{found[model]['auc']:.3f} / {found[model]['log_loss']:.4f}"
            cells.append(f"**{pair}**" if model == SERVED else pair)
        served = found[SERVED]
        cells += [f"{served['average_precision']:.3f}", f"{served['ece']:.3f}"]
        rows.append([name, outcome.horizon, f"{len(judged.outcome):,}", *cells])
    return table(rows)


def drift_table(outcomes: Mapping[str, Outcome]) -> str:
    """Of each protocol: how the rate moved, and what validation within the training rows did about it."""
    rows = [
        ["example", "rate learned from", "rate met", "mean served", "half-life of a row's weight", "follows numbers"]
    ]
    rows[0] += ["level moved by"]
    for name, outcome in outcomes.items():
        half_life = "none" if outcome.half_life is None else f"{outcome.half_life:.0f} days"
        mean = float(outcome.judged.said[SERVED].mean())
        learned, met = outcome.rates
        moved = "no" if outcome.bounded else "beyond what was seen"
        level = f"{outcome.level:+.2f}"
        rows.append([name, f"{learned:.3f}", f"{met:.3f}", f"{mean:.3f}", half_life, moved, level])
    return table(rows)


def rolling_table(judged: Judged, differences: Mapping[str, Sequence[Difference]]) -> str:
    """Under the rolling window: the figures of all models, then the differences."""
    rows = [["model", *FIGURES.values()]]
    for name, quoted in QUOTED_ROLLING.items():
        rows.append([name, *(f"{quoted[figure]:.3f}" for figure in FIGURES)])
    for model in (*BASELINES, "logistic", "gbm", SERVED):
        found = figures(Ranking.of(judged.outcome, judged.said[model]))
        label = {"logistic": "its LR", "gbm": "its GBM", SERVED: "**served**"}.get(model, model)
        rows.append([label, *(f"{found[figure]:.4f}" for figure in FIGURES)])
    alone = paired(judged.leads, judged.outcome, judged.said[SERVED], {"nothing": np.full(len(judged.outcome), 0.5)})[
        "nothing"
    ]
    noise = {one.figure: 2 * one.error for one in alone}  # one chance for all has figures without noise
    rows.append(["two SE of served", *(f"{noise[figure]:.4f}" for figure in FIGURES)])
    rows.append(["asked of served", *(f"{ASKED[figure]:.3f}" for figure in FIGURES)])
    for name, each in differences.items():
        by_figure = {one.figure: told(one) for one in each}
        rows.append([f"served less {name}", *(by_figure[figure] for figure in FIGURES)])
    return table(rows)


def missed(judged: Judged) -> list[str]:
    """The figures under the rolling window that were asked for and not reached, in words."""
    found = figures(Ranking.of(judged.outcome, judged.said[SERVED]))
    worse = {
        figure: found[figure] < asked if figure != "log_loss" else found[figure] > asked
        for figure, asked in ASKED.items()
    }
    return [f"{FIGURES[figure]} {found[figure]:.4f} (asked {ASKED[figure]:.3f})" for figure in ASKED if worse[figure]]
