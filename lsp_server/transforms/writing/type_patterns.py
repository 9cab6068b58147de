"""Regular expressions for what a type may look like, on one line. What they let pass besides, the parser refuses."""

from __future__ import annotations

from functools import cache

_DEPTH = 3
"""Brackets are nested at most so deep in types that people read."""
_STRING = r"(?:\"[^\"\n]*\"|'[^'\n]*')"


@cache
def python_type() -> str:
    """A type expression of Python."""
    inside = r"[\w., |\"'-]*"
    for _ in range(_DEPTH):
        inside = rf"(?:[\w., |\"'-]|\[{inside}\])*"
    term = rf"[A-Za-z_][\w.]*(?:\[{inside}\])?"
    return rf"(?:{term}(?: \| {term})*|{_STRING})"


@cache
def typescript_type() -> str:
    """A type of TypeScript."""
    plain = r"[\w$., |&?:;'\"-]|=>"
    inside = rf"(?:{plain})*"
    for _ in range(_DEPTH - 1):
        inside = rf"(?:{plain}|<{inside}>|\{{{inside}\}}|\[{inside}\]|\({inside}\))*"
    name = rf"(?:readonly |keyof |typeof )?[A-Za-z_$][\w$.]*(?:<{inside}>)?"
    term = rf"(?:{name}|\{{{inside}\}}|\[{inside}\]|\({inside}\)|{_STRING})(?:\[\])*"
    return rf"{term}(?: (?:\||&|=>) {term})*"
