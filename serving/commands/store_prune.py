"""``readiness store prune``: old scores taken away."""

from typing import TYPE_CHECKING, Annotated

import typer

from serving.commands import options, stores

if TYPE_CHECKING:
    from serving.deciding.pruning import Found

Age = Annotated[
    str, typer.Option("--scores-older-than", metavar="DURATION", help="Scores told longer ago than this, such as 400d.")
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Take them away. Without: only say what would go.")]


def prune(
    age: Age,
    yes: Yes = False,
    contract: options.Contract = options.CONTRACT,
    store: stores.Url = None,
    as_json: options.Json = False,
) -> None:
    """Say how many old scores could go; with --yes take them away. For cron, beside a running service.

    A score that a lead's standing or a crossing names stays, and one that readiness watch still judges.
    """
    from data.clock import parse_duration, wall_clock
    from data.contract import load_contract
    from serving.commands import terminal
    from serving.deciding import pruning
    from serving.watching.reading import reach_of

    agreed, now = load_contract(contract), wall_clock()
    old = pruning.Old(now - parse_duration(age), now - reach_of(agreed))
    opened = stores.open_store(agreed, store)
    try:
        found = opened.read(lambda connection: pruning.find_old(connection, old))
        gone = pruning.prune(opened, old) if yes else 0
    finally:
        opened.close()
    if as_json:
        terminal.print_json({"found": found.__dict__, "gone": gone})
    else:
        _tell(found, age, gone, yes=yes)
    if found.go and not yes:
        terminal.next_step(f"readiness store prune --scores-older-than {age} --yes takes them away, for good.")
    else:
        terminal.next_step("readiness store status says how large the store is.")


def _tell(found: "Found", age: str, gone: int, *, yes: bool) -> None:
    from serving.commands import terminal

    rows = [
        ("gone" if yes else "would go", f"{gone if yes else found.go:,}"),
        ("stay: a lead or a crossing names them", f"{found.named:,}"),
        ("stay: readiness watch judges them", f"{found.judged:,}"),
    ]
    terminal.print_table(f"Scores older than {age}", ("", "scores"), rows, numeric=(1,))
