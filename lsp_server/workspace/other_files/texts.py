"""Texts of files, read once per version and kept in bounded memory."""

from __future__ import annotations

import os
import stat
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path

from model.text import PlainText

LARGEST_BYTES = 200_000
"""Larger files are generated, or data."""
KEPT_BYTES = 8_000_000


@dataclass(frozen=True)
class _Version:
    """`changed` and `size` tell versions of a file apart; `inode` those of a name that was given to another file."""

    changed: int
    size: int
    inode: int


class Texts:
    """What files hold. Those used least lately are forgotten. One thread at a time."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, tuple[_Version, PlainText | None]] = OrderedDict()
        self._bytes = 0

    def read(self, name: str) -> PlainText | None:
        """The text of the file at a path; None if it is none, too large, binary, not UTF-8, or cannot be read."""
        try:
            status = os.stat(name)  # noqa: PTH116
            if not stat.S_ISREG(status.st_mode) or status.st_size > LARGEST_BYTES:
                return None
            version = _Version(status.st_mtime_ns, status.st_size, status.st_ino)
            known = self._kept.get(name)
            if known is not None and known[0] == version:
                self._kept.move_to_end(name)
                return known[1]
            text = _decoded(Path(name).read_bytes())
        except OSError:
            return None
        self._keep(name, version, text)
        return text

    def _keep(self, name: str, version: _Version, text: PlainText | None) -> None:
        older = self._kept.pop(name, None)
        self._bytes += version.size - (older[0].size if older else 0)
        self._kept[name] = version, text
        while self._bytes > KEPT_BYTES:
            _, (forgotten, _) = self._kept.popitem(last=False)
            self._bytes -= forgotten.size


def _decoded(data: bytes) -> PlainText | None:
    if b"\0" in data:
        return None
    try:
        return PlainText.read(data)
    except UnicodeDecodeError:
        return None
