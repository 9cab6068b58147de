"""What lives as long as the connection: settings, documents, what of them is left alone, the model, and what runs."""

from __future__ import annotations

import asyncio

from lsp_server.configuration.layers import Configuration
from lsp_server.configuration.settings import Settings
from lsp_server.documents.notebooks import Notebooks
from lsp_server.documents.store import Documents
from lsp_server.errors import Excluded, SwitchedOff
from lsp_server.session.jobs import Jobs
from lsp_server.session.loading import Loading, OpenFiller
from lsp_server.status import StatusBoard
from lsp_server.types import Cells, Snapshot
from lsp_server.workspace.exclusions import Exclusions
from lsp_server.workspace.other_files.gather import Gathering, OtherFiles, Workspace


class Session:
    """The state of one connection."""

    def __init__(self, open_filler: OpenFiller, *, options: Settings) -> None:
        self.configuration = Configuration(options)
        self.documents = Documents()
        self.editor = ""  # the name by which the client introduces itself
        self.notebooks = Notebooks()
        self.exclusions = Exclusions()
        self.status = StatusBoard(lambda seconds, call: asyncio.get_running_loop().call_later(seconds, call))
        self.loading = Loading(open_filler, lambda: self.options, self.status)
        self.jobs = Jobs(self.loading, self.status)
        self._left_alone = ""
        self._gathering = Gathering()  # used on the filling thread alone

    @property
    def options(self) -> Settings:
        """The settings that hold for the connection."""
        return self.configuration.everywhere

    def options_of(self, uri: str) -> Settings:
        """The settings that hold for the document at `uri`; for a cell, those of its notebook."""
        return self.configuration.of(self.notebooks.of(uri) or uri)

    def follow_settings(self) -> bool:
        """Whether the settings name another model or device than was loaded; it is then to be loaded anew."""
        if not self.loading.is_outdated():
            return False
        self.jobs.interrupt_all("another model is being loaded")
        return True

    def check(self, uri: str) -> None:
        """Raises Excluded or SwitchedOff if the document at `uri` is to be left alone.

        The status says so until another one is used.
        """
        self._left_alone = uri
        try:
            self.exclusions.check(uri)
            if (notebook := self.notebooks.of(uri)) is not None:
                self.exclusions.check(notebook)
        except Excluded as excluded:
            self.status.leave_alone(f"excluded by {excluded.rule}")
            raise
        if not self.options_of(uri).enabled:
            self.status.leave_alone("switched off by the setting enabled")
            raise SwitchedOff("switched off here: set enabled to true in your editor, or in dlm-fill.toml")
        self.status.leave_alone("")

    def leaves_alone(self, uri: str) -> bool:
        """Whether the document at `uri` is to be left alone; the status says why, until another document is used."""
        return bool(self.why_left_alone(uri))

    def why_left_alone(self, uri: str) -> str:
        """Why the document at `uri` is left alone, and the remedy; "": it is not. The status says it, too."""
        try:
            self.check(uri)
        except (Excluded, SwitchedOff) as refusal:
            return str(refusal)
        return ""

    def other_files(self, snapshot: Snapshot) -> OtherFiles | None:
        """What gathers texts of other files for a fill in `snapshot`, on the filling thread; None if none are wanted."""
        if not self.options_of(snapshot.uri).cross_file:
            return None
        opened = [document for document in self.documents.others(snapshot.uri) if self._is_another(document, snapshot)]
        workspace = Workspace(
            folders=self.documents.folders,
            exclusions=self.exclusions,
            opened=opened,
            notebook=self.notebooks.of(snapshot.uri),
            notebooks={one.uri: notebook for one in opened if (notebook := self.notebooks.of(one.uri)) is not None},
        )
        return lambda cancelled: self._gathering.others(snapshot, workspace, cancelled=cancelled)

    def cells(self, snapshot: Snapshot) -> Cells | None:
        """The code cells around `snapshot`, of its language; None if it is no code cell of a notebook."""
        return self.notebooks.around(snapshot, self.documents.others(snapshot.uri))

    def _is_another(self, document: Snapshot, snapshot: Snapshot) -> bool:
        """Whether an open document may be another file to `snapshot`: no cell of its own notebook, no prose of another."""
        notebook = self.notebooks.of(document.uri)
        if notebook is None:
            return True
        return self.notebooks.is_code(document.uri) and notebook != self.notebooks.of(snapshot.uri)

    def closed(self, uri: str) -> None:
        """The document at `uri` is no longer in use."""
        if uri == self._left_alone:
            self.status.leave_alone("")
