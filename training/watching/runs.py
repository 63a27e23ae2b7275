"""A look as a run in MLflow, in an experiment of its own beside that of the versions.

Its metrics are named as those of versions are (``training.figures``): ``<horizon>/<figure>_x<scale>/version <number>``,
so that MLflow's charts show the versions side by side and the looks along the time.
"""

import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from data.clock import iso
from data.contract import Contract
from training.figures import UNFIT
from training.tracking import Metric, Run, log, open_experiment, open_registry, start_run, told
from training.watching.ledger import ALL
from training.watching.page import render_watch
from training.watching.picture import NAME, draw_lived

Body = Mapping[str, Any]


def experiment_of(contract: Contract) -> Contract:
    """The contract with the experiment that looks are logged in."""
    mlflow = contract.mlflow.model_copy(update={"experiment": f"{contract.experiment}/watch"})
    return contract.model_copy(update={"mlflow": mlflow})


def log_watch(contract: Contract, body: Body) -> str:
    """Log a look (``Watched.to_dict``) with its page; the address of the run's page.

    Raises ContractError or ReadinessError as ``register`` does.
    """
    own = experiment_of(contract)
    registry = open_registry(own)
    tags = {
        "kind": "watch",
        "product": body["product"],
        "version": str(body["version"]),
        "alarms": ", ".join(sorted({alarm["kind"] for alarm in body["alarms"]})) or "none",
        "mlflow.source.name": "readiness watch",
        "mlflow.source.type": "LOCAL",
    }
    name = f"{body['product']}-watch-{iso(body['as_of'])[:10]}"
    with told(registry.uri):
        experiment = open_experiment(registry, own)
        with start_run(registry, experiment, name, tags) as run:
            _log(run, body)
    return run.url


def _log(run: Run, body: Body) -> None:
    now = body["at"] // 1_000
    found = [Metric(name, value, now, 0) for name, value in metrics(body).items()]
    log(run, {"as_of": iso(body["as_of"]), "horizon": body["horizon"], "version": str(body["version"])}, found, [])
    with TemporaryDirectory() as scratch:
        Path(scratch, "watch.html").write_text(render_watch(body), encoding="utf-8")
        Path(scratch, "watch.json").write_text(json.dumps(body, indent=1, ensure_ascii=False), encoding="utf-8")
        drawn = draw_lived(body)
        if drawn is not None:
            Path(scratch, NAME).write_bytes(drawn)
        run.client.log_artifacts(run.run_id, scratch)


def metrics(body: Body) -> dict[str, float]:
    """The figures of a look by their MLflow names; what is not a number is left out."""
    found = dict([*_lived(body), *_looked(body)])
    return {name: float(value) for name, value in found.items() if value is not None and math.isfinite(value)}


def _lived(body: Body) -> Iterator[tuple[str, float | None]]:
    for entry in body["ledger"]:
        version = UNFIT.sub("_", f"version {entry['version']}")
        where = f"{entry['horizon']}" if entry["segment"] == ALL else UNFIT.sub("_", f"groups {entry['segment']}")
        for name in ("told", "happened", "happened_low", "happened_high"):
            yield f"{where}/{name}_x100/{version}", entry[name] * 100
        for name in ("log_loss", "log_loss_base"):
            yield f"{where}/{name}_x1000/{version}", entry[name] * 1000
        yield f"{where}/lift_at_10/{version}", entry["lift"]
        yield f"{where}/scores/{version}", entry["scores"]


def _looked(body: Body) -> Iterator[tuple[str, float | None]]:
    contact = body["contact"]
    yield "alarms", len(body["alarms"])
    yield "drift/features in alarm", sum(entry["alarm"] for entry in body["drift"])
    for entry in body["drift"]:
        yield f"drift/{UNFIT.sub('_', entry['what'])}", entry["distance"]
    yield "replay/scores", body["replay"]["scores"]
    yield "replay/differ", body["replay"]["differ"]
    for name in ("ready", "never_contacted", "answered_in_time", "explored", "besides"):
        yield f"contact/{name}", contact[name]
