r"""Text as everything behind the border reads it: line ends `\n`, no byte order mark.

Documents, files, standard input, requests and models bring text, and each has line ends of its own. A model, a draft or
a filter that compares two texts has to find one kind in both, so this type is the only place where line ends change.
"""

from __future__ import annotations

from collections import Counter
from typing import Self

BOM = "\ufeff"


class PlainText(str):
    r"""A string whose line ends are all `\n` and that begins with no byte order mark, whatever it was made from.

    `line_end`: how most of its lines ended before (`\n` where none did). `bom`: whether it began with a byte order mark.
    A part of it, or what is joined with it, is a `str` again, with the same line ends.
    """

    __slots__ = ("bom", "line_end")

    line_end: str
    bom: bool

    def __new__(cls, text: str = "") -> Self:
        if isinstance(text, cls):
            return text
        bom = text.startswith(BOM)
        returns = "\r" in text
        whole = text[1:] if bom else text
        self = super().__new__(cls, _with_newlines(whole) if returns else whole)
        self.bom, self.line_end = bom, usual_line_end(text) if returns else "\n"
        return self

    @classmethod
    def read(cls, data: bytes) -> PlainText:
        """What UTF-8 bytes say. Raises UnicodeDecodeError for any others."""
        return cls(data.decode("utf-8"))

    def with_line_ends(self, line_end: str) -> str:
        """The text as it stands in a file whose lines end so."""
        return str(self) if line_end == "\n" else self.replace("\n", line_end)


def usual_line_end(text: str) -> str:
    r"""The line end that most lines of `text` have; `\n` where there is none."""
    crlf = text.count("\r\n")
    ends = Counter({"\n": text.count("\n") - crlf, "\r\n": crlf, "\r": text.count("\r") - crlf})
    return ends.most_common(1)[0][0]


def _with_newlines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")
