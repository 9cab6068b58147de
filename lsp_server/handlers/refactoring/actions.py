"""The code actions of the refactorings: offered where they apply, without a model; their edits come by resolve."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from textwrap import shorten
from typing import Any

from lsprotocol import types as lsp
from pygls.lsp.server import LanguageServer

from lsp_server.code.text.positions import LineIndex
from lsp_server.handlers.positions import to_lsp
from lsp_server.handlers.refactoring.arguments import read
from lsp_server.handlers.refactoring.commands import REFACTOR
from lsp_server.handlers.refactoring.refactor import refactor, workspace_edit
from lsp_server.handlers.refactoring.suspicious import is_ours
from lsp_server.session.session import Session
from lsp_server.transforms.refactoring import Refactoring
from lsp_server.transforms.writing.repair import MESSAGE, Repair
from lsp_server.types import Region, Snapshot

_MOST_REPAIRS = 4
_TITLE_LENGTH = 60


def actions(
    session: Session, snapshot: Snapshot, selected: Region, among: Sequence[Refactoring], *, lazily: bool
) -> Iterator[lsp.CodeAction]:
    """An action for each refactoring that applies to the selection, of which the snapshot's tree covers the surroundings."""
    place = to_lsp(LineIndex(snapshot.source), selected, session.documents.encoding)
    for refactoring in among:
        title = refactoring.title(snapshot, selected)
        if title is not None:
            data = _data(refactoring.name, snapshot, place)
            yield _action(f"dlm-fill: {title}", refactoring.kind, data, lazily=lazily)


def repairs(
    snapshot: Snapshot, diagnostics: Sequence[lsp.Diagnostic], among: Sequence[Refactoring], *, lazily: bool
) -> Iterator[lsp.CodeAction]:
    """A quick fix for each of the diagnostics that another tool reported, which the client sent along."""
    if not any(refactoring.name == Repair.name for refactoring in among):
        return
    for diagnostic in [one for one in diagnostics if not is_ours(one)][:_MOST_REPAIRS]:
        message = diagnostic.message if isinstance(diagnostic.message, str) else diagnostic.message.value
        data = {**_data(Repair.name, snapshot, diagnostic.range), "answers": {MESSAGE: message}}
        title = f"dlm-fill: Repair: {shorten(message, _TITLE_LENGTH, placeholder=' …')}"
        action = _action(title, Repair.kind, data, lazily=lazily)
        action.diagnostics = [diagnostic]
        yield action


async def resolved(
    server: LanguageServer, session: Session, action: lsp.CodeAction, among: Sequence[Refactoring]
) -> lsp.CodeAction:
    """The action with its edit. Raises what `refactor` raises."""
    made = await refactor(server, session, read([action.data]), among)
    action.edit = workspace_edit(server, session, made)
    return action


def _action(title: str, kind: str, data: dict[str, Any], *, lazily: bool) -> lsp.CodeAction:
    if lazily:
        return lsp.CodeAction(title=title, kind=kind, data=data)
    command = lsp.Command(title=title, command=REFACTOR, arguments=[data])
    return lsp.CodeAction(title=title, kind=kind, command=command)


def _data(name: str, snapshot: Snapshot, place: lsp.Range) -> dict[str, Any]:
    """What `dlm.refactor` takes, in JSON."""
    edges = {"start": place.start, "end": place.end}
    return {
        "refactoring": name,
        "uri": snapshot.uri,
        "version": snapshot.version,
        "range": {edge: {"line": at.line, "character": at.character} for edge, at in edges.items()},
    }
