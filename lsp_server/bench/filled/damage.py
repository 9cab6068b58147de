"""One word of sound code damaged, so that it still parses: another name, a slip of the keys, another operator or constant."""

from __future__ import annotations

import ast
import io
import keyword
import random
import tokenize
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from lsp_server.bench.filled.cases import File, Function, without

_OPERATORS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "==": ("!=",), "!=": ("==",), "<": (">", "<="), ">": ("<", ">="), "<=": ("<", ">="), ">=": (">", "<="),
        "+": ("-",), "-": ("+",), "*": ("/",), "/": ("*",), "+=": ("-=",), "-=": ("+=",), "and": ("or",), "or": ("and",),
    }
)  # fmt: skip
_CONSTANTS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"True": ("False",), "False": ("True",), "0": ("1",), "1": ("0", "2"), "2": ("1", "3")}
)
_SHORTEST = 4
"""A slip of the keys is made in names of so many letters at least."""


@dataclass(frozen=True, kw_only=True)
class Damage:
    """`text` stands at bytes `start` to `end` of `source`, in place of `right`. `kind`: name, slip, operator or constant."""

    kind: str
    source: str
    start: int
    end: int
    text: str
    right: str


def damage(file: File, function: Function, rng: random.Random) -> Damage | None:
    """One word of the function's body damaged; every kind that it has a place for is as likely."""
    words = list(_words(file, function))
    names = sorted({word.string for word in words if _is_name(word.string)})
    kinds: dict[str, Callable[[str], list[str]]] = {
        "name": lambda said: [n for n in names if n != said] if _is_name(said) else [],
        "slip": lambda said: _slips(said) if _is_name(said) and len(said) >= _SHORTEST else [],
        "operator": lambda said: list(_OPERATORS.get(said, ())),
        "constant": lambda said: list(_CONSTANTS.get(said, ())),
    }
    for kind in rng.sample(sorted(kinds), len(kinds)):
        for word in rng.sample(words, len(words)):
            others = kinds[kind](word.string)
            if others and (found := _damaged(file, word, rng.choice(others), kind)) is not None:
                return found
    return None


def _words(file: File, function: Function) -> Iterator[tokenize.TokenInfo]:
    """Names, operators and numbers of the function's body, its docstring apart."""
    body = function.body[1:] if ast.get_docstring(function) else function.body
    if not body:
        return
    first, last = body[0].lineno, function.end_lineno or function.lineno
    for token in tokenize.generate_tokens(io.StringIO(file.text).readline):
        if first <= token.start[0] <= last and token.type in (tokenize.NAME, tokenize.OP, tokenize.NUMBER):
            yield token


def _is_name(said: str) -> bool:
    return said.isidentifier() and not keyword.iskeyword(said) and said not in ("self", "cls")


def _slips(said: str) -> list[str]:
    """The name with two letters exchanged, or one left out or doubled, behind the first letter."""
    found = {said[:n] + said[n + 1] + said[n] + said[n + 2 :] for n in range(1, len(said) - 1)}
    found |= {said[:n] + said[n + 1 :] for n in range(1, len(said))}
    found |= {said[:n] + said[n] + said[n:] for n in range(1, len(said))}
    return sorted(one for one in found - {said} if one.isidentifier() and not keyword.iskeyword(one))


def _damaged(file: File, word: tokenize.TokenInfo, text: str, kind: str) -> Damage | None:
    start = file.offset(word.start[0], len(word.line[: word.start[1]].encode()))
    if "\n" in word.line[:-1]:  # of a token in a text of several lines, the line is another one
        return None
    source = without(file.text, [(start, start + len(word.string.encode()), text)])
    try:
        same = ast.dump(ast.parse(source)) == ast.dump(file.tree)
    except (SyntaxError, ValueError):
        return None
    if same:
        return None
    return Damage(kind=kind, source=source, start=start, end=start + len(text.encode()), text=text, right=word.string)
