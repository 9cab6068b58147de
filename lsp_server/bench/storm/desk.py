"""What an editor does with its documents: holds their text, edits it at random, and applies what the server sends.

Positions are computed here anew, in the simplest way that the specification allows: the server's own code must not be
its judge.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

Encoding: TypeAlias = Literal["utf-8", "utf-16", "utf-32"]

_LINE_END = re.compile(r"\r\n|\n|\r")
_MOST_CHARS = 3_000
_PIECES = (
    *(
        "x = 1",
        "def f(a, b):\n",
        "    return a",
        "\n",
        "\n    ",
        "\r\n",
        "\r",
        "___",
        "...",
        "(",
        ")",
        "[1, ",
        "]",
        "{",
    ),
    *('"', "'''", "# ", "\t", ".", ", ", " ", "\x0c", "\x0b", "\x85", "\u2028", "\u2029", "é", "e\u0301", "漢", "😀"),
    *("👩\u200d👧", "𝒳", "\ufeff", "\0", "value", "for value in values:\n\t", "}", "fn main() {\n}\n", "// ", ""),
)


@dataclass
class Paper:
    """A document that is open in the editor."""

    uri: str
    language: str
    text: str = ""
    version: int = 0

    @property
    def opened(self) -> dict[str, Any]:
        """The parameters of `textDocument/didOpen`."""
        item = {"uri": self.uri, "languageId": self.language, "version": self.version, "text": self.text}
        return {"textDocument": item}

    @property
    def name(self) -> dict[str, Any]:
        return {"uri": self.uri}


class StormDesk:
    """Open documents, positions of which are counted in `encoding`."""

    def __init__(self, papers: Sequence[Paper], encoding: Encoding, chance: random.Random) -> None:
        self.papers, self._encoding, self._chance = list(papers), encoding, chance

    def any(self) -> Paper:
        return self._chance.choice(self.papers)

    def place(self, paper: Paper) -> int:
        """A random index into the text, never between a carriage return and its line feed."""
        at = self._chance.randint(0, len(paper.text))
        return at - 1 if paper.text[at - 1 : at + 1] == "\r\n" else at

    def position(self, paper: Paper, at: int) -> dict[str, int]:
        """Line and character of an index into the text."""
        ends = [m.end() for m in _LINE_END.finditer(paper.text, 0, at)]
        return {"line": len(ends), "character": self._units(paper.text[ends[-1] if ends else 0 : at])}

    def span(self, paper: Paper, start: int, end: int) -> dict[str, Any]:
        return {"start": self.position(paper, start), "end": self.position(paper, end)}

    def index(self, paper: Paper, position: Mapping[str, int]) -> int:
        """The index of a position that the server sent. Raises ValueError unless it is exactly one of the text's."""
        starts = [0, *(m.end() for m in _LINE_END.finditer(paper.text))]
        at, units = starts[position["line"]], position["character"]
        while units > 0 and paper.text[at] not in "\r\n":
            units -= self._units(paper.text[at])
            at += 1
        if units:
            raise ValueError("a position inside a character, or behind the line")
        return at

    def edited(self, paper: Paper) -> dict[str, Any]:
        """The parameters of `textDocument/didChange` for one to three random edits, which are made here, too."""
        changes = [self._change(paper) for _ in range(self._chance.choice((1, 1, 1, 2, 3)))]
        if len(paper.text) > _MOST_CHARS:
            paper.text = "".join(self._chance.choices(_PIECES, k=40))
            changes.append({"text": paper.text})
        return self._changed(paper, changes)

    def typed(self, paper: Paper, at: int, text: str) -> dict[str, Any]:
        """The parameters of `textDocument/didChange` for `text` typed at an index, which is done here, too."""
        return self._changed(paper, [self._replaced(paper, at, at, text)])

    def applied(self, edit: Mapping[str, Any]) -> tuple[Paper, dict[str, Any]] | None:
        """The document that a workspace edit changed, and its `didChange`; None if the edit is for another version.

        Raises ValueError for an edit that no editor could apply.
        """
        (change,) = edit["documentChanges"]
        paper = next((p for p in self.papers if p.uri == change["textDocument"]["uri"]), None)
        if paper is None or paper.version != change["textDocument"]["version"]:
            return None
        spans = [tuple(self.index(paper, e["range"][k]) for k in ("start", "end")) for e in change["edits"]]
        if any(start > end for start, end in spans):
            raise ValueError("an edit that ends before it starts")
        if any(a[1] > b[0] for a, b in zip(sorted(spans), sorted(spans)[1:], strict=False)):
            raise ValueError("edits that overlap")
        ordered = sorted(zip(spans, change["edits"], strict=True), key=lambda one: one[0], reverse=True)
        made = [self._replaced(paper, start, end, e["newText"]) for (start, end), e in ordered]
        return paper, self._changed(paper, made)

    def _change(self, paper: Paper) -> dict[str, Any]:
        start = end = self.place(paper)
        if self._chance.random() < 0.4:
            end = min(start + self._chance.randint(0, 30), len(paper.text))
            end -= paper.text[end - 1 : end + 1] == "\r\n" and end > start
        new = "".join(self._chance.choices(_PIECES, k=self._chance.choice((0, 1, 1, 1, 3))))
        return self._replaced(paper, start, end, new)

    def _replaced(self, paper: Paper, start: int, end: int, text: str) -> dict[str, Any]:
        change = {"range": self.span(paper, start, end), "text": text}
        paper.text = paper.text[:start] + text + paper.text[end:]
        return change

    def _changed(self, paper: Paper, changes: list[dict[str, Any]]) -> dict[str, Any]:
        paper.version += 1
        return {"textDocument": {"uri": paper.uri, "version": paper.version}, "contentChanges": changes}

    def _units(self, text: str) -> int:
        match self._encoding:
            case "utf-8":
                return len(text.encode())
            case "utf-16":
                return len(text.encode("utf-16-le")) // 2
            case "utf-32":
                return len(text)
