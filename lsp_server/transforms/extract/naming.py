"""The name of what is extracted: the user's, or a hole for the model; and none that is taken."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import TYPE_CHECKING

from lsp_server.transforms.refactoring import Answers, Blank, Refused
from lsp_server.transforms.rename.words import IDENTIFIER, why_no_name
from model.types import Hole

if TYPE_CHECKING:
    from lsp_server.code.scopes.names import Scope
    from lsp_server.code.scopes.walk import Walk
    from lsp_server.types import Snapshot


def named(
    walk: Walk,
    scope: Scope,
    snapshot: Snapshot,
    answers: Answers,
    *,
    refuse: Callable[[str], Refused],
    proposal: str,
) -> str | Blank:
    """The name that the user gave, if it will do, else a hole that is the same in all its places. Raises Refused."""
    given = answers.get("name")
    if given is None:
        return Blank(placeholder=proposal, hole=Hole(tie="name", must_match=IDENTIFIER, max_lines=1))
    if problem := _problem(walk, scope, snapshot, given):
        raise refuse(problem)
    return given


def objection(walk: Walk, scope: Scope, snapshot: Snapshot) -> Callable[[tuple[str, ...]], str]:
    """Why the model's name will not do."""
    return lambda texts: _problem(walk, scope, snapshot, texts[0])


def placeholder(walk: Walk, scope: Scope, word: str) -> str:
    """The word, with a number if it is taken."""
    taken = _taken(walk, scope)
    return next(name for n in count(1) if (name := word if n == 1 else f"{word}{n}") not in taken)


def _problem(walk: Walk, scope: Scope, snapshot: Snapshot, name: str) -> str:
    if no_name := why_no_name(name, snapshot.language.name):
        return no_name
    return f"{name} is taken there: give another name" if name in _taken(walk, scope) else ""


def _taken(walk: Walk, scope: Scope) -> set[str]:
    """The names that mean something in the scope, or in what it holds."""
    node = scope.node
    return {
        o.name
        for o in walk.names.occurrences
        if node.start_byte <= o.node.start_byte and o.node.end_byte <= node.end_byte
    } | set(scope.names)
