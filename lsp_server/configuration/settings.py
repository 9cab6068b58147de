"""The settings: one dataclass, of which schema, checks and docs/settings.md are made."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import Field, dataclass, field, fields
from typing import Any, TypeAlias

Schema: TypeAlias = Mapping[str, Any]

_SWITCH: Schema = {"type": "boolean"}
_MILLISECONDS: Schema = {"type": "integer", "minimum": 1}


def _setting(default: Any, schema: Schema, text: str, *, repository: bool = False, unset: str = "") -> Any:
    """A field. `repository`: a repository's own file may set it. `unset`: what None, the default, amounts to."""
    told = {"schema": schema, "text": text, "repository": repository, "unset": unset}
    return field(default=default, metadata=told)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What a user may set. What is None was left to the kind of request, or of client."""

    model: str = _setting("builtin", {"type": "string", "minLength": 1}, "the model, as on the command line")
    device: str = _setting("auto", {"enum": ["auto", "cpu", "cuda", "mps"]}, "where it runs, as on the command line")
    enabled: bool = _setting(True, _SWITCH, "fill at all", repository=True)
    automatic: bool = _setting(True, _SWITCH, "suggest to who just types, too", repository=True)
    max_time_ms: int | None = _setting(
        None,
        _MILLISECONDS,
        "bounds a fill; the best so far comes back",
        repository=True,
        unset="2000, for commands 10000",
    )
    candidates: int = _setting(
        3,
        {"type": "integer", "minimum": 1, "maximum": 16},
        "suggestions per explicit request; automatic requests get what is there without new work",
        repository=True,
    )
    min_confidence: float | None = _setting(
        None,
        {"type": "number", "minimum": 0, "maximum": 1},
        "how sure a suggestion has to be, from 0, to be shown to who just types",
        repository=True,
        unset="fitted for the model",
    )
    cross_file: bool = _setting(
        True,
        _SWITCH,
        "copy from other files of the workspace and open ones, too; `sendOtherFiles` tells whether to send them",
        repository=True,
    )
    send_other_files: bool = _setting(
        False, _SWITCH, "with a server as the model (`http://…`): send other files to it, too"
    )
    completion_list: bool | None = _setting(
        None, _SWITCH, "serve `textDocument/completion`", unset="if there is no inline completion"
    )
    suspicious: bool = _setting(
        False,
        _SWITCH,
        "look, when a document is saved or rests, for words in edited lines that the model finds improbable, and show them as"
        " diagnostics",
    )
    preview: bool = _setting(False, _SWITCH, "send `dlm/preview`")
    status: bool = _setting(True, _SWITCH, "send `dlm/status`")
    metrics: bool = _setting(True, _SWITCH, "count, on this machine alone, what becomes of suggestions")

    def max_time_s(self, *, default: float) -> float:
        """The bound in seconds, `default` where none was set."""
        return default if self.max_time_ms is None else self.max_time_ms / 1000


@dataclass(frozen=True)
class Setting:
    """One field of `Settings`: `key` is its name in JSON and TOML, `name` in Python."""

    key: str
    name: str
    default: Any
    schema: Schema
    text: str
    repository: bool
    unset: str


def all_settings() -> tuple[Setting, ...]:
    """The settings in their order."""
    return tuple(_described(field) for field in fields(Settings))


def _described(field: Field[Any]) -> Setting:
    key = re.sub(r"_(\w)", lambda found: found[1].upper(), field.name)
    return Setting(key=key, name=field.name, default=field.default, **field.metadata)
