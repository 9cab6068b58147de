"""Trims from a hole's text what users of completion plugins complain of, and leaves a right text alone.

Each rule needs evidence that a right text does not give: a text that parses in its place is never cut
at a closer, lines that this file repeats in a row may be repeated, and what stood in the gap may stand there again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cached_property

from lsp_server.source.lines import Lines
from lsp_server.source.parse import parses
from lsp_server.types import Edit, Gap, Snapshot

_NEAR_BYTES = 4_000
_REPEATS = 4
_MOST_TRIALS = 8
_PAIRS = {")": "(", "]": "[", "}": "{"}
_WORD_CHAR = re.compile(r"\w")
_TELLING = re.compile(r"[^\W\d_]{3}")
_EMPTY_END = re.compile(r"(?:\n[ \t]*)+\Z")
_STATEMENTS = re.compile(r"(?:pass|else|try|finally|return|break|continue|default|begin|then|done|endif)[:;]?")


def tidy(snapshot: Snapshot, gap: Gap, text: str) -> str:
    r"""The text of the gap's hole without what its surroundings already hold; "" when nothing else remains.

    `text` has line ends `\n`, as has the result. Trimmed are: lines beyond the hole's `max_lines`, extreme
    repetition, the lines above said again, the lines or the rest of the line that follow, closers that
    have no opener, a doubled indentation and blank lines at the end that would stand before a line end.
    """
    text = text.replace("\r\n", "\n")
    if gap.hole.max_lines is not None:
        text = "\n".join(text.split("\n")[: gap.hole.max_lines])
    around = _Around(snapshot, gap)
    if text == around.old:
        return text
    text = _without_runaway(text, around)
    text = _without_doubled_indent(text, around)
    text = _without_lines_above(text, around)
    text = _without_lines_below(text, around)
    text = _without_rest(text, around)
    text = _without_needless_end(text, around)
    return _without_empty_end(text, around)


class _Around:
    r"""What stands around and in the gap, with line ends `\n`."""

    def __init__(self, snapshot: Snapshot, gap: Gap) -> None:
        source, region = snapshot.source, gap.region
        lines = Lines(source)
        top = lines.start_of(max(region.start - _NEAR_BYTES, 0))
        bottom = lines.end_of(min(region.end + _NEAR_BYTES, len(source)))
        self._snapshot, self._gap = snapshot, gap
        self.before = _plain(source[top : region.start]) + gap.before
        self.after = gap.after + _plain(source[region.end : bottom])
        self.old = _plain(source[region.start : region.end])

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
        return _filled(self.before.split("\n")[:-1])

    @cached_property
    def below(self) -> list[str]:
        """Lines below the line on which the gap ends, blank ones left out."""
        return _filled(self.after.split("\n")[1:])

    def parses(self, text: str, *, cleanly: bool = False) -> bool | None:
        """Whether the file parses with `text` in the gap; `cleanly`: as `source.parse.parses` has it."""
        new_text = self._gap.before + text + self._gap.after
        edit = Edit(region=self._gap.region, new_text=new_text, version=None)
        return parses(self._snapshot, [edit], cleanly=cleanly)

    def may_repeat(self, lines: Sequence[str]) -> bool:
        """Whether such a repetition is this file's own manner: the lines stand here twice, or stood in the gap."""
        sides = (_filled(self.old.split("\n")), self.above, self.below)
        own, above, below = (sum(_at(side, i, lines) for i in range(len(side))) for side in sides)
        return own > 0 or above + below >= 2


def _without_runaway(text: str, around: _Around) -> str:
    """Keeps one of a few lines that come again and again, four times or more in a row."""
    lines = text.split("\n")
    for period in range(1, 4):
        for start in range(len(lines) - period * _REPEATS + 1):
            block = lines[start : start + period]
            again = all(_at(lines, start + period * n, block) for n in range(1, _REPEATS))
            if again and _telling(block) and not around.may_repeat(_filled(block)):
                return "\n".join(lines[: start + period])
    return text


def _without_doubled_indent(text: str, around: _Around) -> str:
    """Drops the first line's indentation where the gap stands after it."""
    prefix = around.prefix
    if not prefix or prefix.strip() or around.old or not around.above or not text.startswith(prefix):
        return text
    last = around.above[-1]
    indent = last[: len(last) - len(last.lstrip())]
    opens = last.rstrip().endswith((":", "{", "(", "[", ",", "\\"))
    doubled = len(prefix) > len(indent) if opens else prefix == indent
    return text.removeprefix(prefix) if doubled else text


def _without_lines_above(text: str, around: _Around) -> str:
    """Drops what the text says again of the lines above before it goes on; all of it, if it says no more."""
    lines = text.split("\n")
    if around.prefix.strip():
        return text
    whole = [around.prefix + lines[0], *lines[1:]]
    said = _filled(whole)
    for count in range(min(len(said), len(around.above)), 0, -1):
        block = said[:count]
        if around.above[-count:] == block and _telling(block) and not around.may_repeat(block):
            last = [i for i, line in enumerate(whole) if line.strip()][count - 1]
            remaining = "\n".join(whole[last + 1 :])
            return remaining.removeprefix(around.prefix) if remaining.strip() else ""
    return text


def _without_lines_below(text: str, around: _Around) -> str:
    """Ends the text where it begins to say the lines below: to its end, or four lines of them."""
    lines = text.split("\n")
    places = [i for i, line in enumerate(lines) if line.strip()]
    said = [lines[i].rstrip() for i in places]
    if around.rest.strip():
        return text
    for start in range(len(said)):
        if start == 0 and around.prefix.strip():
            continue
        same = 0
        first = around.prefix if start == 0 else ""
        while (
            start + same < len(said)
            and same < len(around.below)
            and (first if same == 0 else "") + said[start + same] == around.below[same]
        ):
            same += 1
        block = around.below[:same]
        if (start + same == len(said) or same >= 4) and same and _telling(block) and not around.may_repeat(block):
            return "\n".join(lines[: places[start]]) if start else ""
    return text


def _without_rest(text: str, around: _Around) -> str:
    """Drops the rest of the line from the text's end, if that rest is long enough to be no accident."""
    rest = around.rest.strip()
    if len(rest) >= 6 and _TELLING.search(rest) and text.rstrip().endswith(rest) and not around.old.endswith(rest):
        return (
            text.rstrip().removesuffix(rest).rstrip(" ") if around.rest[:1] == " " else text.rstrip().removesuffix(rest)
        )
    return text


def _without_needless_end(text: str, around: _Around) -> str:
    """The first shortening that parses, if the text as it is does not: at closers or lines that follow anyway."""
    verdict = around.parses(text)
    if verdict is None:
        closer = _unmatched_closer(text)
        if closer is None or not _is_closed(around, text[closer]):
            return text
        return text[:closer]
    if not verdict:
        for count, shorter in enumerate(_shorter(text, around)):
            if count == _MOST_TRIALS:
                break
            # A text of words that would vanish altogether is not one that merely ends too late.
            if (shorter.strip() or not _WORD_CHAR.search(text)) and around.parses(shorter, cleanly=True):
                return shorter
    return text


def _shorter(text: str, around: _Around) -> Iterator[str]:
    """Shortenings to try: without an end that equals the beginning of what follows, longest first; to an unmatched closer."""
    rest = around.rest
    for length in range(min(len(text), len(rest)), 0, -1):
        if text.endswith(rest[:length]) and rest[:length].strip():
            yield text[: len(text) - length]
    lines = text.rstrip().split("\n")
    for count in range(min(len(lines), len(around.below), 3), 0, -1):
        if [line.strip() for line in lines[-count:]] == [line.strip() for line in around.below[:count]]:
            yield "\n".join(lines[:-count])
    closer = _unmatched_closer(text)
    if closer is not None:
        yield (
            text[:closer].rstrip()
            if "\n" in text[:closer] and not text[:closer].rpartition("\n")[2].strip()
            else text[:closer]
        )


def _unmatched_closer(text: str) -> int | None:
    """Index of the first closer that has no opener in the text."""
    opened: list[str] = []
    for index, char in enumerate(text):
        if char in "([{":
            opened.append(char)
        elif char in _PAIRS:
            if not opened:
                return index
            opened.pop()
    return None


def _is_closed(around: _Around, closer: str) -> bool:
    """Whether what the gap's line opened before the gap is closed behind it already, so that one more closer is too many."""
    opener = _PAIRS[closer]
    opened = around.prefix.count(opener) - around.prefix.count(closer)
    closed = around.rest.count(closer) - around.rest.count(opener)
    return closed > 0 and closed >= opened


def _without_empty_end(text: str, around: _Around) -> str:
    """Drops blank lines at the end where a line end follows anyway; as many stay as the gap's old text ended with."""
    found = _EMPTY_END.search(text)
    if found is None:
        return text
    old_end = _EMPTY_END.search(around.old)
    allowed = old_end.group().count("\n") if old_end else 0
    if not around.after:
        allowed = max(allowed, 1)
    elif not around.after.startswith("\n"):
        return text
    if found.group().count("\n") <= allowed:
        return text
    return text[: found.start()] + "\n" * allowed


def _telling(block: Sequence[str]) -> bool:
    """Whether the lines say enough that their repetition is no accident: a word, and more than a bare keyword."""
    return any(
        len(s) >= 6 and _TELLING.search(s) and not _STATEMENTS.fullmatch(s) for s in (line.strip() for line in block)
    )


def _filled(lines: Sequence[str]) -> list[str]:
    return [line.rstrip() for line in lines if line.strip()]


def _at(lines: Sequence[str], index: int, block: Sequence[str]) -> bool:
    return list(lines[index : index + len(block)]) == list(block)


def _plain(source: bytes) -> str:
    return source.decode("utf-8", "ignore").replace("\r\n", "\n").replace("\r", "\n")
