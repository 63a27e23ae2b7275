"""``readiness init``: a first contract, guessed from the files of a folder."""

from pathlib import Path
from typing import Annotated

import typer

from serving.commands import options


def init(
    folder: Annotated[Path, typer.Option("--from", help="The folder with your Parquet or CSV files.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The contract to write.")] = options.CONTRACT,
    force: Annotated[bool, typer.Option("--force", help="Replace a contract that is there already.")] = False,
) -> None:
    """Write a first contract, guessed from your files."""
    from data.draft import draft_contract
    from data.errors import ContractError
    from serving.commands import terminal

    if out.exists() and not force:
        raise ContractError(f"{out} is there already. Choose another name with --out, or replace it with --force.")
    out.parent.mkdir(parents=True, exist_ok=True)
    text = draft_contract(folder, beside=out.parent)
    out.write_text(text, encoding="utf-8")
    body = text.partition("\n")[2]  # the first line speaks of guesses and blanks itself
    terminal.say(f"Wrote {out}: {body.count('# guess')} guesses to look over, {body.count('FILL IN')} blanks to fill.")
    terminal.next_step(f"Look over every guess in {out}, then: readiness check --contract {out}")
