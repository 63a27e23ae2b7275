"""The page at ``/docs``: what can be asked, from the OpenAPI document. No script, nothing from elsewhere."""

import json
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

routes = APIRouter(include_in_schema=False)

_STYLE = """
:root{color-scheme:light dark}
body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}
code,pre{font:14px/1.4 ui-monospace,monospace}
pre{overflow:auto;padding:.75rem;border:1px solid #8884;border-radius:6px}
summary{cursor:pointer;padding:.35rem 0}
table{border-collapse:collapse;width:100%}
th,td{text-align:left;vertical-align:top;padding:.25rem .75rem .25rem 0;border-bottom:1px solid #8883}
.verb{display:inline-block;min-width:4.5rem;font-weight:700}
"""
_HOW = (
    '<p>For programs: <a href="openapi.json">openapi.json</a>. A key goes into <code>Authorization: Bearer KEY</code> '
    "or <code>X-Api-Key: KEY</code>.</p>"
)
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"


@routes.get("/docs")
async def docs(request: Request) -> HTMLResponse:
    """The reference of the HTTP API."""
    return HTMLResponse(page(request.app.openapi()), headers={"content-security-policy": _POLICY})


def page(document: Mapping[str, Any]) -> str:
    """The reference as one HTML page."""
    info, parts = document["info"], document["paths"]
    schemas = document.get("components", {}).get("schemas", {})
    asked = [(path, verb, one) for path, verbs in parts.items() for verb, one in verbs.items()]
    tags = dict.fromkeys(tag for _, _, one in asked for tag in one.get("tags", ["more"]))
    body = [
        f"<h1>{escape(info['title'])}</h1><p>{escape(info.get('description', ''))}</p>",
        _HOW,
    ]
    for tag in tags:
        body.append(f"<h2>{escape(tag)}</h2>")
        body += [_operation(path, verb, one) for path, verb, one in asked if tag in one.get("tags", ["more"])]
    body.append("<h2>schemas</h2>")
    body += [_schema(name, schema) for name, schema in sorted(schemas.items())]
    title = escape(info["title"])
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head>'
        f"<body>{''.join(body)}</body></html>"
    )


def _operation(path: str, verb: str, one: Mapping[str, Any]) -> str:
    """One operation, folded: what it does, its parameters, a body that it takes, what it answers."""
    head = f'<span class="verb">{escape(verb.upper())}</span> <code>{escape(path)}</code> {escape(one["summary"])}'
    parts = [f"<p>{escape(one.get('description', ''))}</p>", _table(_parameters(one.get("parameters", ())))]
    for media, content in one.get("requestBody", {}).get("content", {}).items():
        parts.append(f"<p>Body: <code>{escape(media)}</code> {_named(content.get('schema', {}))}</p>")
        examples = [example["value"] for example in content.get("examples", {}).values()]
        parts += [f"<pre>{escape(json.dumps(one, indent=2, ensure_ascii=False))}</pre>" for one in examples]
    answers = [(status, _answer(answer)) for status, answer in one["responses"].items()]
    parts.append(_table((escape(status), told) for status, told in answers))
    return f"<details><summary>{head}</summary>{''.join(parts)}</details>"


def _parameters(parameters: Any) -> Iterator[tuple[str, str]]:
    for one in parameters:
        needed = "" if one.get("required") else " (optional)"
        words = escape(one.get("description", one.get("schema", {}).get("description", "")))
        yield f"<code>{escape(one['name'])}</code> in {escape(one['in'])}{needed}", words


def _answer(answer: Mapping[str, Any]) -> str:
    named = " ".join(_named(content.get("schema", {})) for content in answer.get("content", {}).values())
    return f"{escape(answer.get('description', ''))} {named}"


def _schema(name: str, schema: Mapping[str, Any]) -> str:
    """One schema, folded: its fields."""
    required = set(schema.get("required", ()))
    rows = (
        (
            f"<code>{escape(field)}</code>{'' if field in required else ' (optional)'}",
            f"{_named(one)} {escape(one.get('description', ''))}",
        )
        for field, one in schema.get("properties", {}).items()
    )
    about = f"<p>{escape(schema.get('description', ''))}</p>"
    head = f"<summary><code>{escape(name)}</code></summary>"
    return f'<details id="{escape(name)}">{head}{about}{_table(rows)}</details>'


def _named(schema: Mapping[str, Any]) -> str:
    """The type of a value in a word or two, with a link to its schema."""
    if "$ref" in schema:
        name = escape(str(schema["$ref"]).rpartition("/")[2])
        return f'<a href="#{name}">{name}</a>'
    if "anyOf" in schema:
        return " or ".join(_named(one) for one in schema["anyOf"])
    if schema.get("type") == "array":
        return f"list of {_named(schema.get('items', {}))}"
    return escape(str(schema.get("format") or schema.get("type") or "any value"))


def _table(rows: Any) -> str:
    lines = "".join(f"<tr><td>{left}</td><td>{right}</td></tr>" for left, right in rows)
    return f"<table>{lines}</table>" if lines else ""
