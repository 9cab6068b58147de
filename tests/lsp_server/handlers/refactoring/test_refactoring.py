"""Refactorings over the wire: code actions and their edits, the command, rename, and proposed names."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from lsprotocol import types as lsp
from pygls.exceptions import JsonRpcException

from lsp_server.documents.store import Documents
from lsp_server.errors import NothingFilled
from lsp_server.handlers.filling.arguments import FillArguments
from lsp_server.handlers.refactoring.actions import actions
from lsp_server.handlers.refactoring.arguments import RefactorArguments
from lsp_server.handlers.refactoring.refactor import PreparedRefactoring, workspace_edit
from lsp_server.transforms.applying import refactored
from lsp_server.transforms.rename.rename import Rename
from lsp_server.transforms.writing.repair import Repair
from model.types import FillOptions
from tests.fakes import FakeFiller
from tests.lsp_server.editor import URI, Editor, connected, span_of
from tests.lsp_server.transforms.test_golden import opened

TEXT = "def _f(b):\n    '😀'; a = b * 2\n    return a\n"
AT_A = (1, 10, 1, 10)


async def offered(editor: Editor, *place: int, only: list[str] | None = None) -> dict[str, lsp.CodeAction]:
    params = lsp.CodeActionParams(
        text_document=lsp.TextDocumentIdentifier(uri=URI),
        range=span_of(*place),
        context=lsp.CodeActionContext(diagnostics=[], only=only),
    )
    found = await editor.request(lsp.TEXT_DOCUMENT_CODE_ACTION, params)
    return {action.title.removeprefix("dlm-fill: "): action for action in found or []}


def at(line: int, character: int) -> dict[str, Any]:
    return {"text_document": lsp.TextDocumentIdentifier(uri=URI), "position": lsp.Position(line, character)}


async def test_a_name_is_renamed_by_the_model_once_the_action_is_chosen(tmp_path: Path) -> None:
    async with connected(texts=["double"], record=tmp_path / "fills", resolves=True) as editor:
        editor.open(TEXT, version=3)
        action = (await offered(editor, *AT_A, only=["refactor.rename"]))["Rename a to what it means"]
        assert (action.kind, action.edit, action.command) == ("refactor.rename", None, None)
        assert editor.recorded() == [], "nothing is computed before it is chosen"
        resolved = await editor.request(lsp.CODE_ACTION_RESOLVE, action)
        (change,) = resolved.edit.document_changes
        assert change.text_document == lsp.OptionalVersionedTextDocumentIdentifier(uri=URI, version=3)
        assert [(edit.range, edit.new_text) for edit in change.edits] == [
            (span_of(1, 10, 1, 11), "double"),
            (span_of(2, 11, 2, 12), "double"),
        ]


async def test_actions_are_of_their_kinds_and_where_they_apply() -> None:
    async with connected(texts=["x"], resolves=True) as editor:
        editor.open("def f(a):\n    return g(a * 2)\n")
        extract = await offered(editor, 1, 13, 1, 18, only=["refactor.extract"])
        assert {action.kind for action in extract.values()} == {
            "refactor.extract.variable",
            "refactor.extract.function",
        }
        assert await offered(editor, 1, 13, 1, 17, only=["refactor.extract"]) == {}
        assert await offered(editor, 1, 13, 1, 18, only=["refactor.inline"]) == {}
        assert await offered(editor, 1, 13, 1, 18, only=["source"]) == {}


async def test_who_cannot_resolve_runs_the_command() -> None:
    snapshot, region = opened("def _f(b):\n    ‸a = b * 2\n    return a\n", "python")
    session = SimpleNamespace(documents=Documents())
    (action,) = actions(session, snapshot, region, [Rename()], lazily=False)  # type: ignore[arg-type]
    assert action.command is not None
    assert (action.command.command, action.edit, action.data) == ("dlm.refactor", None, None)
    argument: Any = (action.command.arguments or ())[0]
    async with connected(texts=["double"]) as editor:
        editor.open("def _f(b):\n    a = b * 2\n    return a\n")
        result = await editor.command("dlm.refactor", [{**argument, "uri": URI}])
        assert result == {
            "applied": True, "confirmed": False, "reason": "", "summary": "rename a", "texts": ["double", "double"],
            "confidence": 0.9,
        }  # fmt: skip
        (change,) = editor.applied[0].edit.document_changes or ()
        assert len(change.edits) == 2  # type: ignore[union-attr]


async def test_a_refusal_is_a_result_with_its_reason() -> None:
    async with connected(texts=["x"]) as editor:
        editor.open("x = 1\n")
        wanted = {
            "refactoring": "rename",
            "uri": URI,
            "range": {"start": {"line": 0, "character": 0}, "end": {"line": 0, "character": 0}},
        }
        result = await editor.command("dlm.refactor", [wanted])
        assert result["applied"] is False
        assert "other files can import x" in result["reason"]
        given = {**wanted, "answers": {"name": "y", "in-this-file": "yes"}}
        assert (await editor.command("dlm.refactor", [given]))["applied"] is True


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["x"],
        [{"refactoring": 1, "uri": URI, "range": {}}],
        [{"refactoring": "rename", "uri": URI}],
        [{"refactoring": "rename", "uri": URI, "range": {"start": 1}}],
        [{"refactoring": "rename", "uri": URI, "range": {}, "more": 1}],
        [{"refactoring": "rename", "uri": 2, "range": {}, "answers": {"name": 1}}],
    ],
)
async def test_arguments_of_any_client_are_read_with_care(arguments: list[Any]) -> None:
    async with connected(texts=["x"]) as editor:
        editor.open(TEXT)
        with pytest.raises(JsonRpcException, match="takes"):
            await editor.command("dlm.refactor", arguments)


async def test_rename_by_the_protocol_needs_no_model(tmp_path: Path) -> None:
    async with connected(texts=["x"], record=tmp_path / "fills") as editor:
        editor.open(TEXT)
        found = await editor.request(lsp.TEXT_DOCUMENT_PREPARE_RENAME, lsp.PrepareRenameParams(**at(1, 10)))
        assert found == lsp.PrepareRenamePlaceholder(range=span_of(1, 10, 1, 11), placeholder="a")
        edit = await editor.request(lsp.TEXT_DOCUMENT_RENAME, lsp.RenameParams(**at(2, 11), new_name="z"))
        assert [e.range for e in edit.document_changes[0].edits] == [span_of(1, 10, 1, 11), span_of(2, 11, 2, 12)]
        assert await editor.request(lsp.TEXT_DOCUMENT_PREPARE_RENAME, lsp.PrepareRenameParams(**at(1, 5))) is None
        with pytest.raises(JsonRpcException, match="another b is in the way"):
            await editor.request(lsp.TEXT_DOCUMENT_RENAME, lsp.RenameParams(**at(2, 11), new_name="b"))
        assert editor.recorded() == []


async def test_names_are_proposed_for_whichever_server_renames() -> None:
    async with connected(texts=["b"], others=[["double"], ["twice"]]) as editor:
        editor.open(TEXT)
        params = {"textDocument": {"uri": URI}, "position": {"line": 1, "character": 10}}
        found = await editor.request("dlm/proposedNames", params)
        assert list(found.names) == ["double", "twice"]
        assert found.placeholder == "a"
        with pytest.raises(JsonRpcException, match="takes"):
            await editor.request("dlm/proposedNames", {"position": 1})


def test_an_unsure_result_is_confirmed_by_the_user_or_not_made() -> None:
    snapshot, region = opened("def f(xs):\n    return len(xs‸ xs)\n", "python")
    change = Repair().change(snapshot, region, answers={})
    place = FillArguments(uri=snapshot.uri, ranges=(), version=None)
    made = PreparedRefactoring(
        snapshot=snapshot,
        region=region,
        done=refactored(
            snapshot, change, FakeFiller(["xs, ys, xs"], confidence=0.1), FillOptions(), cancelled=lambda: False
        ),
        wanted=RefactorArguments(name="repair", place=place, answers={}),
    )
    session: Any = SimpleNamespace(documents=Documents())

    def server(*, annotates: bool) -> Any:
        support = lsp.ChangeAnnotationsSupportOptions() if annotates else None
        edits = lsp.WorkspaceEditClientCapabilities(document_changes=True, change_annotation_support=support)
        workspace = lsp.WorkspaceClientCapabilities(workspace_edit=edits)
        return SimpleNamespace(client_capabilities=lsp.ClientCapabilities(workspace=workspace))

    edit = workspace_edit(server(annotates=True), session, made)
    (annotation,) = (edit.change_annotations or {}).values()
    assert annotation.needs_confirmation
    assert "20%" in annotation.label
    with pytest.raises(NothingFilled, match="20%"):
        workspace_edit(server(annotates=False), session, made)
