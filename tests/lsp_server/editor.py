"""An editor for tests: pytest-lsp's client on a real server process, and a copy of what it edits."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

from lsprotocol import types as lsp
from pygls.exceptions import JsonRpcException
from pytest_lsp import LanguageClient
from pytest_lsp.client import make_test_lsp_client

from tests.lsp_server import forked
from tests.lsp_server.fake_server import begun_beside

ROOT = Path(__file__).resolve().parents[2]
URI = "file:///nowhere/example.py"
T = TypeVar("T")


def large_file() -> str:
    """JavaScript of many functions; only a tree can tell that `function far(items)` stands around `step250`."""
    near = "".join(f"function near{n}(value) {{\n  return value + {n};\n}}\n" for n in range(500))
    body = "".join(f"step{n}(items, {n});\n" for n in range(500))
    return f"{near}function far(items) {{\n{body}}}\n{near.replace('near', 'last')}"


class Editor:
    """A connection. `applied` collects the edits the server asked for; `accepts` says how they are answered.

    `questions` collects what the user was asked, `answer` is what the user answers.
    """

    def __init__(self, client: LanguageClient, record: Path, gates: Mapping[str, Path]) -> None:
        self.client = client
        self.record = record
        self._gates = gates
        self._ids = itertools.count(1)
        self.applied: list[lsp.ApplyWorkspaceEditParams] = []
        self.accepts = lsp.ApplyWorkspaceEditResult(applied=True)
        self.initialized: lsp.InitializeResult | None = None
        self.versions: dict[str, int] = {}
        self.statuses: list[Any] = []
        self.previews: list[Any] = []
        self.settings: Mapping[str | None, Any] = {}
        self.questions: list[lsp.ShowMessageRequestParams] = []
        self.answer: lsp.MessageActionItem | None = None

        @client.feature("dlm/status")  # type: ignore[untyped-decorator]
        def status(params: Any) -> None:
            self.statuses.append(params)

        @client.feature("dlm/preview")  # type: ignore[untyped-decorator]
        def preview(params: Any) -> None:
            self.previews.append(params)

        @client.feature(lsp.WORKSPACE_APPLY_EDIT)  # type: ignore[untyped-decorator]
        def apply_edit(params: lsp.ApplyWorkspaceEditParams) -> lsp.ApplyWorkspaceEditResult:
            self.applied.append(params)
            return self.accepts

        @client.feature(lsp.WINDOW_SHOW_MESSAGE_REQUEST)  # type: ignore[untyped-decorator]
        def asked(params: lsp.ShowMessageRequestParams) -> lsp.MessageActionItem | None:
            self.questions.append(params)
            return self.answer

        def configuration(*, section: str | None = None, scope_uri: str | None = None) -> Any:
            assert section == "dlm-fill"
            return self.settings.get(scope_uri)

        client.get_configuration = configuration  # type: ignore[method-assign]

    def configure(self, settings: Any) -> None:
        """Say that the settings changed, to these."""
        self.client.workspace_did_change_configuration(lsp.DidChangeConfigurationParams(settings=settings))

    def open(self, text: str, *, uri: str = URI, language_id: str = "python", version: int = 1) -> None:
        self.versions[uri] = version
        item = lsp.TextDocumentItem(uri=uri, language_id=language_id, version=version, text=text)
        self.client.text_document_did_open(lsp.DidOpenTextDocumentParams(text_document=item))

    def change(self, *changes: tuple[tuple[int, int, int, int] | None, str], uri: str = URI) -> None:
        """Send `changes`: each a range (line, character, line, character), or None for all, and the new text."""
        self.versions[uri] = self.versions.get(uri, 0) + 1
        events: list[lsp.TextDocumentContentChangeEvent] = []
        for span, text in changes:
            if span is None:
                events.append(lsp.TextDocumentContentChangeWholeDocument(text=text))
            else:
                events.append(lsp.TextDocumentContentChangePartial(range=span_of(*span), text=text))
        document = lsp.VersionedTextDocumentIdentifier(uri=uri, version=self.versions[uri])
        self.client.text_document_did_change(
            lsp.DidChangeTextDocumentParams(text_document=document, content_changes=events)
        )

    def complete(
        self,
        line: int,
        character: int,
        *,
        automatic: bool = False,
        uri: str = URI,
        selected: tuple[tuple[int, int, int, int], str] | None = None,
    ) -> Awaitable[list[lsp.InlineCompletionItem]]:
        """The suggestions at a position. The request is sent at once; its id is `last_id`."""
        kind = lsp.InlineCompletionTriggerKind.Automatic if automatic else lsp.InlineCompletionTriggerKind.Invoked
        info = selected and lsp.SelectedCompletionInfo(range=span_of(*selected[0]), text=selected[1])
        params = lsp.InlineCompletionParams(
            context=lsp.InlineCompletionContext(trigger_kind=kind, selected_completion_info=info or None),
            text_document=lsp.TextDocumentIdentifier(uri=uri),
            position=lsp.Position(line=line, character=character),
        )
        return self.request(lsp.TEXT_DOCUMENT_INLINE_COMPLETION, params)

    def fill(self, *ranges: tuple[int, int, int, int], uri: str = URI, version: int | None = None) -> Awaitable[Any]:
        """The result of the command `dlm.fill`, sent at once."""
        argument = {"uri": uri, "ranges": [as_json(*r) for r in ranges], "version": version}
        return self.command("dlm.fill", [argument])

    def command(self, name: str, arguments: list[Any]) -> Awaitable[Any]:
        return self.request(lsp.WORKSPACE_EXECUTE_COMMAND, lsp.ExecuteCommandParams(command=name, arguments=arguments))

    def request(self, method: str, params: Any) -> Awaitable[Any]:
        self.last_id = f"request-{next(self._ids)}"
        return asyncio.wrap_future(self.client.protocol.send_request(method, params, msg_id=self.last_id))

    def cancel(self, request_id: str) -> None:
        self.client.protocol.notify(lsp.CANCEL_REQUEST, lsp.CancelParams(id=request_id))

    def send(self, body: bytes) -> None:
        """Put raw bytes, with a header, on the wire."""
        process = self.process
        assert process.stdin is not None
        process.stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)

    @property
    def process(self) -> asyncio.subprocess.Process:
        process = self.client._server  # noqa: SLF001  pygls has no other way to the process
        assert process is not None
        return process

    def recorded(self) -> list[dict[str, Any]]:
        """One entry per fill that has ended."""
        return [json.loads(line) for line in _whole_lines(self.record)]

    async def until_recorded(self, count: int) -> list[dict[str, Any]]:
        """The fills, as soon as `count` have ended."""
        await until(lambda: len(self.recorded()) >= count)
        return self.recorded()

    async def until_filling(self, count: int = 1) -> None:
        """Return as soon as `count` fills have begun: what is cancelled before that leaves no record."""
        await until(lambda: len(_whole_lines(begun_beside(self.record))) >= count)

    async def arrived(self) -> None:
        """Return once the server has taken what was sent so far."""
        with suppress(JsonRpcException):  # nobody knows it
            await within(60, self.request("$/dlm/ping", {}))

    def let(self, what: str) -> None:
        """Let go on what `connected` holds: "load" or "fill". That takes another way than messages: see `arrived`."""
        self._gates[what].touch()

    async def leave(self) -> int:
        """The exit code of the process, which was asked to leave."""
        await within(60, self.client.shutdown_async(None))
        self.client.exit(None)
        return await within(60, self.process.wait())


@asynccontextmanager
async def connected(
    *,
    record: Path | None = None,
    encodings: list[str] | None = None,
    options: Any = None,
    folders: list[Path] | None = None,
    progress: bool = False,
    wait: bool = True,
    command: list[str] | None = None,
    state: Path | None = None,
    inline: bool = False,
    settings: Mapping[str | None, Any] | None = None,
    resolves: bool = False,
    parent: int | None = None,
    notebooks: bool = False,
    holds: Sequence[str] = (),
    called: str = "",
    **fake: Any,
) -> AsyncIterator[Editor]:
    """An initialized connection to a server whose FakeFiller has `fake`'s fields; `wait`: until it is loaded.

    `holds`: "load" (the model is not loaded) and "fill" (no fill makes a step, unless it is cancelled) before
    `Editor.let` says so: what a test does meanwhile is meanwhile on any machine.

    `command` starts another server instead. `state` is the user's state directory; `inline`: the client says that
    it has inline completion. `settings`, by folder uri and for None, are what it answers `workspace/configuration` with.
    `resolves`: it asks for the edits of code actions when they are chosen. `parent`: the number of the editor's process (None: this one's).
    `notebooks`: it synchronises notebooks. `called`: the name by which it introduces itself.
    """
    elsewhere = tempfile.TemporaryDirectory()
    record = record or Path(elsewhere.name, "fills")
    gates = {what: Path(elsewhere.name, f"{what}.gate") for what in ("load", "fill")}
    config = {
        "texts": ["filled"],
        "record": str(record),
        **{f"{what}_gate": str(gates[what]) for what in holds},
        **fake,
    }
    client = make_test_lsp_client()
    editor = Editor(client, record, gates)
    editor.settings = settings or {}
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "XDG_STATE_HOME": str(state or elsewhere.name)}
    command = command or forked.command(json.dumps(config))
    await client.start_io(*command, env=environment, cwd=str(ROOT))
    try:
        editor.initialized = await within(
            120,
            client.initialize_session(
                _params(
                    encodings,
                    options,
                    folders,
                    progress,
                    inline,
                    settings is not None,
                    resolves,
                    parent,
                    notebooks,
                    called,
                )
            ),
        )
        if wait:
            editor.open("", uri="file:///nowhere/warm-up")
            await within(120, editor.complete(0, 0, uri="file:///nowhere/warm-up"))
        yield editor
    finally:
        if editor.process.returncode is None:
            editor.process.kill()
        await client.stop()  # type: ignore[no-untyped-call]
        await editor.process.wait()  # before that it may still write to what is removed now
        elsewhere.cleanup()


def _params(
    encodings: list[str] | None,
    options: Any,
    folders: list[Path] | None,
    progress: bool,
    inline: bool,
    settings: bool,
    resolves: bool,
    parent: int | None,
    notebooks: bool,
    called: str,
) -> lsp.InitializeParams:
    general = None
    if encodings is not None:
        general = lsp.GeneralClientCapabilities(position_encodings=encodings)
    return lsp.InitializeParams(
        process_id=parent,
        client_info=lsp.ClientInfo(name=called) if called else None,
        capabilities=lsp.ClientCapabilities(
            general=general,
            workspace=lsp.WorkspaceClientCapabilities(configuration=settings),
            notebook_document=lsp.NotebookDocumentClientCapabilities(
                synchronization=lsp.NotebookDocumentSyncClientCapabilities()
            )
            if notebooks
            else None,
            window=lsp.WindowClientCapabilities(work_done_progress=progress),
            text_document=lsp.TextDocumentClientCapabilities(
                code_action=lsp.CodeActionClientCapabilities(
                    resolve_support=lsp.ClientCodeActionResolveOptions(properties=["edit"]) if resolves else None
                ),
                inline_completion=lsp.InlineCompletionClientCapabilities() if inline else None,
            ),
        ),
        initialization_options=options,
        workspace_folders=[lsp.WorkspaceFolder(uri=f.as_uri(), name=f.name) for f in folders or []],
    )


async def within(seconds: float, awaited: Awaitable[T]) -> T:
    async with asyncio.timeout(seconds):
        return await awaited


async def until(true: Callable[[], bool], *, seconds: float = 120) -> None:
    """Return as soon as `true()` is."""
    async with asyncio.timeout(seconds):
        while not true():  # noqa: ASYNC110 - what is waited for happens in another process
            await asyncio.sleep(0.005)


def _whole_lines(path: Path) -> list[str]:
    """The lines of a file that another process is writing, without one that is not whole yet."""
    return path.read_text(encoding="utf-8").split("\n")[:-1] if path.exists() else []


def span_of(line: int, character: int, end_line: int, end_character: int) -> lsp.Range:
    return lsp.Range(
        start=lsp.Position(line=line, character=character), end=lsp.Position(line=end_line, character=end_character)
    )


def as_json(line: int, character: int, end_line: int, end_character: int) -> dict[str, Any]:
    return {"start": {"line": line, "character": character}, "end": {"line": end_line, "character": end_character}}
