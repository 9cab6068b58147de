"""The description of this server as OpenAPI 3.1, and the page that shows it: plain HTML, which loads nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from lsp_server.serve.api.schema import ErrorsOut, FillIn, FillOut, StateOut
from lsp_server.serve.dialects.llamacpp import InfillIn
from lsp_server.serve.dialects.mercury import EditIn
from lsp_server.serve.dialects.ollama import GenerateIn, ShowIn
from lsp_server.serve.dialects.openai import CompletionIn
from lsp_server.serve.dialects.tabby import EventIn, TabbyIn

_POSTS: Final[Mapping[str, tuple[str, tuple[type[BaseModel], ...]]]] = {
    "/v1/fill": ("Fill holes: this server's own API.", (FillIn,)),
    "/infill": ("llama.cpp's: llama.vim, llama.vscode.", (InfillIn,)),
    "/v1/completions": ("OpenAI's legacy completions (Zed, Continue, minuet), and Tabby's.", (CompletionIn, TabbyIn)),
    "/v1/fim/completions": ("Mercury's fill in the middle.", (CompletionIn,)),
    "/v1/edit/completions": ("Mercury's edit.", (EditIn,)),
    "/v1/events": ("Tabby's events, counted for `dlm-fill stats`.", (EventIn,)),
    "/api/generate": ("Ollama's generate.", (GenerateIn,)),
    "/api/show": ("Ollama's show.", (ShowIn,)),
}
_GETS: Final[Mapping[str, str]] = {
    "/health": "Whether the model is loaded: 200, or 503 while it is not. Needs no key.",
    "/metrics": "Numbers for Prometheus.",
    "/v1/models": "The model that is served.",
    "/v1/state": "What the page shows.",
    "/v1/health": "Tabby's health.",
    "/v1beta/server_setting": "Tabby's settings.",
    "/props": "llama.cpp's properties.",
    "/api/tags": "Ollama's list of models.",
    "/api/version": "Ollama's version.",
}
_ERRORS = {
    "400": "What is wrong, in a sentence",
    "401": "No key, or one that is not known",
    "403": "A file that no model gets to see, or a request of another web page",
    "408": "The body came too slowly",
    "409": "A newer request took its place (`/v1/fill` alone)",
    "413": "The body is too large",
    "429": "Too many requests: `Retry-After` says when",
    "503": "The model is not there",
}


def description(version: str) -> dict[str, Any]:
    """The OpenAPI document."""
    kinds = {kind for _, models in _POSTS.values() for kind in models} | {FillOut, StateOut, ErrorsOut}
    names = sorted(kinds, key=lambda kind: kind.__name__)
    wanted: list[Any] = [(kind, "validation") for kind in names]
    _, schemas = models_json_schema(wanted, ref_template="#/components/schemas/{model}")
    paths: dict[str, Any] = {path: {"get": _operation(text)} for path, text in _GETS.items()}
    for path, (text, models) in _POSTS.items():
        paths.setdefault(path, {})["post"] = _operation(text, models)
    return {
        "openapi": "3.1.0",
        "info": {"title": "dlm-fill serve", "version": version},
        "security": [{}, {"key": []}],
        "paths": paths,
        "components": {
            "schemas": schemas["$defs"],
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
        },
    }


def page(version: str) -> str:
    """The same for people."""
    described = description(version)
    body = "".join(_sections(described))
    return _FRAME.replace("{body}", body)


def _operation(text: str, models: tuple[type[BaseModel], ...] = ()) -> dict[str, Any]:
    operation: dict[str, Any] = {"summary": text, "responses": {"200": {"description": "Done"}}}
    if not models:
        return operation
    refs = [{"$ref": f"#/components/schemas/{kind.__name__}"} for kind in models]
    operation["requestBody"] = {
        "required": True,
        "content": {"application/json": {"schema": refs[0] if len(refs) == 1 else {"anyOf": refs}}},
    }
    if FillIn in models:
        content = {
            "application/json": {"schema": {"$ref": "#/components/schemas/FillOut"}},
            "text/event-stream": {"schema": {"$ref": "#/components/schemas/StateOut"}},
        }
        operation["responses"]["200"]["content"] = content
    error = {"application/json": {"schema": {"$ref": "#/components/schemas/ErrorsOut"}}}
    operation["responses"] |= {code: {"description": said, "content": error} for code, said in _ERRORS.items()}
    return operation


def _sections(described: Mapping[str, Any]) -> Iterator[str]:
    yield "<h2>Paths</h2><table>"
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            yield f"<tr><td><code>{method.upper()} {escape(path)}</code><td>{escape(operation['summary'])}"
    yield '</table><h2>Errors</h2><p>Each carries <code>{"error": {"message", "type", "code"}}</code>.</p><table>'
    for code, said in _ERRORS.items():
        yield f"<tr><td><code>{code}</code><td>{escape(said)}"
    yield "</table><h2>Schemas</h2>"
    for name, schema in described["components"]["schemas"].items():
        yield f"<h3 id='{name}'>{name}</h3><p>{escape(schema.get('description', ''))}</p><table>"
        needed = schema.get("required", ())
        for field, kind in schema.get("properties", {}).items():
            star = " *" if field in needed else ""
            yield f"<tr><td><code>{field}</code>{star}<td>{_kind(kind)}<td>{escape(kind.get('description', ''))}"
        yield "</table>"


def _kind(schema: Mapping[str, Any]) -> str:
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"<a href='#{name}'>{name}</a>"
    if "anyOf" in schema:
        return " or ".join(_kind(one) for one in schema["anyOf"])
    if schema.get("type") == "array":
        return f"list of {_kind(schema.get('items', {}))}"
    if "enum" in schema:
        return ", ".join(escape(repr(value)) for value in schema["enum"])
    return escape(str(schema.get("const", schema.get("type", "anything"))))


_FRAME = """<!doctype html><html lang="en"><meta charset="utf-8"><title>dlm-fill serve: API</title>
<meta name="viewport" content="width=device-width"><link rel="stylesheet" href="/page/style.css">
<main class="api"><h1>dlm-fill serve: API</h1>
<p><a href="/">Playground and state</a> · <a href="/openapi.json">openapi.json</a>. Fields with * must be sent; unknown
fields are ignored; those that change nothing are named in <code>x-dlm-fill-not-honoured</code>.</p>{body}</main></html>"""
