"""Whose word counts: the defaults, the repository's file, `initializationOptions`, the client's configuration; later ones win."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

from lsp_server.configuration.reading import Values, read
from lsp_server.configuration.settings import Settings
from lsp_server.configuration.workspace_file import WorkspaceFile
from lsp_server.workspace.uris import path_in

Complain: TypeAlias = Callable[[str], None]

SECTION = "dlm-fill"


class Configuration:
    """The settings of one connection. What is wrong with them is told once, by name; the default then holds."""

    def __init__(self, defaults: Settings) -> None:
        self._defaults = defaults
        self._initial: Values = {}
        self._client: dict[Path | None, Values] = {}
        self._files: dict[Path, WorkspaceFile] = {}
        self._told: dict[str, bool] = {}
        self._complain: Complain | None = None

    @property
    def everywhere(self) -> Settings:
        """What holds for the connection; a repository's file has no say in it."""
        return self._with_client(None, {})

    @property
    def folders(self) -> tuple[Path, ...]:
        """The workspace's folders."""
        return tuple(self._files)

    def of(self, uri: str) -> Settings:
        """What holds for the document at `uri`: its folder's settings, too, the innermost folder's if they are nested."""
        path = path_in(uri)
        around = [folder for folder in self._files if path is not None and path.is_relative_to(folder)]
        folder = max(around, key=lambda f: len(f.parts), default=None)
        if folder is None:
            return self.everywhere
        values, complaints = self._files[folder].values()
        self._note(complaints)
        return self._with_client(folder, values)

    def initialize(self, raw: object) -> None:
        """Take `initializationOptions`."""
        self._initial, complaints = read(raw, origin="initializationOptions")
        self._note(complaints)

    def follow(self, folders: Sequence[Path]) -> None:
        """The workspace has these folders from now on."""
        self._files = {folder: self._files.get(folder) or WorkspaceFile(folder) for folder in folders}
        self._client = {f: values for f, values in self._client.items() if f is None or f in self._files}

    def take(self, raw: object, *, folder: Path | None = None) -> None:
        """Take what the client's configuration says for everything, or for one folder."""
        self._client[folder], complaints = read(raw, origin=f"the setting {SECTION}")
        self._note(complaints)

    def listen(self, complain: Complain) -> None:
        """Tell `complain` each complaint, those so far included."""
        self._complain = complain
        for complaint in list(self._told):
            self._tell(complaint)

    def _with_client(self, folder: Path | None, file: Values) -> Settings:
        merged = {**file, **self._initial, **self._client.get(None, {}), **self._client.get(folder, {})}
        return replace(self._defaults, **merged)

    def _note(self, complaints: Sequence[str]) -> None:
        for complaint in complaints:
            if complaint not in self._told:
                self._told[complaint] = False
                self._tell(complaint)

    def _tell(self, complaint: str) -> None:
        if self._complain is not None and not self._told[complaint]:
            self._told[complaint] = True
            self._complain(complaint)
