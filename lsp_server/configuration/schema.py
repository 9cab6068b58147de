"""The settings as JSON schema, for editors, and as a table, for people."""

from __future__ import annotations

import json

from lsp_server.configuration.settings import Setting, all_settings


def json_schema() -> str:
    """JSON Schema (draft 2020-12) of an object with the settings, with a line end. Committed as editors/settings.schema.json."""
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "dlm-fill",
        "description": "Settings of the language server: initializationOptions, or the section dlm-fill of the editor's.",
        "type": "object",
        "additionalProperties": False,
        "properties": {setting.key: _property(setting) for setting in all_settings()},
    }
    return json.dumps(schema, indent=2) + "\n"


def table() -> str:
    """The settings as a Markdown table, as docs/settings.md holds it."""
    rows = ["| key | default | meaning |", "|---|---|---|"]
    for setting in all_settings():
        default = setting.unset if setting.default is None else f"`{json.dumps(setting.default)}`"
        rows.append(f"| `{setting.key}`{'*' * setting.repository} | {default} | {setting.text}{_values(setting)} |")
    return "\n".join(rows) + "\n"


def _property(setting: Setting) -> dict[str, object]:
    kinds = dict(setting.schema)
    if setting.default is None:
        kinds["type"] = [kinds["type"], "null"]
    text = setting.text.replace("`", "")
    unset = f" (not set: {setting.unset})" if setting.unset else ""
    return {**kinds, "default": setting.default, "description": f"{text[0].upper()}{text[1:]}{unset}."}


def _values(setting: Setting) -> str:
    if "enum" in setting.schema:
        return ": " + ", ".join(f"`{value}`" for value in setting.schema["enum"])
    return f", at most {setting.schema['maximum']}" if "maximum" in setting.schema else ""
