"""What of a fill to make anew: where the file with it has a syntax error that the file around the gap did not have."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lsp_server.code.checking.part import filled
from lsp_server.code.checking.syntax_checker import SyntaxChecker
from lsp_server.code.text.edits import edit_of
from lsp_server.types import Gap, Region, Snapshot
from model.pairs import CLOSER_OF, OPENER_OF
from model.text import PlainText
from model.types import Span


def whole(
    snapshot: Snapshot, gaps: Sequence[Gap], texts: Sequence[str], *, checker: SyntaxChecker | None = None
) -> bool | None:
    """Whether the file with the texts (one per gap, tidied) has no new syntax error; None if that cannot be told.

    `checker`: of the snapshot, for who asks more than once.
    """
    edits = [edit_of(snapshot, gap, text) for gap, text in zip(gaps, texts, strict=True)]
    checker = checker or SyntaxChecker(snapshot)
    # The interpreter first: what is broken takes tree-sitter ten times as long.
    return False if any(checker.python_errors(edits)) else checker.parses(edits)


def fits(
    snapshot: Snapshot, gaps: Sequence[Gap], tidied: Sequence[str], *, checker: SyntaxChecker | None = None
) -> bool:
    """Whether the file with the texts `tidied`, as it would be edited, has no syntax error to blame them for.

    An error that it had before, in or beside the top-level statements of the gaps, has to be gone too, for that may be
    what the gaps took out; where other errors hide that and brackets around the gap lack a partner, a statement around the
    text has to be sound. Texts fit where nobody can tell, but not where nothing remains of them: they will not be shown,
    whether or not the file could do without. `checker`: as in `whole`.
    """
    if not any(text.strip() for text in tidied):
        return False
    edits = [edit_of(snapshot, gap, text) for gap, text in zip(gaps, tidied, strict=True)]
    checker = checker or SyntaxChecker(snapshot)
    # The interpreter first: what is broken takes tree-sitter ten times as long.
    return not any(checker.python_errors(edits, around=True)) and checker.parses(edits, cleanly=True) is not False


def offending(
    snapshot: Snapshot,
    gaps: Sequence[Gap],
    texts: Sequence[str],
    *,
    tidied: Sequence[str],
    checker: SyntaxChecker | None = None,
) -> tuple[Span, ...] | None:
    """The parts of `texts` (one per gap, as the model wrote them) to blame for a syntax error; None if the texts `tidied` fit.

    Texts of which nothing remains are to blame altogether. `checker`: as in `whole`.
    """
    checker = checker or SyntaxChecker(snapshot)
    if fits(snapshot, gaps, tidied, checker=checker):
        return None
    everything = tuple(Span(hole=hole, start=0, end=len(text)) for hole, text in enumerate(texts))
    if not any(text.strip() for text in tidied):
        return everything
    raw = [edit_of(snapshot, gap, text) for gap, text in zip(gaps, texts, strict=True)]
    source, places = filled(snapshot.source, raw)
    found = list(checker.python_errors(raw)) or [None] * len(gaps)
    if not any(found):
        found = list(checker.grammar_errors(raw)) or found
    spans = tuple(_spans(gaps, source, places, found, texts))
    return spans or everything


def _spans(
    gaps: Sequence[Gap], source: bytes, places: Sequence[Region], found: Sequence[Region | None], texts: Sequence[str]
) -> Iterator[Span]:
    """The stretches to blame, in characters of the texts; where none is known, from a bracket without a partner on."""
    for hole, (gap, place, bad, text) in enumerate(zip(gaps, places, found, texts, strict=True)):
        if bad is not None:
            start = place.start + len(gap.before.encode())
            first, last = (min(_characters(source[start:at]), len(text)) for at in (bad.start, bad.end))
            yield Span(hole=hole, start=first, end=max(first, last))
        elif (unbalanced := _unbalanced(text)) is not None:
            yield Span(hole=hole, start=unbalanced, end=len(text))


def _characters(text: bytes) -> int:
    return len(PlainText(text.decode("utf-8", "ignore")))


def _unbalanced(text: str) -> int | None:
    """Where the first bracket stands that has no partner in the text."""
    opened: list[int] = []
    for index, char in enumerate(text):
        if char in CLOSER_OF:
            opened.append(index)
        elif char in OPENER_OF:
            if not opened:
                return index
            opened.pop()
    return opened[0] if opened else None
