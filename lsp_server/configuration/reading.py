"""Values from a client or a file: what will do, and a line about each key that will not."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, TypeAlias

from lsp_server.configuration.settings import Schema, Setting, all_settings

Values: TypeAlias = Mapping[str, Any]


def read(raw: object, *, origin: str, repository: bool = False) -> tuple[Values, tuple[str, ...]]:
    """Values by field name, and one complaint per key without effect. What is null is not set.

    `origin` begins each complaint. `repository`: `raw` comes with a repository, so what could run or reach
    something is not taken from it.
    """
    if raw is None:
        return {}, ()
    if not isinstance(raw, Mapping):
        return {}, (f"{origin} must be an object, not {type(raw).__name__}: it has no effect",)
    known = {setting.key: setting for setting in all_settings() if setting.repository or not repository}
    values: dict[str, Any] = {}
    complaints = []
    for key, value in raw.items():
        setting = known.get(str(key))
        if setting is None:
            complaints.append(_unknown(str(key), origin, known))
        elif value is None:
            continue
        elif (wish := _wish(setting.schema, value)) is not None:
            complaints.append(f"{origin}: {key} must be {wish}; {_default(setting)} is used instead")
        else:
            values[setting.name] = value
    return values, tuple(complaints)


def _unknown(key: str, origin: str, known: Mapping[str, Setting]) -> str:
    keys = ", ".join(known)
    if any(setting.key == key for setting in all_settings()):
        return f"{origin}: {key} is not taken from a repository's file: set it in your editor (here may stand {keys})"
    return f"{origin}: unknown key {key[:40]!r} has no effect; known are {keys}"


def _default(setting: Setting) -> str:
    return f"the default ({setting.unset})" if setting.default is None else json.dumps(setting.default)


def _wish(schema: Schema, value: object) -> str | None:
    """What the value should have been; None if it will do."""
    if "enum" in schema:
        return None if value in schema["enum"] else f"one of {', '.join(map(json.dumps, schema['enum']))}"
    if schema["type"] == "boolean":
        return None if isinstance(value, bool) else "true or false"
    if schema["type"] == "string":
        return None if isinstance(value, str) and value else "a non-empty string"
    least, most = schema["minimum"], schema.get("maximum")
    if schema["type"] == "number":
        fine = isinstance(value, int | float) and not isinstance(value, bool)
        return None if fine and schema["minimum"] <= value <= schema["maximum"] else "a number from 0 to 1"
    if isinstance(value, int) and not isinstance(value, bool) and least <= value and (most is None or value <= most):
        return None
    return f"a whole number of at least {least}" + (f" and at most {most}" if most is not None else "")
