"""Suggestions: what of a finished fill may be shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from lsp_server.code.text.edits import edit_of
from lsp_server.postprocess.around import Around
from lsp_server.postprocess.syntax import breaks_syntax
from lsp_server.postprocess.trivial import is_trivial
from lsp_server.suggestions.question import Question
from lsp_server.types import Filled


@dataclass(frozen=True, kw_only=True)
class Suggestion:
    """Text for the cursor's place, line ends as in the file. The `replaces` bytes behind the cursor give way to it.

    `breaks`: with it the file parses no longer; `unsure`: it is not likely enough, or likelier than not nothing belongs
    there. Both are shown to those who asked only. `confidence`: the candidate's.
    """

    text: str
    replaces: int = 0
    breaks: bool = False
    unsure: bool = False
    confidence: float = field(default=0.0, compare=False)


def suggestions_of(
    question: Question, filled: Filled, *, min_confidence: float = 0.0
) -> tuple[tuple[Suggestion, ...], tuple[str, ...]]:
    """(suggestions, best first; one reason for each candidate that is none).

    Two that leave the same document are one. One that leaves the document as it is says that nothing belongs there, and how
    likely that is. `min_confidence`: below it suggestions are for those who ask.
    """
    (gap,) = filled.gaps
    around = Around(question.snapshot, gap)
    found: dict[str, Suggestion] = {}
    least, empty = min_confidence, filled.fill.stays_empty
    dropped = list(filled.dropped)
    for candidate in (*filled.fill.candidates, *filled.spare):
        (text,) = candidate.texts
        edit = edit_of(question.snapshot, gap, text)
        replaces = edit.region.end - gap.region.end
        outcome = edit.new_text + gap.closers[replaces:]
        if outcome == gap.closers:
            dropped.append("nothing new")
            least = max(least, candidate.confidence)
        elif is_trivial(text, around):
            dropped.append("trivial")
        elif outcome not in found:
            breaks = breaks_syntax(text, around, verdict=candidate.parses)
            found[outcome] = Suggestion(
                text=edit.new_text, replaces=replaces, breaks=breaks, unsure=empty or candidate.confidence < least,
                confidence=candidate.confidence,
            )  # fmt: skip
    return tuple(found.values()), tuple(dropped)


def shown_to(suggestions: Sequence[Suggestion], *, automatic: bool, most: int) -> tuple[Suggestion, ...]:
    """The suggestions for one who asked, or (`automatic`) for one who just typed: nothing that breaks the file, then.

    Who just typed sees the first only, so that one must not be unsure; what else there is waits for a key.
    """
    if not automatic:
        return tuple(suggestions[:most])
    fit = [s for s in suggestions if not s.breaks]
    sure = [s for s in fit if not s.unsure]
    return (sure[0], *(s for s in fit if s is not sure[0]))[:most] if sure else ()
