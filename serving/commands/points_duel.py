"""``readiness points duel``: the points and the model at the same weekly capacity, on later rows."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from serving.commands import options
from serving.commands.points_shared import BundleAt, Capacity, Plot, Version

if TYPE_CHECKING:
    from training.points_duel import PointsDuel


def duel(
    contract: options.Contract = options.CONTRACT,
    source: options.Source = None,
    points: Annotated[
        Path | None, typer.Option("--points", help="A points table; default: the contract's own.")
    ] = None,
    version: Version = "champion",
    bundle: BundleAt = None,
    capacity: Capacity = None,
    plot: Plot = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Let your points, the model and Odoo's method call leads from the same later weeks, and count what came of it."""
    from data.contract import load_contract
    from serving.commands import points_shared as shared
    from serving.commands import terminal

    agreed = load_contract(contract, source)
    shared.must_be_a_plot(plot)
    table = shared.own_points(agreed, points)
    with terminal.progress(quiet=quiet) as progress:
        from training.points_duel import points_duel

        held = shared.held_out(agreed, contract, version, bundle, progress)
        given = None if agreed.points is None or points is not None else agreed.points.threshold
        found = points_duel(held, table, threshold=given, capacity=capacity, tell=progress)
    if as_json:
        terminal.print_json(shared.as_plain(found))
    else:
        _show(found)
    shared.draw(found, plot)
    terminal.next_step(f"Better points in the same form: readiness points distil --contract {contract}")


def _show(found: "PointsDuel") -> None:
    from serving.commands import points_shared as shared
    from serving.commands import terminal
    from serving.commands.points_tables import COLUMNS, RULE_COLUMNS, contestants, rule_rows, title
    from training.duel_words import behind, rule_sentences, today, verdict

    terminal.print_table(title(found.duel), COLUMNS, contestants(found.duel), numeric=range(1, len(COLUMNS)))
    terminal.print_table(
        "Each rule by itself: the share of leads that bought, with its points and without",
        RULE_COLUMNS,
        rule_rows(found.rules),
        numeric=range(1, len(RULE_COLUMNS) - 1),
    )
    shared.say_share(found)
    for difference in found.duel.differences:
        terminal.say(verdict(difference))
    if "points" in found.behind:
        terminal.say(behind("points", found.behind["points"]))
    if found.today is not None:
        terminal.say(today(found.today))
    for sentence in rule_sentences(found.rules):
        terminal.say(f"note: {sentence}")
