"""``readiness deploy``: a version goes live or into the shadow, or the one before it comes back; services follow."""

import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from serving.commands import options

if TYPE_CHECKING:
    from data.contract import Contract
    from serving.live.pointer import Live, Pointer

Reference = Annotated[
    str | None,
    typer.Argument(
        help="An alias or a version number; champion, of the shadow challenger, when absent.", show_default=False
    ),
]
Folder = Annotated[Path | None, typer.Option("--bundle", help="This bundle folder; no registry is asked.")]
Back = Annotated[bool, typer.Option("--rollback", help="Make live again what was live before.")]
Shadow = Annotated[
    bool, typer.Option("--shadow", help="Put it in the shadow: it scores a share of the leads too, and nobody is told.")
]
End = Annotated[bool, typer.Option("--end-shadow", help="Take out of the shadow what is in it.")]
Watch = Annotated[
    float | None, typer.Option("--watch", min=1.0, help="Stay, and ask the registry again every so many seconds.")
]


def deploy(
    reference: Reference = None,
    contract: options.Contract = options.CONTRACT,
    bundle: Folder = None,
    rollback: Back = False,
    shadow: Shadow = False,
    end_shadow: End = False,
    watch: Watch = None,
    as_json: options.Json = False,
) -> None:
    """Make a version live: verified, laid where services watch, exchanged without a dropped request."""
    from data.contract import load_contract
    from data.errors import ContractError
    from serving.live.deploy import end_shadow as end_shadow_of
    from serving.live.deploy import roll_back
    from serving.staying import until_stopped

    if (rollback or bundle or end_shadow) and watch is not None:
        raise ContractError("--watch follows an alias of the registry. Leave out --bundle, --rollback, --end-shadow.")
    chosen = {"--rollback": rollback, "--bundle": bundle is not None and not shadow, "--shadow": shadow}
    given = [name for name, there in (*chosen.items(), ("--end-shadow", end_shadow)) if there]
    if len(given) > 1:
        raise ContractError(f"{' and '.join(given)} exclude each other. Give one of them.")
    agreed = load_contract(contract)
    if rollback:
        _tell(roll_back(live_folder(agreed)), contract, as_json=as_json)
    elif end_shadow:
        _tell_shadow(None, contract, as_json=as_json, before=end_shadow_of(live_folder(agreed)))
    else:
        named = reference or ("challenger" if shadow else "champion")
        if watch is None:
            _put(agreed, contract, named, bundle, shadow=shadow, as_json=as_json)
        else:
            with until_stopped():
                seen = _first(agreed, contract, named, shadow=shadow, as_json=as_json)
                _follow(agreed, contract, named, watch, seen, shadow=shadow)


def _first(agreed: "Contract", contract: Path, reference: str, *, shadow: bool, as_json: bool) -> str:
    """Deploy what ``reference`` names now, if it names anything that can be: its number, else ""."""
    from data.errors import ReadinessError
    from serving.commands import terminal

    try:
        return _put(agreed, contract, reference, shadow=shadow, as_json=as_json)
    except ReadinessError as error:
        terminal.say(f"Nothing was deployed: {error}")
        return ""


def _put(
    agreed: "Contract", contract: Path, reference: str, bundle: Path | None = None, *, shadow: bool, as_json: bool
) -> str:
    """Make a version, or a folder, live or put it in the shadow; returns its number."""
    if shadow:
        now = make_shadow(agreed, contract, reference, bundle)
        _tell_shadow(now, contract, as_json=as_json)
        return now.version
    live = make_live(agreed, contract, reference, bundle)
    _tell(live, contract, as_json=as_json)
    return live.current.version


def live_folder(agreed: "Contract") -> Path:
    """Where live bundles lie."""
    return agreed.state_folder / "live"


def make_live(agreed: "Contract", contract: Path, reference: str, bundle: Path | None = None) -> "Pointer":
    """Deploy a version of the registry, or a folder. Raises ReadinessError; then nothing has changed."""
    from serving.live.deploy import deploy as lay

    return lay(live_folder(agreed), *_named(agreed, contract, reference, bundle))


def make_shadow(agreed: "Contract", contract: Path, reference: str, bundle: Path | None = None) -> "Live":
    """The same, into the shadow of what is live."""
    from serving.live.deploy import deploy_shadow

    return deploy_shadow(live_folder(agreed), *_named(agreed, contract, reference, bundle))


def _named(
    agreed: "Contract", contract: Path, reference: str, bundle: Path | None = None
) -> tuple[Path, str, str | None]:
    """The folder of what is named, its number and its id: a version of the registry, or a folder, which has neither."""
    from serving.commands.fetching import fetch

    if bundle is not None:
        return bundle, "", None
    fetched = fetch(contract, reference, agreed.state_folder)
    folder = Path(fetched["folder"])
    return folder, str(fetched["number"]), folder.name


def live_of(agreed: "Contract", contract: Path, version: str | None, *, needed: bool = True) -> Path:
    """The live folder, with a bundle in it.

    What is live stays so unless a version is named: a rollback outlasts a start. ``needed`` False: where nothing is
    live and there is no champion to deploy either, that is said, and whoever follows the folder waits for the first.
    """
    from data.errors import ContractError
    from serving.commands import terminal
    from serving.live.pointer import read_pointer

    folder = live_folder(agreed)
    if version is None and read_pointer(folder) is not None:
        return folder
    try:
        _deploy_apart(contract, version or "champion")
    except ContractError as error:
        if needed or version is not None:
            raise
        terminal.say(f"No model is live: {error}")
        terminal.say("News is taken in meanwhile; readiness deploy lets the first model answer, without a restart.")
    return folder


def _deploy_apart(contract: Path, reference: str) -> None:
    """``readiness deploy`` in a process of its own: what it needs of the trainer's libraries ends with it.

    Raises ContractError with its sentence.
    """
    from data.errors import ContractError

    command = [sys.executable, "-P", "-m", "serving.cli", "deploy", reference, "--contract", str(contract), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own program
    if done.returncode != 0:
        words = done.stderr.strip().splitlines() or ["error: readiness deploy failed without a word."]
        raise ContractError(words[-1].removeprefix("error: "))


def _follow(
    agreed: "Contract", contract: Path, reference: str, seconds: float, seen: str, *, shadow: bool = False
) -> None:
    """Deploy what ``reference`` comes to name, until it is stopped; ``seen`` is the version that it named last.

    Only a change of the registry is followed, so that a rollback on this machine stays. A registry that does not
    answer, or a bundle that is refused, is told and tried again.
    """
    from data.errors import ReadinessError
    from serving.commands import terminal
    from serving.live.deploy import deploy as lay
    from serving.live.deploy import deploy_shadow

    terminal.say(f"Asking the registry for {reference!r} every {seconds:g} s; Ctrl-C stops it.")
    while True:
        time.sleep(seconds)
        try:
            named = _named(agreed, contract, reference)
            if named[1] != seen and shadow:
                _tell_shadow(deploy_shadow(live_folder(agreed), *named), contract, as_json=False)
            elif named[1] != seen:
                _tell(lay(live_folder(agreed), *named), contract, as_json=False)
            seen = named[1]
        except ReadinessError as error:
            terminal.say(f"Nothing changed: {error}")


def _tell(pointer: "Pointer", contract: Path, *, as_json: bool) -> None:
    from serving.commands import terminal

    current, previous = pointer.current, pointer.previous
    if as_json:
        terminal.print_json(
            {
                "bundle_id": current.bundle_id,
                "version": current.version,
                "deployed_at": current.deployed_at,
                "previous": None if previous is None else previous.bundle_id,
            }
        )
        return
    named = f"version {current.version}" if current.version else "a bundle from a folder"
    terminal.say(f"Live: {named} ({current.bundle_id[:12]}), since {current.deployed_at}.")
    if previous is not None:
        terminal.next_step(f"readiness deploy --rollback --contract {contract} brings back {previous.bundle_id[:12]}.")
    else:
        terminal.next_step(f"readiness serve --contract {contract} answers with it.")


def _tell_shadow(now: "Live | None", contract: Path, *, as_json: bool, before: "Live | None" = None) -> None:
    from serving.commands import terminal

    if as_json:
        told = {"bundle_id": now.bundle_id, "version": now.version, "deployed_at": now.deployed_at} if now else None
        terminal.print_json({"shadow": told, "ended": before is not None})
    elif now is not None:
        named = f"version {now.version}" if now.version else "a bundle from a folder"
        terminal.say(f"In the shadow: {named} ({now.bundle_id[:12]}), since {now.deployed_at}.")
        terminal.next_step(f"readiness deploy --end-shadow --contract {contract} takes it out again.")
    elif before is not None:
        terminal.say(f"Out of the shadow: {before.bundle_id[:12]}. What it scored is kept.")
    else:
        terminal.say("Nothing was in the shadow.")
