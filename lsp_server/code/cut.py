"""Fits the text around gaps into a token budget: what stands near, and what matters by syntax.

Whole lines are dropped, and nothing is put in their place: kept lines stand one below the other, as in
the plain code that models are trained on. Only a line that alone exceeds the budget is itself cut.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain, pairwise
from zlib import crc32

from lsp_server.code.syntax.outline import WORD, Outline
from lsp_server.code.text.lines import Lines
from lsp_server.code.text.trim import trim_line
from lsp_server.types import Gap, Region, Snapshot
from model.text import PlainText
from model.types import Template

CountTokens = Callable[[str], int]

_MOST_BYTES_PER_TOKEN = 32
_BEFORE_SHARE = 0.6
_NEAR_SHARE = 0.55
_OUTLINE_SHARE = 0.3
_IMPORTS_SHARE = 0.12
_TOKENS_PER_BLOCK_LINE = 160
"""Of the budget, per line of a block: so a block takes some 6 % of it. A smaller budget is used to the last line."""
_LONGEST_BLOCK = 3
"""Times its usual length: where lines repeat, none may be a milestone."""
_EDGE_TOKENS_PER_LINE = 8
"""What stands on the lines of the gaps counts as a multiple of so many tokens per line of a block."""


def cut(snapshot: Snapshot, gaps: Sequence[Gap], *, budget_tokens: int, count_tokens: CountTokens) -> Template:
    r"""The text around `gaps` with a hole for each, in at most `budget_tokens` tokens; line ends become `\n`.

    `gaps` are in file order and do not overlap. Costs time in proportion to the budget, not to the file.

    What is far from the gaps is kept or left out in blocks of lines that end at the same lines wherever the gap stands,
    and room is left for what is typed next: so from one keystroke to the next the text begins and ends at the same
    places, and a model that remembers what it has read need not read it again.
    """
    assert gaps, "nothing to fill"
    assert all(a.region.end <= b.region.start for a, b in pairwise(gaps)), "gaps overlap or are unordered"
    lines = Lines(snapshot.source)
    edges = _edges(lines, gaps, budget_tokens, count_tokens)
    spent = sum(count_tokens(head) + count_tokens(tail) for head, tail in edges)
    left, block_lines = budget_tokens - spent, max(1, budget_tokens // _TOKENS_PER_BLOCK_LINE)
    windows = [_Window(lines, gaps, index, block_lines=block_lines) for index in range(len(gaps))]
    kept = _Kept(lines, count_tokens)
    _grow(windows, kept, left)
    if not all(window.complete for window in windows):
        step = _EDGE_TOKENS_PER_LINE * block_lines if block_lines > 1 else 1
        left = max(0, budget_tokens - -(-spent // step) * step)
        kept = _select(snapshot, lines, gaps, count_tokens, left, block_lines=block_lines)
    pieces = _pieces(lines, gaps, edges, kept)
    return Template(pieces=pieces, holes=tuple(replace(g.hole, old_text=PlainText(g.hole.old_text)) for g in gaps))


class _Kept:
    """The lines that stay, and their tokens."""

    def __init__(self, lines: Lines, count_tokens: CountTokens) -> None:
        self._lines = lines
        self._count = count_tokens
        self.lines: set[Region] = set()
        self.tokens = 0

    def keep(self, lines: Sequence[Region], allowance: int) -> bool:
        """Keep all of `lines`, if the tokens of those not kept yet fit into the allowance."""
        new = sorted(set(lines) - self.lines)
        if sum(line.end - line.start for line in new) > max(allowance, 0) * _MOST_BYTES_PER_TOKEN:
            return False  # cannot fit, and may be megabytes: not worth counting
        text = b"".join(self._lines.bytes(line) for line in new)
        cost = self._count(PlainText.read(text)) if text else 0
        if cost > allowance:
            return False
        self.lines.update(new)
        self.tokens += cost
        return True


class _Window:
    """The stretch around one gap that grows block by block, up to the neighbouring gaps."""

    def __init__(self, lines: Lines, gaps: Sequence[Gap], index: int, *, block_lines: int) -> None:
        top, bottom = _inner(lines, gaps, index)
        above, below = _inner(lines, gaps, index + 1)
        self._in_blocks = block_lines > 1
        self._before = _Feed(lines, lines.before(bottom, top), block_lines)
        self._after = _Feed(lines, lines.after(above, below), block_lines)

    @property
    def complete(self) -> bool:
        """Whether both sides have reached the neighbouring gaps or the ends of the file."""
        return self._before.done and self._after.done

    def grow(self, kept: _Kept, allowance: int) -> None:
        """Take lines for at most `allowance` tokens: 60 % before, 40 % after, what one side leaves for the other."""
        start, share = kept.tokens, int(allowance * _BEFORE_SHARE)
        self._before.take(kept, share)
        all_used = self._before.done or not self._in_blocks
        self._after.take(kept, allowance - (kept.tokens - start if all_used else share))
        self._before.take(kept, allowance - (kept.tokens - start))


class _Feed:
    """Lines in the order of growing distance, taken in blocks while they fit: some at a time, so that few counts are needed.

    A block ends at a milestone: a line that is one for what it says, about one in `block_lines`.
    """

    def __init__(self, lines: Lines, feed: Iterator[Region], block_lines: int) -> None:
        self._lines, self._feed, self._block_lines = lines, feed, block_lines
        self._next: list[list[Region]] = []
        self.done = False

    def take(self, kept: _Kept, allowance: int) -> None:
        """Keep as many of the next blocks as fit."""
        start, wanted, most = kept.tokens, max(1, 8 // self._block_lines), 64
        while not self.done:
            while len(self._next) < wanted and (block := self._block()):
                self._next.append(block)
            chunk = self._next[:wanted]
            if not chunk:
                self.done = True
            elif kept.keep(list(chain(*chunk)), allowance - (kept.tokens - start)):
                del self._next[: len(chunk)]
                wanted = min(wanted * 2, most)
            elif len(chunk) == 1:
                return
            else:
                wanted = most = len(chunk) // 2

    def _block(self) -> list[Region]:
        block: list[Region] = []
        for line in self._feed:
            block.append(line)
            text = self._lines.bytes(line).strip()
            milestone = self._block_lines == 1 or (text and crc32(text) % self._block_lines == 0)
            if milestone or len(block) == _LONGEST_BLOCK * self._block_lines:
                break
        return block


def _grow(windows: Sequence[_Window], kept: _Kept, left: int) -> None:
    """Grow all windows by equal shares, then let the first that can use what is left."""
    for rest in range(len(windows), 0, -1):
        windows[-rest].grow(kept, (left - kept.tokens) // rest)
    for window in windows:
        window.grow(kept, left - kept.tokens)


def _select(
    snapshot: Snapshot,
    lines: Lines,
    gaps: Sequence[Gap],
    count_tokens: CountTokens,
    left: int,
    *,
    block_lines: int,
) -> _Kept:
    """The lines to keep of a file that does not fit: near ones, then the outline, then near ones again."""
    kept = _Kept(lines, count_tokens)
    windows = [_Window(lines, gaps, index, block_lines=block_lines) for index in range(len(gaps))]
    _grow(windows, kept, int(left * _NEAR_SHARE))
    words = {word for line in kept.lines for word in WORD.findall(lines.bytes(line))}
    inner = [_inner(lines, gaps, index) for index in range(len(gaps) + 1)]

    def free(found: Iterable[Region]) -> list[Region]:
        """Those of the lines that no gap touches."""
        return [line for line in found if any(top <= line.start and line.end <= end for top, end in inner)]

    outlines = [Outline(snapshot, lines, gap.region) for gap in gaps]
    limit = kept.tokens + int(left * _OUTLINE_SHARE)
    for outline in outlines:
        for header in outline.headers():
            kept.keep(free(header), left - kept.tokens)
    import_limit = min(limit, kept.tokens + int(left * _IMPORTS_SHARE))
    for found in outlines[0].imports(words):
        kept.keep(free(found), import_limit - kept.tokens)
    for outline in outlines:
        for signature in outline.siblings():
            if not kept.keep(free(signature), limit - kept.tokens):
                break
    _grow(windows, kept, left)
    return kept


def _inner(lines: Lines, gaps: Sequence[Gap], piece: int) -> tuple[int, int]:
    """Start and end of the whole lines in a piece: those that neither neighbouring gap touches."""
    top = lines.end_of(gaps[piece - 1].region.end) if piece else 0
    end = lines.start_of(gaps[piece].region.start) if piece < len(gaps) else len(lines.source)
    return top, max(top, end)


def _edges(lines: Lines, gaps: Sequence[Gap], budget: int, count: CountTokens) -> list[tuple[str, str]]:
    """Per piece, what stands on the lines of the gap above it and of the gap below it, whole if that fits the budget.

    A piece that lies within one line is all in the second part. A gap's closers are left out: an editor puts them there
    while one types, and a suffix that changes must be read anew. The model writes them; the edit replaces them.
    """
    edges: list[tuple[str, str]] = []
    for index in range(len(gaps) + 1):
        above = gaps[index - 1] if index else None
        below = gaps[index] if index < len(gaps) else None
        start = above.region.end + len(above.closers) if above else 0
        end = below.region.start if below else len(lines.source)
        first_end = lines.end_of(start) if above else 0
        last_start = max(lines.start_of(end), start) if below else end
        head = lines.source[start : min(first_end, last_start)] if above else b""
        tail = lines.source[last_start:end]
        after, before = above.after if above else "", below.before if below else ""
        whole = above is not None and last_start < first_end and not head
        above_text, below_text = PlainText.read(head), PlainText.read(tail)
        edges.append((after + above_text, below_text + before) if not whole else ("", after + below_text + before))
    return trim_line(edges, budget, count)


def _pieces(lines: Lines, gaps: Sequence[Gap], edges: Sequence[tuple[str, str]], kept: _Kept) -> tuple[str, ...]:
    ordered = sorted(kept.lines)
    pieces = []
    for index, (head, tail) in enumerate(edges):
        top, end = _inner(lines, gaps, index)
        middle = b"".join(lines.bytes(line) for line in ordered if top <= line.start and line.end <= end)
        pieces.append(head + PlainText.read(middle) + tail)
    return tuple(pieces)
