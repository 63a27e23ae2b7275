"""The pages of MLflow that an analyst opens: which runs and which columns they show, and what they say on top.

MLflow keeps a shared view of its table of runs as a tag of the experiment. This one shows one row for each version,
with the figures that matter first and the gate's verdict beside them; backtests, folds and trials of a search are
there too, and stay out of the way.
"""

import json
from typing import Any

from training.address import PAGE_MODE
from training.figures import COLUMNS
from training.tracking import Registry

VIEW = "versions"
SHARED_VIEW = f"mlflow.sharedViewState.{VIEW}"
KIND, NOTE = "mlflow.experimentKind", "mlflow.note.content"
MADE_FOR_MODELS = "custom_model_development"
"""What MLflow calls an experiment of models like ours, whose pages are not those for language models."""
SHOWN = 7
"""So many of the columns: what fits beside each other."""
AGAINST = "against champion/log_loss_pct"
"""What the gate logs of a version that it judged: the only figure here that is of the same rows for two versions."""
A_LETTER, EDGES = 8, 30
"""Points of width."""
NOTES = (
    "Each row is a version. Columns are numbered by how much they matter: the log loss saved against the base rate, "
    "the log loss, how far the percentages are off, average precision, what the call list catches, rivals surely "
    "beaten and rivals as good. Each is of the later rows of its own version, *against champion* of the same rows for "
    "both. `readiness compare` says more, with intervals. For backtests and trials of a search, clear the search field."
)


def arrange(registry: Registry, experiment: str) -> None:
    """Set the experiment's tags for these pages; a note that somebody wrote stays."""
    tags = registry.client.get_experiment(experiment).tags
    wanted = {SHARED_VIEW: json.dumps(view()), KIND: MADE_FOR_MODELS, **({} if NOTE in tags else {NOTE: NOTES})}
    for key, value in wanted.items():
        if tags.get(key) != value:
            registry.client.set_experiment_tag(experiment, key, value)


def view() -> dict[str, Any]:
    """The state of MLflow's table of runs, as its page reads it."""
    first, *others = COLUMNS[:SHOWN]
    names = [first, AGAINST, *others]
    metrics = [f"metrics.`{name}`" for name in names]
    shown = ["attributes.`Models`", "tags.`gate`", *metrics]
    widths = {column: EDGES + A_LETTER * len(name) for column, name in zip(metrics, names, strict=True)}
    return {
        "searchFilter": "tags.kind = 'version'",
        "orderByKey": "attributes.start_time",
        "orderByAsc": False,
        "startTime": "ALL",
        "lifecycleFilter": "Active",
        "datasetsFilter": [],
        "modelVersionFilter": "All Runs",
        "selectedColumns": shown,
        "columnOrder": shown,
        "columnWidths": widths,
        "runsExpanded": {},
        "runsPinned": [],
        "runsHidden": [],
        "runsVisibilityMap": {},
        "runsHiddenMode": "FIRST_10_RUNS",
        "viewMaximized": False,
        "runListHidden": False,
        "isAccordionReordered": False,
        "useGroupedValuesInCharts": True,
        "hideEmptyCharts": True,
        "groupBy": None,
        "groupsExpanded": {},
        "autoRefreshEnabled": True,
        "globalLineChartConfig": {"xAxisKey": "step", "lineSmoothness": 0, "selectedXAxisMetricKey": ""},
    }


def versions_url(pages: str, experiment: str) -> str:
    """The page that shows one row for each version."""
    return f"{pages}/#/experiments/{experiment}/runs{PAGE_MODE}&viewStateShareKey={VIEW}"
