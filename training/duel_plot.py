"""The duel as a picture: outcomes captured against the calls that sales can make in a week."""

from io import BytesIO
from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from data.clock import format_duration
from training.drawing import COLOURS, INK, SOFT
from training.duel import RANDOM, Duel
from training.duel_words import NAMES
from training.wording import long_duration, whole

MORE = {"distilled": "#d55e00", "distilled_mautic": "#f0a070", RANDOM: "#7f7f7f"}
"""Colours beyond those of the report, likewise of Okabe and Ito; Mautic's table is a pale relative of the other."""
FORMATS = (".png", ".svg")


def draw_duel(duel: Duel, kind: str = ".png") -> bytes:
    """The plot as PNG or SVG bytes; the same duel gives the same bytes."""
    figure = Figure(figsize=(9.0, 5.6), dpi=150, facecolor="white")
    axes = figure.subplots()
    served = duel.scores[0].name
    apart = 0.012 * duel.capacities[-1]
    for place, score in enumerate(duel.scores):
        colour = COLOURS.get(score.name) or MORE.get(score.name, INK)
        shares = [captured / max(duel.outcomes, 1) for captured in (0.0, *score.curve)]
        (line,) = axes.plot([0.0, *duel.capacities], shares, color=colour, zorder=3 - 0.1 * place)
        line.set(
            label=NAMES.get(score.name, score.name),
            linewidth=3.0 if score.name == served else 1.8,
            linestyle=":" if score.name == RANDOM else "-",
        )
        if score.name != RANDOM:
            at = duel.capacity + apart * (place - (len(duel.scores) - 2) / 2)
            axes.vlines(at, *score.share_interval, color=colour, lw=4, alpha=0.35)
            axes.plot([at], [score.share], marker="o", ms=7, color=colour, zorder=4)
    axes.axvline(duel.capacity, color=SOFT, lw=1.0, ls="--", zorder=1)
    axes.annotate(
        f" {duel.capacity:.4g} a week", (duel.capacity, 0.0), xytext=(2, 6), textcoords="offset points", color=INK
    )
    axes.set(xlim=(0, duel.capacities[-1]), ylim=(0, None), xlabel="calls a week", ylabel="outcomes captured")
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, symbol=" %", decimals=0))
    axes.grid(color=SOFT, alpha=0.2, lw=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(colors=INK, labelsize=10)
    axes.legend(loc="upper left", frameon=False, fontsize=10, labelcolor=INK)
    height = figure.get_figheight()
    figure.text(0.01, 1 - 0.1 / height, _title(duel), va="top", fontsize=15, fontweight="bold", color=INK)
    figure.text(0.01, 1 - 0.42 / height, _below(duel), va="top", fontsize=11, color=SOFT)
    figure.set_layout_engine("constrained", rect=(0.0, 0.0, 1.0, 1.0 - 0.75 / height))
    FigureCanvasAgg(figure)
    out = BytesIO()
    made = {"Software": None} if kind == ".png" else {"Date": None}
    figure.savefig(out, format=kind.removeprefix("."), metadata=made)
    return out.getvalue()


def write_plot(duel: Duel, path: Path) -> None:
    """Draw into a .png or .svg file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(draw_duel(duel, path.suffix))


def _title(duel: Duel) -> str:
    best, *others = duel.scores
    rivals = {score.name: score for score in others}
    told = [f"{NAMES.get(best.name, best.name)} {whole(best.captured)}"]
    told += [f"{NAMES[name]} {whole(rivals[name].captured)}" for name in ("points", RANDOM) if name in rivals]
    return f"Of {whole(duel.outcomes)} outcomes, captured: {', '.join(told)}"


def _below(duel: Duel) -> str:
    horizon = long_duration(format_duration(duel.horizon))
    weeks = "one week" if duel.weeks == 1 else f"{duel.weeks:g} weeks"
    return f"at {duel.capacity:.4g} calls a week over {weeks}, within {horizon} of the call; bars: 95 % intervals"
