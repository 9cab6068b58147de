"""textDocument/publishDiagnostics of suspicious words, and their quick fixes: only where the setting `suspicious` is on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lsprotocol import types as lsp
from pygls.lsp.server import LanguageServer

from lsp_server.code.text.positions import LineIndex
from lsp_server.diagnostics.watch import SuspicionWatch
from lsp_server.handlers.positions import to_lsp
from lsp_server.session.session import Session
from lsp_server.suggestions.ahead import ReadAhead
from lsp_server.transforms.suspicious.suspicions import NAME, Suspicion
from lsp_server.types import Region, Snapshot

SOURCE = "dlm-fill"
RESTS_AFTER_S = 2.0
"""A document that was not edited for so long rests, and is looked at without being saved."""


def watch(server: LanguageServer, session: Session, ahead: ReadAhead) -> SuspicionWatch:
    """What looks for suspicious words, and shows them as diagnostics."""

    def show(snapshot: Snapshot, found: Sequence[Suspicion]) -> None:
        params = lsp.PublishDiagnosticsParams(
            uri=snapshot.uri,
            version=snapshot.version,
            diagnostics=[_diagnostic(session, snapshot, one) for one in found],
        )
        server.text_document_publish_diagnostics(params)

    def complain(reason: str) -> None:
        params = lsp.LogMessageParams(type=lsp.MessageType.Warning, message=f"dlm-fill: {reason}")
        server.window_log_message(params)

    return SuspicionWatch(session, ahead, show=show, complain=complain, rests_after_s=RESTS_AFTER_S)


def quick_fixes(
    session: Session, watched: SuspicionWatch, snapshot: Snapshot, selected: Region
) -> Iterator[lsp.CodeAction]:
    """An action for each suspicious word that the selection touches: the edit is known, no model is asked."""
    index, encoding = LineIndex(snapshot.source), session.documents.encoding
    for one in watched.shown(snapshot.uri):
        if one.region.end < selected.start or selected.end < one.region.start:
            continue
        edit = lsp.TextEdit(range=to_lsp(index, one.region, encoding), new_text=one.instead)
        document = lsp.OptionalVersionedTextDocumentIdentifier(uri=snapshot.uri, version=snapshot.version)
        yield lsp.CodeAction(
            title=f"dlm-fill: Change {one.text} to {one.instead}",
            kind=lsp.CodeActionKind.QuickFix,
            diagnostics=[_diagnostic(session, snapshot, one)],
            edit=lsp.WorkspaceEdit(document_changes=[lsp.TextDocumentEdit(text_document=document, edits=[edit])]),
        )


def is_ours(diagnostic: lsp.Diagnostic) -> bool:
    """Whether it tells of a suspicious word: its quick fix is known, so the model need not look for one."""
    return diagnostic.source == SOURCE and diagnostic.code == NAME


def _diagnostic(session: Session, snapshot: Snapshot, one: Suspicion) -> lsp.Diagnostic:
    return lsp.Diagnostic(
        range=to_lsp(LineIndex(snapshot.source), one.region, session.documents.encoding),
        severity=lsp.DiagnosticSeverity.Information,
        source=SOURCE,
        code=NAME,
        message=f"`{one.text}` is unlikely here: perhaps `{one.instead}`",
    )
