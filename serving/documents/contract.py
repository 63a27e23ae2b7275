"""Every section and key of the contract, from the classes that read it."""

import ast
import inspect
from collections.abc import Iterator
from functools import cache
from textwrap import dedent
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from data.clock import format_duration
from data.contract import Contract
from data.terms import Duration, Moment, Name, Section, Share, Span

HEAD = """# The contract: readiness.toml

The contract says what *ready* means here and where the facts are. TOML holds what differs between customers; what is
left out has the default below. `readiness init --from FOLDER` writes a first one from your files, with its guesses
marked. An unknown key, a missing one or an impossible combination is one sentence, with the fix.

A *duration* is a whole number and `s`, `min`, `h`, `d` or `w`, such as `"30d"`. A *moment* is a TOML date (midnight
UTC) or a date-time with its zone. A *share* lies between 0 and 1. Paths start at the folder of the contract.
"""
WORDS = {Duration: "duration", Span: "duration above 0", Share: "share", Moment: "moment", Name: "text"}
PLAIN: dict[Any, str] = {str: "text", int: "whole number", float: "number", bool: "true or false", Any: "anything"}


def contract_page() -> str:
    """The page as Markdown."""
    lines = [HEAD]
    for key, section in _sections(Contract):
        lines += [f"## [{key}]", "", _about(section), "", *_table(section, key), ""]
        for inner, kind in _sections(section):
            if _first_of_its_kind(section, inner, kind):
                alike = ", ".join(f"[{key}.{name}]" for name, other in _sections(section) if other is kind)
                lines += [f"### {alike}", "", _about(kind), "", *_table(kind, f"{key}.{inner}"), ""]
    return "\n".join(lines).rstrip() + "\n"


def _sections(model: type[BaseModel]) -> Iterator[tuple[str, type[Section]]]:
    """The tables within a table: (key, class)."""
    for key, hint in _hints(model).items():
        for option in (hint, *get_args(hint)):
            if isinstance(option, type) and issubclass(option, Section):
                yield key, option


def _first_of_its_kind(section: type[Section], key: str, kind: type[Section]) -> bool:
    """A class that reads several tables is told once."""
    return next(name for name, other in _sections(section) if other is kind) == key


def _about(section: type[Section]) -> str:
    return dedent(inspect.getdoc(section) or "").replace("``", "`")


def _table(section: type[Section], where: str) -> Iterator[str]:
    yield "| key | what it is | default | |"
    yield "|---|---|---|---|"
    said = _meanings(section)
    for key, hint in _hints(section).items():
        name = _field_name(section, key)
        field = section.model_fields[name]
        limits = () if hint in WORDS else map(_limits, field.metadata)
        what = ", ".join(filter(None, (_words(hint, where, key), *limits)))
        cells = (f"`{key}`", what, _default(field, hint), said.get(name, ""))
        yield "| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |"


def _hints(model: type[BaseModel]) -> dict[str, Any]:
    """The annotation of each key of the file, under the name that it has there."""
    hints = get_type_hints(model, include_extras=True)
    hidden = {"folder", "text"} if model is Contract else set()
    return {f.alias or name: hints[name] for name, f in model.model_fields.items() if name not in hidden}


def _field_name(section: type[BaseModel], key: str) -> str:
    return next(name for name, field in section.model_fields.items() if (field.alias or name) == key)


def _words(hint: Any, where: str, key: str) -> str:
    """An annotation as people say it."""
    if hint in WORDS:
        return WORDS[hint]
    if hint in PLAIN:
        return PLAIN[hint]
    if set(get_args(hint)) >= {str, bool, float}:
        return "value or a list of values" if any(get_origin(one) is list for one in get_args(hint)) else "value"
    if isinstance(hint, type) and issubclass(hint, Section):
        return f"a table, `[{where}.{key}]`"
    origin, inner = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _words(inner[0], where, key)
    if origin is Literal:
        return "one of " + ", ".join(f'`"{value}"`' for value in inner)
    if origin in (tuple, list):
        return f"list of {_many(_words(inner[0], where, key))}"
    if origin is dict:
        return f"a table of {_many(_words(inner[1], where, key))}"
    return " or ".join(dict.fromkeys(_words(option, where, key) for option in inner if option is not type(None)))


def _many(word: str) -> str:
    head, *rest = word.split(" ", 1)
    plural = {"text": "texts", "duration": "durations", "moment": "moments", "value": "values"}
    return " ".join([plural.get(head, head), *rest])


def _limits(more: Any) -> str:
    """The bounds of a field as words."""
    told = {"min_length": "at least {}", "ge": "from {}", "gt": "above {}", "le": "up to {}", "lt": "below {}"}
    told |= {"pattern": "of the form `{}`"}
    bounds = [more, *getattr(more, "metadata", ())]
    return " ".join(
        words.format(f"{value:,g}" if isinstance(value, int | float) else value)
        for bound in bounds
        for name, words in told.items()
        if (value := getattr(bound, name, None)) is not None
    )


def _default(field: Any, hint: Any) -> str:
    value = field.get_default(call_default_factory=True)
    if value is PydanticUndefined:
        return "**needed**"
    if value is None or value in ((), {}) or isinstance(value, Section):
        return ""
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if hint in (Duration, Span):
        return f'`"{format_duration(value)}"`'
    if isinstance(value, int | float):
        return f"`{value:_}`"
    return f'`"{value}"`'


@cache
def _meanings(section: type[Section]) -> dict[str, str]:
    """The text below each field in the source of its class."""
    (tree,) = ast.parse(dedent(inspect.getsource(section))).body
    found, last = {}, None
    for line in getattr(tree, "body", ()):
        if isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name):
            last = line.target.id
        elif last and isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant):
            text = " ".join(inspect.cleandoc(str(line.value.value)).split())
            found[last], last = text.replace("``", "`"), None
        else:
            last = None
    return found
