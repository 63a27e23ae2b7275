"""The loop: check, train, backtest, compare, gate, then promote, or leave it as the challenger.

Fit for any scheduler: nothing new means nothing done; two at once are refused; whoever is ended at any point leaves
nothing that has to be mended. Finished pieces of a backtest are gone on from, a registration that was cut short is
marked as such, a version that was registered and not yet judged is judged, and only then may an alias move.
"""

from dataclasses import dataclass
from typing import Any

from data.check import Checked
from data.contract import Contract
from data.errors import BundleError, NotMaturedError
from data.fingerprint import fingerprint
from training.address import SQLITE
from training.backtesting.backtest import Settings, run_backtest
from training.backtesting.runs import log_backtest
from training.comparing.side import find_side
from training.keeping import keep
from training.plots import draw_plots
from training.promotion.audit import mark_judged
from training.promotion.promote import Verdict, ask, take_over
from training.sample import Progress
from training.tracking import Registry, open_experiment, open_registry, told
from training.trial import run_trial

NOT_ASKED = "none"
"""The tag ``gate`` of a version that was not judged yet."""


@dataclass(frozen=True)
class Plan:
    """What the loop may do: ``promote`` what passes, ``backtest`` too, train ``fresh`` although nothing is new."""

    promote: bool = True
    backtest: bool = True
    fresh: bool = False


@dataclass(frozen=True, eq=False)
class Retrained:
    """What a turn of the loop came to; ``verdict`` is None where nothing had to be judged."""

    number: str
    trained: bool
    verdict: Verdict | None
    champion: bool
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The same for machines."""
        return {
            "version": self.number,
            "trained": self.trained,
            "champion": self.champion,
            "verdict": None if self.verdict is None else self.verdict.to_dict(),
            "notes": list(self.notes),
        }


def retrain(
    contract: Contract, checked: Checked, plan: Plan | None = None, progress: Progress | None = None
) -> Retrained:
    """One turn of the loop over checked facts. Call it while holding the contract's lock.

    Raises what training raises; nothing was promoted then.
    """
    tell = progress or (lambda _what, _share: None)
    plan, notes = plan or Plan(), []
    registry = open_registry(contract)
    with told(registry.uri):
        _mark_dead(registry, contract)
        newest = _newest(registry)
    settled = None if newest is None or plan.fresh else _settled(contract, checked, newest)
    if settled is None:
        trial = run_trial(contract, checked, progress=tell)
        if plan.backtest:
            notes += _backtest(contract, checked, tell)
        made = keep(trial, tell)
        if made.version.alias == "champion":  # the first one serves: there is none to be compared with
            return Retrained(made.version.number, trained=True, verdict=None, champion=True, notes=tuple(notes))
        number = made.version.number
    elif settled:
        serves = ask_champion(registry) == str(newest)
        told_so = f"nothing is new since version {newest}: the same facts and the same contract"
        return Retrained(str(newest), trained=False, verdict=None, champion=serves, notes=(told_so,))
    else:
        number = str(newest)
    verdict = ask(contract, checked.history, number, tell)
    if plan.promote:
        verdict = take_over(contract, verdict, progress=tell)
    if not verdict.promoted and not verdict.already:
        with told(registry.uri):
            mark_judged(
                registry, verdict.candidate, verdict.judged.lines, verdict.judged.comparison, verdict.mlflow_url
            )
    serves = verdict.promoted or verdict.already
    return Retrained(number, trained=settled is None, verdict=verdict, champion=serves, notes=tuple(notes))


def ask_champion(registry: Registry) -> str | None:
    """The number of the version that serves."""
    with told(registry.uri):
        found = registry.client.get_registered_model(registry.model).aliases
    return str(found["champion"]) if "champion" in found else None


def _newest(registry: Registry) -> int | None:
    """The highest number of a version; None where there is none."""
    found = registry.client.search_model_versions(f"name='{registry.model}'")
    return max((int(version.version) for version in found), default=None)


def _settled(contract: Contract, checked: Checked, number: int) -> bool | None:
    """Whether the version of this number serves or was judged; None where it is of other facts or another contract.

    None also where its registration was cut short: such a version lacks its report, and is made again.
    """
    registry = open_registry(contract)
    with told(registry.uri):
        version = registry.client.get_model_version(registry.model, str(number))
        whole = registry.client.get_run(str(version.run_id)).info.status == "FINISHED"
    tags = version.tags
    if not whole or tags.get("data_fingerprint") != fingerprint(checked.history):
        return None
    try:
        side = find_side(contract, str(number))
    except BundleError:  # what is there is damaged: it is made again
        return None
    if side.bundle.contract.text != contract.text:
        return None
    return tags.get("gate", NOT_ASKED) != NOT_ASKED or ask_champion(registry) == str(number)


def _backtest(contract: Contract, checked: Checked, tell: Progress) -> list[str]:
    """The backtest of the same facts, logged; the report of the version then shows it. A note where it cannot be."""
    try:
        done = run_backtest(contract, checked, Settings(contract.backtest.folds, None, curve=False), progress=tell)
    except NotMaturedError as error:
        return [f"no backtest: {error}"]
    log_backtest(contract, done.result, draw_plots(done.result), progress=tell)
    return []


def _mark_dead(registry: Registry, contract: Contract) -> None:
    """Runs that a killed process left as running are marked as killed; only here, where the lock says that they are.

    On a tracking server a run of another machine may well be alive.
    """
    if not registry.uri.startswith(SQLITE):
        return
    experiment = open_experiment(registry, contract)
    for run in registry.client.search_runs([experiment], "attributes.status = 'RUNNING'"):
        registry.client.set_terminated(run.info.run_id, "KILLED")
