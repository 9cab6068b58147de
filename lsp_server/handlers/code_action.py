"""textDocument/codeAction and codeAction/resolve: fill or rewrite the selection, fill the placeholders of a function; refactor.

Listing them costs no model. Clients that resolve edits get the edit when the user has chosen; others run the command.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lsprotocol import types as lsp
from pygls.lsp.server import LanguageServer

from lsp_server.code.text.positions import LineIndex
from lsp_server.diagnostics.watch import SuspicionWatch
from lsp_server.handlers.error_codes import with_codes
from lsp_server.handlers.filling.arguments import read
from lsp_server.handlers.filling.commands import FILL
from lsp_server.handlers.filling.fill import fill, workspace_edit
from lsp_server.handlers.positions import to_lsp
from lsp_server.handlers.refactoring.actions import actions as refactoring_actions
from lsp_server.handlers.refactoring.actions import repairs, resolved
from lsp_server.handlers.refactoring.arguments import is_refactoring
from lsp_server.handlers.refactoring.suspicious import quick_fixes
from lsp_server.handlers.refusals import Refusals
from lsp_server.session.session import Session
from lsp_server.suggestions.ahead import ReadAhead
from lsp_server.suggestions.fills import Fills
from lsp_server.transforms.placeholders import placeholders
from lsp_server.transforms.refactoring import Refactoring
from lsp_server.transforms.registry import REFACTORINGS
from lsp_server.types import Region, Snapshot

_KIND = lsp.CodeActionKind.RefactorRewrite
_QUICK_FIX = lsp.CodeActionKind.QuickFix.value
_STRENGTH = 0.4  # enough to mend what looks wrong, little enough that the rest is still the user's


def register(
    server: LanguageServer,
    session: Session,
    fills: Fills,
    ahead: ReadAhead,
    watch: SuspicionWatch,
    refactorings: Sequence[Refactoring] = REFACTORINGS,
) -> None:
    """Add this family's handlers to `server`."""
    refusals = Refusals(server, session)
    kinds = sorted({_KIND.value, *(refactoring.kind for refactoring in refactorings)})
    options = lsp.CodeActionOptions(code_action_kinds=kinds, resolve_provider=True)

    @server.feature(lsp.TEXT_DOCUMENT_CODE_ACTION, options)
    @with_codes
    async def code_action(params: lsp.CodeActionParams) -> list[lsp.CodeAction]:
        uri = params.text_document.uri
        only = params.context.only
        wanted = [refactoring for refactoring in refactorings if _wanted(refactoring.kind, only)]
        if not _wanted(_KIND.value, only) and not wanted:
            return []
        if refusal := session.why_left_alone(uri):
            if params.context.trigger_kind == lsp.CodeActionTriggerKind.Invoked:
                refusals.tell(uri, refusal)
            return []
        snapshot = session.documents.snapshot(uri)
        index, encoding = LineIndex(snapshot.source), session.documents.encoding
        start, end = params.range.start, params.range.end
        edges = [index.offset(at.line, at.character, encoding) for at in (start, end)]
        selected = Region(min(edges), max(edges))
        ahead.rests(snapshot.uri, selected.start)  # many editors ask for actions wherever the cursor rests
        actions = []
        holes = placeholders(session.documents.covering(snapshot, selected), selected.start)
        inside = tuple(hole for hole in holes if selected.start <= hole.start and hole.end <= selected.end)
        if inside and inside != (selected,):
            actions.append((f"{_title(len(inside))} in the selection", inside, 1.0))
        if snapshot.source[selected.start : selected.end].strip():
            actions.append(("Fill the selection anew", (selected,), 1.0))
            actions.append(("Rewrite what looks wrong in the selection", (selected,), _STRENGTH))
        if holes and (not inside or inside != holes):
            outside = " (also outside the selection)" if selected.start < selected.end else ""
            actions.append((_title(len(holes)) + outside, holes, 1.0))
        lazily = _resolves(server)
        fillings = [
            action_of(title, _data(snapshot, regions, strength, session), lazily=lazily)
            for title, regions, strength in actions
            if _wanted(_KIND.value, only)
        ]
        covered = session.documents.covering(snapshot, selected)
        mending = repairs(snapshot, params.context.diagnostics, wanted, lazily=lazily)
        fixes = quick_fixes(session, watch, snapshot, selected) if _wanted(_QUICK_FIX, only) else ()
        return [*fixes, *mending, *fillings, *refactoring_actions(session, covered, selected, wanted, lazily=lazily)]

    @server.feature(lsp.CODE_ACTION_RESOLVE)
    @with_codes
    async def resolve(action: lsp.CodeAction) -> lsp.CodeAction:
        if is_refactoring(action.data):
            return await resolved(server, session, action, refactorings)
        made = await fill(server, session, fills, read([action.data]))
        fills.made(made.choice, made.edits, made.now)
        action.edit = workspace_edit(made.now, made.edits, session)
        return action


def _title(count: int) -> str:
    return "Fill the placeholder" if count == 1 else f"Fill {count} placeholders, each seeing the others"


def _wanted(ours: str, only: Any) -> bool:
    """Whether the client asked for the kind `ours`, or for one above it."""
    return not only or any(f"{ours}.".startswith(f"{_text(kind)}.") for kind in only)


def _text(kind: Any) -> str:
    return str(getattr(kind, "value", kind))


def _resolves(server: LanguageServer) -> bool:
    can = server.client_capabilities.text_document
    support = can.code_action.resolve_support if can is not None and can.code_action is not None else None
    return support is not None and "edit" in support.properties


def action_of(title: str, data: dict[str, Any], *, lazily: bool) -> lsp.CodeAction:
    """The action that does what `data`, the argument of `dlm.fill`, says; `lazily`: its edit comes by resolve."""
    title = f"dlm-fill: {title}"
    if lazily:
        return lsp.CodeAction(title=title, kind=_KIND, data=data)
    return lsp.CodeAction(title=title, kind=_KIND, command=lsp.Command(title=title, command=FILL, arguments=[data]))


def _data(snapshot: Snapshot, regions: tuple[Region, ...], strength: float, session: Session) -> dict[str, Any]:
    """What `dlm.fill` takes, in JSON."""
    index, encoding = LineIndex(snapshot.source), session.documents.encoding
    ranges = [to_lsp(index, region, encoding) for region in regions]
    return {
        "uri": snapshot.uri,
        "version": snapshot.version,
        "strength": strength,
        "ranges": [
            {
                "start": {"line": r.start.line, "character": r.start.character},
                "end": {"line": r.end.line, "character": r.end.character},
            }
            for r in ranges
        ],
    }
