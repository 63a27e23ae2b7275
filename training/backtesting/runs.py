"""A backtest in MLflow: one run for the whole, one below it for each fold.

They lie in the experiment of the versions, told apart by the tag ``kind``: version, backtest, backtest fold.
MLflow's list of runs folds the lower ones into the upper one, and ``tags.kind = 'version'`` hides both.
"""

import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from data.contract import Contract
from training import figures
from training.report import render_backtest, report_json
from training.sample import Progress
from training.tracking import Metric, Run, log, open_experiment, open_registry, start_run, told

Result = Mapping[str, Any]


def log_backtest(
    contract: Contract, result: Result, plots: Mapping[str, bytes], *, progress: Progress | None = None
) -> str:
    """Log a finished backtest with its plots (PNG by file name); the address of the run's page.

    Raises ContractError or ReadinessError as ``register`` does.
    """
    tell = progress or (lambda _what, _share: None)
    tell("logging to MLflow", 0.0)
    registry = open_registry(contract)
    tags = {
        "kind": "backtest",
        "product": result["product"],
        "data_fingerprint": result["history"]["fingerprint"],
        "mlflow.source.name": "readiness backtest",
        "mlflow.source.type": "LOCAL",
    }
    name = f"{result['product']}-backtest-{result['created_at'][:10]}"
    with told(registry.uri):
        experiment = open_experiment(registry, contract)
        with start_run(registry, experiment, name, tags) as run:
            _log_whole(run, contract, result, plots)
            for number, fold in enumerate(result["folds"]):
                tell("logging to MLflow", (number + 1) / (len(result["folds"]) + 1))
                below = {**tags, "kind": "backtest fold", "mlflow.parentRunId": run.run_id}
                with start_run(registry, experiment, f"{name}-as-of-{fold['from'][:10]}", below) as nested:
                    _log_fold(nested, result, fold)
    return run.url


def _log_whole(run: Run, contract: Contract, result: Result, plots: Mapping[str, bytes]) -> None:
    now = int(time.time() * 1000)
    found = [Metric(name, value, now, 0) for name, value in figures.judged(result).items()]
    found += [Metric(name, value, now, step) for name, value, step in _steps(result)]
    settings = {f"backtest_{key}": str(value) for key, value in result["settings"].items()}
    log(run, {**settings, "ready_primary": result["primary"], "seed": str(contract.model.seed)}, found, [])
    with TemporaryDirectory() as scratch:
        for name, picture in plots.items():
            Path(scratch, name).write_bytes(picture)
        Path(scratch, "backtest.html").write_text(render_backtest(result, plots), encoding="utf-8")
        Path(scratch, "backtest.json").write_text(report_json(result), encoding="utf-8")
        run.client.log_artifacts(run.run_id, scratch)


def _steps(result: Result) -> Iterator[tuple[str, float, int]]:
    """(name, value, step): figures fold by fold, and the learning curve by the wins learned from."""
    for step, fold in enumerate(result["folds"]):
        yield "folds/came_x100", fold["rate"] * 100, step
        yield "folds/told_x100", fold["told"] * 100, step
        for model, found in fold["models"].items():
            yield f"folds/auc_x100/{model}", found["auc"] * 100, step
            yield f"folds/log_loss_x1000/{model}", found["log_loss"] * 1000, step
    for point in (result["curve"] or {"points": []})["points"]:
        yield "learning curve/auc_x100", point["auc"] * 100, round(point["wins"])


def _log_fold(run: Run, result: Result, fold: Mapping[str, Any]) -> None:
    now = int(time.time() * 1000)
    alone = {**result, "horizons": {result["primary"]: fold}, "capacity": fold["capacity"], "segments": []}
    found = figures.judged({key: value for key, value in alone.items() if key not in {"ages", "met"}})
    learned = {key: value for key, value in fold["learned"].items() if isinstance(value, str | int | float)}
    params = {"from": fold["from"], "until": fold["until"], **{f"learned_{key}": str(v) for key, v in learned.items()}}
    log(run, params, [Metric(name, value, now, 0) for name, value in found.items()], [])
