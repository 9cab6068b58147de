"""Open documents, kept by incremental synchronisation: each change makes a new frozen `Snapshot`.

A store of our own because pygls' splits lines with `str.splitlines` (form feeds, U+2028 and others
count as line ends there, so edits below them land in the wrong place) and rebuilds the text per change.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias

from lsp_server.code.languages.table import language_of
from lsp_server.code.syntax.parse import Syntax
from lsp_server.code.text.positions import Encoding, LineIndex
from lsp_server.documents.history import History, Position, Span
from lsp_server.errors import InputError
from lsp_server.types import Region, Snapshot
from lsp_server.workspace.uris import Uri, path_of

OnEdit: TypeAlias = Callable[[Region | None, str], None]

_LARGEST_FILE_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class DocumentChange:
    """`text` replaces `span` (start and end as line and column in the store's encoding); None: everything."""

    text: str
    span: tuple[Position, Position] | None = None


@dataclass(frozen=True, kw_only=True)
class _Document:
    snapshot: Snapshot
    syntax: Syntax
    index: LineIndex
    history: History

    def after(self, region: Region, text: str) -> _Document:
        """With `text` in place of `region`; the version stays."""
        old, middle = self.snapshot.source, _bytes(text)
        view = memoryview(old)
        new = b"".join((view[: region.start], middle, view[region.end :]))  # copies a large file once, not twice
        syntax = self.syntax.after(old, new, region, region.start + len(middle))
        index = self.index.after(new, region, region.start + len(middle))
        return replace(self, snapshot=replace(self.snapshot, source=new, tree=syntax.tree), syntax=syntax, index=index)

    def changed(self, change: DocumentChange, *, version: int, encoding: Encoding) -> tuple[_Document, Region | None]:
        """(the document after a change on the way to `version`, the region that it replaced: None for everything)."""
        if change.span is None:
            self.history.replaced(version)
            text = _parsed(replace(self.snapshot, source=_bytes(change.text)))
            return replace(text, history=self.history), None
        source, index = self.snapshot.source, self.index
        region = _region(index, change.span, encoding)
        if _splits_line_end(source, region, change.text):
            self.history.replaced(version)
        else:
            span = index.position(region.start, encoding), index.position(region.end, encoding)
            self.history.edited(version, span, change.text, encoding)
        return self.after(region, change.text), region


class Documents:
    """Snapshots by uri, however that is escaped; they hold it as it was opened.

    `encoding` is what columns count; `folders` are the only places read from disk.
    """

    def __init__(self, *, encoding: Encoding = "utf-16", folders: Sequence[Path] = ()) -> None:
        self.encoding: Encoding = encoding
        self.folders: tuple[Path, ...] = tuple(folders)
        self._open: dict[tuple[str, ...], _Document] = {}  # by `Uri.key`

    def open(self, uri: str, text: str, *, language_id: str | None, version: int) -> Snapshot:
        """The document from now on, also if it was open before."""
        self._open.pop(_key(uri), None)
        document = self._open[_key(uri)] = _document(uri, _bytes(text), language_id=language_id, version=version)
        return document.snapshot

    def change(
        self, uri: str, changes: Sequence[DocumentChange], *, version: int, on_edit: OnEdit | None = None
    ) -> Snapshot:
        """The document after `changes`, each of which sees the result of the one before.

        `on_edit` is told, in their order, which region (None: everything) got which text. Raises InputError if
        the document is not open.
        """
        document = self._open.get(_key(uri))
        if document is None:
            raise InputError(f"{uri} is not open: send textDocument/didOpen before textDocument/didChange")
        for change in changes:
            document, region = document.changed(change, version=version, encoding=self.encoding)
            if on_edit is not None:
                on_edit(region, change.text)
        document = replace(document, snapshot=replace(document.snapshot, version=version))
        del self._open[_key(uri)]  # so that it becomes the last
        self._open[_key(uri)] = document
        return document.snapshot

    def others(self, uri: str) -> tuple[Snapshot, ...]:
        """The open documents but that one: what was opened or edited last comes first."""
        return tuple(document.snapshot for key, document in reversed(self._open.items()) if key != _key(uri))

    def rebased(self, uri: str, spans: Sequence[Span], *, since: int) -> tuple[Span, ...] | None:
        """Where `spans` of version `since` of an open document are now; None if one was edited, or nobody remembers."""
        document = self._open.get(_key(uri))
        return document.history.rebased(spans, since) if document is not None else None

    def close(self, uri: str) -> None:
        self._open.pop(_key(uri), None)

    def snapshot(self, uri: str) -> Snapshot:
        """The document as it is now: the open one, else the file, if it lies inside a workspace folder.

        Raises InputError for anything else.
        """
        document = self._open.get(_key(uri)) or self._read(uri)
        return document.snapshot

    def index(self, snapshot: Snapshot) -> LineIndex:
        """The lines of `snapshot`: counted already if it is an open document as it is now."""
        document = self._open.get(_key(snapshot.uri))
        current = document is not None and document.snapshot.source is snapshot.source
        return document.index if document is not None and current else LineIndex(snapshot.source)

    def covering(self, snapshot: Snapshot, region: Region) -> Snapshot:
        """`snapshot` with a tree that covers `region`; the document itself, and what counts as current, stay.

        After typing in a large file, the document's own tree covers the surroundings of the keystroke only.
        """
        document = self._open.get(_key(snapshot.uri))
        if document is None or document.snapshot is not snapshot:
            return snapshot  # read from disk or made by `with_text`: its tree is of its place
        syntax = document.syntax.covering(snapshot.source, region)
        return snapshot if syntax is document.syntax else replace(snapshot, tree=syntax.tree)

    def with_text(self, snapshot: Snapshot, region: Region, text: str) -> Snapshot:
        """`snapshot` as it would be with `text` in place of `region`; the document itself stays as it is."""
        document = self._open.get(_key(snapshot.uri))
        if document is None or document.snapshot is not snapshot:
            document = _parsed(snapshot)
        return document.after(region, text).snapshot

    def is_current(self, snapshot: Snapshot) -> bool:
        """Whether nothing has changed since `snapshot` was taken."""
        document = self._open.get(_key(snapshot.uri))
        if document is not None or snapshot.version is not None:
            return document is not None and document.snapshot is snapshot
        try:
            return self._read(snapshot.uri).snapshot.source == snapshot.source
        except InputError:
            return False

    def _read(self, uri: str) -> _Document:
        path = path_of(uri)
        resolved = path.resolve() if path is not None else None
        if resolved is None or not any(resolved.is_relative_to(f.resolve()) for f in self.folders):
            raise InputError(f"{uri} is not open and not in a workspace folder: open it in the editor first")
        try:
            if resolved.stat().st_size > _LARGEST_FILE_BYTES:
                raise InputError(f"{uri} is larger than 16 MiB: open it in the editor to fill it anyway")
            source = resolved.read_bytes()
            source.decode("utf-8")
        except OSError as error:
            raise InputError(f"cannot read {uri} ({error.strerror}): check the path") from error
        except UnicodeDecodeError as error:
            raise InputError(f"{uri} is not UTF-8 text: convert it first") from error
        return _document(uri, source, language_id=None, version=None)


def _key(uri: str) -> tuple[str, ...]:
    return Uri.parse(uri).key


def _document(uri: str, source: bytes, *, language_id: str | None, version: int | None) -> _Document:
    path = path_of(uri)
    language = language_of(str(path) if path is not None else uri, language_id)
    return _parsed(Snapshot(uri=uri, version=version, source=source, language=language, tree=None))


def _parsed(snapshot: Snapshot) -> _Document:
    syntax = Syntax.of(snapshot.source, snapshot.language)
    history = History(snapshot.version if snapshot.version is not None else 0)
    index = LineIndex(snapshot.source)
    return _Document(snapshot=replace(snapshot, tree=syntax.tree), syntax=syntax, index=index, history=history)


def _splits_line_end(source: bytes, region: Region, text: str) -> bool:
    r"""Whether a `\r` may meet a `\n` at an edge of the edit, or be parted from it: then lines are counted anew."""
    return source[max(region.start - 1, 0) : region.start] == b"\r" or (
        (text.endswith("\r") or source[max(region.end - 1, 0) : region.end] == b"\r")
        and source[region.end : region.end + 1] == b"\n"
    )


def _region(index: LineIndex, span: Span, encoding: Encoding) -> Region:
    (line, column), (end_line, end_column) = span
    start, end = index.offset(line, column, encoding), index.offset(end_line, end_column, encoding)
    return Region(min(start, end), max(start, end))


def _bytes(text: str) -> bytes:
    """UTF-8; half a surrogate pair, which JSON can carry and UTF-8 cannot, becomes "?" (also one UTF-16 unit)."""
    return text.encode("utf-8", errors="replace")
