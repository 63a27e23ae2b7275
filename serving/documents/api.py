"""Every operation of the service, from its OpenAPI document."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

HEAD = """# HTTP API

{description}
Operations under `/v1` need an API key: `Authorization: Bearer KEY` or `X-Api-Key: KEY` (`readiness keys create NAME`).
A running service shows this page with its own address under `/docs`, and the document itself under `/openapi.json`.

"""
PROBLEM = "[Problem](#problem)"
METHODS = ("get", "put", "post", "patch", "delete")


def api_page() -> str:
    """The page as Markdown."""
    from serving.app import create_app  # noqa: PLC0415 - only this page needs the service
    from serving.settings import Settings  # noqa: PLC0415

    return render(create_app(Settings(bundle=Path())).openapi())


def render(document: Mapping[str, Any]) -> str:
    """An OpenAPI document as Markdown: the operations by tag, then the schemas that they name."""
    found = [
        (operation.get("tags", ["other"])[0], method, path, operation)
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if method in METHODS
    ]
    lines = [HEAD.format(description=document["info"]["description"].strip() + "\n")]
    for tag in dict.fromkeys(tag for tag, *_ in found):
        lines += [f"## {tag.capitalize()}", ""]
        for _, method, path, operation in (one for one in found if one[0] == tag):
            lines += [f"### {method.upper()} {path}", "", *_operation(operation)]
    lines += ["## Schemas", ""]
    for name, schema in sorted(document["components"]["schemas"].items()):
        lines += [*_schema(name, schema)]
    return "\n".join(lines).rstrip() + "\n"


def _operation(operation: Mapping[str, Any]) -> Iterator[str]:
    yield operation.get("summary", operation["operationId"]) + "."
    yield ""
    if said := operation.get("description", "").strip():
        yield f"{said}\n"
    if parameters := operation.get("parameters"):
        yield "| parameter | in | what it is | |"
        yield "|---|---|---|---|"
        for one in parameters:
            needed = ", needed" if one.get("required") else ""
            yield _row(f"`{one['name']}`", one["in"], _type(one["schema"]) + needed, one.get("description", ""))
        yield ""
    if body := operation.get("requestBody"):
        yield from _body(body["content"])
    yield "| answer | |"
    yield "|---|---|"
    yield from _answers(operation["responses"])
    yield ""


def _answers(responses: Mapping[str, Any]) -> Iterator[str]:
    """A row for each answer; those that tell a problem are one."""
    troubles = []
    for status, answer in responses.items():
        schemas = [_type(content.get("schema", {})) for content in answer.get("content", {}).values()]
        if schemas == [PROBLEM]:
            troubles.append(status)
            continue
        told = "" if answer.get("description") == "Successful Response" else answer.get("description", "")
        yield _row(status, ": ".join(filter(None, (told, " or ".join(dict.fromkeys(filter(None, schemas)))))))
    if troubles:
        yield _row(", ".join(troubles), f"what is wrong, and what to do: {PROBLEM}")


def _body(contents: Mapping[str, Any]) -> Iterator[str]:
    kinds = [f"{_type(content.get('schema', {}))} as `{kind}`" for kind, content in contents.items()]
    yield f"Body: {' or '.join(kinds)}.\n"
    for content in contents.values():
        examples = [one["value"] for one in content.get("examples", {}).values() if "value" in one]
        for example in examples or ([content["example"]] if "example" in content else []):
            yield "```json"
            yield json.dumps(example, indent=2, ensure_ascii=False)
            yield "```\n"
            return


def _schema(name: str, schema: Mapping[str, Any]) -> Iterator[str]:
    yield f"### {name}\n"
    if said := schema.get("description", "").strip():
        yield f"{said}\n"
    if fields := schema.get("properties"):
        needed = set(schema.get("required", ()))
        yield "| field | what it is | |"
        yield "|---|---|---|"
        for field, kind in fields.items():
            what = _type(kind) + (", needed" if field in needed else "")
            yield _row(f"`{field}`", what, kind.get("description", ""))
        yield ""


def _type(schema: Mapping[str, Any]) -> str:
    """A schema in a few words; a named one is a link to its paragraph."""
    if name := schema.get("$ref", "").rpartition("/")[2]:
        return f"[{name}](#{name.lower()})"
    if options := schema.get("anyOf") or schema.get("oneOf") or schema.get("allOf"):
        return " or ".join(dict.fromkeys(_type(option) for option in options if option.get("type") != "null"))
    if levels := schema.get("enum"):
        return " or ".join(f"`{level}`" for level in levels)
    if "const" in schema:
        return f"`{schema['const']}`"
    kind = schema.get("type", "")
    if isinstance(kind, list):
        kind = " or ".join(one for one in kind if one != "null")
    if kind == "array":
        return f"list of {_type(schema.get('items', {})) or 'anything'}"
    if schema.get("format") == "date-time":
        return "moment (ISO 8601 with its zone)"
    plain = {"string": "text", "integer": "whole number", "boolean": "true or false"}
    return f"{plain.get(kind, kind)}{_bounds(schema)}"


def _bounds(schema: Mapping[str, Any]) -> str:
    told = (("minimum", "from"), ("maximum", "up to"), ("minLength", "of at least"), ("maxLength", "of up to"))
    found = [f"{words} {schema[key]:,g}" for key, words in told if isinstance(schema.get(key), int | float)]
    letters = " characters" if "maxLength" in schema or "minLength" in schema else ""
    return f", {' '.join(found)}{letters}" if found else ""


def _row(*cells: str) -> str:
    return "| " + " | ".join(" ".join(cell.split()).replace("|", r"\|") for cell in cells) + " |"
