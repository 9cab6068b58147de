"""Brackets and strings in plain text, by a scan that knows a language's comments and quotes and no more.

It serves where no grammar does: in languages without one, and to tell whether a place lies inside a bracket or a string
that was opened a few lines above.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from lsp_server.code.languages.language import Language
from model.pairs import CLOSER_OF, LONG_QUOTES, OPENER_OF

MULTI_LINE = (*LONG_QUOTES, "`")
_NO_CHARACTER_QUOTES = frozenset(
    ["rust", "plain", "markdown", "html", "vue", "svelte", "dockerfile", "make", "haskell", "elixir", "graphql"]
)
"""Languages in which an apostrophe mostly opens no string: a lifetime, or prose."""

_NO_BACKTICKS = frozenset(["python", "c", "cpp", "java", "csharp", "rust", "lua", "php", "json", "css", "toml", "yaml"])
"""Languages in which a backtick opens no string of several lines; it may stand in prose all the same."""


@dataclass(frozen=True)
class Bracket:
    """A bracket at character `at`, outside of strings and comments."""

    char: str
    at: int


@dataclass(frozen=True, kw_only=True)
class Balance:
    """What a text leaves open (`opened`, outermost first), closes without having opened it (`closed`), and whether it
    ends inside a string or comment of several lines (`inside`: its opener, or ""; `inside_at`: where that stands).
    """

    opened: tuple[Bracket, ...]
    closed: tuple[Bracket, ...]
    inside: str = ""
    inside_at: int = -1


def balance(text: str, language: Language) -> Balance:
    """The brackets of `text` that have no partner in it."""
    opened: list[Bracket] = []
    closed: list[Bracket] = []
    inside, inside_at = "", -1
    for token in _tokens(text, language):
        if token.char not in CLOSER_OF and token.char not in OPENER_OF:
            inside, inside_at = token.char, token.at
        elif token.char in CLOSER_OF:
            opened.append(token)
        elif opened and opened[-1].char == OPENER_OF[token.char]:
            opened.pop()
        else:
            closed.append(token)
    return Balance(opened=tuple(opened), closed=tuple(closed), inside=inside, inside_at=inside_at)


def code_before(text: str, language: Language) -> str:
    """The end of `text`, which may begin inside a string, that is code for sure.

    A scan that begins in a string takes code for strings and strings for code, and then ends inside a string: what stands
    behind its last quotes is code.
    """
    while (found := balance(text, language)).inside:
        text = text[found.inside_at + len(found.inside) :]
    return text


def _tokens(text: str, language: Language) -> Iterator[Bracket]:
    """Brackets in their order; at last the opener of a string or comment that does not end."""
    for found in _pattern(language).finditer(text):
        if found.lastgroup == "bracket":
            yield Bracket(found.group(), found.start())
        elif found.lastgroup == "torn":
            yield Bracket(found.group("torn"), found.start("torn"))


@lru_cache(maxsize=64)
def _pattern(language: Language) -> re.Pattern[str]:
    """Alternatives in order: comments, strings of several lines, torn ones, strings of a line, brackets."""
    line, block = language.line_comment, language.block_comment
    parts: list[str] = []
    torn: list[str] = []
    if block:
        parts.append(rf"{re.escape(block[0])}(?s:.*?){re.escape(block[1])}")
        torn.append(re.escape(block[0]))
    if line:
        parts.append(_line_comment(line))
    for quote in MULTI_LINE:
        if quote == "`" and language.name in _NO_BACKTICKS:
            continue
        body = r"(?:\\(?s:.)|(?!Q)[^\\])*".replace("Q", quote)
        if quote != "'''" or language.name not in _NO_CHARACTER_QUOTES:
            parts.append(f"{quote}{body}{quote}")
            torn.append(quote)
    if language.name == "markdown":
        parts, torn = [], []
    parts.append(rf"(?P<torn>(?:{'|'.join(torn)}))(?s:.*)" if torn else r"(?!)")
    parts.append(r'"(?:\\(?s:.)|[^"\\\n])*"')
    if language.name in _NO_CHARACTER_QUOTES:
        parts.append(r"'(?:\\.|[^'\\\n])'")
    else:
        parts.append(r"'(?:\\(?s:.)|[^'\\\n])*'")
    parts.append(r"(?P<bracket>[()\[\]{}])")
    return re.compile("|".join(parts))


def _line_comment(mark: str) -> str:
    """To the end of the line; `#` and `--` only where no word touches them: `$#`, `i--`."""
    before = r"(?<![\w$\\&])" if mark in ("#", "--") else r"(?<!:)"
    return rf"{before}{re.escape(mark)}[^\n]*"
