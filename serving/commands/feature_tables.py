"""``readiness features --output``: the feature table of every row, written where it is computed."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from serving.commands.engines import Job, Place, bundle_files, connected, must_be_new

if TYPE_CHECKING:
    import pyarrow as pa

    from data.contract import Contract
    from data.facts import Facts
    from data.history import History
    from data.sections import Spine
    from features.feature_set import FeatureSet
    from features.partition import FeatureWork, Rows
    from features.vocabulary import Vocabulary
    from serving.commands.terminal import Report


@dataclass(frozen=True)
class Wanted:
    """What to write and where: the rows of the contract's spine or of the moment ``at``, and whose features."""

    output: str
    at: int | None
    version: str | None
    bundle: Path | None


def write_features(place: Place, contract: Path, wanted: Wanted, *, as_json: bool, quiet: bool) -> None:
    """Write the table, then say what was written."""
    from serving.commands import terminal

    must_be_new(wanted.output)
    given = _given(place, contract, wanted)
    started = time.perf_counter()
    with terminal.progress(quiet=quiet) as progress:
        made = (_here if place.in_memory else _by_bucket)(place, wanted, given, progress)
    _tell(made, wanted, time.perf_counter() - started, as_json=as_json)


def _given(place: Place, contract: Path, wanted: Wanted) -> "tuple[FeatureSet, Vocabulary] | None":
    """The features and levels of a model, where one was named."""
    from models.bundle import read_bundle

    if wanted.version is None and wanted.bundle is None:
        return None
    folder, _ = bundle_files(contract, place.contract.state_folder, wanted.version or "", wanted.bundle)
    bundle = read_bundle(folder)
    return bundle.feature_set, bundle.vocabulary


def learned(history: "History", moment: int) -> "tuple[FeatureSet, Vocabulary]":
    """The catalog's features for ``history`` and their levels, from what was known before ``moment``."""
    from features.catalog import default_catalog
    from features.levels import learn
    from features.profile import profile

    feature_set = default_catalog(profile(history, moment))
    return feature_set, learn(history, feature_set, moment)


def _here(
    place: Place, wanted: Wanted, given: "tuple[FeatureSet, Vocabulary] | None", progress: "Report"
) -> "FeatureSet":
    from features.local import compute
    from features.partition import labelled
    from features.tables import write_tables

    progress("checking the facts", 0.0)
    history = place.history()
    moment = history.ends_at if wanted.at is None else wanted.at
    feature_set, vocabulary = given or learned(history, moment)
    spine = rows_of(place.contract, wanted.at, None).of(history, _listed(place.contract, wanted.at))
    table = compute(
        history,
        spine,
        feature_set,
        vocabulary,
        threads=place.contract.model.threads,
        buckets=place.buckets,
        progress=lambda done, total: progress("computing features", done / max(total, 1)),
    )
    progress("writing the table", 0.0)
    write_tables([labelled(table)], wanted.output)
    return feature_set


def _by_bucket(
    place: Place, wanted: Wanted, given: "tuple[FeatureSet, Vocabulary] | None", progress: "Report"
) -> "FeatureSet":
    from features.partition import FeatureWork

    progress("reading the facts", 0.0)
    with place.folder() as facts, connected(place) as engine:
        moment = facts.ends_at if wanted.at is None else wanted.at
        feature_set, vocabulary = given or learned(engine.sample(facts, place.contract.model.seed), moment)
        work = FeatureWork(feature_set, vocabulary, rows_of(place.contract, wanted.at, facts))
        listed = None if place.contract.spine.file is None else _listed(place.contract, wanted.at)
        job = Job("computing features", work, answer_of(work), feature_set, listed)
        engine.write(facts, job, wanted.output, progress)
    return feature_set


def answer_of(work: "FeatureWork") -> "pa.Schema":
    """The schema of the table that ``work`` makes, label included."""
    import numpy as np

    from data.spine import SPINE
    from features.local import FeatureTable
    from features.partition import labelled

    nothing = np.empty((0, len(work.feature_set)), np.float32)
    return labelled(FeatureTable(SPINE.empty_table(), nothing, work.feature_set, work.vocabulary)).schema


def rows_of(contract: "Contract", at: int | None, facts: "Facts | None") -> "Rows":
    """The rows asked for: open leads at ``at``, or the contract's spine with a grid that is that of all ``facts``."""
    from features.partition import Laid, Open

    if at is not None:
        return Open(at, contract.ready)
    return Laid(contract.spine if facts is None else settled(contract.spine, facts), contract.ready)


def settled(spine: "Spine", facts: "Facts") -> "Spine":
    """A periodic spine whose grid starts where it starts for all leads, whatever part of them is looked at."""
    from data.errors import ContractError
    from data.spine import grid_start

    if spine.start is not None or spine.at or spine.after or spine.file:
        return spine
    if not facts.files:
        raise ContractError(
            "[spine] has no `from`, and tables of a catalog do not say when the first lead was created. Set it."
        )
    first = facts.first("leads", "created_at")
    return spine if first is None else spine.model_copy(update={"start": grid_start(first)})


def _listed(contract: "Contract", at: int | None) -> "pa.Table":
    from data.spine import SPINE, read_listed

    if at is not None or contract.spine.file is None:
        return SPINE.empty_table()
    return read_listed(contract.resolve(contract.spine.file))


def _tell(made: "FeatureSet", wanted: Wanted, seconds: float, *, as_json: bool) -> None:
    from features.tables import count_rows
    from serving.commands import terminal

    rows = count_rows(wanted.output)
    if as_json:
        terminal.print_json(
            {"output": wanted.output, "rows": rows, "features": len(made), "fingerprint": made.fingerprint}
        )
    else:
        terminal.say(f"Wrote {rows:,} rows of {len(made)} features to {wanted.output} in {seconds:.1f} s.")
    terminal.next_step(
        f"readiness score --features {wanted.output} scores it"
        if wanted.version or wanted.bundle
        else f"Fingerprint {made.fingerprint[:12]}; --version champion writes the features of the model that serves."
    )
