"""``readiness score``: every open lead at a moment, one row each."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from serving.commands import engines, options

if TYPE_CHECKING:
    import pyarrow as pa

    from models.bundle import Bundle
    from serving.commands.terminal import Report

MANY = 20_000
"""Above so many leads reasons are left out unless they are asked for: they take some 1.5 ms each, the rest 0.1 ms."""


@dataclass(frozen=True)
class Asked:
    """The model, the moment (microseconds; None: the end), where the scores go, and whether reasons are told."""

    folder: Path
    number: str | None
    at: int | None
    output: str
    reasons: bool | None

    def count_of(self, leads: int) -> int:
        """How many reasons are told for each of so many leads."""
        from models.reasons import REASONS
        from serving.commands import terminal

        if self.reasons is None and leads > MANY:
            terminal.say(f"note: {leads:,} leads: reasons are left out; --reasons tells them.")
        return REASONS if (leads <= MANY if self.reasons is None else self.reasons) else 0


def score(
    output: Annotated[str, typer.Option("--output", "-o", help="Write here: a .parquet or .csv file, or a folder.")],
    contract: options.Contract = options.CONTRACT,
    source: options.Source = None,
    version: Annotated[str, typer.Option("--version", help="An alias or a version number.")] = "champion",
    bundle: Annotated[
        Path | None, typer.Option("--bundle", help="Score with this bundle folder; no registry is asked.")
    ] = None,
    at: Annotated[
        str | None, typer.Option("--at", help="At this moment, such as 2026-01-31T00:00:00Z; default: the end.")
    ] = None,
    reasons: Annotated[
        bool | None,
        typer.Option("--reasons/--no-reasons", help=f"Tell why; default: for up to {MANY:,} leads."),
    ] = None,
    features: Annotated[
        str | None,
        typer.Option(
            "--features", help="Score this feature table (a file or a folder); without decisions and reasons."
        ),
    ] = None,
    facts: engines.FactsAt = None,
    engine: engines.Engines = "local",
    scheduler: engines.Scheduler = None,
    buckets: engines.Buckets = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Score every open lead at a moment: readiness, index, decision, next date and reasons, one row each."""
    from data.contract import load_contract
    from models.bundle import read_bundle
    from serving.commands import terminal
    from serving.commands.features import moment_of

    agreed = load_contract(contract, source)
    engines.must_be_new(output)
    folder, number = engines.bundle_files(contract, agreed.state_folder, version, bundle)
    asked = Asked(folder, number, None if at is None else moment_of(at), output, reasons)
    started = time.perf_counter()
    model = read_bundle(folder)
    with terminal.progress(quiet=quiet) as progress:
        if features is not None:
            _of_table(model, asked, features, progress)
        else:
            place = engines.Place(engine, scheduler, buckets, agreed, facts)
            (_here if place.in_memory else _by_bucket)(model, asked, place, progress)
    _tell(summary(model, asked), time.perf_counter() - started, as_json=as_json)


def _here(model: "Bundle", asked: Asked, place: engines.Place, progress: "Report") -> None:
    from features.tables import write_tables
    from models.snapshot import score_history

    progress("checking the facts", 0.0)
    history = place.history()
    at = _moment(asked.at, history.ends_at)
    scores = score_history(
        model,
        history,
        at,
        version=asked.number,
        reasons=asked.count_of(len(history.leads)),
        threads=place.contract.model.threads,
        progress=progress,
    )
    write_tables([scores], asked.output)


def _by_bucket(model: "Bundle", asked: Asked, place: engines.Place, progress: "Report") -> None:
    from models.folder import read_folder
    from models.snapshot import ScoreWork, score_schema

    progress("reading the facts", 0.0)
    files, bundle_id = read_folder(asked.folder, model.bundle_id)
    with place.folder() as facts, engines.connected(place) as engine:
        at = _moment(asked.at, facts.ends_at)
        leads = facts.rows("leads") if facts.files else MANY + 1
        work = ScoreWork(tuple(files.items()), bundle_id, asked.number, at, asked.count_of(leads))
        job = engines.Job("scoring", work, score_schema(model), model.feature_set)
        engine.write(facts, job, asked.output, progress)


def _of_table(model: "Bundle", asked: Asked, features: str, progress: "Report") -> None:
    """Each part of a feature table scored on its own, so that its size does not matter."""
    from features.tables import write_tables

    write_tables(_scored(model, asked, features, progress), asked.output)


def _scored(model: "Bundle", asked: Asked, features: str, progress: "Report") -> "Iterator[pa.Table]":
    from features.partition import check_label, from_labelled
    from features.tables import label_of, read_tables
    from models.snapshot import score_features

    check_label(label_of(features), model.feature_set, model.vocabulary)
    for part in read_tables(features):
        progress("scoring", 0.0)
        yield score_features(model, from_labelled(part, model.feature_set, model.vocabulary), version=asked.number)


def _moment(at: int | None, ends_at: int) -> int:
    """The moment asked about. Raises NotMaturedError when it is after the end of the facts."""
    from data.clock import iso
    from data.errors import NotMaturedError

    if at is not None and at > ends_at:
        raise NotMaturedError(
            f"--at {iso(at)} is after the end of the history, {iso(ends_at)}: what happened in between is not known. "
            "Ask at an earlier moment, or bring newer facts."
        )
    return ends_at if at is None else at


def summary(model: "Bundle", asked: Asked) -> dict[str, Any]:
    """What ``--json`` prints, read back from what was written: counts by decision and the mean readiness."""
    import pyarrow.compute as pc

    from features.tables import read_columns

    found = read_columns(asked.output, ["readiness", "decision"])
    decisions = pc.value_counts(found["decision"]).to_pylist() if "decision" in found.column_names else []
    return {
        "output": asked.output,
        "leads": len(found),
        "mean_readiness": pc.mean(found["readiness"]).as_py(),
        "decisions": {entry["values"]: entry["counts"] for entry in decisions},
        "product": model.contract.ready.product,
        "version": asked.number,
        "bundle_id": model.bundle_id,
    }


def _tell(found: dict[str, Any], seconds: float, *, as_json: bool) -> None:
    from serving.commands import terminal

    if as_json:
        terminal.print_json(found)
    else:
        mean = "" if found["mean_readiness"] is None else f", mean readiness {found['mean_readiness']:.2%}"
        counts = "".join(f", {count:,} {decision}" for decision, count in sorted(found["decisions"].items()))
        version = "" if found["version"] is None else f" version {found['version']}"
        terminal.say(
            f"Scored {found['leads']:,} leads with {found['product']}{version} in {seconds:.1f} s{mean}{counts}."
        )
    terminal.next_step(f"The scores are in {found['output']}. The same model over HTTP: readiness serve")
