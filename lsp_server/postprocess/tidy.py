r"""The filters of a hole's text, in the order in which they are applied.

Each rule needs evidence that a right text does not give: a text that parses in its place is never cut
at a closer, lines that this file repeats in a row may be repeated, and what stood in the gap may stand there again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TypeAlias

from lsp_server.code.checking.syntax_checker import SyntaxChecker
from lsp_server.code.text.undone import is_placeholder
from lsp_server.postprocess.around import Around
from lsp_server.postprocess.blank_end import without_blank_end
from lsp_server.postprocess.closers import without_unmatched_end
from lsp_server.postprocess.indentation import based_at_the_gap, with_the_files_indent, without_doubled_indent
from lsp_server.postprocess.line_rest import without_line_rest
from lsp_server.postprocess.lines_above import without_lines_above
from lsp_server.postprocess.lines_below import without_lines_below
from lsp_server.postprocess.lines_further_below import without_lines_further_below
from lsp_server.postprocess.placeholder import unless_placeholder_again
from lsp_server.postprocess.redefinition import without_redefinition
from lsp_server.postprocess.repetition import unless_it_goes_round, without_repeated_lines
from lsp_server.types import Gap, Snapshot
from model.text import PlainText

Filter: TypeAlias = Callable[[str, Around], str]

FILTERS: Mapping[Filter, str] = MappingProxyType(
    {
        unless_it_goes_round: "goes round in a circle",
        without_repeated_lines: "goes round in a circle",
        without_doubled_indent: "blank",
        with_the_files_indent: "blank",
        based_at_the_gap: "blank",
        without_lines_above: "repeats the lines above",
        without_lines_below: "repeats the lines below",
        without_lines_further_below: "repeats the lines below",
        without_redefinition: "defines again what is defined",
        without_line_rest: "repeats the rest of the line",
        without_unmatched_end: "only closes what is closed",
        without_blank_end: "blank",
        unless_placeholder_again: "is a placeholder again",
    }
)
"""In order; each with the reason to name when it leaves nothing."""


def tidied(snapshot: Snapshot, gap: Gap, text: str, *, checker: SyntaxChecker | None = None) -> tuple[str, str]:
    r"""(the text of the gap's hole without what its surroundings already hold, why nothing else remains).

    The reason is "" unless the text is blank. `text` has line ends `\n`, as has the result. `checker`: of the snapshot,
    for who asks more than once.
    """
    text = PlainText(text)
    if gap.hole.max_lines is not None:
        text = "\n".join(text.split("\n")[: gap.hole.max_lines])
    if gap.hole.must_match:  # all of it was asked for: a part would no longer match, nor be what its tied fellows say
        return (text, "") if re.fullmatch(gap.hole.must_match, text) else ("", "is not of the form that was asked for")
    around = Around(snapshot, gap, checker)
    if not text.strip():
        return text, "blank"
    if text == around.old:
        again = gap.hole.strength == 1 and is_placeholder(text, language=around.language)
        return ("", "is a placeholder again") if again else (text, "")
    for fitting, reason in FILTERS.items():
        text = fitting(text, around)
        if not text.strip():
            return text, reason
    return text, ""
