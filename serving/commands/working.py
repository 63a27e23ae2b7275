"""What a worker is told on the command line, said once for the verbs that have one."""

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from serving.settings import WorkerSettings

NIGHTLY = "02:00"
KEEP_DAYS = 30
Nightly = Annotated[
    str, typer.Option("--nightly", help="When every open lead is looked at, UTC, such as 02:00; none for never.")
]
SHADOW_SHARE = 0.1
ShadowShare = Annotated[
    float,
    typer.Option(
        "--shadow-share", min=0.0, max=1.0, help="Of the leads, so many are scored in the shadow; 0 for none."
    ),
]
KeepDays = Annotated[int, typer.Option("--keep-days", min=1, help="Keep messages so long once delivered.")]


def settings(nightly: str, keep_days: int) -> "WorkerSettings":
    """The settings of a worker. Raises ContractError for a time of day that is none."""
    from serving.settings import WorkerSettings
    from serving.worker.nightly import time_of_day

    if nightly != "none":
        time_of_day(nightly)
    return WorkerSettings("" if nightly == "none" else nightly, keep_days)
