"""textDocument/prepareRename and textDocument/rename, of what the file alone tells; and names that the model proposes.

What other files may use is refused, so that a client asks its next server. `dlm/proposedNames` (a request; parameters as of
prepareRename) gives `{"range", "placeholder", "names": [str…]}`: proposals for a rename, by whichever server.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from lsprotocol import types as lsp
from pygls.lsp.server import LanguageServer

from lsp_server.code.text.positions import LineIndex
from lsp_server.errors import InputError, NothingFilled
from lsp_server.handlers.error_codes import with_codes
from lsp_server.handlers.filling.arguments import FillArguments
from lsp_server.handlers.filling.arguments import read as read_place
from lsp_server.handlers.positions import to_lsp
from lsp_server.handlers.refactoring.arguments import RefactorArguments
from lsp_server.handlers.refactoring.refactor import refactor, workspace_edit
from lsp_server.session.session import Session
from lsp_server.transforms.applying import change_of
from lsp_server.transforms.refactoring import Refactoring, Refused
from lsp_server.transforms.rename.rename import Rename, name_at
from lsp_server.types import Region, Snapshot

PROPOSED_NAMES = "dlm/proposedNames"
_NAMES = 5


def register(server: LanguageServer, session: Session) -> None:
    """Add this family's handlers to `server`."""
    rename: tuple[Refactoring, ...] = (Rename(),)

    @server.feature(lsp.TEXT_DOCUMENT_PREPARE_RENAME)
    @with_codes
    async def prepare(params: lsp.PrepareRenameParams) -> lsp.PrepareRenamePlaceholder | None:
        session.check(params.text_document.uri)
        snapshot = session.documents.snapshot(params.text_document.uri)
        place = _place(session, snapshot, params.position)
        covered = session.documents.covering(snapshot, place)
        leaf = name_at(covered, place)
        if leaf is None:
            return None
        region = Region(leaf.start_byte, leaf.end_byte)
        await asyncio.to_thread(change_of, rename[0], snapshot, region, answers={})  # raises Refused, with the reason
        return lsp.PrepareRenamePlaceholder(
            range=to_lsp(LineIndex(snapshot.source), region, session.documents.encoding),
            placeholder=snapshot.as_written(region),
        )

    @server.feature(lsp.TEXT_DOCUMENT_RENAME, lsp.RenameOptions(prepare_provider=True))
    @with_codes
    async def execute(params: lsp.RenameParams) -> lsp.WorkspaceEdit:
        wanted = _wanted(params.text_document.uri, params.position, {"name": params.new_name})
        return workspace_edit(server, session, await refactor(server, session, wanted, rename))

    @server.feature(PROPOSED_NAMES)
    @with_codes
    async def proposed(params: Any) -> dict[str, Any]:
        uri, position = _read(params)
        wanted = _wanted(uri, position, {})
        try:
            made = await refactor(server, session, wanted, rename, candidates=_NAMES)
        except NothingFilled as reason:
            raise Refused(str(reason)) from reason
        first = made.done.change.gaps[0].hole.old_text
        names = [result.texts[0] for result in made.done.results][:_NAMES]
        leaf = name_at(session.documents.covering(made.snapshot, made.region), made.region)
        region = made.region if leaf is None else Region(leaf.start_byte, leaf.end_byte)
        place = to_lsp(LineIndex(made.snapshot.source), region, session.documents.encoding)
        edges = {"start": place.start, "end": place.end}
        span = {edge: {"line": at.line, "character": at.character} for edge, at in edges.items()}
        return {"range": span, "placeholder": first, "names": names}


def _place(session: Session, snapshot: Snapshot, position: lsp.Position) -> Region:
    offset = LineIndex(snapshot.source).offset(position.line, position.character, session.documents.encoding)
    return Region(offset, offset)


def _wanted(uri: str, position: lsp.Position, answers: Mapping[str, str]) -> RefactorArguments:
    at = (position.line, position.character)
    place = FillArguments(uri=uri, ranges=((at, at),), version=None)
    return RefactorArguments(name="rename", place=place, answers=answers)


def _read(params: Any) -> tuple[str, lsp.Position]:
    """The document and the position of a request that pygls does not know. Raises InputError."""
    document, position = _field(params, "textDocument"), _field(params, "position")
    line, character = _field(position, "line"), _field(position, "character")
    edge = {"line": line, "character": character}
    try:
        read = read_place([{"uri": _field(document, "uri"), "ranges": [{"start": edge, "end": edge}]}])
    except InputError:
        raise InputError(f"{PROPOSED_NAMES} takes {{textDocument: {{uri}}, position: {{line, character}}}}") from None
    (at, _), *_ = read.ranges
    return read.uri, lsp.Position(*at)


def _field(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, Mapping) else getattr(value, name, None)
