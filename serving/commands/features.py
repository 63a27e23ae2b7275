"""``readiness features``: the catalog for your facts, one lead's values, or the feature table of every row."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from serving.commands import engines, options

if TYPE_CHECKING:
    from data.history import History
    from features.feature_set import FeatureSet


def features(
    contract: options.Contract = options.CONTRACT,
    source: options.Source = None,
    lead: Annotated[str | None, typer.Option("--lead", help="Show this lead's values.")] = None,
    at: Annotated[
        str | None, typer.Option("--at", help="At this moment, such as 2026-01-31T00:00:00Z; default: the end.")
    ] = None,
    output: Annotated[
        str | None,
        typer.Option("--output", "-o", help="Write the feature table here: a .parquet or .csv file, or a folder."),
    ] = None,
    facts: engines.FactsAt = None,
    version: Annotated[
        str | None, typer.Option("--version", help="With the features of this version: an alias or a number.")
    ] = None,
    bundle: Annotated[Path | None, typer.Option("--bundle", help="With the features of this bundle folder.")] = None,
    markdown: Annotated[
        bool, typer.Option("--markdown", help="Write the feature dictionary: to --output, else to the terminal.")
    ] = False,
    engine: engines.Engines = "local",
    scheduler: engines.Scheduler = None,
    buckets: engines.Buckets = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Show the features for your facts or one lead's values, or write the feature table or dictionary."""
    from data.check import check
    from data.contract import load_contract
    from features.catalog import default_catalog
    from features.profile import profile
    from models.bundle import read_bundle
    from serving.commands import terminal

    if output is not None and not markdown:
        from serving.commands.feature_tables import Wanted, write_features

        place = engines.Place(engine, scheduler, buckets, load_contract(contract, source), facts)
        wanted = Wanted(output, None if at is None else moment_of(at), version, bundle)
        write_features(place, contract, wanted, as_json=as_json, quiet=quiet)
        return
    agreed = load_contract(contract, source)
    if markdown and (version or bundle):
        folder, _ = engines.bundle_files(contract, agreed.state_folder, version or "", bundle)
        _write_dictionary(read_bundle(folder).feature_set, output)
        return
    history = check(agreed).history
    moment = history.ends_at if at is None else moment_of(at)
    asked = default_catalog(profile(history, moment))
    if markdown:
        _write_dictionary(asked, output)
        return
    if lead is not None:
        _show_values(values_of(history, asked, lead, moment), lead, moment, as_json=as_json)
        terminal.next_step("--at MOMENT shows them as they were earlier.")
        return
    _show_catalog(asked, as_json=as_json)
    terminal.next_step(
        "--lead ID shows one lead's values. Fields that know too much are still listed here: `readiness check` names "
        "them, training leaves them out. The catalog to edit is features/catalog.py."
    )


def _write_dictionary(asked: "FeatureSet", output: str | None) -> None:
    from features.dictionary import to_markdown
    from serving.commands import terminal

    text = to_markdown(asked)
    if output is None:
        typer.echo(text)
        return
    Path(output).write_text(text, encoding="utf-8")
    terminal.next_step(f"{output} explains {len(asked)} features, for whoever wants to check a reason.")


def moment_of(text: str) -> int:
    """Microseconds of an ISO 8601 moment with a zone. Raises ContractError for any other text."""
    from datetime import datetime

    from data.clock import to_micros
    from data.errors import ContractError

    try:
        return to_micros(datetime.fromisoformat(text))
    except ValueError:
        raise ContractError(f"--at is {text!r}. Expected a moment with a zone, such as 2026-01-31T00:00:00Z.") from None


def values_of(history: "History", asked: "FeatureSet", lead: str, moment: int) -> dict[str, Any]:
    """The value of each feature of ``lead`` at ``moment`` (microseconds): a number, a text, or None."""
    import pyarrow as pa
    import pyarrow.compute as pc

    from data.errors import SchemaError
    from data.spine import SPINE
    from data.tables import TIME
    from features.levels import learn
    from features.local import compute

    if not pc.any(pc.equal(history.leads["lead_id"], lead)).as_py():
        raise SchemaError(f"There is no lead {lead!r}. Expected a lead_id of the leads table.")
    spine = pa.table([pa.array([lead]), pa.array([moment], TIME)], schema=SPINE)
    table = compute(history, spine, asked, learn(history, asked, moment)).to_arrow()
    row: dict[str, Any] = table.select(list(asked.names)).to_pylist()[0]
    return row


def _show_catalog(asked: "FeatureSet", *, as_json: bool) -> None:
    from serving.commands import terminal

    if as_json:
        rows = [
            {"name": f.name, "group": f.group, "dtype": f.dtype, "unit": f.unit, "null": f.null, "sign": f.sign}
            for f in asked
        ]
        terminal.print_json({"fingerprint": asked.fingerprint, "features": rows})
        return
    shown = [(f.name, f.group, f.unit, _arrow(f.sign)) for f in asked]
    title = f"{len(asked)} features, fingerprint {asked.fingerprint[:12]}"
    terminal.print_table(title, ("feature", "answers", "unit", "sign"), shown)


def _arrow(sign: int) -> str:
    return {1: "+", -1: "-"}.get(sign, "")


def _show_values(values: dict[str, Any], lead: str, moment: int, *, as_json: bool) -> None:
    from data.clock import iso
    from serving.commands import terminal
    from serving.commands.contest import without_nan

    if as_json:
        terminal.print_json({"lead_id": lead, "at": iso(moment), "values": without_nan(values)})
        return
    shown = [(name, _said(value)) for name, value in values.items()]
    terminal.print_table(f"Lead {lead} at {iso(moment)}", ("feature", "value"), shown, numeric=(1,))


def _said(value: Any) -> str:
    if value is None or value != value:  # noqa: PLR0124 - only NaN differs from itself
        return "null"
    return f"{value:g}" if isinstance(value, float) else str(value)
