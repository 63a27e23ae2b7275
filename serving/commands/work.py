"""``readiness work``: what is done without being asked for, in a process of its own."""

import os
from pathlib import Path
from typing import Annotated

import typer

from serving.commands import options, stores, working


def work(
    contract: options.Contract = options.CONTRACT,
    version: options.LiveVersion = None,
    bundle: Annotated[
        Path | None, typer.Option("--bundle", help="Decide by this bundle folder; no registry is asked.")
    ] = None,
    store: stores.Url = None,
    nightly: working.Nightly = working.NIGHTLY,
    keep_days: working.KeepDays = working.KEEP_DAYS,
    shadow_share: working.ShadowShare = working.SHADOW_SHARE,
) -> None:
    """Deliver messages, look at leads, run jobs and nights, until it is stopped."""
    from data.contract import load_contract
    from serving.commands.deploy import live_of
    from serving.commands.terminal import next_step
    from serving.settings import Settings
    from serving.worker.process import run

    agreed = load_contract(contract)
    told = working.settings(nightly, keep_days)
    settings = Settings(
        bundle or Path(),
        live=None if bundle else live_of(agreed, contract, version, needed=False),
        store=stores.store_of(agreed, store),
        store_folder=agreed.folder,
        product=agreed.ready.product,
        worker=told,
        shadow_share=shadow_share,
    )
    next_step("Working; readiness subscribers list shows what is delivered; Ctrl-C stops it.")
    run(settings, os.environ)
