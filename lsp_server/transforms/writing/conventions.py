"""How documentation is laid out: by language, and in Python by the convention that the file follows.

A layout is a list of lines, each of parts: literal text, and `Say` where the model says something.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeAlias

from lsp_server.code.definitions.functions import Function, text_of
from lsp_server.code.definitions.outcomes import gives, raised


@dataclass(frozen=True, kw_only=True)
class Say:
    """A hole for a sentence, or for a phrase behind a name."""

    sentence: bool = False


Line: TypeAlias = tuple[str | Say, ...]
Layout: TypeAlias = Callable[[Function], list[Line]]

_SUMMARY: Line = (Say(sentence=True),)
_NOTHING: Line = ()
_STYLES = (
    ("google", re.compile(r"^\s*(?:Args|Arguments|Returns|Raises|Yields):\s*$", re.MULTILINE)),
    ("numpy", re.compile(r"^\s*(?:Parameters|Returns|Raises|Yields)\n\s*-{3,}", re.MULTILINE)),
    ("rest", re.compile(r"^\s*:(?:param|returns?|raises|type|rtype)\b", re.MULTILINE)),
)
_ENOUGH = 4
"""A file with so many docstrings and no section in any of them has none by convention."""


def python_style(docstrings: Iterable[str]) -> str:
    """The convention that most docstrings follow: google, numpy, rest or plain; google where there is no telling."""
    texts = list(docstrings)
    found = Counter(name for text in texts for name, pattern in _STYLES if pattern.search(text))
    if found:
        return found.most_common(1)[0][0]
    return "plain" if len(texts) >= _ENOUGH else "google"


def _names(function: Function) -> list[str]:
    return [parameter.splat + parameter.name for parameter in function.parameters]


def _google(function: Function) -> list[Line]:
    lines = [_SUMMARY]
    sections: list[tuple[str, list[Line]]] = [
        ("Args:", [(f"    {name}: ", Say()) for name in _names(function)]),
        (f"{gives(function).capitalize()}:", [("    ", Say())] if gives(function) else []),
        ("Raises:", [(f"    {name}: ", Say()) for name in raised(function)]),
    ]
    for title, content in sections:
        lines += [_NOTHING, (title,), *content] if content else []
    return lines


def _numpy(function: Function) -> list[Line]:
    lines = [_SUMMARY]
    returns = text_of(function.returns) if function.returns is not None else ""
    types = {p.splat + p.name: p.node.child_by_field_name("type") for p in function.parameters}
    parameters: list[Line] = []
    for name, of in types.items():
        parameters += [(f"{name} : {text_of(of)}" if of is not None else name,), ("    ", Say())]
    given: list[Line] = [(returns,)] if returns else []
    sections: list[tuple[str, list[Line]]] = [
        ("Parameters", parameters),
        (gives(function).capitalize(), [*given, ("    ", Say())] if gives(function) else []),
        ("Raises", [line for name in raised(function) for line in ((name,), ("    ", Say()))]),
    ]
    for title, content in sections:
        lines += [_NOTHING, (title,), ("-" * len(title),), *content] if content else []
    return lines


def _rest(function: Function) -> list[Line]:
    fields: list[Line] = [(f":param {name}: ", Say()) for name in _names(function)]
    fields += [(f":{gives(function)}: ", Say())] if gives(function) else []
    fields += [(f":raises {name}: ", Say()) for name in raised(function)]
    return [_SUMMARY, _NOTHING, *fields] if fields else [_SUMMARY]


def _plain(function: Function) -> list[Line]:  # noqa: ARG001  a summary is all
    return [_SUMMARY]


def _tags(parameter: str, returned: str, thrown: str) -> Layout:
    """JSDoc, Javadoc and Doxygen: a tag for each."""

    def lines(function: Function) -> list[Line]:
        found: list[Line] = [_SUMMARY]
        fields: list[Line] = [(parameter.format(p.name), Say()) for p in function.parameters]
        fields += [(f"{returned} ", Say())] if gives(function) else []
        fields += [(thrown.format(name), Say()) for name in raised(function)]
        return [*found, _NOTHING, *fields] if fields else found

    return lines


def _rust(function: Function) -> list[Line]:
    lines = [_SUMMARY]
    if function.parameters:
        lines += [_NOTHING, ("# Arguments",), _NOTHING]
        lines += [(f"* `{p.name}` - ", Say()) for p in function.parameters]
    if function.returns is not None and text_of(function.returns).startswith("Result"):
        lines += [_NOTHING, ("# Errors",), _NOTHING, (Say(sentence=True),)]
    if re.search(r"\b(?:panic!|unwrap\(\)|expect\()", text_of(function.body)):
        lines += [_NOTHING, ("# Panics",), _NOTHING, (Say(sentence=True),)]
    return lines


def _go(function: Function) -> list[Line]:
    return [(f"{function.name} ", Say())]


PYTHON: Mapping[str, Layout] = MappingProxyType({"google": _google, "numpy": _numpy, "rest": _rest, "plain": _plain})
_JSDOC = _tags("@param {} - ", "@returns", "@throws {{{}}} ")
COMMENTS: Mapping[str, tuple[Sequence[str], Layout]] = MappingProxyType(
    {
        "javascript": (("/**", " * ", " */"), _JSDOC),
        "typescript": (("/**", " * ", " */"), _JSDOC),
        "tsx": (("/**", " * ", " */"), _JSDOC),
        "java": (("/**", " * ", " */"), _tags("@param {} ", "@return", "@throws {} ")),
        "c": (("/**", " * ", " */"), _tags("@param {} ", "@return", "@throws {} ")),
        "cpp": (("/**", " * ", " */"), _tags("@param {} ", "@return", "@throws {} ")),
        "rust": (("", "/// ", ""), _rust),
        "go": (("", "// ", ""), _go),
    }
)
"""By language: what opens a comment, begins each line and closes it; and the layout."""
