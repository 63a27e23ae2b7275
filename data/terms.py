"""What the values of a contract are: durations, moments, shares and names as TOML writes them."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from data.clock import parse_duration, to_micros
from data.errors import ContractError


def _duration(value: object) -> object:
    if isinstance(value, str):
        try:
            return parse_duration(value)
        except ContractError as error:
            raise ValueError(str(error)) from None
    return value


def _moment(value: object) -> object:
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError(f"{value.isoformat()} has no time zone. Write {value.isoformat()}Z for UTC.")
        return to_micros(value)
    if hasattr(value, "isoformat"):
        return to_micros(datetime.fromisoformat(f"{value.isoformat()}T00:00:00+00:00"))
    return value


Duration = Annotated[int, BeforeValidator(_duration), Field(ge=0)]
"""Microseconds, written as ``"30d"``."""
Span = Annotated[int, BeforeValidator(_duration), Field(gt=0)]
"""The same, above 0."""
Share = Annotated[float, Field(ge=0, le=1)]
Moment = Annotated[int, BeforeValidator(_moment)]
"""Microseconds since 1970, written as a TOML date (midnight UTC) or date-time with a zone."""
Name = Annotated[str, Field(min_length=1, max_length=200)]


class Section(BaseModel):
    """A part of the contract: frozen, and without unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=False)
