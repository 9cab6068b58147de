"""Other files that a fill on the command line may copy from: those of the repository around the file."""

from __future__ import annotations

from pathlib import Path

from lsp_server.types import Snapshot
from lsp_server.workspace.exclusions import Exclusions
from lsp_server.workspace.other_files.gather import Gathering, OtherFiles, Workspace
from lsp_server.workspace.uris import path_of


def root_of(path: Path) -> Path | None:
    """The root of the repository, worktree or submodule that holds the file at `path`; None outside of one."""
    return next((folder for folder in path.parents if (folder / ".git").exists()), None)


def other_files(snapshot: Snapshot, gathering: Gathering) -> OtherFiles | None:
    """What gathers their texts; None for standard input, and where no folder above the file holds a `.git`."""
    path = path_of(snapshot.uri)
    root = root_of(path) if path is not None else None
    if root is None:
        return None
    workspace = Workspace(folders=(root,), exclusions=Exclusions([root]))
    return lambda cancelled: gathering.others(snapshot, workspace, cancelled=cancelled)
