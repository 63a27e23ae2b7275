"""Operations of our OpenAPI 3.1 document as a 3.0.3 document that form builders can read.

Only what is flat passes: no unions, no nulls, no free maps, no nesting beyond lists of plain values. An operation that
needs more is refused with the place in it, so that nobody finds out inside Salesforce.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from data.errors import ReadinessError

_KEPT = frozenset(
    {"type", "format", "description", "enum", "default", "minimum", "maximum", "minLength", "maxLength", "pattern"}
)
_PLAIN = frozenset({"string", "number", "integer", "boolean"})
_METHODS = ("get", "put", "post", "delete", "patch")


def down_convert(document: Mapping[str, Any], operation_ids: Sequence[str], server: str) -> dict[str, Any]:
    """The 3.0.3 document of these operations. Raises ReadinessError for one that is missing or not flat."""
    found = {one["operationId"]: (path, method, one) for path, method, one in operations(document)}
    missing = [name for name in operation_ids if name not in found]
    if missing:
        raise ReadinessError(f"There is no operation {missing[0]!r}. Expected some of {', '.join(sorted(found))}.")
    schemas: dict[str, Any] = {}
    paths: dict[str, Any] = {}
    for name in operation_ids:
        path, method, operation = found[name]
        paths.setdefault(path, {})[method] = _operation(name, operation, document, schemas)
    info = document["info"]
    return {
        "openapi": "3.0.3",
        "info": {name: info[name] for name in ("title", "description", "version") if name in info},
        "servers": [{"url": server}],
        "security": [{"apiKey": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {"apiKey": {"type": "apiKey", "in": "header", "name": "X-Api-Key"}},
            "schemas": schemas,
        },
    }


def operations(document: Mapping[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Every operation of a document: its path, its method, itself."""
    for path, methods in document["paths"].items():
        for method in _METHODS:
            if method in methods and "operationId" in methods[method]:
                yield path, method, methods[method]


def _operation(
    name: str, operation: Mapping[str, Any], document: Mapping[str, Any], schemas: dict[str, Any]
) -> dict[str, Any]:
    made: dict[str, Any] = {"operationId": name, "summary": operation.get("summary", name)}
    if "description" in operation:
        made["description"] = operation["description"]
    told = [one for one in operation.get("parameters", []) if one["in"] != "header"]
    if told:
        made["parameters"] = [
            {**{key: one[key] for key in ("name", "in", "required", "description") if key in one}}
            | {"schema": _value(f"{name}.{one['name']}", one["schema"])}
            for one in told
        ]
    if "requestBody" in operation:
        schema = operation["requestBody"]["content"]["application/json"]["schema"]
        content = {"application/json": {"schema": _named(name, schema, document, schemas)}}
        made["requestBody"] = {"required": True, "content": content}
    made["responses"] = {
        str(status): _response(name, str(status), told, document, schemas)
        for status, told in operation["responses"].items()
    }
    return made


def _response(
    name: str, status: str, told: Mapping[str, Any], document: Mapping[str, Any], schemas: dict[str, Any]
) -> dict[str, Any]:
    """Answers keep their schema; of errors the description is enough, for their media type is not read there."""
    described = {"description": told.get("description", status)}
    if not status.startswith("2") or "application/json" not in told.get("content", {}):
        return described
    schema = told["content"]["application/json"]["schema"]
    return {**described, "content": {"application/json": {"schema": _named(name, schema, document, schemas)}}}


def _named(
    where: str, schema: Mapping[str, Any], document: Mapping[str, Any], schemas: dict[str, Any]
) -> dict[str, Any]:
    """A reference to a schema of the document, which is taken along."""
    reference = schema.get("$ref", "")
    name = reference.rpartition("/")[2]
    if not name:
        raise ReadinessError(f"{where}: a schema without a name. Expected a model of its own for each body.")
    if name not in schemas:
        schemas[name] = _object(name, document["components"]["schemas"][name])
    return {"$ref": f"#/components/schemas/{name}"}


def _object(where: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    if schema.get("type") != "object" or "properties" not in schema or schema.get("additionalProperties") is True:
        raise ReadinessError(f"{where} is no flat object. Expected named properties and no others.")
    made: dict[str, Any] = {"type": "object"}
    if "description" in schema:
        made["description"] = schema["description"]
    if schema.get("required"):
        made["required"] = list(schema["required"])
    made["properties"] = {name: _value(f"{where}.{name}", one) for name, one in schema["properties"].items()}
    return made


def _value(where: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    """A plain value, or a list of them."""
    kind = schema.get("type")
    if kind == "array" and schema.get("items", {}).get("type") in _PLAIN:
        return {**_common(schema), "type": "array", "items": _value(where, schema["items"])}
    if kind not in _PLAIN:
        raise ReadinessError(f"{where} is {dict(schema)!s:.100}. Expected a text, a number or true/false.")
    made = _common(schema)
    for ours, theirs in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        if ours in schema:
            made |= {theirs: schema[ours], ours: True}
    return made


def _common(schema: Mapping[str, Any]) -> dict[str, Any]:
    made = {name: value for name, value in schema.items() if name in _KEPT}
    if schema.get("examples"):
        made["example"] = schema["examples"][0]
    if "const" in schema:
        made["enum"] = [schema["const"]]
    return made
