"""`dlm-fill.toml` in the root of a workspace folder: what a repository may wish of everybody who opens it."""

from __future__ import annotations

import stat
import tomllib
from pathlib import Path

from lsp_server.configuration.reading import Values, read

NAME = "dlm-fill.toml"
_MOST_BYTES = 64 * 1024


class WorkspaceFile:
    """The file in `folder`; it is read again when it changed, which costs a `stat`."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / NAME
        self._seen: tuple[int, int, int] | None = None
        self._values: Values = {}
        self._complaints: tuple[str, ...] = ()

    def values(self) -> tuple[Values, tuple[str, ...]]:
        """What it sets, by field name, and what is wrong with it; nothing if there is no such file."""
        try:
            now = self._path.stat()
        except OSError:
            self._seen, self._values, self._complaints = None, {}, ()
            return {}, ()
        seen = (now.st_mtime_ns, now.st_size, now.st_ino)
        if seen != self._seen:
            self._values, self._complaints = self._read(now.st_size, is_file=stat.S_ISREG(now.st_mode))
            self._seen = seen
        return self._values, self._complaints

    def _read(self, size_bytes: int, *, is_file: bool) -> tuple[Values, tuple[str, ...]]:
        if not is_file or size_bytes > _MOST_BYTES:
            return {}, (f"{NAME} must be a file of at most 64 KiB: it has no effect",)
        try:
            raw = tomllib.loads(self._path.read_text("utf-8"))
        except OSError as error:
            return {}, (f"{NAME} cannot be read ({error.strerror}): it has no effect",)
        except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
            where = str(error) if isinstance(error, tomllib.TOMLDecodeError) else type(error).__name__
            return {}, (f"{NAME} is not TOML ({where}): it has no effect until that is mended",)
        return read(raw, origin=NAME, repository=True)
