"""textDocument/inlineCompletion: what may stand at the cursor, as ghost text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lsprotocol import types as lsp
from pygls.lsp.server import LanguageServer

from lsp_server import pipeline
from lsp_server.handlers.error_codes import with_codes
from lsp_server.handlers.positions import to_lsp, to_region
from lsp_server.session import Interrupted, Session
from lsp_server.settings import FillOptions
from lsp_server.source.positions import Encoding, LineIndex
from lsp_server.transforms.complete import complete
from lsp_server.types import Filled, Gap, Region, Snapshot
from model.types import Cancelled, Filler

_MAX_TIME_S = 2.0  # ghost text that comes later meets a reader who has moved on
_CLOSERS = " \t)]}>\"'`;:,"
_FEW = 3


@dataclass(frozen=True, kw_only=True)
class _Question:
    """Fill `gap` of `snapshot`. With an entry selected in the popup menu, `snapshot` is the document

    with that entry accepted (`chosen`), and each answer has to extend it, in place of `span`.
    """

    snapshot: Snapshot
    gap: Gap
    span: lsp.Range | None = None
    chosen: str = ""


def register(server: LanguageServer, session: Session) -> None:
    """Add this family's handlers to `server`."""

    @server.feature(lsp.TEXT_DOCUMENT_INLINE_COMPLETION, lsp.InlineCompletionOptions())
    @with_codes
    async def inline_completion(params: lsp.InlineCompletionParams) -> list[lsp.InlineCompletionItem]:
        return await _answer(session, params)


async def _answer(session: Session, params: lsp.InlineCompletionParams) -> list[lsp.InlineCompletionItem]:
    """The suggestions, best first; none when stale, superseded or not worth asking for.

    Raises InputError for a document that cannot be read, ModelError if there is no model.
    """
    uri, encoding = params.text_document.uri, session.documents.encoding
    automatic = params.context.trigger_kind == lsp.InlineCompletionTriggerKind.Automatic
    if automatic and not session.loaded:
        return []
    now = session.documents.snapshot(uri)
    question = _question(session, now, params)
    if question is None or (automatic and _crowded(question)):
        return []
    options = FillOptions(
        candidates=session.options.candidates, max_time_s=session.options.max_time_s(default=_MAX_TIME_S)
    )

    def work(filler: Filler, cancelled: Cancelled) -> Filled:
        return pipeline.run(question.snapshot, (question.gap,), filler, options, cancelled=cancelled)

    outcome = await session.run(uri, work, automatic=automatic)
    if isinstance(outcome, Interrupted) or not session.documents.is_current(now):
        return []
    return list(_items(question, outcome, encoding))


def _question(session: Session, now: Snapshot, params: lsp.InlineCompletionParams) -> _Question | None:
    """What is asked; None if a selected entry's range lies on several lines, which no answer may."""
    index, encoding = LineIndex(now.source), session.documents.encoding
    selected = params.context.selected_completion_info
    if selected is None:
        offset = index.offset(params.position.line, params.position.character, encoding)
        return _Question(snapshot=session.documents.covering(now, Region(offset, offset)), gap=complete(now, offset))
    if selected.range.start.line != selected.range.end.line:
        return None
    region = to_region(index, selected.range, encoding)
    accepted = session.documents.with_text(now, region, selected.text)
    offset = region.start + len(accepted.source) - len(now.source) + region.end - region.start
    return _Question(snapshot=accepted, gap=complete(accepted, offset), span=selected.range, chosen=selected.text)


def _crowded(question: _Question) -> bool:
    """Whether more than a few characters that are no closers follow on the line: the user is editing, not adding."""
    index, offset = LineIndex(question.snapshot.source), question.gap.region.start
    line = index.line_region(index.position(offset, "utf-8")[0])
    after = question.snapshot.source[offset : line.end].decode("utf-8")
    return sum(character not in _CLOSERS for character in after) > _FEW


def _items(question: _Question, filled: Filled, encoding: Encoding) -> Iterator[lsp.InlineCompletionItem]:
    """One item per candidate that can be shown: its range on one line, the selected entry extended."""
    index = LineIndex(question.snapshot.source)
    for candidate in filled.fill.candidates:
        (edit,) = pipeline.edits_of(question.snapshot, filled.gaps, candidate.texts)
        text, span = edit.new_text, question.span
        if span is None:
            span = to_lsp(index, edit.region, encoding)
        elif edit.region.start != edit.region.end or not text:
            continue  # does more than extend the selected entry
        if span.start.line == span.end.line:
            yield lsp.InlineCompletionItem(insert_text=question.chosen + text, range=span)
