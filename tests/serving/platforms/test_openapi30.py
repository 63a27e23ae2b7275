"""Our OpenAPI document as one that form builders read: version 3.0.3, flat, valid."""

from typing import Annotated

import pytest
from fastapi import FastAPI
from openapi_spec_validator import OpenAPIV30SpecValidator
from pydantic import BaseModel, Field

from data.errors import ReadinessError
from serving.platforms.flat import FlatLeadIn, FlatOutcomeIn, FlatScoreOut, FlatTakenOut, FlatTouchIn
from serving.platforms.openapi30 import down_convert

SERVER = "https://scores.example.com"


class Inner(BaseModel):
    """Something in something."""

    deep: int


class Nullable(BaseModel):
    """A union with null."""

    value: int | None = None


class Mapped(BaseModel):
    """A free map."""

    values: dict[str, int]


class Nested(BaseModel):
    """A list of objects."""

    inner: list[Inner]


class Chosen(BaseModel):
    """A union of two kinds."""

    value: int | str


class Open(BaseModel, extra="allow"):
    """Further fields of any name."""

    value: int


class Plain(BaseModel):
    """Everything that is allowed."""

    share: Annotated[float, Field(gt=0, lt=1, examples=[0.5])]
    names: list[str]
    yes: bool = True


def document(**models):
    """The document that FastAPI writes for an operation with each of these bodies."""
    app = FastAPI(title="T", version="1")
    for name, (taken, given) in models.items():

        def operation(body):
            return body

        operation.__annotations__ = {"body": taken, "return": given}
        app.post(f"/v1/{name}", name=name, operation_id=name, summary=name)(operation)
    return app.openapi()


def keywords(told):
    """Every key of a document, at any depth."""
    if isinstance(told, dict):
        for key, value in told.items():
            yield key
            yield from keywords(value)
    elif isinstance(told, list):
        for value in told:
            yield from keywords(value)


def types(told):
    """Every ``type`` of a document."""
    if isinstance(told, dict):
        if "type" in told and not isinstance(told["type"], dict):
            yield told["type"]
        for value in told.values():
            yield from types(value)
    elif isinstance(told, list):
        for value in told:
            yield from types(value)


def is_flat(made):
    """Whether nothing is in a document that a form builder stumbles over; a walk of the test's own."""
    forbidden = {
        "anyOf",
        "oneOf",
        "allOf",
        "not",
        "additionalProperties",
        "nullable",
        "prefixItems",
        "const",
        "examples",
    }
    return not forbidden & set(keywords(made)) and all(isinstance(one, str) and one != "null" for one in types(made))


def test_the_flat_bodies():
    """Those of the service come through, valid by the rules of 3.0, and nothing is lost on the way."""
    told = document(
        score=(FlatLeadIn, FlatScoreOut), touch=(FlatTouchIn, FlatTakenOut), outcome=(FlatOutcomeIn, FlatTakenOut)
    )
    made = down_convert(told, ["score", "touch", "outcome"], SERVER)
    OpenAPIV30SpecValidator(made).validate()
    assert made["openapi"] == "3.0.3"
    assert is_flat(made)
    for model in (FlatLeadIn, FlatScoreOut, FlatTouchIn, FlatTakenOut, FlatOutcomeIn):
        schema = made["components"]["schemas"][model.__name__]
        assert set(schema["properties"]) == set(model.model_fields)
        assert set(schema.get("required", [])) == {n for n, field in model.model_fields.items() if field.is_required()}
    assert made["paths"]["/v1/score"]["post"]["responses"]["200"]["content"]["application/json"]["schema"] == {
        "$ref": "#/components/schemas/FlatScoreOut"
    }


def test_keywords_of_31_become_those_of_30():
    """Limits that are not reached, examples, lists of plain values."""
    made = down_convert(document(plain=(Plain, Plain)), ["plain"], SERVER)
    OpenAPIV30SpecValidator(made).validate()
    share = made["components"]["schemas"]["Plain"]["properties"]["share"]
    assert share == {
        "type": "number",
        "minimum": 0.0,
        "exclusiveMinimum": True,
        "maximum": 1.0,
        "exclusiveMaximum": True,
        "example": 0.5,
    }
    assert made["components"]["schemas"]["Plain"]["properties"]["names"] == {
        "type": "array",
        "items": {"type": "string"},
    }
    assert is_flat(made)


@pytest.mark.parametrize("model", [Nullable, Mapped, Nested, Chosen, Open])
def test_what_is_not_flat_is_refused(model):
    """With its place, when the file is written and not when it is used."""
    assert not is_flat(document(op=(model, Plain))) or model is Nested
    with pytest.raises(ReadinessError, match=model.__name__):
        down_convert(document(op=(model, Plain)), ["op"], SERVER)
    with pytest.raises(ReadinessError, match=model.__name__):
        down_convert(document(op=(Plain, model)), ["op"], SERVER)


def test_an_operation_that_there_is_not():
    """The names that there are are told."""
    with pytest.raises(ReadinessError, match=r"'gone'.*plain"):
        down_convert(document(plain=(Plain, Plain)), ["gone"], SERVER)
