"""Other model servers with the same model: each gets finished features and only predicts, so it does less than ours.

`mlflow models serve` serves the registered version with its signature. BentoML and MLServer, in environments of their
own, get the booster's text alone: one row for one hazard bin, no calibration, no policy. MLServer runs twice: as it
comes, where a worker process predicts, and told to predict in the process that answers, which is its leanest way.
"""

import json
import math
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks.peers.environments import make
from benchmarks.serving_load import request
from benchmarks.serving_market import Market, rows_of
from benchmarks.serving_servers import Server, answers, free_port, start

ROWS = 1_000
PACKAGES = {
    "bentoml": ("bentoml==1.4.39", "lightgbm==4.6.0", "numpy>=2,<3"),
    # its worker process does not start with a later uvloop: "There is no current event loop"
    "mlserver": ("mlserver==1.7.1", "mlserver-lightgbm==1.7.1", "lightgbm==4.6.0", "uvloop==0.21.0"),
}

_BENTO = '''"""The booster behind BentoML."""

import os

import bentoml
import lightgbm
import numpy as np


@bentoml.service(workers=1)
class Model:
    def __init__(self) -> None:
        self.booster = lightgbm.Booster(model_file=os.environ["MODEL_TEXT"])

    @bentoml.api
    async def predict(self, row: list[float]) -> float:
        return float(self.booster.predict(np.array([row]), num_threads=1, raw_score=True)[0])
'''


@dataclass(frozen=True)
class Peer:
    """A started peer and its requests."""

    server: Server
    requests: list[bytes]


def start_peers(market: Market, folder: Path, names: list[str]) -> tuple[dict[str, Peer], dict[str, str]]:
    """The peers that run, and why the others do not."""
    ways: dict[str, Callable[[Market, Path], Peer]] = {
        "mlflow": _mlflow,
        "bentoml": _bentoml,
        "mlserver": partial(_mlserver, workers=1),
        "mlserver-inline": partial(_mlserver, workers=0),
    }
    running, skipped = {}, {}
    for name in names:
        try:
            running[name] = ways[name](market, folder)
        except (RuntimeError, OSError, subprocess.SubprocessError) as error:
            skipped[name] = str(error)[-300:]
    return running, skipped


def _mlflow(market: Market, folder: Path) -> Peer:
    port = free_port()
    command: list[object] = [
        Path(sys.executable).with_name("mlflow"),
        "models",
        "serve",
        "-m",
        market.model_uri,
        "-p",
        port,
    ]
    server = start(
        "mlflow", [*command, "--env-manager", "local"], port, folder, {"MLFLOW_TRACKING_URI": market.tracking_uri}
    )
    names, rows = rows_of(market.bundle, ROWS)
    bodies = [json.dumps({"dataframe_split": {"columns": names, "data": [row]}}).encode() for row in rows]
    answers(server, "/invocations", bodies[0])
    return Peer(server, [request("POST", "/invocations", body) for body in bodies])


def _matrix(market: Market) -> list[list[float]]:
    """Rows as the booster takes them: categories as codes from 0 in some order, the bin last, nulls as 0."""
    names, rows = rows_of(market.bundle, ROWS)
    codes: list[dict[str, float]] = [{} for _ in names]
    return [[*(_number(value, codes[k]) for k, value in enumerate(row)), 0.0] for row in rows]


def _number(value: object, codes: dict[str, float]) -> float:
    if isinstance(value, str):
        return codes.setdefault(value, float(len(codes)))
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else 0.0


def _bentoml(market: Market, folder: Path) -> Peer:
    python = _environment("bentoml", folder)
    (folder / "bento_model.py").write_text(_BENTO)
    port = free_port()
    command = [
        python.with_name("bentoml"),
        "serve",
        "bento_model:Model",
        "--port",
        port,
        "--working-dir",
        folder.resolve(),
    ]
    told = {
        "MODEL_TEXT": str((market.bundle / "model.txt").resolve()),
        "BENTOML_DO_NOT_TRACK": "True",
        "PYTHONPATH": "",
    }
    server = start("bentoml", command, port, folder, told)
    bodies = [json.dumps({"row": row}).encode() for row in _matrix(market)]
    answers(server, "/predict", bodies[0])
    return Peer(server, [request("POST", "/predict", body) for body in bodies])


def _mlserver(market: Market, folder: Path, *, workers: int) -> Peer:
    """``workers``: the processes that predict, 1 by default; 0: the one that answers."""
    python = _environment("mlserver", folder)
    models, port = folder / f"mlserver-models-{workers}", free_port()
    models.mkdir(exist_ok=True)
    settings = {"http_port": port, "grpc_port": free_port(), "metrics_port": free_port(), "parallel_workers": workers}
    (models / "settings.json").write_text(json.dumps({**settings, "host": "127.0.0.1"}))
    model = {
        "name": "readiness",
        "implementation": "mlserver_lightgbm.LightGBMModel",
        "parameters": {"uri": str((market.bundle / "model.txt").resolve())},
    }
    (models / "model-settings.json").write_text(json.dumps(model))
    name = "mlserver" if workers else "mlserver-inline"
    server = start(name, [python.with_name("mlserver"), "start", models], port, folder, {"PYTHONPATH": ""})
    path = "/v2/models/readiness/infer"
    bodies = []
    for row in _matrix(market):
        told = {"name": "row", "shape": [1, len(row)], "datatype": "FP64", "data": row}
        bodies.append(json.dumps({"inputs": [told]}).encode())
    answers(server, path, bodies[0])
    return Peer(server, [request("POST", path, body) for body in bodies])


def _environment(name: str, folder: Path) -> Path:
    """The Python of a peer's environment. Raises RuntimeError with the reason why there is none."""
    python, reason = make(name, PACKAGES[name], folder)
    if python is None:
        raise RuntimeError(reason)
    return python
