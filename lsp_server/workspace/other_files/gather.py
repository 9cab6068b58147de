"""Texts of other files that a fill may copy from: what is open, what the file imports, what lies near it.

Which of them are like the surroundings of a gap is the filler's to judge; what no model may see is not among them.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from lsp_server.types import Snapshot
from lsp_server.workspace.exclusions import Exclusions
from lsp_server.workspace.other_files.listing import Listings
from lsp_server.workspace.other_files.texts import LARGEST_BYTES, Texts
from lsp_server.workspace.uris import Uri, path_of
from model.text import PlainText
from model.types import Cancelled

OtherFiles: TypeAlias = Callable[[Cancelled], tuple[PlainText, ...]]

MOST_FILES = 64
MOST_CHARS = 2_000_000


@dataclass(frozen=True, kw_only=True)
class Workspace:
    """Where to look: `folders`, the only places read from disk; `exclusions`, their rules; `opened`, the documents that
    the editor has open, the one that was edited last first. `notebook`: the URI of the one of which the file is a cell; `notebooks`:
    that of each open document which is a cell.
    """

    folders: tuple[Path, ...]
    exclusions: Exclusions
    opened: Sequence[Snapshot] = ()
    notebook: str | None = None
    notebooks: Mapping[str, str] = field(default_factory=dict)


class Gathering:
    """Gathers texts for one request after the other, and keeps what it has read. One thread at a time."""

    def __init__(self) -> None:
        self._texts, self._listings = Texts(), Listings()

    def others(self, snapshot: Snapshot, workspace: Workspace, *, cancelled: Cancelled) -> tuple[PlainText, ...]:
        """Up to `MOST_FILES` texts: open documents, then imported files, then those in the nearest folders.

        Only files of the workspace are read, links followed. Nothing if `cancelled` says so meanwhile.
        """
        found: list[PlainText] = []
        chars = 0
        for text in self._texts_of(snapshot, workspace):
            if cancelled():
                return ()
            if text and chars + len(text) <= MOST_CHARS:
                found.append(text)
                chars += len(text)
            if len(found) == MOST_FILES:
                break
        return tuple(found)

    def _texts_of(self, snapshot: Snapshot, workspace: Workspace) -> Iterator[PlainText | None]:
        """The text of each file that there is; None where it is not to be had."""
        own = path_of(workspace.notebook or snapshot.uri)
        seen: set[object] = {_name(snapshot)}
        opened = sorted(workspace.opened, key=lambda one: not _same_notebook(one, snapshot))
        homes = [workspace.notebooks.get(document.uri, document.uri) for document in opened]
        excluded = workspace.exclusions.each_excluded([*homes, *(one.uri for one in opened)], for_context=True)
        for document, *rules in zip(opened, excluded, excluded[len(opened) :], strict=False):
            if (name := _name(document)) not in seen:
                seen.add(name)
                small = len(document.source) <= LARGEST_BYTES
                yield PlainText.read(document.source) if small and not any(rules) else None
        root = _root(own, workspace.folders)
        if own is None or root is None:
            return
        paths = self._listings.around(snapshot, own, root)
        rules_of_files = workspace.exclusions.each_excluded([*map(Path, paths)], opened=False, for_context=True)
        for path, rule in zip(paths, rules_of_files, strict=True):
            real = os.path.realpath(path)
            if real not in seen:
                seen.add(real)
                yield self._texts.read(real) if rule is None else None


def _name(document: Snapshot) -> object:
    """What tells the file from others: its path without links, also of an older version (`git:/w/a.py?HEAD`).

    Of a cell and of what has no place, the URI: several of them may hold one path.
    """
    uri = Uri.parse(document.uri)
    path = uri.place
    if path is None or not path.is_absolute() or uri.fragment or uri.scheme == "untitled":
        return uri.key
    return os.path.realpath(path)


def _same_notebook(document: Snapshot, snapshot: Snapshot) -> bool:
    """Whether both are cells of one notebook, as far as their URIs tell: for editors that open cells as files."""
    one, other = Uri.parse(document.uri), Uri.parse(snapshot.uri)
    return bool(one.fragment and other.fragment) and (*one.key[:3],) == (*other.key[:3],)


def _root(own: Path | None, folders: Sequence[Path]) -> Path | None:
    """The innermost workspace folder that holds the file."""
    holding = [folder for folder in folders if own is not None and own.is_relative_to(folder)]
    return max(holding, key=lambda folder: len(folder.parts), default=None)
