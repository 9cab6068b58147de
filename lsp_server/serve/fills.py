"""An ask, filled: the pipeline of editors and the command line, on the filling thread."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Protocol, runtime_checkable
from urllib.parse import quote

from lsp_server import pipeline
from lsp_server.code.cut import cut
from lsp_server.code.languages.table import PLAIN, language_of
from lsp_server.code.syntax.guessing import guessed
from lsp_server.code.syntax.parse import parse
from lsp_server.code.text.positions import LineIndex
from lsp_server.serve.ask import Answer, Ask
from lsp_server.suggestions.question import Question
from lsp_server.suggestions.suggestion import shown_to, suggestions_of
from lsp_server.transforms.complete import complete
from lsp_server.types import Filled, Gap, Region, Snapshot
from lsp_server.workspace.secrets import secret_pattern
from model.text import PlainText
from model.types import Cancelled, Candidate, Fill, Filler, FillerInfo, FillRequest, OnEvent, Template


def answer_of(ask: Ask, filler: Filler, *, cancelled: Cancelled, on_event: OnEvent | None = None) -> Answer:
    """The answer to an ask. Raises Excluded, BadRequest and what the back end raises."""
    pieces = tuple(map(PlainText, ask.pieces))
    line_end = next((p.line_end for p, raw in zip(pieces, ask.pieces, strict=True) if "\n" in raw or "\r" in raw), "\n")
    snapshot, gaps = _snapshot(ask, pieces)
    if ask.context_tokens is not None and ask.context_tokens < filler.info.context_tokens:
        filler = _Shortened(filler, ask.context_tokens)
    if ask.warm:
        return _read_ahead(snapshot, gaps, filler, cancelled)
    filled = pipeline.run(
        snapshot,
        gaps,
        filler,
        ask.options,
        cancelled=cancelled,
        on_event=on_event,
        other_files=(lambda _: tuple(map(PlainText, ask.other_files))) if ask.other_files else None,
    )
    candidates, reason = _shown(ask, snapshot, gaps, filled, filler.info)
    ended = [_ended(candidate, ask, filler) for candidate in candidates]
    kept = [(c, cut) for c, cut in ended if any(c.texts)]
    fill = filled.fill
    return Answer(
        candidates=tuple(_with_line_ends(candidate, line_end) for candidate, _ in kept),
        reason=reason if not kept else "",
        outcome=fill.stopped,
        model=filler.info.name,
        device=filler.info.device,
        forward_passes=fill.forward_passes,
        tokens=fill.tokens,
        context_tokens=sum(map(filler.count_tokens, filled.template.pieces)),
        cut_short=bool(kept) and kept[0][1],
        cut_ms=filled.cut_ms,
        prefill_ms=fill.prefill_ms,
        denoise_ms=fill.denoise_ms,
    )


@runtime_checkable
class _ReadsAhead(Protocol):
    def read_ahead(self, template: Template, *, stop: Cancelled) -> bool: ...


def _read_ahead(snapshot: Snapshot, gaps: tuple[Gap, ...], filler: Filler, cancelled: Cancelled) -> Answer:
    info = filler.info
    if isinstance(filler, _ReadsAhead):
        template = cut(snapshot, gaps, budget_tokens=info.context_tokens, count_tokens=filler.count_tokens)
        filler.read_ahead(template, stop=cancelled)
    return Answer(model=info.name, device=info.device)


def may_be_read(name: str) -> bool:
    """Whether a file of that name may be copied from: it is no secret by its name."""
    return secret_pattern(PurePosixPath(name.replace("\\", "/"))) is None


def _snapshot(ask: Ask, pieces: tuple[PlainText, ...]) -> tuple[Snapshot, tuple[Gap, ...]]:
    """The file as the client has it, and its gaps. It has a name here and no place: no path of this machine is looked at."""
    source, regions = bytearray(), []
    for piece, hole in zip(pieces, (*ask.holes, None), strict=True):
        source += _bytes(piece)
        if hole is not None:
            start = len(source)
            source += _bytes(PlainText(hole.old_text))
            regions.append(Region(start, len(source)))
    name = "/".join(part for part in PurePosixPath(ask.file.replace("\\", "/")).parts if part not in ("/", ".."))
    language = language_of(name or "untitled", ask.language or None)
    if language is PLAIN and not ask.language and not PurePosixPath(name).suffix:
        language = guessed(bytes(source), [region.start for region in regions])
    text = bytes(source)
    snapshot = Snapshot(
        uri=f"untitled:{quote(name or 'untitled')}",
        version=None,
        source=text,
        language=language,
        tree=parse(text, language),
    )
    if not ask.at_cursor:
        return snapshot, tuple(Gap(region=r, hole=h) for r, h in zip(regions, ask.holes, strict=True))
    gap = replace(complete(snapshot, regions[0].start), closers="")  # clients of this kind can insert, not replace
    if "\n" in ask.stop:
        gap = replace(gap, hole=replace(gap.hole, max_lines=1))
    return snapshot, (gap,)


def _shown(
    ask: Ask, snapshot: Snapshot, gaps: tuple[Gap, ...], filled: Filled, info: FillerInfo
) -> tuple[Iterable[Candidate], str]:
    """The candidates that the client gets; why there are none."""
    if not ask.at_cursor:
        return filled.fill.candidates, filled.reason
    question = Question(now=snapshot, index=LineIndex(snapshot.source), snapshot=snapshot, gap=gaps[0])
    suggestions, _ = suggestions_of(question, filled, min_confidence=info.min_confidence)
    shown = shown_to(suggestions, automatic=True, most=ask.options.candidates)
    by_text = {c.texts: c for c in (*filled.fill.candidates, *filled.spare)}
    found = [by_text[(s.text,)] for s in shown if (s.text,) in by_text]
    return found, filled.reason or "nothing is likely enough to be suggested here"


def _ended(candidate: Candidate, ask: Ask, filler: Filler) -> tuple[Candidate, bool]:
    """The candidate up to the first stop and the most tokens; whether the latter cut it."""
    texts, cut = list(candidate.texts), False
    for n, text in enumerate(texts):
        found = [at for stop in ask.stop if stop and (at := text.find(stop)) >= 0]
        texts[n] = text[: min(found, default=len(text))]
        if ask.max_tokens is not None and filler.count_tokens(texts[n]) > ask.max_tokens:
            texts[n], cut = _first_tokens(texts[n], ask.max_tokens, filler), True
    return replace(candidate, texts=tuple(texts)), cut


def _first_tokens(text: str, most: int, filler: Filler) -> str:
    """The longest start of `text` that is found, by bisection, to have at most so many tokens."""
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if filler.count_tokens(text[:middle]) <= most else (low, middle - 1)
    return text[:low]


def _with_line_ends(candidate: Candidate, line_end: str) -> Candidate:
    return replace(candidate, texts=tuple(PlainText(text).with_line_ends(line_end) for text in candidate.texts))


def _bytes(text: str) -> bytes:
    """UTF-8; half a surrogate pair, which JSON can carry and UTF-8 cannot, becomes "?"."""
    return text.encode("utf-8", errors="replace")


class _Shortened:
    """A filler that is given less context than it could make use of."""

    def __init__(self, filler: Filler, context_tokens: int) -> None:
        self._filler, self._context_tokens = filler, context_tokens

    @property
    def info(self) -> FillerInfo:
        return replace(self._filler.info, context_tokens=self._context_tokens)

    def count_tokens(self, text: str) -> int:
        return self._filler.count_tokens(text)

    def fill(
        self, request: FillRequest, *, cancelled: Cancelled = lambda: False, on_event: OnEvent | None = None
    ) -> Fill:
        return self._filler.fill(request, cancelled=cancelled, on_event=on_event)
