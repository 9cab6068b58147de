r"""What stands around and in a gap: what filters compare a model's text with."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property

from lsp_server.code.checking.syntax_checker import SyntaxChecker
from lsp_server.code.languages.brackets import balance
from lsp_server.code.languages.language import Language
from lsp_server.code.text.edits import edit_of
from lsp_server.code.text.lines import Lines
from lsp_server.types import Gap, Snapshot
from model.pairs import CLOSER_OF
from model.text import PlainText

_NEAR_BYTES = 4_000
_LEXICAL_BYTES = 50_000
_TELLING = re.compile(r"[^\W\d_]{3}")
_STATEMENTS = re.compile(r"(?:pass|else|try|finally|return|break|continue|default|begin|then|done|endif)[:;]?")


class Around:
    r"""What stands around and in the gap, with line ends `\n`; some thousand bytes on each side."""

    def __init__(self, snapshot: Snapshot, gap: Gap, checker: SyntaxChecker | None = None) -> None:
        source, region = snapshot.source, gap.region
        lines = Lines(source)
        top = lines.start_of(max(region.start - _NEAR_BYTES, 0))
        bottom = lines.end_of(min(region.end + _NEAR_BYTES, len(source)))
        self._snapshot, self.gap, self._checker = snapshot, gap, checker or SyntaxChecker(snapshot)
        self.before = _read(source[top : region.start]) + gap.before
        self.after = gap.after + _read(source[region.end : bottom])
        self.old = _read(source[region.start : region.end])

    @cached_property
    def prefix(self) -> str:
        """The gap's line, up to the gap."""
        return self.before.rpartition("\n")[2]

    @cached_property
    def rest(self) -> str:
        """The line on which the gap ends, from there on."""
        return self.after.partition("\n")[0].rstrip()

    @cached_property
    def above(self) -> list[str]:
        """Lines above the gap's line, blank ones left out, the nearest last."""
        return filled(self.before.split("\n")[:-1])

    @cached_property
    def below(self) -> list[str]:
        """Lines below the line on which the gap ends, blank ones left out."""
        return filled(self.after.split("\n")[1:])

    @cached_property
    def whole_above(self) -> list[str]:
        """All lines of the file above the gap's line."""
        return (_read(self._snapshot.source[: self.gap.region.start]) + self.gap.before).split("\n")[:-1]

    @cached_property
    def whole_below(self) -> list[str]:
        """All lines of the file below the line on which the gap ends."""
        return (self.gap.after + _read(self._snapshot.source[self.gap.region.end :])).split("\n")[1:]

    @property
    def language(self) -> str:
        """The name of the language at the gap."""
        return self.language_here.name

    @property
    def language_here(self) -> Language:
        """The language at the gap, which in a page's script is not the page's."""
        return self._checker.language_at(self.gap.region)

    @cached_property
    def open_for_the_text(self) -> int | None:
        """How many brackets above the gap nothing below closes, so that the text may; None where they do not pair,
        or the file is longer than is looked at.
        """
        source, region = self._snapshot.source, self.gap.region
        above = source[max(0, region.start - _LEXICAL_BYTES) : region.start].decode("utf-8", "ignore")
        below = source[region.end : region.end + _LEXICAL_BYTES].decode("utf-8", "ignore")
        opened = balance(above + self.gap.before, self.language_here)
        closed = [b.char for b in balance(self.gap.after + below, self.language_here).closed]
        wanted = [CLOSER_OF[b.char] for b in reversed(opened.opened)]
        if opened.inside:
            return None
        spare = len(wanted) - len(closed)
        return spare if spare >= 0 and wanted[spare:] == closed else None

    @property
    def indented(self) -> bool:
        """Whether blocks end by indentation alone in this language."""
        return self._snapshot.language.indented

    @cached_property
    def broken(self) -> bool:
        """Whether a syntax error touches the gap's lines as they stand, or the blank ones around them."""
        return self._checker.broken_at(self.gap.region)

    def parses(self, text: str, *, cleanly: bool = False) -> bool | None:
        """Whether the file parses with `text` in the gap; `cleanly`: as `lsp_server.code.syntax.parse.Verdict` has it."""
        return self._checker.parses([edit_of(self._snapshot, self.gap, text)], cleanly=cleanly)

    def may_repeat(self, lines: Sequence[str]) -> bool:
        """Whether such a repetition is this file's own manner: the lines stand here twice, or stood in the gap."""
        sides = (filled(self.old.split("\n")), self.above, self.below)
        own, above, below = (sum(stands_at(side, i, lines) for i in range(len(side))) for side in sides)
        return own > 0 or above + below >= 2

    def may_repeat_in_a_row(self, lines: Sequence[str]) -> bool:
        """Whether the lines may stand twice in a row: they do so here, did in the gap, or stood at its end."""
        old = filled(self.old.split("\n"))
        return stands_at(old, len(old) - len(lines), lines) or _twice(self.above, lines) or _twice(self.below, lines)


def _twice(side: Sequence[str], lines: Sequence[str]) -> bool:
    """Whether the lines stand in `side` twice in a row."""
    return any(stands_at(side, i, [*lines, *lines]) for i in range(len(side)))


def telling(block: Sequence[str]) -> bool:
    """Whether the lines say enough that their repetition is no accident: a word, and more than a bare keyword."""
    return any(
        len(s) >= 6 and says_a_word(s) and not _STATEMENTS.fullmatch(s) for s in (line.strip() for line in block)
    )


def says_a_word(text: str) -> bool:
    """Whether three letters in a row occur."""
    return _TELLING.search(text) is not None


def filled(lines: Sequence[str]) -> list[str]:
    """The lines that are not blank, without white space at their ends."""
    return [line.rstrip() for line in lines if line.strip()]


def stands_at(lines: Sequence[str], index: int, block: Sequence[str]) -> bool:
    """Whether `block` is what `lines` holds from `index` on."""
    return list(lines[index : index + len(block)]) == list(block)


def _read(source: bytes) -> PlainText:
    """The text of a piece of a file that may begin or end within a character."""
    return PlainText(source.decode("utf-8", "ignore"))
