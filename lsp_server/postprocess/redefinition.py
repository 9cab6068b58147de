"""A definition of what the same scope defines already: models say again what they see."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lsp_server.postprocess.around import Around

_METHOD = (
    r"(?:async\s+|static\s+|\*\s*)*(?!(?:if|for|while|switch|catch|with|function|return)\b)([\w$#]+)\s*\([^()]*\)\s*\{"
)
_BINDING = r"(?:export\s+)?(?:const|let)\s+([\w$]+)\s*[:=]"
_C_TYPE = r"(?:typedef\s+)?(?:struct|enum|union)\s+(\w+)\s*\{|#\s*define\s+(\w+)"
# A function of C is written from the margin, and its brace opens on that line or on the next.
_C_FUNCTION = (
    r"(?!(?:else|return|typedef|struct|enum|union)\b)(?:[A-Za-z_][\w*]*[\s*]+)+(\w+)\s*\([^;{}()]*\)\s*(?:\{|$)"
)
_DEFINES = {
    "python": r"(?:async\s+)?(?:def|class)\s+(\w+)",
    "javascript": rf"(?:export\s+)?(?:default\s+)?(?:async\s+)?(?:function\b\s*\*?|class)\s*(\w+)|{_METHOD}|{_BINDING}",
    "typescript": rf"(?:export\s+)?(?:default\s+)?(?:abstract\s+)?class\s+(\w+)|{_BINDING}",
    "tsx": rf"(?:export\s+)?(?:default\s+)?(?:async\s+)?(?:function|class)\s+(\w+)|{_BINDING}",
    "go": r"func\s+(?!init\b)((?:\([^)]*\)\s*)?\w+)|type\s+(\w+)",
    "rust": r"(?:pub(?:\([^)]*\))?\s+)?(?:async\s+)?(?:fn|struct|enum|trait)\s+(\w+)",
    "ruby": r"def\s+([\w.?!=]+)",
    "php": r"(?:(?:public|private|protected|static|final|abstract)\s+)*(?:function|class)\s+(\w+)",
    "lua": r"(?:local\s+)?function\s+([\w.:]+)",
    "bash": r"(?:function\s+)?([\w-]+)\s*\(\)",
    "c": rf"{_C_TYPE}|{_C_FUNCTION}",
    "cpp": rf"{_C_TYPE}|class\s+(\w+)[^;]*\{{",
    "java": r"(?:public\s+)?(?:final\s+|abstract\s+)*(?:class|interface|enum)\s+(\w+)",
}
_AGAIN_ALLOWED = re.compile(
    r"\s*@[\w.]*\b(?:overload|register|setter|getter|deleter|singledispatch\w*|typecheck|when|variant)\b"
)


_OTHER_BRANCH = re.compile(r"\s*#\s*(?:if|ifdef|ifndef|else|elif|endif)\b")
"""Definitions on two sides of such a line of the C preprocessor may be alternatives."""
_PREPROCESSED = frozenset(("c", "cpp"))


@dataclass(frozen=True)
class _Definition:
    name: str
    line: int
    indent: str


def without_redefinition(text: str, around: Around) -> str:
    """Ends the text before a definition that its scope has already.

    Overloads, accessors of a property and what stands under a condition may come again.
    """
    pattern = _DEFINES.get(around.language)
    if pattern is None:
        return text
    define = re.compile(rf"([ \t]*)(?:{pattern})")
    lines = text.split("\n")
    own = [around.prefix + lines[0], *lines[1:]] if not around.prefix.strip() else ["", *lines[1:]]
    made = list(_definitions(own, define))
    if not made:
        return text
    above, below = around.whole_above, around.whole_below
    if around.language in _PREPROCESSED:
        above, below = _same_branch(above[::-1])[::-1], _same_branch(below)
    old = {found.name for found in _definitions(around.old.split("\n"), define)}
    for definition in made:
        if definition.name in old or _marked(own, definition):
            continue
        before, after = [*above, *own[: definition.line]], [*own[definition.line + 1 :], *below]
        if _defined(before[::-1], definition, define, upward=True) or _defined(after, definition, define, upward=False):
            start = definition.line
            while start and own[start - 1].startswith(f"{definition.indent}@"):
                start -= 1
            return "\n".join(lines[:start]).rstrip() if start else ""
    return text


def _same_branch(lines: list[str]) -> list[str]:
    """The lines, which lead away from the gap, up to a condition of the preprocessor."""
    end = next((n for n, line in enumerate(lines) if _OTHER_BRANCH.match(line)), len(lines))
    return lines[:end]


def _definitions(lines: Sequence[str], define: re.Pattern[str]) -> Iterator[_Definition]:
    for n, line in enumerate(lines):
        if found := define.match(line):
            yield _Definition(_name(found), n, found[1])


def _defined(lines: Sequence[str], wanted: _Definition, define: re.Pattern[str], *, upward: bool) -> bool:
    """Whether the scope goes on in `lines`, which lead away from the definition, and defines the name."""
    depth = len(wanted.indent)
    for n, line in enumerate(lines):
        if not line.strip():
            continue
        if len(line) - len(line.lstrip()) < depth:
            return False
        found = define.match(line)
        if found and found[1] == wanted.indent and _name(found) == wanted.name:
            near = lines[n + 1 : n + 8] if upward else lines[max(0, n - 8) : n][::-1]
            return not any(_allows(one, wanted.name) for one in _decorators(near, wanted.indent))
    return False


def _name(found: re.Match[str]) -> str:
    return next(name for name in found.groups()[1:] if name)


def _marked(lines: Sequence[str], made: _Definition) -> bool:
    return any(_allows(one, made.name) for one in _decorators(lines[: made.line][::-1], made.indent))


def _allows(decorator: str, name: str) -> bool:
    """Whether it says that the name comes again: by its meaning, or as an attribute of what has the name (`@total.setter`)."""
    return _AGAIN_ALLOWED.match(decorator) is not None or decorator.strip().startswith(f"@{name}.")


def _decorators(above: Sequence[str], indent: str) -> Iterator[str]:
    for line in above:
        if not line.startswith(f"{indent}@"):
            return
        yield line
