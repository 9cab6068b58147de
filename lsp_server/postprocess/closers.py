"""Closers and other ends that nothing opened, or that stand behind the gap already."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lsp_server.code.languages.brackets import balance
from lsp_server.code.text.closers import said_again, unmatched_closer
from lsp_server.postprocess.around import Around
from model.pairs import OPENER_OF

_MOST_TRIALS = 8
_TIGHT = ")],;"
_WORD_CHAR = re.compile(r"\w")


def without_unmatched_end(text: str, around: Around) -> str:
    """The first shortening that parses, if the text as it is does not: at closers or lines that follow anyway."""
    verdict = around.parses(text)
    if verdict is None:
        closer = unmatched_closer(text, around.gap.closers)
        if closer is not None and _is_closed(around, text[closer]):
            return text[:closer]
        return _without_closers_below(text, around)
    if not verdict:
        for count, shorter in enumerate(_shorter(text, around)):
            if count == _MOST_TRIALS:
                break
            # A text of words that would vanish altogether is not one that merely ends too late.
            if (shorter.strip() or not _WORD_CHAR.search(text)) and around.parses(shorter, cleanly=True):
                return _without_loose_space(shorter, around)
    return text


def _without_closers_below(text: str, around: Around) -> str:
    """The text before the first closer that stands below already; all of it where brackets do not pair without it."""
    spare = around.open_for_the_text
    if spare is None:
        return text
    language = around.language_here
    closed = balance(text, language).closed[spare:]
    # What the edit replaces of the editor's own closers is not said twice.
    closed = closed[len([c for c in around.gap.closers[: said_again(text, around.gap.closers)] if c in OPENER_OF]) :]
    if not closed:
        return text
    head = text[: closed[0].at]
    return head.rstrip() if not head.rpartition("\n")[2].strip() else head


def _shorter(text: str, around: Around) -> Iterator[str]:
    """Shortenings to try: without an end that equals the beginning of what follows, longest first; to an unmatched closer."""
    rest = around.rest
    for length in range(min(len(text), len(rest)), 0, -1):
        if text.endswith(rest[:length]) and rest[:length].strip():
            yield text[: len(text) - length]
    lines = text.rstrip().split("\n")
    for count in range(min(len(lines), len(around.below), 3), 0, -1):
        if [line.strip() for line in lines[-count:]] == [line.strip() for line in around.below[:count]]:
            yield "\n".join(lines[:-count])
    for closers in dict.fromkeys((around.gap.closers, "")):
        closer = unmatched_closer(text, closers)
        if closer is not None:
            head = text[:closer]
            yield head.rstrip() if "\n" in head and not head.rpartition("\n")[2].strip() else head


def _without_loose_space(text: str, around: Around) -> str:
    """The text without spaces at its end that stood before what was cut, unless they separate it from what follows."""
    follows = around.rest[said_again(text, around.gap.closers) :]
    return text if follows and follows[0] not in _TIGHT else text.rstrip(" ")


def _is_closed(around: Around, closer: str) -> bool:
    """Whether what the gap's line opened before the gap is closed behind it already, so that one more closer is too many."""
    opener = OPENER_OF[closer]
    opened = around.prefix.count(opener) - around.prefix.count(closer)
    closed = around.rest.count(closer) - around.rest.count(opener)
    return closed > 0 and closed >= opened
