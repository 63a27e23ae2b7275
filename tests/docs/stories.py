"""What the pages' commands assume: what their names and numbers stand for, and what has happened in between.

A page whose commands run as they are on the ground as it is has no story here.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from data.clock import WEEK, iso
from data.contract import load_contract
from serving.live.pointer import read_pointer
from tests.docs.ground import FACTS, coarse, within

Happening = Callable[[Path], None]
"""What is done to the ground of a page."""


@dataclass(frozen=True)
class Story:
    """``words``: how a command that begins so begins here. ``before``: what happens before one that begins so.

    ``exits``: with what a command ends, where that is not 0. ``unready``: a service answers 503 until there is a model.
    """

    words: Mapping[str, str] = field(default_factory=dict)
    before: Mapping[str, Happening] = field(default_factory=dict)
    exits: Mapping[str, int] = field(default_factory=dict)
    unready: bool = False


def only_exports(ground: Path) -> None:
    """Somebody has files and no contract yet."""
    agreed = ground / "agreed"
    agreed.mkdir()
    (ground / "readiness.toml").rename(agreed / "readiness.toml")
    (ground / "exports").mkdir()
    for name in FACTS:
        (ground / "exports" / f"{name}.parquet").symlink_to(ground / f"{name}.parquet")


def looked_over(ground: Path) -> None:
    """The guesses of a first contract were looked over, and its blanks filled."""
    (ground / "agreed" / "readiness.toml").replace(ground / "readiness.toml")


def a_bundle_in_a_folder(ground: Path) -> None:
    """The bundle of the challenger lies in a folder that somebody sent."""
    champion = read_pointer(ground / ".readiness" / "live").current.bundle_id
    (other,) = [one for one in (ground / ".readiness" / "bundles").iterdir() if one.name != champion]
    (ground / "sent").symlink_to(other)


def points_of_their_own(ground: Path) -> None:
    """The hand-made points lie in a file that was not imported yet."""
    (ground / "points.toml").rename(ground / "their-points.toml")


def asked_rarely(ground: Path) -> None:
    """The market that was made is asked rarely, so that its training is short."""
    coarse(ground / "market" / "readiness.toml")


def the_store_is_the_source(ground: Path) -> None:
    """No files and no model: what is known is what the service was told, as the page's own contract has it."""
    contract = ground / "readiness.toml"
    head, _, rest = contract.read_text().partition("[source]")
    contract.write_text(f'{head}[source]\nkind = "store"\n\n[spine]{rest.partition("[spine]")[2]}')
    state = ground / ".readiness"
    for gone in ("live", "mlflow.db"):
        (state / gone).rename(ground / gone)


def judged_by_sales(ground: Path) -> None:
    """Sales called some leads ready and others not."""
    leads = pq.read_table(ground / "leads.parquet")["lead_id"]
    said = pa.array(["yes" if place % 3 else "no" for place in range(len(leads))])
    pacsv.write_csv(pa.table({"lead_id": leads, "ready": said}), ground / "judged-by-sales.csv")


def scores_of_two_nights(ground: Path) -> None:
    """`readiness score` ran in two nights, each into a file of its own."""
    ends_at = load_contract(ground / "readiness.toml").source.history_end
    for weeks in (10, 6):
        night = iso(ends_at - weeks * WEEK)
        words = ["score", "--at", night, "--output", f"scores/{night[:10]}.parquet", "--no-reasons", "--quiet"]
        done = within(ground, *words)
        assert done.exit_code == 0, done.output


def facts_in_spark(ground: Path) -> None:
    """What was computed on Dask is put away, and the facts are tables of Spark's catalog too."""
    from pyspark.sql import SparkSession

    for name in ("TABLE", "SCORES"):
        (ground / name).rename(ground / f"{name} of Dask")
    spark = SparkSession.getActiveSession()
    spark.sql(f"CREATE DATABASE crm LOCATION '{ground / 'crm'}'")
    for name in FACTS:
        spark.read.parquet(str(ground / "FACTS" / f"{name}.parquet")).write.saveAsTable(f"crm.{name}")


ALARMED = 3
"""The market's last event lies long ago, so that every source is silent: `readiness watch` has alarms."""

RUNNING = {
    "http://127.0.0.1:8000": "service",
    "https://crm.example.org/readiness": "receiver",
    "tcp://HOST:8786": "scheduler",
}
"""Addresses on the pages at which something has to run: what says where it does here."""

ELSEWHERE = {"docs/scaling.md": "tests/serving/test_score.py"}
"""Pages whose commands run in another file, beside tests that need the same cluster."""

STORIES = {
    "docs/backtest.md": Story(words={"backtest --folds 6": "backtest --folds 3"}),
    "README.md": Story(
        before={"init": only_exports, "train": looked_over},
        exits={"watch": ALARMED},
    ),
    "docs/live.md": Story(
        words={"deploy 7": "deploy 2", "deploy --bundle DIR": "deploy --bundle sent"},
        before={"deploy --bundle": a_bundle_in_a_folder},
    ),
    "docs/ingest.md": Story(before={"keys create": the_store_is_the_source}, unready=True),
    "docs/points.md": Story(
        words={
            "points import FILE": "points import their-points.toml",
            "simulate --leads 6000": "simulate --leads 400",
        },
        before={"points import FILE": points_of_their_own, "train": asked_rarely},
    ),
    "docs/quality.md": Story(words={"train --search 40": "train --search 2"}),
    "docs/scaling.md": Story(
        before={"features --facts FACTS --output TABLE --engine spark": facts_in_spark},
    ),
    "docs/versions.md": Story(
        words={"compare 3 5": "compare 1 2"},
        before={"define --labelled": judged_by_sales},
    ),
    "docs/watch.md": Story(
        before={"watch --scores": scores_of_two_nights},
        exits={"watch --scores": 0, "watch": ALARMED},
    ),
}
