"""Cells of foreign messages made moments, numbers and texts; what is wrong is a ValueError with one sentence."""

import math
from typing import Any

from pydantic import TypeAdapter, ValidationError

from data.sources.spoken import Scalar, text_of
from serving.schemas import MAX_COLUMNS, Moment

ID_LENGTH = 200
TEXT_LENGTH = 1_000
_MOMENT = TypeAdapter(Moment)


def moment(name: str, value: object) -> int:
    """An ISO 8601 time with a zone as microseconds."""
    if value is None:
        raise ValueError(f"{name} is missing. Expected a time such as 2026-01-31T09:30:00Z.")
    try:
        return _MOMENT.validate_python(value)
    except ValidationError as error:
        sentence = error.errors(include_url=False, include_context=False, include_input=False)[0]["msg"]
        raise ValueError(f"{name}: {sentence.removeprefix('Value error, ')}") from None


def number(name: str, value: object) -> float | None:
    """A number, or a text that is one; None for none."""
    if value is None or isinstance(value, float | int):
        found = value
    else:
        try:
            found = float(str(value))
        except ValueError:
            raise ValueError(f"{name} is {str(value)[:40]!r}. Expected a number.") from None
    try:
        whole = None if found is None else float(found)
    except OverflowError:
        whole = math.inf
    if whole is not None and not math.isfinite(whole):
        raise ValueError(f"{name} is beyond the floating-point range. Expected a finite number.")
    return whole


def identity(name: str, value: object) -> str:
    """An id or a name: a scalar of 1 to 200 characters."""
    found = text_of(value)
    if found is None:
        raise ValueError(f"{name} is missing. Expected a text of 1 to {ID_LENGTH} characters.")
    if len(found) > ID_LENGTH or "\x00" in found:
        raise ValueError(f"{name} has {len(found):,} characters or a NUL. Expected a text of 1 to {ID_LENGTH}.")
    return found


def text(name: str, value: object) -> str | None:
    """A further text, cut at 1,000 characters."""
    found = text_of(value)
    if found is not None and "\x00" in found:
        raise ValueError(f"{name} has a NUL character. Take it out.")
    return None if found is None else found[:TEXT_LENGTH]


def columns(told: dict[str, Any]) -> dict[str, Scalar]:
    """The scalars of an object; lists, objects and nulls are left out."""
    return {name: value for name, value in attributes(told).items() if value is not None}


def attributes(told: dict[str, Any]) -> dict[str, Scalar | None]:
    """The scalars and nulls of an object; lists and objects are left out. An empty text is a null."""
    if len(told) > MAX_COLUMNS:
        raise ValueError(f"{len(told):,} fields. Expected {MAX_COLUMNS} at the most.")
    return {identity("the name of a field", name): _scalar(name, value) for name, value in told.items() if _flat(value)}


def _flat(value: object) -> bool:
    return value is None or isinstance(value, str | int | float)


def _scalar(name: str, value: Any) -> Scalar | None:
    if isinstance(value, str):
        return text(name[:60], value)
    if value is not None and not isinstance(value, bool):
        number(name[:60], value)
    found: Scalar | None = value
    return found


def later(first: int, second: int | None) -> int | None:
    """The later of two moments; None when the second is not said."""
    return None if second is None else max(first, second)
