"""The argument of `dlm.refactor`, and the data of its code actions, read with care: plain JSON that any client may send."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lsp_server.errors import InputError
from lsp_server.handlers.filling.arguments import FillArguments
from lsp_server.handlers.filling.arguments import read as read_place

_USAGE = "dlm.refactor takes one object {refactoring, uri, range: {start, end}, version, answers: {name}}"
_KEYS = frozenset({"refactoring", "uri", "range", "version", "answers"})


@dataclass(frozen=True, kw_only=True)
class RefactorArguments:
    """`name` of the refactoring; `place`: the document, its version and the one range; `answers`: what the user said."""

    name: str
    place: FillArguments
    answers: Mapping[str, str]


def is_refactoring(data: object) -> bool:
    """Whether a code action's data is ours."""
    return isinstance(data, Mapping) and "refactoring" in data


def read(arguments: Sequence[Any]) -> RefactorArguments:
    """The arguments. Raises InputError naming what is missing."""
    if len(arguments) != 1 or not isinstance(arguments[0], Mapping):
        raise InputError(_USAGE)
    given = arguments[0]
    if unknown := sorted(str(key) for key in given.keys() - _KEYS):
        raise InputError(f"{_USAGE}; it does not know {', '.join(unknown)}")
    name, answers = given.get("refactoring"), given.get("answers") or {}
    if not isinstance(name, str) or "range" not in given:
        raise InputError(f"{_USAGE}; refactoring must be a string, range a range")
    if not isinstance(answers, Mapping) or not all(isinstance(v, str) for pair in answers.items() for v in pair):
        raise InputError(f"{_USAGE}; answers must be an object of strings")
    place = read_place([{"uri": given.get("uri"), "ranges": [given["range"]], "version": given.get("version")}])
    return RefactorArguments(name=name, place=place, answers=dict(answers))
