"""Options that several verbs share."""

from pathlib import Path
from typing import Annotated

import typer

CONTRACT = Path("readiness.toml")

Contract = Annotated[Path, typer.Option("--contract", "-c", help="The contract.", show_default=True)]
Source = Annotated[
    Path | None, typer.Option("--source", help="Read the facts from this folder instead of the contract's.")
]
Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout, for machines.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")]
LiveVersion = Annotated[
    str | None,
    typer.Option(
        "--version", help="Deploy this alias or version number first. Default: what is live, else the champion."
    ),
]
