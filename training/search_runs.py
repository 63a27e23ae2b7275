"""Each trial of a search as a run of MLflow's, nested under the run of its version."""

from collections.abc import Mapping, Sequence
from typing import Any

from training.tracking import Metric, Run, log

TRIAL = "readiness.search"
"""The tag of such a run, to find them by or to leave them out."""


def log_search(run: Run, tried: Sequence[Mapping[str, Any]]) -> None:
    """Write the trials of a search, as the report has them, as child runs with the times that they had.

    They are tagged ``readiness.search = trial`` and ``mlflow.parentRunId``; they hold no model and make no version.
    """
    for number, trial in enumerate(tried, 1):
        tags = {"mlflow.parentRunId": run.run_id, TRIAL: "trial", "product": run.tags["product"]}
        name = f"search {number:03}"
        made = run.client.create_run(run.experiment_id, start_time=trial["began"], run_name=name, tags=tags)
        child = Run(run.registry, run.experiment_id, made.info.run_id, name, tags)
        metrics = [Metric("validation_log_loss", trial["log_loss"], trial["ended"], 0)]
        metrics += [
            Metric("block_log_loss", loss, trial["ended"], block) for block, loss in enumerate(trial["by_block"])
        ]
        log(child, {name: f"{value:.6g}" for name, value in trial["settings"].items()}, metrics, [])
        run.client.set_terminated(child.run_id, "FINISHED", trial["ended"])
