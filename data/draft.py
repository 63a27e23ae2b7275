"""A first readiness.toml, guessed from the files of a folder; every guess says why, every gap says what is missing."""

import json
import os
from dataclasses import replace
from pathlib import Path
from textwrap import wrap

from data.check import check
from data.contract import parse_contract
from data.drafting.exports import Recognised, recognise
from data.drafting.look import look_at
from data.drafting.ready import ReadyGuess, guess_ready
from data.drafting.tables import Guess, guess_tables
from data.errors import ReadinessError
from data.source_section import LOADED
from data.tables import SCHEMAS

_COLUMN, _WIDTH = 50, 110
_FIRST = '[ready]\noutcome = ["won"]\nterminal = ["won"]\nhorizons = ["30d"]\nprimary = "30d"\n\n'
_SAID = "the importer tells them apart"
_DEALS = ReadyGuess(["won"], ["won", "lost"], False, ["30d", "90d"], "0d", {"outcome": _SAID, "terminal": _SAID})
_DEFAULT = ReadyGuess(["won"], ["won"], False, ["30d", "90d"], "0d", {})


def draft_contract(folder: Path, beside: Path | None = None) -> str:
    """The text of a contract for the Parquet and CSV files of ``folder``.

    With ``beside``, the folder in which the contract will lie, the path of the files is written relative to it. What
    cannot be guessed is marked with ``FILL IN``; the text always parses. A folder that an importer knows needs no
    tables, only the name of its kind. Raises SchemaError when there are no such
    files, or one of them is damaged.
    """
    export = recognise(folder) if folder.is_dir() else None
    if export is not None:
        return _export_text(folder, export, _path(folder, beside))
    looks = look_at(folder)
    tables = guess_tables(looks)
    ready = _ready(folder, tables)
    parts = ["# A first contract, guessed from the files. Look over every line that says guess or FILL IN."]
    parts += ["", *_ready_lines(ready), ""]
    parts += _source_lines(_path(folder, beside), tables)
    unused = sorted({look.name for look in looks} - {guess.look.name for guess in tables.values()})
    parts += [f"# not used: {name}" for name in unused]
    parts += _question_lines(tables)
    return "\n".join(parts) + "\n"


def _export_text(folder: Path, export: Recognised, path: str) -> str:
    """The contract for an export whose tables are known."""
    kind = _line(f"kind = {_toml(export.kind)}", f"guess: {export.why}")
    keys = [_line(f"{key} = {_toml(value)}", f"guess: {why}") for key, (value, why) in export.keys.items()]
    first = [kind, f"path = {_toml(_path(folder, None))}", *keys]
    ready = _ready_of("[source]\n" + "\n".join(first), folder)
    if export.kind in LOADED:
        ready = replace(ready if ready.why else _DEALS, terminal=[*ready.outcome, "lost"])
    elif "won" not in export.keys:
        keys.append(_line('# won = ["Order Completed"]', "FILL IN: which track events mean won"))
    opening = "# A first contract, guessed from the files. Look over every line that says guess or FILL IN."
    spine = ["[spine]", _line('every = "7d"', "guess: once a week")]
    source = ["[source]", kind, f"path = {_toml(path)}", *keys, *_further_lines(export)]
    return "\n".join([opening, "", *_ready_lines(ready), "", *source, "", *spine]) + "\n"


def _further_lines(export: Recognised) -> list[str]:
    """Fields that the importer does not take by itself, for somebody to choose from."""
    if not export.fields:
        return []
    names = wrap(", ".join(_toml(name) for name in export.fields), _WIDTH, break_long_words=False)
    why = "# attributes = [...] takes these fields in place of the usual ones. An export has their last values: choose"
    return [why, "# what is known from the start.", *(f"#     {line}" for line in names)]


def _path(folder: Path, beside: Path | None) -> str:
    return str(folder.resolve()) if beside is None else os.path.relpath(folder.resolve(), beside.resolve())


def _ready(folder: Path, tables: dict[str, Guess]) -> ReadyGuess:
    """What ready means, from a check of leads and outcomes; the default where they cannot be checked yet."""
    first = {name: guess for name, guess in tables.items() if name in {"leads", "outcomes"}}
    return _ready_of("\n".join(_source_lines(_path(folder, None), first)), folder)


def _ready_of(source: str, folder: Path) -> ReadyGuess:
    """What the facts of a [source] section say of ready."""
    try:
        history = check(parse_contract(_FIRST + source, folder)).history
    except ReadinessError:
        return _DEFAULT
    return guess_ready(history) if history.leads.num_rows and history.outcomes.num_rows else _DEFAULT


def _ready_lines(ready: ReadyGuess) -> list[str]:
    keys = {
        "outcome": _toml(ready.outcome),
        "terminal": _toml(ready.terminal),
        "repeatable": _toml(ready.repeatable),
        "horizons": _toml(ready.horizons),
        "primary": _toml(ready.horizons[-1]),
        "reporting_lag": _toml(ready.lag),
    }
    why = {"terminal": "outcomes that close a lead", "primary": "the longest", **ready.why}
    sure = bool(ready.why)
    return [
        "[ready]",
        *(_line(f"{key} = {value}", _why(why.get(key) if sure else None, key)) for key, value in keys.items()),
    ]


def _why(why: str | None, key: str) -> str:
    return f"guess: {why}" if why else f"FILL IN: {key} cannot be told from the files"


def _source_lines(path: str, tables: dict[str, Guess]) -> list[str]:
    lines = ["[source]", f"path = {_toml(path)}"]
    naive = [(name, guess.naive) for name, guess in tables.items() if guess.naive]
    if naive:
        why = f"{naive[0][1]!r} of {naive[0][0]} has no zone; name the one where it was recorded"
        lines.append(_line('timezone = "UTC"', f"guess: {why}"))
    for name in SCHEMAS:
        if name in tables:
            lines += ["", *_table_lines(tables[name])]
        elif name in {"leads", "outcomes"}:
            lines += ["", f"[source.{name}]", _line(f'table = "{name}.csv"', f"FILL IN: no file looks like {name}")]
    return [*lines, ""]


def _table_lines(guess: Guess) -> list[str]:
    lines = [f"[source.{guess.name}]", _line(f"table = {_toml(guess.look.name)}", f"guess: {guess.why}")]
    if guess.kind is not None:
        lines.append(_line(f"kind = {_toml(guess.kind)}", "guess: no column tells the kind"))
    if guess.where:
        inner = ", ".join(f"{_toml(column)} = {_toml(value)}" for column, value in guess.where.items())
        lines.append(_line(f"where = {{ {inner} }}", "guess: these rows are the outcome"))
    if guess.tie_step is not None:
        lines.append(_line(f"tie_step = {_toml(guess.tie_step)}", "guess: times are coarse, rows lie in their order"))
    lines += _attribute_lines(guess)
    return lines + _column_lines(guess)


def _attribute_lines(guess: Guess) -> list[str]:
    lines = [f"# left out: {column}, {why}" for column, why in guess.left_out.items()]
    if not guess.attributes:
        return lines
    why = "further columns for features" if guess.name == "events" else "known from the start, as far as names tell"
    opening = _line("attributes = [", f"guess: {why}")
    return [*lines, opening, *(f"    {_toml(column)}," for column in guess.attributes), "]"]


def _column_lines(guess: Guess) -> list[str]:
    named = {ours: theirs for ours, theirs in guess.columns.items() if ours != theirs}
    why = {ours: f"FILL IN: {doubt}" for ours, doubt in guess.doubts.items()}
    lines = [_line(f"{o} = {_toml(t)}", why.get(o, "guess: its name and its values")) for o, t in named.items()]
    lines += [f'# {ours} = "..."  # FILL IN: no column looks like {ours}' for ours in guess.missing]
    return [f"[source.{guess.name}.columns]", *lines] if lines else []


def _question_lines(tables: dict[str, Guess]) -> list[str]:
    """When to ask, and how much evidence to want: less where there are no events, or events of one kind."""
    events = tables.get("events")
    if events is None:
        spine = _line('after = ["0s"]', "guess: without events, a lead is asked about once, at its creation")
        policy = [_line("min_kinds = 0", "guess: there are no events"), "min_days = 0"]
        return ["[spine]", spine, "", "[policy]", *policy]
    spine = _line('every = "7d"', "guess: once a week")
    kind = events.columns.get("kind")
    if kind is not None and len(events.look.values(kind)) > 1:
        return ["[spine]", spine]
    return ["[spine]", spine, "", "[policy]", _line("min_kinds = 1", "guess: all events are of one kind")]


def _line(text: str, comment: str) -> str:
    return f"{text:<{_COLUMN}}  # {comment}"


def _toml(value: object) -> str:
    """A TOML value; JSON's strings, arrays and booleans are TOML's."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
